"""The page as people meet it: `catalyst-ray web` over a real store, in headless Chromium."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.gauge import draw_gauge
from catalyst_ray.models import Action, DeliveryState, Reason
from tests.adapters.web_world import HOSTILE, item_of, report_of
from tests.e2e.commands import PROGRAM, environment
from tests.unit.core.factories import make_alert

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from catalyst_ray.models import Alert

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

WAIT_MS = 10_000
LONG = f"{HOSTILE} {'Unbreakable' * 900}"
"""A headline of ten kilobytes that holds no place to break a line."""
FOCUSABLE = "a[href], button, input, summary, [tabindex='0']"


@dataclass
class Desk:
    """A store that a driver would write, and the page over it."""

    store: SqlStore
    url: str
    charts: Path

    def write(self, name: str, *, ticker: str = "QLLN", value: float = -0.72, **changes: Any) -> Alert:
        """Store an alert that two sinks have."""
        now = SystemClock().now_utc()
        alert = make_alert(id=name, created_utc=now, **changes)
        link = replace(alert.link, symbols=(replace(alert.link.symbols[0], ticker=ticker),))
        item = replace(
            alert.item, key=f"url:{name}", received_utc=now, published_utc=now - timedelta(seconds=9)
        )
        alert = replace(alert, link=link, item=item, decision=replace(alert.decision, value=value))
        self.store.claim([item], now_utc=now)
        assert self.store.commit_alert(alert, ("discord", "file"), now_utc=now)
        for sink in ("discord", "file"):
            for row in self.store.due_deliveries(sink, now_utc=now, limit=10):
                self.store.begin_delivery(row.id, now_utc=now)
                self.store.finish_delivery(row.id, DeliveryState.SENT, now_utc=now, message_id="m1")
        return alert

    def chart(self, name: str) -> str:
        """Draw a picture of any kind into the chart folder."""
        path = self.charts / f"{name}.png"
        path.write_bytes(draw_gauge(-0.7))
        return str(path)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Serve a store with alerts of three kinds, an item that is none, and a cycle."""
    folder = tmp_path_factory.mktemp("page")
    charts = folder / "out" / "charts"
    charts.mkdir(parents=True)
    with SqlStore.open(f"sqlite:///{folder}/out/catalyst.db") as store:
        desk = Desk(store, "", charts)
        desk.write("first", chart_path=desk.chart("first"))
        desk.write("bull", ticker="VYRO", value=0.6)
        desk.write(
            "hostile", ticker="EVIL", item={"title": LONG[:10_000], "summary": LONG, "source": HOSTILE}
        )
        record = item_of(99)
        store.claim([record.item], now_utc=SystemClock().now_utc())
        store.decide([(record.item, record.decision)], now_utc=SystemClock().now_utc())
        store.save_cycle(report_of(), keep=10)
        with subprocess.Popen(
            [str(PROGRAM), "web", "--json", "--port", str(_free_port())],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout
            desk.url = json.loads(child.stdout.readline())["url"]
            yield desk
            child.terminate()
    assert child.returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page; whatever it complains of by the end fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: heard.append(f"error: {error}"))
    page.on("dialog", lambda dialog: heard.append(f"dialog: {dialog.message}"))
    page.on("requestfailed", lambda request: heard.extend(_failed(request)))
    yield page
    assert heard == []
    context.close()


def _failed(request: Any) -> list[str]:
    # A page that is left ends its stream and what it was loading.
    gone = request.failure == "net::ERR_ABORTED"
    return [] if gone else [f"failed: {request.url} {request.failure}"]


def tickers(page: Page) -> list[str]:
    """Return the tickers of the list, from above."""
    return page.locator("li.alert h2").all_inner_texts()


def appears(place: Locator) -> Locator:
    """Wait until something is there."""
    place.wait_for(state="attached")
    return place


def test_a_new_alert_appears_by_itself(desk: Desk, page: Page) -> None:
    """An alert, its edit and a cycle come without a reload, on top, marked, and are told to those who listen."""
    page.goto(desk.url)
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.sameDocument = true")
    alert = desk.write("fresh", ticker="NEWX", value=0.9)
    row = appears(page.locator("li[data-key=fresh]"))
    assert tickers(page)[0] == "NEWX"
    assert "new" in (row.get_attribute("class") or "").split()
    assert page.locator("#said").inner_text() == "New alert: NEWX strongly bullish +0.90, Offering priced"
    sunk = replace(alert.decision, action=Action.ALERT, reasons=(Reason("llm_sinks"),), value=0.1)
    now = SystemClock().now_utc()
    desk.store.revise_alert(replace(alert, decision=sunk, revision=1, revised_utc=now), now_utc=now)
    appears(page.locator("li[data-key=fresh].withdrawn"))
    desk.store.save_cycle(report_of(77), keep=10)
    page.get_by_role("link", name="Cycle 77").wait_for()
    assert page.evaluate("window.sameDocument") is True
    assert page.locator("li[data-key=fresh] .ago").inner_text().endswith(" ago")


def test_filters_hold_while_the_news_comes(desk: Desk, page: Page) -> None:
    """A filter is set by the form, kept in the address, and what does not match it stays away though it is new."""
    page.goto(desk.url)
    page.get_by_label("Ticker").fill("vyro")
    page.get_by_label("Ticker").press("Enter")
    page.wait_for_url("**/?ticker=vyro&event=&q=&direction=")
    assert set(tickers(page)) == {"VYRO"}
    page.get_by_label("Bullish").check(force=True)
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**direction=bullish")
    page.get_by_text("Live", exact=True).wait_for()
    desk.write("other", ticker="OTHR", value=0.8)
    desk.write("match", ticker="VYRO", value=0.7)
    appears(page.locator("li[data-key=match]"))
    assert set(tickers(page)) == {"VYRO"}
    page.get_by_role("link", name="Clear", exact=True).click()
    assert {"OTHR", "VYRO", "QLLN"} <= set(tickers(page))
    page.locator("li[data-key=first]").get_by_role("link", name="Offering priced").click()
    assert page.get_by_label("Event").input_value() == "offering_priced"


def test_an_alert_opens_with_its_picture(desk: Desk, page: Page) -> None:
    """A click on the row opens the alert: chart loaded, evidence marked, timeline and deliveries there, and it follows."""
    page.goto(f"{desk.url}?ticker=QLLN")
    page.locator("li[data-key=first] h3 a").click()
    page.wait_for_url("**/alerts/first")
    assert page.get_by_role("heading", level=1).inner_text() == "QLLN"
    image = page.get_by_alt_text("Price chart of QLLN")
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 240
    assert page.locator("mark.mark-model").first.inner_text().startswith("10,000,000 shares")
    assert "Posted to discord" in page.locator("ol.steps").inner_text()
    page.get_by_text("Live", exact=True).wait_for()
    alert = desk.store.recent_alerts(limit=50)
    first = next(one for one in alert if one.id == "first")
    now = SystemClock().now_utc()
    desk.store.revise_alert(replace(first, also=("Tradewind",), revision=1, revised_utc=now), now_utc=now)
    page.get_by_text("also Tradewind").first.wait_for()
    assert page.locator("#said").inner_text() == "This alert was updated"
    page.go_back()
    page.get_by_role("link", name="Why not").click()
    page.get_by_role("searchbox").fill("Quillon offering")
    page.get_by_role("button", name="Search").click()
    assert "Too weak" in page.locator(".item").filter(has_text="suppress").first.inner_text()


def test_hostile_text_is_text(desk: Desk, page: Page) -> None:
    """Tags, handlers, marks of direction and ten kilobytes without a space are shown as words and move nothing."""
    for path in ("?ticker=EVIL", "alerts/hostile", "why?q=EVIL"):
        page.goto(desk.url + path)
        main = page.locator("main")
        assert "<script>alert(1)</script>" in main.inner_text()
        assert main.locator("script, img[src='x']").count() == 0
        assert "\u202e" not in page.content()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(f"{desk.url}?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert page.get_by_label("Words of the headline").input_value() == '"><script>alert(1)</script>'
    desk.write("hostile2", ticker="EVIL", item={"title": HOSTILE})
    page.goto(f"{desk.url}?ticker=EVIL")
    page.get_by_text("Live", exact=True).wait_for()
    desk.write("hostile3", ticker="EVIL", item={"title": HOSTILE})
    assert "<script>" in appears(page.locator("li[data-key=hostile3] h3")).inner_text()


def test_nothing_is_wider_than_the_screen(desk: Desk, page: Page) -> None:
    """No page scrolls sideways, and nothing of it lies beyond the window, from a phone to a desk."""
    for path in ("", "alerts/first", "alerts/hostile", "why?q=quillon", "status"):
        page.goto(desk.url + path)
        for width in (360, 390, 768, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
            assert page.evaluate(BEYOND) == [], (path, width)


BEYOND = """() => [...document.querySelectorAll("main *, header *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.closest(".scroll, .unseen");
}).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("path", ["", "alerts/first", "why?q=quillon", "status"])
def test_the_keyboard_reaches_everything(desk: Desk, page: Page, path: str) -> None:
    """Tab walks through every link, field and button, shows where it is, and begins with a way to the content."""
    page.goto(desk.url + path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.evaluate("() => { window.reached = new Set(); }")
    for _ in range(400):
        lit = page.evaluate(
            """() => {
                 const e = document.activeElement;
                 if (e === document.body || window.reached.has(e)) return "end";
                 window.reached.add(e);
                 const ways = [e, e.nextElementSibling].filter(Boolean);
                 const seen = ways.some((w) => ["", "::after"].some((p) =>
                   getComputedStyle(w, p || null).outlineStyle !== "none"));
                 return seen || e.className === "skip" ? "" : e.outerHTML.slice(0, 200);
               }"""
        )
        if lit == "end":
            break
        assert lit == ""
        page.keyboard.press("Tab")
    missed = page.evaluate(
        f"""() => {{
              const groups = new Set([...window.reached].map((e) => e.name).filter(Boolean));
              return [...document.querySelectorAll("{FOCUSABLE}")].filter((e) =>
                e.checkVisibility() && !window.reached.has(e) && !(e.type === "radio" && groups.has(e.name)))
                .map((e) => e.outerHTML.slice(0, 120));
            }}"""
    )
    assert missed == []
    page.goto(desk.url + path)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_both_themes_can_be_read(desk: Desk, page: Page) -> None:
    """The page follows the system's theme or the button's, which is remembered; text stands out from its ground."""
    grounds = {}
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        for path in ("", "alerts/first", "why?q=quillon", "status"):
            page.goto(desk.url + path)
            assert page.evaluate(CONTRAST) == [], (scheme, path)
        grounds[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len(set(grounds.values())) == 2
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds["dark"]
    page.goto(desk.url)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == grounds["dark"]
    assert "dark" in (button.get_attribute("title") or "")


CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility() || e.closest(".unseen, .skip, svg, noscript, .withdrawn")) continue;
    const grounds = [];
    for (let up = e; up; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor);
    const back = paint(grounds), ink = paint([...grounds, getComputedStyle(e).color]);
    const [a, b] = [light(ink), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.add(`${ratio.toFixed(2)} ${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`);
  }
  return [...poor];
}"""


def test_it_works_without_script(desk: Desk, browser: Browser) -> None:
    """Without JavaScript the list, a filter and an alert's page are there, and the page says that it does not follow."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(desk.url)
    assert "reload it" in page.locator("footer").inner_text()
    page.locator("summary").click()
    page.get_by_label("Ticker").fill("VYRO")
    page.get_by_role("button", name="Show", exact=True).click()
    assert set(tickers(page)) == {"VYRO"}
    page.locator("li.alert h3 a").first.click()
    assert page.get_by_role("heading", level=1).inner_text() == "VYRO"
    context.close()


def test_a_lost_server_is_said_and_found_again(desk: Desk, browser: Browser) -> None:
    """While the page cannot reach its server it says so, and catches up by itself when it can."""
    page = browser.new_page()  # what the browser itself says of a lost server is no fault of the page
    page.goto(desk.url)
    page.get_by_text("Live", exact=True).wait_for()
    page.evaluate("window.sameDocument = true")
    page.route("**/events*", lambda route: route.fulfill(status=503, body=""))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_text("Connection lost").wait_for()
    desk.write("meanwhile", ticker="MNWH")
    page.unroute("**/events*")
    appears(page.locator("li[data-key=meanwhile]"))
    assert page.evaluate("window.sameDocument") is True
    page.close()
