"""A loopback server that answers posts by a script, for the sinks that post JSON."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/services/T0SECRET00/B0SECRET00/s3cr3tT0kenOfTheHook"


@dataclass
class Hook:
    """Answers by its script, then with ``200 ok``; remembers what it got."""

    script: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    peers: list[object] = field(default_factory=list)
    base: str = ""

    @property
    def url(self) -> str:
        """Return a webhook's address here, of Slack's form."""
        return self.base + PATH

    def json(self, place: int) -> Any:
        """Return what one post held."""
        return json.loads(self.bodies[place])

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Remember a request and answer as told: a status, ``(status, text, headers)``, or a coroutine's answer."""
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        self.methods.append(request.method)
        self.peers.append(request.transport and request.transport.get_extra_info("peername"))
        step = self.script.pop(0) if self.script else 200
        if callable(step):
            answer: web.StreamResponse = await step(request)
            return answer
        status, text, headers = (step, "ok", {}) if isinstance(step, int) else step
        return web.Response(status=status, text=text, headers=headers)


@asynccontextmanager
async def hook_server(*script: Any) -> AsyncIterator[Hook]:
    """Serve on a free port."""
    hook = Hook(list(script))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hook.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    hook.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hook
    finally:
        await runner.cleanup()


async def cut(request: web.Request) -> web.StreamResponse:
    """Take a request and hang up."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def silent(_: web.Request) -> web.StreamResponse:
    """Take a request and never answer."""
    await asyncio.Event().wait()
    return web.Response()
