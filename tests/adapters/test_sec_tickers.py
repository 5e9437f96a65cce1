"""The ticker map over a real loopback server, with its cache on a real disk."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from catalyst_ray.adapters import sec_tickers
from catalyst_ray.adapters.sec_tickers import SecTickers
from catalyst_ray.errors import ConfigError

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def body(ticker: str = "ABCD") -> bytes:
    """Return a map of one company."""
    return json.dumps({"0": {"cik_str": 1, "ticker": ticker, "title": "Abacod Inc."}}).encode()


class FakeSec:
    """SEC's file server: answers what it is told, remembers what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body = body()
        self.delay_s = 0.0
        self.asked: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.headers))
        await asyncio.sleep(self.delay_s)
        if request.headers.get("If-None-Match") == '"v1"':
            return web.Response(status=304)
        headers = {"ETag": '"v1"', "Last-Modified": "Mon, 02 Mar 2026 00:00:00 GMT", "Location": "/elsewhere"}
        return web.Response(body=self.body, status=self.status, headers=headers)


@asynccontextmanager
async def sec():
    """Serve a fake SEC on loopback."""
    fake = FakeSec()
    app = web.Application()
    app.router.add_get("/{any:.*}", fake.answer)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/company_tickers.json"))
        yield fake


def source(fake, folder, **more) -> SecTickers:
    """Return the adapter pointed at the fake."""
    options = {"user_agent": "test me@example.com", "allow_private": True, "timeout_s": 2.0}
    return SecTickers(cache_dir=folder, url=fake.url, **(options | more))


async def test_it_is_fetched_once_and_cached(tmp_path):
    """The map comes with our User-Agent, and a second process takes it from disk without asking."""
    async with sec() as fake:
        directory, reasons = await source(fake, tmp_path / "new").load(NOW)
        again, _ = await source(fake, tmp_path / "new").load(NOW + timedelta(days=6))
    assert (len(directory), len(again), reasons) == (1, 1, ())
    assert [ask["User-Agent"] for ask in fake.asked] == ["test me@example.com"]


async def test_an_aged_map_is_asked_for_conditionally(tmp_path):
    """After a week the server is asked with ETag and date; its 304 makes the map fresh again."""
    async with sec() as fake:
        tickers = source(fake, tmp_path)
        await tickers.load(NOW)
        for day in (7, 8, 13):
            directory, reasons = await tickers.load(NOW + timedelta(days=day))
    assert len(directory) == 1
    assert reasons == ()
    assert [ask.get("If-None-Match") for ask in fake.asked] == [None, '"v1"']
    assert fake.asked[1]["If-Modified-Since"] == "Mon, 02 Mar 2026 00:00:00 GMT"


@pytest.mark.parametrize("fault", ["status", "redirect", "html", "empty", "slow", "large", "down"])
async def test_a_failed_refresh_keeps_the_old_map_and_says_so(tmp_path, monkeypatch, fault):
    """Whatever SEC does, the old map stays, with its age in the reason, and SEC is left alone for an hour."""
    async with sec() as fake:
        tickers = source(fake, tmp_path, timeout_s=0.3)
        await tickers.load(NOW)
        tickers._stamp = sec_tickers.replace(tickers._stamp, etag=None)
        fake.status = {"status": 503, "redirect": 302}.get(fault, 200)
        fake.body = {"html": b"<html>no</html>", "empty": b"{}", "large": b" " * 5000 + body("EFG")}.get(
            fault, body("EFG")
        )
        fake.delay_s = 1.0 if fault == "slow" else 0.0
        monkeypatch.setattr(sec_tickers, "MAX_BODY_BYTES", 4000)
        if fault == "down":
            tickers._url = "http://127.0.0.1:9/"
        first = await tickers.load(NOW + WEEK)
        asked = len(fake.asked)
        second = await tickers.load(NOW + WEEK + timedelta(minutes=59))
        assert len(fake.asked) == asked
        fake.status, fake.body, fake.delay_s, tickers._url = 200, body("EFG"), 0.0, fake.url
        healed = await tickers.load(NOW + WEEK + timedelta(minutes=61))
    for directory, reasons in (first, second):
        assert directory.by_ticker("ABCD") is not None
        assert [(r.code, r.value) for r in reasons] == [("ticker_map_stale", 7.0)]
    assert healed[0].by_ticker("EFG") is not None
    assert healed[1] == ()


async def test_without_map_and_network_it_is_empty_with_the_reason(tmp_path):
    """Never an exception: an empty directory that says what failed."""
    tickers = SecTickers(cache_dir=tmp_path, url="http://127.0.0.1:9/", user_agent="x", allow_private=True)
    directory, (reason,) = await tickers.load(NOW)
    assert not directory
    assert reason.code == "ticker_map_missing"


async def test_without_contact_nobody_is_asked(tmp_path):
    """SEC demands a contact; without one the reason names the setting."""
    async with sec() as fake:
        directory, (reason,) = await source(fake, tmp_path, user_agent=None).load(NOW)
    assert (len(directory), fake.asked) == (0, [])
    assert "SEC_CONTACT" in reason.detail


async def test_a_private_address_is_refused_unless_allowed(tmp_path):
    """The map is not fetched from the inside of a network by accident."""
    async with sec() as fake:
        directory, (reason,) = await source(fake, tmp_path, allow_private=False).load(NOW)
    assert (len(directory), fake.asked) == (0, [])
    assert "private" in reason.detail


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("company_tickers.json", b'{"0": {"cik'),
        ("company_tickers.stamp.json", b"\xff"),
        ("company_tickers.stamp.json", b"[]"),
        ("company_tickers.stamp.json", b'{"url": "u"}'),
    ],
)
async def test_a_damaged_cache_is_fetched_again(tmp_path, name, content):
    """A half-written or foreign file costs one request, unconditional, and nothing else."""
    async with sec() as fake:
        await source(fake, tmp_path).load(NOW)
        (tmp_path / name).write_bytes(content)
        directory, reasons = await source(fake, tmp_path).load(NOW)
    assert (len(directory), reasons) == (1, ())
    assert [ask.get("If-None-Match") for ask in fake.asked] == [None, None]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "company_tickers.json",
        "company_tickers.stamp.json",
    ]


async def test_another_address_does_not_use_the_cache(tmp_path):
    """A map cached from one address is not served for another."""
    async with sec() as fake:
        await source(fake, tmp_path).load(NOW)
        fake.url += "?other"
        await source(fake, tmp_path).load(NOW)
    assert len(fake.asked) == 2


async def test_a_cache_that_cannot_be_written_costs_only_the_cache(tmp_path):
    """The map is used all the same, and the reason names the folder."""
    (tmp_path / "file").write_text("in the way")
    async with sec() as fake:
        directory, (reason,) = await source(fake, tmp_path / "file").load(NOW)
    assert len(directory) == 1
    assert reason.code == "ticker_map_not_cached"


async def test_a_named_file_is_read_and_nobody_asked(tmp_path):
    """The offline setting reads that file only."""
    (tmp_path / "map.json").write_bytes(body("EFG"))
    async with sec() as fake:
        directory, reasons = await source(fake, tmp_path, path=tmp_path / "map.json").load(NOW)
    assert directory.by_ticker("EFG") is not None
    assert (reasons, fake.asked) == ((), [])


@pytest.mark.parametrize("content", [None, b"<html>"])
async def test_a_named_file_that_cannot_be_used_is_a_config_error(tmp_path, content):
    """A missing or wrong file names the setting and what to give."""
    path = tmp_path / "map.json"
    if content:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"SEC_TICKERS_FILE.*company_tickers\.json"):
        await SecTickers(cache_dir=tmp_path, url="http://127.0.0.1:9/", path=path).load(NOW)
