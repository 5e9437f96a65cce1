"""The demo server on real sockets: conditional feeds, the broken and the slow one, prices, control pages."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import aiohttp
import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.edgar_documents import EdgarDocuments
from catalyst_ray.adapters.http import HttpFetcher
from catalyst_ray.adapters.prices_http import HttpPrices
from catalyst_ray.core.filings import read_submission
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import ConfigError, TransportError
from catalyst_ray.models import FeedKind, FeedState

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server():
    """Serve one world, first batch out."""
    world = World(7, datetime.now(UTC))
    async with DemoServer(world, slow_s=0.08, discord_window_s=0) as running:
        running.release(1)
        yield running


@pytest.fixture
async def session():
    """Give a client session."""
    async with aiohttp.ClientSession(headers={"X-Finnhub-Token": "k"}) as made:
        yield made


async def test_it_listens_on_private_addresses_only():
    """The world has no lock: it may be on a network of one's own, where its addresses say so, and nowhere else."""
    world = World(7, datetime.now(UTC))
    async with DemoServer(world, host="127.0.0.2") as running:
        assert running.base_url.startswith("http://127.0.0.2:")
    for host in ("0.0.0.0", "8.8.8.8", "::", "example.org", ""):
        with pytest.raises(ConfigError, match="no private IPv4 address"):
            DemoServer(world, host=host)


async def test_the_fetcher_takes_all_feeds_but_the_broken_one(server):
    """Twenty feeds answer the program's own fetcher, the slow one in pieces; the broken one fails by turns."""
    fetcher = HttpFetcher(clock=SystemClock(), timeout_s=5, max_bytes=1 << 22, version="0", finnhub_token="k")
    try:
        for spec in server.feed_specs():
            if spec.name != "demo_broken":
                fetched = await fetcher.fetch(spec, FeedState(feed=spec.name))
                assert fetched.status == 200
                assert fetched.body.startswith((b"<?xml", b"["))
        broken = next(spec for spec in server.feed_specs() if spec.name == "demo_broken")
        first = await fetcher.fetch(broken, FeedState(feed=broken.name))
        assert b"<html" in first.body
        with pytest.raises(TransportError):
            await fetcher.fetch(broken, FeedState(feed=broken.name))
    finally:
        await fetcher.close()
    assert len(server.feed_specs()) == 20


class CountedSleep(SystemClock):
    """Sleeps no time, and remembers how long it should have."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Take note."""
        self.slept.append(seconds)


async def test_another_feed_can_be_slow_and_prices_too(session):
    """What a tuner must find is planted: the feed that is named takes its time, and each table of prices."""
    clock = CountedSleep()
    world = World(7, datetime.now(UTC))
    async with DemoServer(world, clock, slow_s=4.0, slow_feed="demo_citydesk", price_s=0.5) as running:
        running.release(1)
        for name, slept in (("demo_slow", []), ("demo_citydesk", [1.0] * 4)):
            async with session.get(f"{running.base_url}/feeds/{name}.xml") as answer:
                assert (await answer.read()).startswith(b"<?xml")
            assert clock.slept == slept
        async with session.get(f"{running.base_url}/prices/NONE") as answer:
            assert answer.status == 404
        assert clock.slept[-1] == 0.5


async def test_an_unchanged_feed_is_not_sent_again(server, session):
    """Tag and date each give a 304 until the next batch is out; a wrong tag outweighs a good date."""
    for spec in server.feed_specs():
        if spec.kind is FeedKind.EDGAR or spec.name == "demo_broken":
            continue
        async with session.get(spec.url) as answer:
            tag, date = answer.headers["ETag"], answer.headers["Last-Modified"]
        for headers, status in (
            ({"If-None-Match": tag}, 304),
            ({"If-None-Match": f'W/"x", {tag}'}, 304),
            ({"If-Modified-Since": date}, 304),
            ({"If-None-Match": '"other"', "If-Modified-Since": date}, 200),
            ({"If-Modified-Since": "nonsense"}, 200),
        ):
            async with session.get(spec.url, headers=headers) as answer:
                assert answer.status == status, (spec.name, headers)
    assert server.publisher.not_modified == 13 * 3
    url = server.base_url + "/feeds/demo_meridian.xml"
    async with session.get(url) as answer:
        tag = answer.headers["ETag"]
    server.release(2)
    async with session.get(url, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != tag


async def test_edgar_serves_a_form_page_by_page(server, session):
    """The real query works, other forms stay out, and past the end there is a 503 web page."""
    url = server.base_url + "/cgi-bin/browse-edgar?action=getcurrent&type=8-K&output=atom"
    async with session.get(url + "&start=0&count=5") as answer:
        body = await answer.read()
        assert answer.content_type == "application/atom+xml"
    assert body.count(b"<entry>") == 5
    assert body.count(b'term="8-K"') == 5
    async with session.get(url + "&start=900&count=5") as answer:
        assert (answer.status, answer.content_type) == (503, "text/html")


async def test_every_link_leads_to_its_page(server, session):
    """Releases and filings that are out have a page with their text; those to come have none."""
    for item in server.world.items[::7]:
        async with session.get(server.base_url + item.path) as answer:
            assert answer.status == (200 if item.batch == 1 else 404)
            page = await answer.text()
        if item.batch == 1:
            assert "invented" in page
            assert item.paragraphs[0].split("&")[0][:60] in page


async def test_filings_lead_to_their_submissions(server):
    """What the program makes of the feed's links is the text of each filing; those to come are not there."""
    fetcher = HttpFetcher(clock=SystemClock(), timeout_s=5, max_bytes=1 << 22, version="0")
    specs = [spec for spec in server.feed_specs() if spec.kind is FeedKind.EDGAR]
    documents = EdgarDocuments(fetcher, SystemClock(), private_feeds={spec.name for spec in specs})
    releases = 0
    async with fetcher:
        for spec in specs:
            feed = parse_feed(await fetcher.fetch(spec, FeedState(feed=spec.name)), spec)
            for item in feed.items[:6]:
                body, is_cut = await documents.submission(item)
                text = read_submission(body, form=item.form, items=item.filing_items)
                assert (text.form, is_cut) == (item.form, False)
                told = {f"Item {number}" for number in item.filing_items if number != "9.01"}
                assert told <= {part.name for part in text.parts}
                releases += any(part.name == "EX-99.1" for part in text.parts)
        late = next(item for item in server.world.items if item.filing and item.batch == 3)
        page = server.base_url + late.path.replace("-index.htm", ".txt")
        with pytest.raises(TransportError, match="404"):
            await fetcher.document(page, max_bytes=10, timeout_s=5, allow_private=True)
    assert releases


async def test_prices_answer_to_the_batch(server):
    """The program's price adapter reads the bars, and a catalyst that is out has moved them."""
    prices = HttpPrices(server.base_url)
    try:
        for move in server.world.moves:
            bars = await prices.bars(move.ticker, "1D")
            assert bars is not None
            assert bars.previous_close is not None
            if move.batch == 1 and abs(move.pct) > 15:
                assert (bars.close[-1] / bars.previous_close - 1) * move.pct > 0
        assert await prices.bars("AAPL", "1D") is None
    finally:
        await prices.close()


async def test_the_control_pages_show_what_is_out(server, session):
    """Feeds, truth and state come as JSON, and a release shows in them."""
    async with session.get(server.base_url + "/_control/feeds") as answer:
        feeds = await answer.json()
    assert [row["name"] for row in feeds] == [spec.name for spec in server.feed_specs()]
    assert all(row["allow_private"] for row in feeds)
    async with session.post(server.base_url + "/_control/release?batch=3") as answer:
        assert (await answer.json())["batch"] == 3
    async with session.get(server.base_url + "/_control/truth") as answer:
        truth = await answer.json()
    assert len(truth) == 300
    assert {row["action"] for row in truth} == {"alert", "quiet"}
    assert all(row["url"].startswith(server.base_url) for row in truth)
    async with session.post(server.base_url + "/_control/release?batch=9") as answer:
        assert answer.status == 400


async def test_a_taken_port_is_an_error_with_a_hint(server):
    """A second server on the same port says what to do."""
    other = DemoServer(server.world, port=int(server.base_url.rsplit(":", 1)[1]))
    with pytest.raises(TransportError) as caught:
        await other.start()
    assert caught.value.hint


async def test_stopping_lets_hanging_requests_go(session):
    """A request that hangs does not hold the server's end up."""
    async with DemoServer(World(7, datetime.now(UTC))) as server:
        server.discord.faults = ["hang"]
        hanging = asyncio.ensure_future(session.post(server.webhook_url, json={"content": "x"}))
        while not server.discord.requests:  # noqa: ASYNC110  (the double has no event to wait for)
            await asyncio.sleep(0.01)
    (answer,) = await asyncio.gather(hanging, return_exceptions=True)
    assert isinstance(answer, aiohttp.ClientError) or answer.status == 504


async def test_a_caller_that_hangs_up_is_no_error_of_the_server(server, caplog):
    """A request broken off in its body leaves no traceback in the log, and the server goes on."""
    host, port = server.base_url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /api/chat HTTP/1.1\r\nHost: demo\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    async with aiohttp.ClientSession() as session, session.get(f"{server.base_url}/api/tags") as answer:
        assert answer.status == 200
    await asyncio.sleep(0.05)
    assert "Traceback" not in caplog.text
    assert not caplog.records
