"""Recorded feeds: every turn of a trial reads the bytes that the feeds had when it began."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.core.feedlist import feeds_toml, read_feeds
from catalyst_ray.errors import TransportError
from catalyst_ray.settings import load_settings
from catalyst_ray.tuner.recording import recorded_feeds

if TYPE_CHECKING:
    from collections.abc import Iterator


class Site(ThreadingHTTPServer):
    """Counts how often each feed was asked for and answers with the number; ``/bad`` always fails."""

    pause_s = 0.0
    """How long an answer takes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: dict[str, int] = {}


class Answer(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        """Answer."""
        count = self.server.asked[self.path] = self.server.asked.get(self.path, 0) + 1
        body = json.dumps([count]).encode()
        time.sleep(self.server.pause_s)
        self.send_response(500 if self.path == "/bad" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Site]:
    """Run the site."""
    site = Site()
    thread = Thread(target=site.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
        thread.join(5)


def settings_for(site, folder, *names):
    """Return settings with these feeds of the site, and one that is off."""
    base = f"http://127.0.0.1:{site.server_port}"
    rows = [{"name": name, "url": f"{base}/{name}", "source": name} for name in names]
    off = {"name": "needs_key", "url": f"{base}/off", "source": "off", "requires": "finnhub_token"}
    path = folder / "feeds.toml"
    path.write_text(feeds_toml([*rows, off]))
    return load_settings({"feeds_file": path, "feeds_allow_private": True, "out_dir": folder})


def body_of(url):
    """Return what an address answers."""
    with urlopen(url, timeout=10) as answer:
        return answer.read()


def test_what_the_feeds_said_is_said_again_and_nobody_is_asked_twice(tmp_path):
    """The list names the same feeds at loopback addresses; failures are recorded too, what is off stays off."""
    with serving() as site:
        settings = settings_for(site, tmp_path, "good", "bad")
        with recorded_feeds(settings, tmp_path, SystemClock()) as path:
            good, bad, off = read_feeds(path.read_text(), origin="recorded")
            assert [feed.name for feed in (good, bad, off)] == ["good", "bad", "needs_key"]
            assert str(site.server_port) not in good.url + bad.url
            assert good.allow_private
            asked = dict(site.asked)
            assert [body_of(good.url) for _ in range(3)] == [b"[1]"] * 3
            with pytest.raises(HTTPError):
                body_of(bad.url)
            assert site.asked == asked
            assert "/off" not in asked
        with pytest.raises(OSError, match="refused"):
            body_of(good.url)


def test_a_slow_feed_is_as_slow_again(tmp_path, monkeypatch):
    """A setting that gives up on slow feeds could not be tried otherwise."""
    monkeypatch.setattr(Site, "pause_s", 0.2)
    with (
        serving() as site,
        recorded_feeds(settings_for(site, tmp_path, "good"), tmp_path, SystemClock()) as path,
    ):
        site.pause_s = 0.0
        (good, _) = read_feeds(path.read_text(), origin="recorded")
        begun_s = SystemClock().monotonic()
        body_of(good.url)
        assert SystemClock().monotonic() - begun_s >= 0.2


def test_without_any_answer_there_is_nothing_to_try_on(tmp_path):
    """It says so before anything is measured."""
    with serving() as site:
        settings = settings_for(site, tmp_path, "bad")
        with (
            pytest.raises(TransportError, match="no feed answered"),
            recorded_feeds(settings, tmp_path, SystemClock()),
        ):
            pass
