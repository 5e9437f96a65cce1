"""Ollama's double: its HTTP API, exact in shape, with a scripted reading in place of a model.

It says so: the only model is ``demo-scripted``, of the family ``scripted``. Shapes and error words as in
ollama/ollama at fb30760996. Owns no rule of reading; those are in ``reading``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from catalyst_ray.demo.reading import answer_text

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@dataclass(slots=True)
class _Asked:
    """A generation request, the same for chat and generate. ``prompt`` None asks to load the model."""

    model: str
    prompt: str | None
    stream: bool
    schema: Any
    max_tokens: int
    unload: bool
    chat: bool


class _Refused(Exception):
    """An answer with an error in it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = web.json_response({"error": message}, status=status)


class OllamaDouble:
    """An Ollama with one scripted model.

    Args:
        latency_s: Time that one answer takes, spread over its pieces when it streams.
        parallel: Answers made at a time (``OLLAMA_NUM_PARALLEL``); more wait without limit, as there.
    """

    def __init__(self, clock: Clock, *, latency_s: float = 0.06, parallel: int = 4) -> None:
        self.latency_s = latency_s
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._clock = clock
        self._slots = asyncio.Semaphore(parallel)
        self._loaded = False

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [
            web.get("/api/version", self._version),
            web.get("/api/tags", self._tags),
            web.get("/api/ps", self._running),
            web.post("/api/show", self._show),
            web.post("/api/chat", self._chat),
            web.post("/api/generate", self._generate),
        ]

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"version": VERSION})

    async def _tags(self, _: web.Request) -> web.Response:
        return web.json_response({"models": [{**self._model(), "modified_at": self._stamp()}]})

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
            _known(str(body.get("model") or body.get("name") or ""))
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
        except _Refused as refused:
            return refused.response
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            async with self._slots:
                return await self._serve(request, asked)
        finally:
            self.in_flight -= 1

    async def _serve(self, request: web.Request, asked: _Asked) -> web.StreamResponse:
        self._loaded = not asked.unload
        if asked.prompt is None:
            return web.json_response(self._part(asked, "", done="unload" if asked.unload else "load"))
        pieces = re.findall(r"\S+\s*|\s+", answer_text(asked.prompt, asked.schema))
        cut = 0 < asked.max_tokens < len(pieces)
        pieces = pieces[: asked.max_tokens] if cut else pieces
        closing = {"done": "length" if cut else "stop"} | self._figures(asked, len(pieces))
        if not asked.stream:
            await self._clock.sleep(self.latency_s)
            return web.json_response(self._part(asked, "".join(pieces), **closing))
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for group in _thirds(pieces):
            await self._clock.sleep(self.latency_s / 3)
            await response.write(_line(self._part(asked, "".join(group))))
        await response.write(_line(self._part(asked, "", **closing)))
        return response

    def _part(self, asked: _Asked, text: str, *, done: str = "", **figures: int) -> dict[str, Any]:
        said = {"message": {"role": "assistant", "content": text}} if asked.chat else {"response": text}
        part = {"model": asked.model, "created_at": self._stamp(), **said, "done": bool(done)}
        return part | ({"done_reason": done} if done else {}) | figures

    def _figures(self, asked: _Asked, pieces: int) -> dict[str, Any]:
        total_ns = int(self.latency_s * 1e9)
        return {
            "total_duration": total_ns,
            "load_duration": total_ns // 50,
            "prompt_eval_count": len((asked.prompt or "").split()),
            "prompt_eval_duration": total_ns // 5,
            "eval_count": pieces,
            "eval_duration": total_ns * 7 // 10,
        }

    def _stamp(self, when: datetime | None = None) -> str:
        return (when or self._clock.now_utc()).isoformat(timespec="microseconds").replace("+00:00", "Z")


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


def _known(model: str) -> str:
    if model not in {MODEL, _TAGGED}:
        raise _Refused(404, f"model '{model}' not found")
    return model


def _asked(body: dict[str, Any], *, chat: bool) -> _Asked:
    model = _known(str(body.get("model") or ""))
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
    return _Asked(
        model=model,
        prompt=prompt,
        stream=body.get("stream", True) is not False,
        schema=schema,
        max_tokens=int((body.get("options") or {}).get("num_predict") or 0),
        unload=prompt is None and body.get("keep_alive") in (0, "0", "0s"),
        chat=chat,
    )


def _thirds(pieces: list[str]) -> Iterator[list[str]]:
    size = max(1, -(-len(pieces) // 3))
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]


def _line(part: dict[str, Any]) -> bytes:
    return json.dumps(part, separators=(",", ":")).encode() + b"\n"
