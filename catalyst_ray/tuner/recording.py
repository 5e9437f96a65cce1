"""Your feeds, taken once and given again: each turn of a trial reads the same bytes, as slowly as they came.

Only the feeds are recorded; prices, filings' documents and the language model are asked as usual.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.errors import CatalystError, TransportError
from catalyst_ray.models import FeedState
from catalyst_ray.wiring import choose_feeds, listed_feeds, make_fetcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from catalyst_ray.adapters.http import HttpFetcher
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.ports import Clock
    from catalyst_ray.settings import Settings

_LOOPBACK = "127.0.0.1"
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a feed answered: ``body`` is None where it failed; ``seconds`` is how long that took."""

    body: bytes | None
    content_type: str
    seconds: float


@contextmanager
def recorded_feeds(settings: Settings, folder: Path, clock: Clock) -> Iterator[Path]:
    """Give a list of feeds, for ``FEEDS_FILE``, that answers what the feeds of the settings answer now.

    Raises:
        ConfigError: The list of feeds is wrong.
        TransportError: No feed answered.
    """
    specs = choose_feeds(settings).active
    answers = asyncio.run(_record(settings, specs, clock))
    if not any(answer.body for answer in answers.values()):
        raise TransportError("no feed answered, so there is nothing to try it on", key="--live")
    server = _Server(answers)
    thread = threading.Thread(target=server.serve_forever, name="recorded-feeds", daemon=True)
    thread.start()
    try:
        path = folder / "recorded-feeds.toml"
        path.write_text(feeds_toml(_listed(settings, answers, server.server_port)), encoding="utf-8")
        yield path
    finally:
        server.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(_STOP_S)


def _listed(settings: Settings, answers: Mapping[str, Recorded], port: int) -> Iterator[Mapping[str, object]]:
    """Yield all feeds as rows; those that are off stay as they are."""
    for spec in listed_feeds(settings):
        here = replace(spec, url=f"http://{_LOOPBACK}:{port}/{spec.name}", allow_private=True)
        yield asdict(here if spec.name in answers else spec)


async def _record(settings: Settings, specs: tuple[FeedSpec, ...], clock: Clock) -> dict[str, Recorded]:
    async with make_fetcher(settings, clock) as fetcher:
        answers = await asyncio.gather(*(_take(fetcher, spec, clock) for spec in specs))
    return {spec.name: answer for spec, answer in zip(specs, answers, strict=True)}


async def _take(fetcher: HttpFetcher, spec: FeedSpec, clock: Clock) -> Recorded:
    begun_s = clock.monotonic()
    try:
        found = await fetcher.fetch(spec, FeedState(feed=spec.name))
    except CatalystError:
        return Recorded(None, "", clock.monotonic() - begun_s)
    return Recorded(found.body, found.content_type, clock.monotonic() - begun_s)


class _Server(ThreadingHTTPServer):
    """Answers on loopback; ``stop`` ends those who wait for a slow feed."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Recorded]) -> None:
        super().__init__((_LOOPBACK, 0), _Handler)
        self.answers = answers
        self.stop = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer as the feed did, after as long."""
        answer = self.server.answers.get(self.path.removeprefix("/"))
        if answer is None:
            self.send_error(404)
            return
        self.server.stop.wait(answer.seconds)
        if answer.body is None:
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", answer.content_type or "application/xml")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it)
        """Say nothing: every request is meant."""
