"""The page over HTTP: what it shows, what it refuses, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
import re
import struct
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.errors import ConfigError, StoreError
from catalyst_ray.models import FeedReport, Reason
from catalyst_ray.web.options import PageOptions
from catalyst_ray.web.reader import MAX_WAITING
from catalyst_ray.web.server import PageServer
from tests.adapters.web_world import HOSTILE, HandMadeArchive, item_of, record_of, report_of, served
from tests.unit.core.factories import NOW_UTC

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 360) + b"rest"
PAGES = ("/", "/alerts/alert00000", "/why?q=Quillon", "/status", "/nowhere")


def world(*numbers: int) -> HandMadeArchive:
    """Return an archive with an alert of each number, a cycle and an item."""
    archive = HandMadeArchive(*(record_of(number) for number in numbers or (0, 1, 2)))
    archive.reports = [report_of()]
    archive.items = [item_of()]
    return archive


async def html_of(client, address: str, *, status: int = 200) -> HTMLParser:
    """Return a page that answers with this status."""
    async with client.get(address) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return HTMLParser(text)


async def json_of(client, address: str, *, status: int = 200):
    """Return the JSON of an address that answers with this status."""
    async with client.get(address) as answer:
        text = await answer.text()
        assert answer.status == status, text
        assert answer.content_type == "application/json"
        return json.loads(text)


async def test_every_answer_is_locked(tmp_path: Path) -> None:
    """Nothing is loaded from elsewhere, framed, sniffed or kept: pages, errors, pictures, data and streams alike."""
    async with served(world(), tmp_path) as (client, page):
        asset = re.search(r'href="\./(static/page\.\w+\.css)"', await (await client.get(page)).text())
        assert asset
        for path in (*PAGES, "/alerts.json", "/healthz", "/events", f"/{asset[1]}"):
            async with client.get(page + path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Referrer-Policy"] == "no-referrer"
                assert "aiohttp" not in answer.headers["Server"]
                kept = "immutable" in answer.headers["Cache-Control"]
                assert kept is path.startswith("/static"), path


async def test_a_page_holds_nothing_inline(tmp_path: Path) -> None:
    """No style, script or handler stands in a page, and every address that it loads is its own."""
    async with served(world(), tmp_path) as (client, page):
        for path in PAGES:
            html = await html_of(client, page + path, status=404 if path == "/nowhere" else 200)
            assert not html.css("style, [style]")
            assert [tag.attributes for tag in html.css("script")] == [
                {"src": html.css("script")[0].attributes["src"]}
            ]
            assert not [n for tag in html.css("*") for n in tag.attributes if n.startswith("on")]
            loaded = [
                tag.attributes.get("src") or tag.attributes.get("href")
                for tag in html.css("script, img, link")
            ]
            assert not [address for address in loaded if re.match(r"[a-z]+:|//", address or "")]
            for tag in html.css("link[rel=stylesheet], script, link[rel=icon]"):
                address = tag.attributes.get("src") or tag.attributes.get("href")
                async with client.get(
                    f"{page}{path.partition('?')[0].rpartition('/')[0]}/{address}"
                ) as answer:
                    assert answer.status == 200, address
            assert html.css_first("main#main")
            assert bool(html.css("[data-live]")) is (path != "/nowhere"), (
                "what failed does not follow the news"
            )
            assert len(html.css("h1")) == 1
            assert html.css_first("html").attributes["lang"] == "en"


async def test_strangers_text_stays_text(tmp_path: Path) -> None:
    """Tags, quotes and template marks are shown, never obeyed, and what turns the reading direction is gone."""
    long = "A" * 10_000
    item = {"title": HOSTILE, "summary": f"{HOSTILE} {long}", "source": HOSTILE, "url": "javascript:alert(1)"}
    archive = world()
    archive.records = [record_of(0, item=item, chart_reason=Reason("no_bars", HOSTILE))]
    archive.items = [item_of(title=f"Quillon {HOSTILE}", source=HOSTILE, url="javascript:alert(1)")]
    archive.reports = [
        report_of(
            feeds=(FeedReport(feed=HOSTILE, status="failed", error=HOSTILE),),
            problems=(HOSTILE,),
            queues={HOSTILE: {HOSTILE: 1.0}},
            stages={HOSTILE: 1.0},
        )
    ]
    async with served(archive, tmp_path) as (client, page):
        for path in PAGES[:-1]:
            html = await html_of(client, page + path)
            assert len(html.css("script")) == 1, path
            assert not html.css("[onerror], img[src=x]"), path
            assert "{{ 7 * 7 }}" in html.body.text(), path
            assert "\u202e" not in html.html, path
            assert "javascript:" not in html.html, path


async def test_the_list_filters_and_pages(tmp_path: Path) -> None:
    """Filters narrow the list and stay in its links; older alerts follow without a gap or a double."""
    archive = world(*range(7))
    archive.records.append(record_of(50, link=_linked("ZZTP")))
    async with served(archive, tmp_path) as (client, page):
        html = await html_of(client, f"{page}/?ticker=zztp")
        assert [one.attributes["data-key"] for one in html.css("li.alert")] == ["alert00050"]
        assert html.css_first("input[name=ticker]").attributes["value"] == "ZZTP"
        assert html.css_first("a[href*='alerts.json']").attributes["href"] == "./alerts.json?ticker=ZZTP"
        seen, address = [], "/?limit=3&direction=bearish"
        for _ in range(5):
            html = await html_of(client, page + address)
            seen += [one.attributes["data-key"] for one in html.css("li.alert")]
            older = html.css_first("a[rel=next]")
            if older is None:
                break
            address = f"/{older.attributes['href'].removeprefix('./')}&limit=3"
            assert "direction=bearish" in address
        assert seen == [f"alert{number:05d}" for number in (*range(7), 50)]
        html = await html_of(client, f"{page}/?event=merger_target")
        assert "No alert matches" in html.css_first("li.empty").text()


def _linked(ticker: str):
    link = record_of().alert.link
    return replace(link, symbols=(replace(link.symbols[0], ticker=ticker),))


async def test_an_alert_has_its_page(tmp_path: Path) -> None:
    """Verdict, evidence, arithmetic, timeline, deliveries and the way to the source stand on it."""
    archive = world()
    archive.records = [record_of(0, chart_path=str(tmp_path / "alert00000.png"))]
    async with served(archive, tmp_path, chart_keep_s=3600.0) as (client, page):
        html = await html_of(client, f"{page}/alerts/alert00000")
        assert html.css_first("h1").text() == "QLLN"
        assert html.css_first(".verdict").text() == "▼Strongly bearish−0.72"
        assert html.css_first("h2.story a").attributes["href"].startswith("https://wire.example.com/")
        assert "noopener" in html.css_first("h2.story a").attributes["rel"]
        assert "10,000,000 shares at $2.50" in html.css_first("mark.mark-model").text()
        assert "Offering priced −0.70" in html.css_first("p.line").text()
        assert "First byte received" in html.css_first("ol.steps").text()
        assert [row.css_first("b").text() for row in html.css(".posts li")] == ["discord", "file"]
        assert "deleted after 60 min" in html.css_first("p.none").text()
        async with client.get(f"{page}/alerts/alert00000/chart.png") as answer:
            assert answer.status == 404
        (tmp_path / "alert00000.png").write_bytes(PNG)
        image = (await html_of(client, f"{page}/alerts/alert00000")).css_first("img").attributes
        assert (image["width"], image["height"]) == ("640", "360")
        async with client.get(f"{page}/alerts/{image['src']}") as answer:
            assert (answer.content_type, await answer.read()) == ("image/png", PNG)
        gone = await html_of(client, f"{page}/alerts/alert09999", status=404)
        assert "no such alert" in gone.css_first("h1").text()


async def test_why_not_is_answered(tmp_path: Path) -> None:
    """An item is found with the rule that decided and its arithmetic; all are counted by reason; nothing found says so."""
    async with served(world(), tmp_path) as (client, page):
        html = await html_of(client, f"{page}/why?q=quillon")
        assert html.css_first(".item .action").text() == "suppress"
        assert "Too weak" in html.css_first(".item .reasons b").text()
        assert "Product launch +0.21" in html.css_first(".item .line").text()
        assert [row.css_first("td.number").text() for row in html.css("table.counts tbody tr")] == [
            "10",
            "30",
            "60",
        ]
        assert "Nothing found" in (await html_of(client, f"{page}/why?q=unheard")).css_first(".empty").text()
        assert (await html_of(client, f"{page}/why")).css(".empty")


async def test_status_shows_how_it_does(tmp_path: Path) -> None:
    """Stages as a tree, the plot with its bars named, feeds with their trouble, queues, GPUs and the outbox."""
    archive = world()
    archive.reports = [
        report_of(number, started_utc=SystemClock().now_utc() - timedelta(minutes=n))
        for n, number in enumerate((3, 2, 1))
    ]
    async with served(archive, tmp_path) as (client, page):
        html = await html_of(client, f"{page}/status?hours=1")
        assert [row.css_first("th").text() for row in html.css(".tree tbody tr")][:3] == [
            "Feeds",
            "Fetch",
            "Parse",
        ]
        assert len(html.css(".column title")) == 3
        assert "Cycle 3: 1.25 s" in html.css(".column title")[-1].text()
        assert html.css_first("svg.plot[role=img] > desc").text().startswith("3 cycles")
        first = html.css_first("table.feeds tbody tr").text()
        assert "odd" in first
        assert "check the address" in first
        assert "43 %" in html.css_first(".gpu").text()
        assert [queue.css_first("h3").text() for queue in html.css(".queue")] == [
            "Language model"
        ]  # not the empty one
        assert "Possible doubles: 1" in html.body.text()
        assert (await html_of(client, f"{page}/status?hours=99", status=400)).css_first("h1")


async def test_data_for_programs(tmp_path: Path) -> None:
    """Alerts and cycles come as JSON with limits; a chart is an address and no path of the machine; nonsense is named."""
    archive = world(*range(5))
    archive.records[0] = record_of(0, chart_path="/home/somebody/charts/x.png")
    async with served(archive, tmp_path) as (client, page):
        found = (await json_of(client, f"{page}/alerts.json?limit=2"))["alerts"]
        assert [one["id"] for one in found] == ["alert00000", "alert00001"]
        assert found[0]["chart"] == "alerts/alert00000/chart.png"
        assert found[0]["deliveries"][0]["sent_utc"] == "2026-03-17T13:42:07.500000+00:00"
        assert found[0]["held"] is False
        since = (NOW_UTC - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
        assert len((await json_of(client, f"{page}/alerts.json?since={since}"))["alerts"]) == 2
        assert (await json_of(client, f"{page}/alerts/alert00003.json"))["id"] == "alert00003"
        assert "error" in await json_of(client, f"{page}/alerts/alert09999.json", status=404)
        (cycle,) = (await json_of(client, f"{page}/cycles.json?limit=1"))["cycles"]
        assert (cycle["number"], cycle["gpus"][0]["name"]) == (1, "H100")
        for query, word in (("limit=0", "limit"), ("sinse=x", "sinse"), ("since=now", "since")):
            assert word in (await json_of(client, f"{page}/alerts.json?{query}", status=400))["error"]
            assert word in (await json_of(client, f"{page}/cycles.json?{query}", status=400))["error"]


async def test_health_is_for_supervisors(tmp_path: Path) -> None:
    """200 while cycles come; 503 when the last is too old, when there was none, and when the store cannot be read."""
    archive = world()
    async with served(archive, tmp_path, period_s=60.0) as (client, page):
        told = await json_of(client, f"{page}/healthz")
        assert (told["status"], told["cycle"], told["limit_s"]) == ("ok", 1, 180.0)
        archive.reports = [report_of(started_utc=SystemClock().now_utc() - timedelta(seconds=200))]
        told = await json_of(client, f"{page}/healthz", status=503)
        assert "more than 3 periods" in told["problems"][0]
        archive.reports = []
        assert (await json_of(client, f"{page}/healthz", status=503))["problems"] == [
            "no cycle has ended yet"
        ]
        archive.error = StoreError("database is locked")
        told = await json_of(client, f"{page}/healthz", status=503)
        assert (told["store"], told["problems"]) == ("unreadable", ["database is locked"])


async def test_a_crowd_of_readers_is_no_sick_driver(tmp_path: Path) -> None:
    """While more ask than may wait, and are told so, a supervisor still hears that cycles come."""
    archive = world()
    archive.slow = frozenset({"alert_record"})
    archive.gate.clear()
    async with served(archive, tmp_path, period_s=60.0) as (client, page):

        async def ask() -> int:
            async with client.get(f"{page}/alerts/alert00001.json") as answer:
                return answer.status

        crowd = [asyncio.ensure_future(ask()) for _ in range(MAX_WAITING + 1)]
        done, waiting = await asyncio.wait(crowd, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result() for one in done} == {503}
        assert (await json_of(client, f"{page}/healthz"))["status"] == "ok"
        archive.gate.set()
        assert set(await asyncio.gather(*waiting)) == {200}


async def test_only_our_names_and_ways_are_taken(tmp_path: Path) -> None:
    """A stranger's host name, another method and an endless query are refused, each with its status."""
    async with served(world(), tmp_path, public_url="https://alerts.example.org") as (client, page):
        for host, status in (("evil.example", 421), ("alerts.example.org", 200), ("localhost:1", 200)):
            async with client.get(page, headers={"Host": host}) as answer:
                assert answer.status == status
        async with client.post(page, data=b"x" * 100) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        async with client.head(page) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        async with client.get(f"{page}/?q={'x' * 2_500}") as answer:
            assert answer.status == 414
        for path in ("/static/../pages.py", "/static/page.css", "/alerts/..%2f..%2fetc", "/alerts/a/b/c"):
            async with client.get(page + path) as answer:
                assert answer.status == 404, path


@pytest.mark.parametrize(
    "request_line",
    ["GET /?q=" + "x" * 9_000 + " HTTP/1.1\r\nHost: localhost", "GET / HTTP/1.1", "\x16\x03\x01"],
)
async def test_a_malformed_request_fills_no_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, request_line: str
) -> None:
    """It is refused; a stranger who sends many of them writes nothing into the driver's log."""
    async with served(world(), tmp_path) as (_, page):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(page.rsplit(":", 1)[1]))
        writer.write(f"{request_line}\r\n\r\n".encode())
        assert b"400 Bad Request" in await reader.readline()
        writer.close()
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_a_store_in_trouble_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A store that fails or stands still gives 503 in words, a fault of ours 500 with a line in the log."""
    archive = world()
    async with served(archive, tmp_path, timeout_s=1.0) as (client, page):
        archive.error = StoreError("disk is gone", hint="mount it")
        html = await html_of(client, page, status=503)
        assert "disk is gone (mount it)" in html.css_first("main").text()
        archive.error = ZeroDivisionError("secret words")
        html = await html_of(client, f"{page}/status", status=500)
        assert "secret words" not in html.html
        assert "the page failed" in caplog.text
        archive.error = None
        archive.gate.clear()
        assert "did not answer" in (await html_of(client, page, status=503)).css_first("main").text()
        archive.gate.set()
        await html_of(client, page)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """Two pages on one port end the second with the setting to change; so does an address that is not ours."""
    options = PageOptions(chart_dir=tmp_path, port=0)
    with PageServer(world(), SystemClock(), options) as first:
        taken = replace(options, port=int(first.url.rstrip("/").rpartition(":")[2]))
        with pytest.raises(ConfigError, match="in use") as caught, PageServer(world(), SystemClock(), taken):
            pass
        assert caught.value.key == "WEB_PORT"
    with (
        pytest.raises(ConfigError, match="no address") as caught,
        PageServer(world(), SystemClock(), replace(options, host="192.0.2.7")),
    ):
        pass
    assert caught.value.key == "WEB_HOST"


def test_an_open_page_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Only an address that others reach is warned of: the page has no login."""
    with PageServer(world(), SystemClock(), PageOptions(chart_dir=tmp_path, port=0)):
        assert "no login" not in caplog.text
    with PageServer(world(), SystemClock(), PageOptions(chart_dir=tmp_path, port=0, host="0.0.0.0")):
        assert "the page has no login" in caplog.text
