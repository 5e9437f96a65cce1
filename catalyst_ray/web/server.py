"""The page's server: the socket, the routes, and what becomes of a failure. It can harm nobody but itself."""

from __future__ import annotations

import errno
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from catalyst_ray.core.message_text import plain
from catalyst_ray.errors import ConfigError, ParseError, StoreError
from catalyst_ray.web.answers import Answer, Ask, json_answer
from catalyst_ray.web.assets import Assets
from catalyst_ray.web.data import Data, unhealthy
from catalyst_ray.web.guard import METHODS, Refusal, add_headers, refusal
from catalyst_ray.web.kept import Kept
from catalyst_ray.web.live import Live
from catalyst_ray.web.pages import Pages
from catalyst_ray.web.reader import Reader
from catalyst_ray.web.render import Renderer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp.typedefs import Handler, Middleware

    from catalyst_ray.ports import Archive, Clock
    from catalyst_ray.web.options import PageOptions

log = logging.getLogger(__name__)
_http_log = logging.getLogger(f"{__name__}.http")
_http_log.addFilter(lambda record: not _is_malformed_request(record))

BACKLOG = 64
SHUTDOWN_S = 1.0
KEEP_ALIVE_S = 30.0
_ID = r"[\w:-]{1,64}"


class PageServer:
    """Serves the page; a context manager that holds the port.

    Args:
        archive: What it shows.
        poll_s: How often the store is asked for its mark while somebody listens; ``beat_s`` between signs of life.
    """

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        options: PageOptions,
        *,
        poll_s: float = 0.5,
        beat_s: float = 15.0,
    ) -> None:
        self._archive = archive
        self._options = options
        self._assets = Assets()
        self._pages = Pages(archive, clock, Renderer(self._assets), options)
        self._data = Data(archive, clock, options)
        self._reader = Reader(timeout_s=options.timeout_s)
        # Of its own: a crowd of readers must not look to a supervisor as if the driver had stopped.
        self._health_reader = Reader(timeout_s=options.timeout_s)
        self._kept = Kept(clock)
        self._live = Live(lambda: self._reader.run(archive.mark), clock, poll_s=poll_s, beat_s=beat_s)
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        self._socket = _listen(self._options.host, self._options.port)
        if not self._options.is_loopback:
            log.warning(
                "the page has no login: everybody who reaches this address can read it",
                extra={
                    "address": self.url,
                    "hint": "put a proxy with a login before it, or set WEB_HOST=127.0.0.1",
                },
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()
        self._reader.close()
        self._health_reader.close()

    @property
    def url(self) -> str:
        """Return the address that it listens on."""
        host, port = (
            self._socket.getsockname()[:2] if self._socket else (self._options.host, self._options.port)
        )
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer requests until the block ends."""
        app = web.Application(client_max_size=1024, middlewares=[self._guarded()])
        app.add_routes(self._routes())
        app.on_response_prepare.append(add_headers)
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=_http_log,
            shutdown_timeout=SHUTDOWN_S,
            keepalive_timeout=KEEP_ALIVE_S,
            handler_cancellation=True,  # a page that goes gives its place among the listeners back at once
        )
        await runner.setup()
        try:
            if self._socket is not None:
                await web.SockSite(runner, self._socket, backlog=BACKLOG).start()
            log.info("the page is up", extra={"page": self._options.public_url or self.url})
            yield
        finally:
            await self._live.close()
            await runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        pages, data = self._pages, self._data
        return [
            web.get("/", self._page(pages.alerts)),
            web.get("/why", self._page(pages.why)),
            web.get("/status", self._page(pages.status)),
            web.get("/alerts.json", self._fresh(data.alerts)),
            web.get("/cycles.json", self._fresh(data.cycles)),
            web.get("/healthz", self._health),
            web.get(rf"/alerts/{{name:{_ID}}}.json", self._fresh(data.alert)),
            web.get(rf"/alerts/{{name:{_ID}}}/chart.png", self._fresh(pages.chart)),
            web.get(rf"/alerts/{{name:{_ID}}}", self._page(pages.alert)),
            web.get("/static/{name}", self._asset),
            web.get("/events", self._live.stream, allow_head=False),
        ]

    def _page(self, work: Callable[[Ask], Answer]) -> Handler:
        """Return the handler of a page that open browsers ask for again at every change."""

        async def handler(request: web.Request) -> web.StreamResponse:
            ask, mark = _ask(request), self._live.mark

            def made() -> Answer:
                return work(replace(ask, mark=mark or self._archive.mark()))

            return _response(await self._kept.get(request.path_qs, mark, lambda: self._reader.run(made)))

        return handler

    def _fresh(self, work: Callable[[Ask], Answer]) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            ask = _ask(request)
            return _response(await self._reader.run(lambda: work(ask)))

        return handler

    async def _health(self, request: web.Request) -> web.StreamResponse:
        try:
            answer = await self._health_reader.run(lambda: self._data.health(_ask(request)))
        except StoreError as error:
            answer = unhealthy(plain(str(error)), store="unreadable")
        return _response(answer)

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        found = self._assets.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        cache = "public, max-age=31536000, immutable"
        return _response(Answer(body=found.body, content_type=found.content_type, cache=cache))

    def _guarded(self) -> Middleware:
        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            why = refusal(request, self._options)
            if why is None:
                try:
                    return await handler(request)
                except ConnectionError:
                    raise  # the reader is gone: there is nobody to tell
                except (ParseError, StoreError, web.HTTPException) as error:
                    why = _why(error)
                except Exception as error:  # the page's one boundary: a broken page is told and logged
                    log.exception("the page failed", extra={"path": request.path[:200]})
                    why = Refusal(500, "This page failed", f"{type(error).__name__}; the log says more.")
            return self._problem(request, why)

        return guarded

    def _problem(self, request: web.Request, why: Refusal) -> web.StreamResponse:
        text = plain(why.text)
        if request.path.endswith((".json", "/healthz", "/events")):
            answer = json_answer({"error": text or why.title}, status=why.status)
        else:
            answer = self._pages.problem(_ask(request), why.status, why.title, text)
        response = _response(answer)
        if why.status == 405:
            response.headers["Allow"] = ", ".join(METHODS)
        elif why.status == 503:
            response.headers["Retry-After"] = "5"
        return response


def _why(error: ParseError | StoreError | web.HTTPException) -> Refusal:
    if isinstance(error, ParseError):
        return Refusal(400, "That cannot be read", str(error))
    if isinstance(error, StoreError):
        return Refusal(503, "The store cannot be read", str(error))
    if isinstance(error, web.HTTPNotFound):
        return Refusal(404, "Not found", "There is no such page.")
    return Refusal(error.status, error.reason, error.text or "")


def _is_malformed_request(record: logging.LogRecord) -> bool:
    """Tell whether aiohttp logs a request that is no HTTP: the client's fault, and no traceback of ours."""
    error = record.exc_info[1] if record.exc_info else None
    return isinstance(error, HttpProcessingError) and error.code < HTTPStatus.INTERNAL_SERVER_ERROR


def _ask(request: web.Request) -> Ask:
    depth = request.path.count("/") - 1
    return Ask(
        query=request.query, name=request.match_info.get("name", ""), root="../" * min(depth, 20) or "./"
    )


def _response(answer: Answer) -> web.Response:
    return web.Response(
        body=answer.body,
        status=answer.status,
        headers={"Content-Type": answer.content_type, "Cache-Control": answer.cache},
    )


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigError: The port is taken, or the address is not of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # A name may have addresses of both kinds (localhost): one socket serves, and everybody speaks the older.
        family, _, _, _, address = min(found, key=lambda one: one[0] is not socket.AF_INET)
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise ConfigError(
                f"this machine has no address {host}", key="WEB_HOST", hint="127.0.0.1 is this machine alone"
            ) from error
        in_use = error.errno == errno.EADDRINUSE
        words = (
            f"port {port} of {host} is in use"
            if in_use
            else f"cannot listen on {host}:{port}: {error.strerror}"
        )
        raise ConfigError(
            words, key="WEB_PORT", hint="name a free port, or stop what listens there"
        ) from error
