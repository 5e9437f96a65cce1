"""The loopback server of a demo world: newswires, EDGAR, prices, doubles of Discord and of model servers.

Wires the parts together and owns the socket. Everything is invented and stays on loopback, or on a private network.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

from aiohttp import web

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.demo.control import control_routes
from catalyst_ray.demo.discord import MAX_MESSAGES, TOKEN, WEBHOOK_ID, DiscordDouble
from catalyst_ray.demo.discord_rules import MAX_REQUEST_BYTES
from catalyst_ray.demo.ollama import OllamaDouble
from catalyst_ray.demo.openai import OpenAiDouble
from catalyst_ray.demo.press import Press
from catalyst_ray.demo.publisher import Publisher
from catalyst_ray.errors import ConfigError, TransportError

if TYPE_CHECKING:
    from types import TracebackType

    from aiohttp.typedefs import Handler

    from catalyst_ray.demo.world import World
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.ports import Clock

HOST = "127.0.0.1"
_SHUTDOWN_S = 0.5


@web.middleware
async def _let_callers_go(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keep a caller that hung up in the middle of its request, as one does that gives up, out of the log."""
    try:
        return await handler(request)
    except ConnectionResetError:
        return web.Response(status=400)


class DemoServer:
    """Serves one demo world on loopback; an async context manager.

    Args:
        host: The address to listen on: loopback, or one of a private network for machines that share one.
        port: 0 takes a free one.
        slow_s: How long the slow feed takes; ``slow_feed`` names another one for it.
        price_s: How long a table of prices takes.
        llm_latency_s: How long one answer of the Ollama double takes.
        llm_parallel: Answers that it makes at a time.
        llm_slow_every: About each so-many-th prompt takes three seconds more; 0 for none.
        discord_window_s: Window of Discord's rate limit (5 posts in it); 0 lets everything by.
        discord_keep: Messages that it remembers, pictures and all.
        is_endless: The world's last batch is followed by another day's first.
    """

    def __init__(
        self,
        world: World,
        clock: Clock | None = None,
        *,
        host: str = HOST,
        port: int = 0,
        slow_s: float = 1.5,
        slow_feed: str = "",
        price_s: float = 0.0,
        llm_latency_s: float = 0.06,
        llm_parallel: int = 4,
        llm_slow_every: int = 0,
        discord_window_s: float = 2.0,
        discord_keep: int = MAX_MESSAGES,
        is_endless: bool = False,
    ) -> None:
        self.world = world
        self._clock = clock or SystemClock()
        self._host = _checked(host)
        self._port = port
        self._runner: web.AppRunner | None = None
        self.press = Press(world, self._clock.now_utc(), is_endless=is_endless)
        self.publisher = Publisher(
            self.press, self._clock, slow_s=slow_s, slow_feed=slow_feed, price_s=price_s
        )
        self.discord = DiscordDouble(self._clock, rate_window_s=discord_window_s, keep=discord_keep)
        self.ollama = OllamaDouble(
            self._clock, latency_s=llm_latency_s, parallel=llm_parallel, slow_every=llm_slow_every
        )

    @property
    def base_url(self) -> str:
        """Return the address that everything is served under, without a slash at the end."""
        return f"http://{self._host}:{self._port}"

    @property
    def webhook_url(self) -> str:
        """Return the address of the Discord double's webhook."""
        return f"{self.base_url}/api/webhooks/{WEBHOOK_ID}/{TOKEN}"

    async def start(self) -> None:
        """Listen.

        Raises:
            TransportError: The port is taken.
        """
        app = web.Application(client_max_size=MAX_REQUEST_BYTES + 1024 * 1024, middlewares=[_let_callers_go])
        openai = OpenAiDouble(self.ollama, self.ollama.models)
        for part in (self.publisher, self.discord, self.ollama, openai):
            app.add_routes(part.routes())
        app.add_routes(control_routes(self))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            await self.stop()
            raise TransportError(
                f"cannot listen on {self._host}:{self._port}: {error.strerror}",
                key="demo",
                hint="try --port 0",
            ) from error
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Let hanging requests go and close every connection."""
        self.discord.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def release(self, batch: int) -> None:
        """Publish everything up to ``batch``, dated shortly before now.

        Raises:
            ConfigError: The world has no such batch.
        """
        self.press.release(batch, self._clock.now_utc())

    def feed_specs(self) -> list[FeedSpec]:
        """Return the feeds to poll."""
        return [channel.spec(self.base_url) for channel in self.world.channels]


def _checked(host: str) -> str:
    """Return a host that only its own network reaches: the world has no lock on its doors.

    Raises:
        ConfigError: It is no such address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or address.version != 4 or not address.is_private or address.is_unspecified:
        raise ConfigError(
            f"{host!r} is no private IPv4 address",
            key="--host",
            hint="name loopback or an address of your network",
        )
    return host
