"""Server-sent events: tells open pages that the store has something new; what it is they ask for themselves.

A page's own address already says what it shows (filter, time, alert), so an event carries nothing but the
store's mark: none can be missed, and a page that was away asks once. One poller serves all, and only while
somebody listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from catalyst_ray.core.message_text import plain
from catalyst_ray.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

MAX_LISTENERS = 32
POLL_S = 0.5
BEAT_S = 15.0
SEND_TIMEOUT_S = 10.0
RETRY_MS = 2_000


class Live:
    """Who listens, and what they know.

    Args:
        ask: Returns the store's mark.
        poll_s: Between two questions; ``beat_s`` between two signs of life to a silent listener.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[str]],
        clock: Clock,
        *,
        poll_s: float = POLL_S,
        beat_s: float = BEAT_S,
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._poll_s = poll_s
        self._beat_s = beat_s
        self._listeners: set[asyncio.Event] = set()
        self._poller: asyncio.Task[None] | None = None
        self._mark = ""
        self._trouble = ""
        self._closing = False

    @property
    def mark(self) -> str:
        """Return the mark seen last; nothing while nobody listens, for then it may be old."""
        return self._mark

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve one page until it goes; it is told at once if it does not know the mark it names."""
        if self._closing or len(self._listeners) >= MAX_LISTENERS:
            raise web.HTTPServiceUnavailable(
                text="too many pages listen already", headers={"Retry-After": "30"}
            )
        known = request.headers.get("Last-Event-ID") or request.query.get("last", "")
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # nginx would keep the events to itself
            }
        )
        woken = asyncio.Event()
        self._listeners.add(woken)
        try:
            self._poll()
            await response.prepare(request)
            # Those who gave up are seen by a write that fails, or that nobody reads any more.
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._serve(response, woken, known)
        finally:
            self._listeners.discard(woken)
            if not self._listeners:
                self._rest()
        return response

    async def close(self) -> None:
        """Let every listener go."""
        self._closing = True
        self._wake()
        if self._poller is not None:
            self._poller.cancel()
            await asyncio.gather(self._poller, return_exceptions=True)

    async def _serve(self, response: web.StreamResponse, woken: asyncio.Event, known: str) -> None:
        await self._send(response, f"retry: {RETRY_MS}\n\n")
        await self._beat(response)
        told = ""
        while not self._closing:
            if self._mark and self._mark != known:
                known = self._mark
                await self._send(response, f"id: {known}\nevent: change\ndata: {json.dumps(known)}\n\n")
            if self._trouble != told:
                told = self._trouble
                await self._send(response, f"event: trouble\ndata: {json.dumps(told)}\n\n")
            woken.clear()
            try:
                async with asyncio.timeout(self._beat_s):
                    await woken.wait()
            except TimeoutError:
                await self._beat(response)

    async def _beat(self, response: web.StreamResponse) -> None:
        """Send the time: pages tell ages by our clock, and a silent line is a dead one."""
        await self._send(response, f"event: beat\ndata: {self._clock.now_utc().timestamp() * 1000:.0f}\n\n")

    async def _send(self, response: web.StreamResponse, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await response.write(text.encode())

    def _poll(self) -> None:
        if self._poller is None or self._poller.done():
            self._poller = asyncio.ensure_future(self._keep_asking())

    def _rest(self) -> None:
        if self._poller is not None:
            self._poller.cancel()
        self._poller, self._mark, self._trouble = None, "", ""

    def _wake(self) -> None:
        for woken in self._listeners:
            woken.set()

    async def _keep_asking(self) -> None:
        while True:
            try:
                mark, trouble = " ".join((await self._ask()).split()), ""
            except StoreError as error:
                mark, trouble = self._mark, plain(str(error))
            except Exception as error:  # the boundary of this stage: listeners are told, and it asks again
                mark, trouble = self._mark, type(error).__name__
                if trouble != self._trouble:  # once, not twice a second
                    log.exception("the page's poller failed")
            if (mark, trouble) != (self._mark, self._trouble):
                self._mark, self._trouble = mark, trouble
                self._wake()
            await self._clock.sleep(self._poll_s)
