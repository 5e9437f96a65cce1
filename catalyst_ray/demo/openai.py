"""The double of an OpenAI-compatible server: model list and chat completions, whole and streamed.

Answers with the same scripted engine as Ollama's double, and says so (``owned_by``). Shapes as in vLLM and in
OpenAI's API reference; a prompt is never too long for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from catalyst_ray.demo.scripted import Asked, Figures, ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Collection

OWNER = "scripted"


class OpenAiDouble:
    """Serves ``/v1`` for an engine.

    Args:
        models: Names of the models there are, looked at with each request.
    """

    def __init__(self, engine: ScriptedEngine, models: Collection[str]) -> None:
        self._engine = engine
        self._models = models

    def routes(self) -> list[web.RouteDef]:
        """Return the routes to serve."""
        return [web.get("/v1/models", self._list), web.post("/v1/chat/completions", self._chat)]

    async def _list(self, _: web.Request) -> web.Response:
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": OWNER} for name in self._models]
        return web.json_response({"object": "list", "data": rows})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await request.json()
            asked = _asked(body)
        except (ValueError, TypeError, AttributeError, LookupError):
            return _refusal(400, "the request is no chat completion", "BadRequestError")
        if asked.model not in self._models:
            return _refusal(404, f"The model `{asked.model}` does not exist.", "NotFoundError")
        wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return await self._engine.answer(request, asked, _Wire(asked.model, wants_usage=wants_usage))


class _Wire:
    """Server-sent events that end with ``[DONE]``."""

    content_type = "text/event-stream"

    def __init__(self, model: str, *, wants_usage: bool) -> None:
        self._head = {"id": "chatcmpl-demo", "created": 0, "model": model, "system_fingerprint": "demo"}
        self._wants_usage = wants_usage

    def piece(self, text: str) -> bytes:
        """Return a part of a stream."""
        return self._event([{"index": 0, "delta": {"content": text}, "finish_reason": None}])

    def closing(self, figures: Figures) -> bytes:
        """Return the end of a stream."""
        end = self._event([{"index": 0, "delta": {}, "finish_reason": figures.reason}])
        usage = self._event([], usage=_usage(figures)) if self._wants_usage else b""
        return end + usage + b"data: [DONE]\n\n"

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        error = {"message": message, "type": "InternalServerError", "param": None, "code": 500}
        return b"data: " + json.dumps({"error": error}).encode() + b"\n\ndata: [DONE]\n\n"

    def whole(self, text: str, figures: Figures) -> Any:
        """Return an answer in one piece."""
        message = {"role": "assistant", "content": text}
        choices = [{"index": 0, "message": message, "finish_reason": figures.reason}]
        return {**self._head, "object": "chat.completion", "choices": choices, "usage": _usage(figures)}

    def refusal(self, status: int, message: str) -> web.Response:
        """Return an answer that is an error."""
        return _refusal(
            status, message, "ServiceUnavailableError" if status == 503 else "InternalServerError"
        )

    def _event(self, choices: list[Any], **more: Any) -> bytes:
        value = {**self._head, "object": "chat.completion.chunk", "choices": choices, **more}
        return b"data: " + json.dumps(value).encode() + b"\n\n"


def _usage(figures: Figures) -> dict[str, int]:
    return {
        "prompt_tokens": figures.prompt_tokens,
        "completion_tokens": figures.output_tokens,
        "total_tokens": figures.prompt_tokens + figures.output_tokens,
    }


def _refusal(status: int, message: str, kind: str) -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": status}
    return web.json_response({"error": error}, status=status)


def _asked(body: Any) -> Asked:
    said = [str(row.get("content") or "") for row in body["messages"] if row.get("role") == "user"]
    wanted = body.get("response_format") or {}
    schema = wanted["json_schema"]["schema"] if wanted.get("type") == "json_schema" else None
    return Asked(
        model=str(body["model"]),
        prompt=said[-1],
        stream=body.get("stream") is True,
        schema="json" if wanted.get("type") == "json_object" else schema,
        max_tokens=int(body.get("max_tokens") or 0),
    )
