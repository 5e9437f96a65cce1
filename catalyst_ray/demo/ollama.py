"""Ollama's double: its HTTP API, exact in shape, with the scripted engine in place of a model.

It says so: the only model is ``demo-scripted``, of the family ``scripted``. Shapes and error words as in
ollama/ollama at fb30760996. Owns no rule of reading and no fault; those are in ``reading`` and ``scripted``.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from catalyst_ray.demo.scripted import Asked, Figures, ScriptedEngine

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.ports import Clock

MODEL = "demo-scripted"
FAMILY = "scripted"
VERSION = "0.13.0-demo"
_TAGGED = f"{MODEL}:latest"
_SIZE_BYTES = 4096
_CONTEXT_TOKENS = 4096
_DETAILS = {
    "parent_model": "",
    "format": "rules",
    "family": FAMILY,
    "families": [FAMILY],
    "parameter_size": "0",
    "quantization_level": "none",
}


class _Refused(Exception):
    """An answer with an error in it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = web.json_response({"error": message}, status=status)


class OllamaDouble(ScriptedEngine):
    """An Ollama with one scripted model; ``models`` are the names it has now, which ``/api/pull`` adds to.

    Args:
        latency_s: Time that one answer takes, spread over its pieces when it streams.
        parallel: Answers made at a time (``OLLAMA_NUM_PARALLEL``); more wait without limit, as there.
    """

    def __init__(
        self, clock: Clock, *, latency_s: float = 0.06, parallel: int = 4, slow_every: int = 0
    ) -> None:
        super().__init__(clock, latency_s=latency_s, parallel=parallel, slow_every=slow_every)
        self.models = {MODEL}
        self._loaded = False

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/api/version", self._version),
            web.get("/api/tags", self._tags),
            web.get("/api/ps", self._running),
            web.post("/api/show", self._show),
            web.post("/api/pull", self._pull),
            web.post("/api/chat", self._chat),
            web.post("/api/generate", self._generate),
            self.control_route(),
        ]

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _tags(self, _: web.Request) -> web.Response:
        rows = [{**self._model(), "modified_at": self._stamp()} for _ in self.models]
        return web.json_response({"models": rows})

    async def _running(self, _: web.Request) -> web.Response:
        expires = self._stamp(self._clock.now_utc() + timedelta(minutes=5))
        running = {**self._model(), "expires_at": expires, "size_vram": 0, "context_length": _CONTEXT_TOKENS}
        return web.json_response({"models": [running] if self._loaded else []})

    def _model(self) -> dict[str, Any]:
        digest = hashlib.sha256(_TAGGED.encode()).hexdigest()
        return {"name": _TAGGED, "model": _TAGGED, "size": _SIZE_BYTES, "digest": digest, "details": _DETAILS}

    async def _show(self, request: web.Request) -> web.Response:
        try:
            body = await _body(request)
            self._known(_name(body))
        except _Refused as refused:
            return refused.response
        shown = {
            "modelfile": "# The demo world's double: whole-word rules, no language model.\n",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "license": "Apache-2.0",
            "details": _DETAILS,
            "model_info": {"general.architecture": FAMILY, f"{FAMILY}.context_length": _CONTEXT_TOKENS},
            "capabilities": ["completion"],
            "modified_at": self._stamp(),
        }
        return web.json_response(shown)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, chat=True)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, chat=False)

    async def _answer(self, request: web.Request, *, chat: bool) -> web.StreamResponse:
        try:
            asked = _asked(await _body(request), chat=chat)
            self._known(asked.model)
        except _Refused as refused:
            return refused.response
        self._loaded = not asked.unload
        wire = _Wire(asked.model, self._stamp(), chat=chat)
        if asked.prompt is None:
            return web.json_response(wire.part("", done_reason="unload" if asked.unload else "load"))
        return await self.answer(request, asked, wire)

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        try:
            name = _name(await _body(request))
        except _Refused as refused:
            return refused.response
        response = web.StreamResponse(headers={"Content-Type": _Wire.content_type})
        await response.prepare(request)
        await response.write(_line({"status": "pulling manifest"}))
        if name.removesuffix(":latest") != MODEL:
            await response.write(_line({"error": "pull model manifest: file does not exist"}))
            return response
        digest = self._model()["digest"]
        for quarter in range(5):
            await self._clock.sleep(self.latency_s / 5)
            done = {
                "digest": f"sha256:{digest}",
                "total": _SIZE_BYTES,
                "completed": _SIZE_BYTES * quarter // 4,
            }
            await response.write(_line({"status": f"pulling {digest[:12]}", **done}))
        self.models.add(MODEL)
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            await response.write(_line({"status": status}))
        return response

    def _known(self, model: str) -> None:
        if model.removesuffix(":latest") not in self.models:
            raise _Refused(404, f"model '{model}' not found")

    def _stamp(self, when: datetime | None = None) -> str:
        return (when or self._clock.now_utc()).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Wire:
    """One JSON object a line; the last says ``done``."""

    content_type = "application/x-ndjson"

    def __init__(self, model: str, stamp: str, *, chat: bool) -> None:
        self._head = {"model": model, "created_at": stamp}
        self._chat = chat

    def part(self, text: str, *, done_reason: str = "", **figures: int) -> dict[str, Any]:
        """Return one line, as a value for JSON."""
        said = {"message": {"role": "assistant", "content": text}} if self._chat else {"response": text}
        part = {**self._head, **said, "done": bool(done_reason)}
        return part | ({"done_reason": done_reason} if done_reason else {}) | figures

    def piece(self, text: str) -> bytes:
        """Return a part of a stream."""
        return _line(self.part(text))

    def closing(self, figures: Figures) -> bytes:
        """Return the end of a stream."""
        return _line(self.whole("", figures))

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        return _line({"error": message})

    def whole(self, text: str, figures: Figures) -> Any:
        """Return an answer in one piece."""
        return self.part(
            text,
            done_reason=figures.reason,
            total_duration=figures.total_ns,
            load_duration=figures.total_ns // 50,
            prompt_eval_count=figures.prompt_tokens,
            prompt_eval_duration=figures.total_ns // 5,
            eval_count=figures.output_tokens,
            eval_duration=figures.total_ns * 7 // 10,
        )

    def refusal(self, status: int, message: str) -> web.Response:
        """Return an answer that is an error."""
        return web.json_response({"error": message}, status=status)


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw:
        raise _Refused(400, "missing request body")
    try:
        body = json.loads(raw)
    except ValueError:
        raise _Refused(400, "invalid character in the request's JSON") from None
    if not isinstance(body, dict):
        raise _Refused(400, "json: cannot unmarshal into Go value of type api.ChatRequest")
    return body


def _name(body: dict[str, Any]) -> str:
    return str(body.get("model") or body.get("name") or "")


def _asked(body: dict[str, Any], *, chat: bool) -> Asked:
    if chat:
        texts = [
            str(row.get("content") or "") for row in body.get("messages") or [] if row.get("role") == "user"
        ]
        prompt = texts[-1] if texts else None
    else:
        prompt = str(body["prompt"]) if body.get("prompt") else None
    schema = body.get("format")
    if schema not in (None, "", "json") and not isinstance(schema, dict):
        wrong = json.dumps(json.dumps(schema))
        raise _Refused(500, f'invalid format: {wrong}; expected "json" or a valid JSON Schema object')
    return Asked(
        model=_name(body),
        prompt=prompt,
        stream=body.get("stream", True) is not False,
        schema=schema,
        max_tokens=int((body.get("options") or {}).get("num_predict") or 0),
        unload=prompt is None and body.get("keep_alive") in (0, "0", "0s"),
    )


def _line(part: dict[str, Any]) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode() + b"\n"
