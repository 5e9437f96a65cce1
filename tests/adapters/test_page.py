"""The static page and the picture of a card."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser

from catalyst_ray.adapters.page import card_page, write_page
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import (
    Action,
    CycleReport,
    Deal,
    Decision,
    FeedReport,
    Judgement,
    Reason,
    Verdict,
)
from tests.unit.core.factories import NOW_UTC, make_alert

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = """</h3><script>alert(1)</script><img src=x onerror=alert(1)> "quoted' {{ 7 * 7 }} </style>"""
PNG = b"\x89PNG\r\n\x1a\n picture"

REPORT = CycleReport(
    number=3,
    started_utc=NOW_UTC,
    seconds=1.25,
    stages={"fetch": 0.5, "judge": 1.5},
    counts={"items": 1412, "new": 20, "alert": 2},
    feeds=(
        FeedReport(feed="wire", status="ok", seconds=0.1, entries=20, new=20),
        FeedReport(feed="odd", status="failed", error="no feed, but <b>HTML</b>", hint="check the address"),
    ),
    queues={},
    deliveries={},
    problems=("disk <almost> full",),
)


def page(folder: Path, *alerts, report: CycleReport | None = None) -> HTMLParser:
    """Write a page and read it back."""
    write_page(folder / "index.html", alerts, report, lambda value: PNG)
    return HTMLParser((folder / "index.html").read_text(encoding="utf-8"))


def test_a_card_shows_the_alert(tmp_path: Path) -> None:
    """Ticker, verdict, headline with its link, reasons and gauge are on the page."""
    html = page(tmp_path, make_alert())
    (card,) = html.css("article")
    assert card.attributes["class"] == "tone-bearish wide"
    assert card.css_first("h2").text() == "QLLN"
    assert card.css_first(".verdict").text() == "▼ Strongly bearish −0.72"
    link = card.css_first("h3 a").attributes
    assert link["href"] == "https://wire.example.com/releases/2026/quillon-prices-offering"
    assert "noopener" in link["rel"]
    assert "Offering priced −0.70" in card.css_first(".reasons").text()
    assert (
        card.css_first(".gauge").attributes["src"]
        == f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    )


def test_a_revised_alert_says_when_and_by_whom(tmp_path: Path) -> None:
    """An alert as it went out has no such line."""
    alert = replace(make_alert(), revision=1, revised_utc=NOW_UTC + timedelta(minutes=2))
    html = page(tmp_path, alert, make_alert())
    first, second = html.css("article .facts dl")
    assert "LLM mistral, 09:44:07 ET" in first.text()
    assert "Updated" not in second.text()


def test_a_withdrawn_alert_stands_out(tmp_path: Path) -> None:
    """Its verdict says so, and it has the colour of none."""
    sunk = Decision(action=Action.ALERT, reasons=(Reason("llm_sinks"),), value=-0.12)
    (card,) = page(tmp_path, make_alert(decision=sunk)).css("article")
    assert "withdrawn" in (card.attributes["class"] or "").split()
    assert card.css_first(".verdict").text() == "✕ Withdrawn by the LLM: now below the threshold (−0.12)"


def test_the_terms_of_a_deal_are_on_the_page(tmp_path: Path) -> None:
    """A filing that was read shows what it costs the holders, in a line of its own."""
    judgement = Judgement(
        direction=-0.8, confidence=0.9, summary="Diluted.", deal=Deal(size_usd=1e7, price_usd=2.5)
    )
    html = page(tmp_path, make_alert(verdict=Verdict(judgement, Reason("llm_judged"))), make_alert())
    assert [line.text() for line in html.css(".deal")] == ["Deal $10.0M at $2.50"]


def test_the_picture_of_a_revised_card_says_so() -> None:
    """As Discord does: edited, by when, withdrawn."""
    sunk = Decision(action=Action.ALERT, reasons=(Reason("llm_sinks"),), value=-0.12)
    alert = replace(make_alert(decision=sunk), revision=1, revised_utc=NOW_UTC + timedelta(minutes=2))
    html = HTMLParser(card_page(alert, None, None))
    text = html.css_first(".text").text()
    assert "withdrawn by the LLM: now below the threshold (−0.12)" in text
    assert "(edited)" in text
    assert "updated 09:44:07 ET" in html.css_first(".foot").text()
    assert "(edited)" not in card_page(make_alert(), None, None)


def test_outside_text_stays_text(tmp_path: Path) -> None:
    """Tags, quotes and template marks from a feed are shown, never obeyed, wherever they stand."""
    item = {"title": HOSTILE, "summary": HOSTILE, "source": HOSTILE, "url": "javascript:alert(1)"}
    html = page(tmp_path, make_alert(item=item, chart_reason=Reason("no_bars", HOSTILE)), report=REPORT)
    assert not html.css("script")
    assert not html.css("[onerror]")
    assert "{{ 7 * 7 }}" in html.css_first("h3").text()
    assert not html.css("h3 a"), "a link that is no web link is no link"
    assert "<b>HTML</b>" in html.css_first("table").text()
    assert "disk <almost> full" in html.css_first(".problems").text()


def test_the_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    """The policy allows the page's own style (by its hash) and pictures; there is no script, no address."""
    page(tmp_path, make_alert(), report=REPORT)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:;")
    assert "<script" not in text
    assert "style=" not in text, "the policy would refuse style attributes"
    assert "@import" not in style[1]
    assert "url(" not in style[1]
    assert not re.search(r"<(?:link|img|script|iframe)[^>]+(?:src|href)=.(?:https?:)?//", text)


def test_charts_are_referred_to_relatively(tmp_path: Path) -> None:
    """The folder can be moved or served: a chart's address starts at the page and is quoted."""
    chart = tmp_path / "charts" / "a b#1.png"
    chart.parent.mkdir()
    chart.write_bytes(PNG)
    html = page(tmp_path, make_alert(chart_path=str(chart)))
    assert html.css_first("img.chart").attributes["src"] == "charts/a%20b%231.png"


def test_a_missing_chart_is_explained(tmp_path: Path) -> None:
    """A deleted chart leaves no broken picture, and a reason for having none is said."""
    gone = make_alert(chart_path=str(tmp_path / "gone.png"))
    without = make_alert(chart_reason=Reason("no_bars", "no prices for QLLN"))
    html = page(tmp_path, gone, without)
    assert not html.css("img.chart")
    assert "No bars: no prices for QLLN" in html.css("dl")[1].text()


def test_the_report_is_shown(tmp_path: Path) -> None:
    """Counts, the stage bar in shares of the work, and every feed with what to do about it."""
    html = page(tmp_path, report=REPORT)
    assert "1,412" in html.css_first(".counts").text()
    bars = [(one.attributes["x"], one.attributes["width"]) for one in html.css(".stages rect")]
    assert bars == [("0.0", "25.0"), ("25.0", "75.0")]
    rows = [row.text(separator="|") for row in html.css("tbody tr")]
    assert "wire|ok" in rows[0]
    assert "check the address" in rows[1]
    assert html.css_first(".empty"), "no alerts is said, not left blank"


def test_a_cycle_without_work_has_no_stage_bar(tmp_path: Path) -> None:
    """No division by nothing: a report without stage seconds leaves the bar out."""
    empty = CycleReport(
        number=1, started_utc=NOW_UTC, seconds=0.0, stages={}, counts={}, feeds=(), queues={}, deliveries={}
    )
    assert not page(tmp_path, report=empty).css(".stages")


def test_the_page_is_bounded(tmp_path: Path) -> None:
    """However many alerts there are, the page stays small enough to open."""
    html = page(tmp_path, *[make_alert(id=str(number)) for number in range(230)])
    assert len(html.css("article")) == 200


def test_the_page_is_replaced_whole(tmp_path: Path) -> None:
    """A failure leaves the page before as it was and no temporary file behind."""
    page(tmp_path, make_alert(id="first"))
    before = (tmp_path / "index.html").read_bytes()

    def broken(value: float) -> bytes:
        raise RuntimeError("no gauge")

    with pytest.raises(RuntimeError):
        write_page(tmp_path / "index.html", [make_alert()], None, broken)
    assert (tmp_path / "index.html").read_bytes() == before
    page(tmp_path, make_alert(id="second"))
    assert b"second" in (tmp_path / "index.html").read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_an_unwritable_folder_is_told(tmp_path: Path) -> None:
    """A path that cannot be written is one error with a hint, and leaves nothing behind."""
    (tmp_path / "index.html").mkdir()
    with pytest.raises(DeliveryError, match="cannot write") as caught:
        write_page(tmp_path / "index.html", [], None, lambda value: PNG)
    assert caught.value.hint
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


def test_the_picture_of_a_card_holds_its_pictures() -> None:
    """The page for the README is one file, shows the embed's fields, and escapes like the other."""
    html = HTMLParser(card_page(make_alert(item={"title": HOSTILE}), PNG, PNG))
    assert not html.css("script")
    assert [one.attributes["src"][:22] for one in html.css("img")] == ["data:image/png;base64,"] * 2
    assert "Judged by" in [one.text() for one in html.css("dt")]
    assert len(HTMLParser(card_page(make_alert(), None, None)).css("img")) == 0
