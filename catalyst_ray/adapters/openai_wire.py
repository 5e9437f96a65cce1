"""What OpenAI-compatible servers send: streams of events, and errors in every shape in use. Opens no connection.

Shapes read: OpenAI and newer vLLM and SGLang ``{"error": {"message", "type", "code"}}``, older vLLM and SGLang
``{"object": "error", "message", "code"}``, llama.cpp ``{"error": {"code", "message", "type"}}``, Ollama and
Text Generation Inference ``{"error": "…"}``, FastAPI ``{"detail": …}``; a proxy's page as text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from catalyst_ray.errors import ParseError

LONGEST_ANSWER_CHARS = 100_000
LONGEST_EVENT_BYTES = 1_000_000
LONGEST_STREAM_BYTES = 16_000_000
"""Bounds what a model that thinks for ever can send; its thoughts are not kept."""
CONTEXT = re.compile(
    r"context.?(length|size|window)|exceed_context|max_model_len|longer than the (model|maximum)|too many tokens",
    re.IGNORECASE,
)


def error_words(body: str) -> str:
    """Return what an error body says, one line; the body's own text where it has no known shape."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    words = (_said(value) if isinstance(value, dict) else "") or body
    return " ".join(words.split())[:300]


def is_error(value: Any) -> bool:
    """Return whether an event of a stream says that the rest will not come."""
    return isinstance(value, dict) and (bool(value.get("error")) or value.get("object") == "error")


def listed_models(value: Any) -> dict[str, str]:
    """Return name and owner of each model in an answer of ``GET /v1/models``."""
    rows = value.get("data") if isinstance(value, dict) else None
    return {
        row["id"]: str(row.get("owned_by") or "")
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("id"), str)
    }


@dataclass(slots=True)
class Stream:
    """One answer, put together from the bytes of its event stream or from one JSON object.

    Source of the format: WHATWG HTML, server-sent events. ``event:`` and ``id:`` lines say nothing here,
    lines that begin with a colon keep the connection alive.
    """

    text: str = ""
    finish_reason: str | None = None
    refusal: str | None = None
    ended: bool = False
    thought: bool = False
    prompt_tokens: int = 0
    output_tokens: int = 0
    _rest: bytes = b""
    _bytes: int = 0
    _parts: list[str] = field(default_factory=list)
    _chars: int = 0

    def feed(self, data: bytes) -> None:
        """Take bytes as they come.

        Raises:
            ParseError: The model ran on beyond every bound.
            ValueError: They are no such stream.
        """
        self._bytes += len(data)
        if self._bytes > LONGEST_STREAM_BYTES:
            raise ParseError(f"the model ran on for over {LONGEST_STREAM_BYTES} bytes")
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_EVENT_BYTES:
            raise ValueError(f"an event of over {LONGEST_EVENT_BYTES} bytes")
        for line in lines:
            self._line(line)
            if self.ended or self.refusal is not None:
                break

    def close(self) -> None:
        """Take what came after the last line's end, and put the text together.

        Raises:
            ParseError, ValueError: As from ``feed``.
        """
        if self._rest.strip() and not self.ended and self.refusal is None:
            self._line(self._rest)
        self.text = "".join(self._parts)

    def _line(self, raw: bytes) -> None:
        line = raw.strip().removeprefix(b"\xef\xbb\xbf")
        name, colon, payload = line.partition(b":")
        if name in {b"data", b"error"} and colon:
            payload = payload.strip()
        elif line.startswith(b"{"):  # a server that does not stream, or an error without the event's form
            payload = line
        elif not line or not name or name in {b"event", b"id", b"retry"}:
            return
        else:
            raise ValueError("a line that is no event")
        if payload == b"[DONE]":
            self.ended = True
        elif name == b"error" and payload:  # older llama.cpp
            self.refusal = error_words(payload.decode(errors="replace"))
        elif payload:
            self._event(json.loads(payload))

    def _event(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise TypeError("an event that is no object")
        if is_error(value):
            self.refusal = error_words(json.dumps(value))
            return
        for choice in value.get("choices") or ():
            self._piece(choice.get("delta") or choice.get("message") or {})
            if reason := choice.get("finish_reason"):
                self.finish_reason = str(reason)
        usage = value.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = int(usage.get("prompt_tokens") or 0)
            self.output_tokens = int(usage.get("completion_tokens") or 0)

    def _piece(self, delta: dict[str, Any]) -> None:
        self.thought = self.thought or bool(delta.get("reasoning_content") or delta.get("reasoning"))
        content = delta.get("content")
        if content is None:
            return
        if not isinstance(content, str):
            raise TypeError("a piece that is no text")
        self._parts.append(content)
        self._chars += len(content)
        if self._chars > LONGEST_ANSWER_CHARS:
            raise ParseError(f"the model ran on for over {LONGEST_ANSWER_CHARS} characters")


def _said(value: dict[str, Any]) -> str:
    said = value.get("error") or value.get("message") or value.get("detail")
    if isinstance(said, dict):
        said = said.get("message") or said.get("detail") or said
    kind = value["error"].get("type") if isinstance(value.get("error"), dict) else None
    words = said if isinstance(said, str) else json.dumps(said) if said else ""
    return f"{words} [{kind}]" if words and isinstance(kind, str) else words
