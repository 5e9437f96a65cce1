"""The engine behind the doubles of model servers: a scripted reading, its pace, its slots and its faults.

Speaks no API of its own; ``ollama`` and ``openai`` do, each with its ``Wire``. Faults can be switched while it
runs, by attribute or over ``POST /_control/llm``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

from aiohttp import web

from catalyst_ray.demo.reading import answer_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.ports import Clock


class Fault(StrEnum):
    """How a model server fails: what it does with a request for an answer."""

    NONE = "none"
    HANG = "hang"
    """Accepts and never answers, until the fault is changed."""
    BUSY = "busy"
    """503, as with a full queue."""
    CUT = "cut"
    """A third of the answer, then the connection closes."""
    GARBAGE = "garbage"
    """200 and a page that is no answer."""
    ERROR_LINE = "error_line"
    """A third of the answer, then an error inside the stream."""


@dataclass(slots=True)
class Asked:
    """A generation request, the same for all APIs. ``prompt`` None asks to load the model."""

    model: str
    prompt: str | None
    stream: bool
    schema: Any
    max_tokens: int
    unload: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What an answer took."""

    reason: str
    prompt_tokens: int
    output_tokens: int
    total_ns: int


class Wire(Protocol):
    """How one API writes an answer."""

    content_type: str

    def piece(self, text: str) -> bytes:
        """Return a part of a stream."""
        ...

    def closing(self, figures: Figures) -> bytes:
        """Return the end of a stream."""
        ...

    def error(self, message: str) -> bytes:
        """Return an error inside a stream."""
        ...

    def whole(self, text: str, figures: Figures) -> Any:
        """Return an answer in one piece, as a value for JSON."""
        ...

    def refusal(self, status: int, message: str) -> web.Response:
        """Return an answer that is an error."""
        ...


class ScriptedEngine:
    """Answers with the scripted reading, some at a time.

    Args:
        latency_s: Time that one answer takes, spread over its pieces when it streams. May be changed.
        parallel: Answers made at a time; more wait without limit, as in Ollama.
        slow_every: About each so-many-th prompt, always the same ones, takes ``slow_s`` longer; 0 for none.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        latency_s: float = 0.06,
        parallel: int = 4,
        slow_every: int = 0,
        slow_s: float = 3.0,
    ) -> None:
        self.latency_s = latency_s
        self._slow_every = slow_every
        self._slow_s = slow_s
        self.requests = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._clock = clock
        self._slots = asyncio.Semaphore(parallel)
        self._fault = Fault.NONE
        self._left: int | None = None
        self._changed = asyncio.Event()

    def fail(self, fault: Fault, *, times: int | None = None) -> None:
        """Fail the next ``times`` requests in this way, or all until it is called again; hung ones go on."""
        self._fault = fault
        self._left = times
        self._changed.set()
        self._changed = asyncio.Event()

    def control_route(self) -> web.RouteDef:
        """Return the route that switches faults and pace: ``{"fault", "times", "latency_s"}``."""
        return web.post("/_control/llm", self._control)

    async def answer(self, request: web.Request, asked: Asked, wire: Wire) -> web.StreamResponse:
        """Answer a request with a prompt, or fail as told."""
        self.requests += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            fault = self._next_fault()
            if fault is Fault.HANG:
                await self._changed.wait()
            if fault is Fault.BUSY:
                return wire.refusal(503, "server busy, please try again.  maximum pending requests exceeded")
            if fault is Fault.GARBAGE:
                return web.Response(text="<html>It works!</html>", content_type="text/html")
            is_slow = self._slow_every and crc32((asked.prompt or "").encode()) % self._slow_every == 0
            async with self._slots:
                await self._clock.sleep(self._slow_s if is_slow else 0.0)
                return await self._serve(request, asked, wire, fault)
        finally:
            self.in_flight -= 1

    async def _serve(
        self, request: web.Request, asked: Asked, wire: Wire, fault: Fault
    ) -> web.StreamResponse:
        prompt = asked.prompt or ""
        pieces = re.findall(r"\S+\s*|\s+", answer_text(prompt, asked.schema))
        is_cut = 0 < asked.max_tokens < len(pieces)
        pieces = pieces[: asked.max_tokens] if is_cut else pieces
        reason = "length" if is_cut else "stop"
        figures = Figures(reason, len(prompt.split()), len(pieces), int(self.latency_s * 1e9))
        if not asked.stream:
            await self._clock.sleep(self.latency_s)
            if fault is Fault.ERROR_LINE:
                return wire.refusal(500, "an error was encountered while running the model")
            body = json.dumps(wire.whole("".join(pieces), figures)).encode()
            if fault is Fault.CUT:
                return await self._cut(request, "application/json", body)
            return web.Response(body=body, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": wire.content_type})
        with contextlib.suppress(ConnectionResetError):  # the caller's patience may end first
            await self._stream(request, response, wire, fault, (pieces, figures))
        return response

    async def _stream(
        self,
        request: web.Request,
        response: web.StreamResponse,
        wire: Wire,
        fault: Fault,
        answer: tuple[list[str], Figures],
    ) -> None:
        pieces, figures = answer
        await response.prepare(request)
        for group in _thirds(pieces):
            await self._clock.sleep(self.latency_s / 3)
            await response.write(wire.piece("".join(group)))
            if fault is Fault.CUT:
                _close(request)
                return
            if fault is Fault.ERROR_LINE:
                await response.write(wire.error("an error was encountered while running the model"))
                return
        await response.write(wire.closing(figures))

    async def _cut(self, request: web.Request, kind: str, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind, "Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 3])
        _close(request)
        return response

    def _next_fault(self) -> Fault:
        fault = self._fault
        if self._left is not None and fault is not Fault.NONE:
            self._left -= 1
            if self._left <= 0:
                self._fault, self._left = Fault.NONE, None
        return fault

    async def _control(self, request: web.Request) -> web.Response:
        try:
            asked = await request.json()
            fault = Fault(asked.get("fault", self._fault))
            times = asked.get("times")
            latency_s = float(asked.get("latency_s", self.latency_s))
            times = None if times is None else int(times)
        except (ValueError, TypeError, AttributeError):
            words = f"fault is one of {', '.join(Fault)}; times and latency_s are numbers"
            return web.json_response({"error": words}, status=400)
        self.latency_s = latency_s
        if "fault" in asked:
            self.fail(fault, times=times)
        return web.json_response({"fault": self._fault, "times": self._left, "latency_s": self.latency_s})


def _close(request: web.Request) -> None:
    with contextlib.suppress(OSError):
        if request.transport is not None:
            request.transport.close()


def _thirds(pieces: list[str]) -> Iterator[list[str]]:
    size = max(1, -(-len(pieces) // 3))
    for start in range(0, len(pieces), size):
        yield pieces[start : start + size]
