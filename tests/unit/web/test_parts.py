"""Smaller parts of the page: health, hosts, dial, timeline, rows, chart files, status."""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.health import health, percentile
from catalyst_ray.models import Action, Decision, DeliveryState, FeedReport, FeedState, Reason, Trace
from catalyst_ray.web.dial import dial
from catalyst_ray.web.options import PageOptions
from catalyst_ray.web.pictures import MAX_BYTES, chart_of
from catalyst_ray.web.render import seconds
from catalyst_ray.web.rows import alert_row, count_groups, item_row, posts, score_parts
from catalyst_ray.web.status import status_of
from catalyst_ray.web.timeline import steps
from tests.adapters.web_world import delivery, item_of, record_of, report_of
from tests.unit.core.factories import NOW_UTC, make_alert

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", 640, 360) + b"rest"


@pytest.mark.parametrize(
    ("ended_s", "took_s", "period_s", "is_well"),
    [
        (179, 1, 60, True),
        (181, 1, 60, False),
        (40, 15, 10, True),
        (2, 0.1, 0, True),
        (4, 0.1, 0, False),
        (-30, 1, 60, True),
    ],
    ids=[
        "two periods",
        "three periods",
        "a long cycle is a period",
        "no period",
        "no period, old",
        "clock set back",
    ],
)
def test_a_driver_is_old_after_three_periods(
    ended_s: float, took_s: float, period_s: float, is_well: bool
) -> None:
    """The last cycle may have ended three periods ago, and a cycle that takes longer than one counts as one."""
    last = report_of(seconds=took_s, started_utc=NOW_UTC - timedelta(seconds=ended_s + took_s))
    assert (health(last, now_utc=NOW_UTC, period_s=period_s).problem == "") is is_well
    assert health(None, now_utc=NOW_UTC, period_s=period_s).problem == "no cycle has ended yet"


def test_percentiles_are_figures_that_were_seen() -> None:
    """The median of few is one of them, and nothing has none."""
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([5, 1], 0.95) == 5
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([], 0.5) == 0.0


@pytest.mark.parametrize(
    ("listens", "public", "host", "is_ours"),
    [
        ("127.0.0.1", None, "localhost:8787", True),
        ("127.0.0.1", None, "127.0.0.1", True),
        ("127.0.0.1", None, "[::1]:8787", True),
        ("127.0.0.1", None, "LOCALHOST.", True),
        ("127.0.0.1", None, "evil.example", False),
        ("127.0.0.1", None, "127.0.0.1.evil.example", False),
        ("127.0.0.1", None, "192.168.1.4", False),
        ("127.0.0.1", None, "", False),
        ("127.0.0.1", None, "[", False),
        ("127.0.0.1", "https://alerts.example.org/page", "alerts.example.org", True),
        ("0.0.0.0", None, "192.168.1.4:8787", True),
        ("0.0.0.0", None, "evil.example", False),
        ("desk.local", None, "desk.local:8787", True),
    ],
)
def test_only_our_names_are_answered(listens: str, public: str | None, host: str, is_ours: bool) -> None:
    """A stranger's name that points here is refused; addresses are numbers that nobody can point elsewhere."""
    options = PageOptions(chart_dir=None, host=listens, public_url=public)
    assert options.takes(host) is is_ours


def test_the_dial_lights_from_zero() -> None:
    """A value lights the segments between zero and itself; what is no number stands at zero."""
    for value, tones in (
        (0.52, ["neutral"] + ["bullish"] * 5),
        (-1.7, ["bearish"] * 10 + ["neutral"]),
        (float("nan"), ["neutral"]),
    ):
        segments = dial(value).segments
        assert len(segments) == 21
        assert [one.tone for one in segments if one.is_lit] == tones


def test_a_timeline_has_the_seconds_between() -> None:
    """Steps of the trace and answers of the sinks stand in order, with seconds since the one before and the first byte."""
    record = record_of()
    edited = record.alert.created_utc + timedelta(seconds=3)
    first, second = record.deliveries
    record = replace(record, deliveries=(replace(first, edited_utc=edited), second))
    told = [(one.name, one.kind, one.since_s, one.total_s) for one in steps(record)]
    assert told == [
        ("Published, as its source says", "theirs", None, None),
        ("First byte received", "ours", 40.0, 0.0),
        ("Posted to discord", "sink", 0.5, 0.5),
        ("Posted to file", "sink", 0.0, 0.5),
        ("Edited in discord", "sink", 2.5, 3.0),
    ]
    assert steps(record_of(held=True, trace=Trace())) == []


def test_a_row_says_what_is_not_as_usual() -> None:
    """A held alert and one that a sink has not got say so; a withdrawn one is read aloud as such."""
    assert alert_row(record_of()).state == ""
    assert alert_row(record_of()).news == "QLLN strongly bearish −0.72, Offering priced"
    assert [tag.code for tag in alert_row(record_of()).events] == ["offering_priced", "warrants"]
    assert alert_row(record_of(held=True)).state == "held for the next cycle"
    late = record_of()
    dead = delivery(late.alert, "slack", state=DeliveryState.DEAD, last_error="gone\nfor good", sent_utc=None)
    assert alert_row(replace(late, deliveries=(*late.deliveries, dead))).state == "not delivered: slack"
    (post,) = posts(replace(late, deliveries=(dead,)))
    assert (post.state, post.words) == ("dead", "1 attempt · gone for good")
    sunk = Decision(action=Action.ALERT, reasons=(Reason("llm_sinks"),), value=-0.12)
    assert "withdrawn" in alert_row(record_of(decision=sunk)).news
    revised = replace(record_of().alert, revision=2)
    old, new = posts(
        replace(
            late,
            alert=revised,
            deliveries=(delivery(revised, "a", revision=1), delivery(revised, "b", revision=2)),
        )
    )
    assert ("revision 1 of 2" in old.words, "newest revision" in new.words) == (True, True)


def test_a_score_is_drawn_from_the_middle() -> None:
    """Terms go left or right of zero by their size, factors fill from the left; what is neither is left out."""
    parts = score_parts(make_alert().score.parts)
    assert [(p.kind, p.name) for p in parts[:2]] == [("term", "Offering priced"), ("term", "Warrants")]
    assert (parts[0].start, parts[0].width) == (15.0, 35.0)
    assert [(p.name, p.start, p.width) for p in parts if p.kind == "factor"] == [
        ("Fresh, 42 s", 0.0, 100.0),
        ("Source, Harbour Newswire", 0.0, 100.0),
    ]
    assert len(parts) == 5, "the age in seconds is no part of the product"


def test_an_item_says_what_decided() -> None:
    """The rule that decided comes first; an event that decides is no catalyst; an undecided item says so."""
    row = item_row(item_of())
    assert (row.action, row.why, row.score) == (
        "suppress",
        ("Too weak: value +0.21 is below ALERT_THRESHOLD 0.35",),
        "Product launch +0.21 × fresh 1.00 = +0.21",
    )
    ad = Decision(action=Action.SUPPRESS, reasons=(Reason("law_firm_ad", "investor alert"),))
    assert item_row(replace(item_of(), decision=ad)).why == ("No catalyst, law firm ad: investor alert",)
    assert item_row(replace(item_of(), decision=None)).action == "undecided"


def test_counts_are_grouped_by_action() -> None:
    """Each action has its share of all, under it its reasons, the most frequent first."""
    groups = count_groups({("drop", "stale"): 10, ("drop", "no_ticker"): 60, ("suppress", "law_firm_ad"): 30})
    assert [(g.action, g.items, g.share_pct) for g in groups] == [("suppress", 30, 30.0), ("drop", 70, 70.0)]
    assert [row.words for row in groups[1].rows] == ["No US-listed company found", "Too old"]
    assert groups[0].rows[0].words == "No catalyst, law firm ad"


def test_only_pictures_of_the_chart_folder_are_read(tmp_path: Path) -> None:
    """A stored path leads nowhere else, and what is no picture, too large or gone is no chart."""
    folder = tmp_path / "charts"
    folder.mkdir()
    (folder / "a.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "text.png").write_text("no picture, though it is called one")
    (folder / "large.png").write_bytes(PNG + b"x" * MAX_BYTES)
    chart = chart_of(make_alert(chart_path="/elsewhere/charts/a.png"), folder)
    assert chart
    assert (chart.width, chart.height, chart.body) == (640, 360, PNG)
    for path in (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "text.png",
        "large.png",
        "gone.png",
        "..",
        "",
        None,
    ):
        assert chart_of(make_alert(chart_path=path), folder) is None


def test_status_puts_trouble_first() -> None:
    """Failed feeds come before those that answered, one that is only remembered is listed, and figures have units."""
    last = report_of()
    shown = status_of(
        [last],
        last=last,
        feeds={"gone": FeedState(feed="gone", failures=2)},
        outbox={"discord/sent": 7, "discord/dead": 1, "possible_doubles": 1},
        since_utc=NOW_UTC,
        now_utc=NOW_UTC,
    )
    assert [row.report.feed for row in shown.feeds] == ["odd", "wire", "gone"]
    assert shown.feeds[0].trouble == "no feed, but <b>HTML</b>: check the address"
    (queue,) = shown.queues
    assert queue.is_waiting
    assert queue.loads == (("busy", "3"), ("waiting", "2"), ("oldest waits", "0.50 s"), ("replicas", "1"))
    (gpu,) = shown.gpus
    assert (gpu.name, gpu.use_pct, gpu.memory_pct, gpu.memory) == (
        "0: H100",
        43.0,
        25.0,
        "1,024 of 4,096 MiB",
    )
    elsewhere = replace(last, gpus=(replace(last.gpus[0], node="rack2", power_w=300.0, throttle=("heat",)),))
    (gpu,) = status_of([], last=elsewhere, feeds={}, outbox={}, since_utc=NOW_UTC, now_utc=NOW_UTC).gpus
    assert (gpu.name, gpu.more) == ("rack2, 0: H100", "300 W · slowed by heat")
    (sink,) = shown.sinks
    assert (sink.counts, sink.p50_s, sink.p95_s, shown.doubles) == ((0, 0, 7, 1), 0.4, 0.6, 1)
    bare = status_of([], last=None, feeds={}, outbox={}, since_utc=NOW_UTC, now_utc=NOW_UTC)
    assert (bare.feeds, bare.queues, bare.gpus, bare.sinks, bare.plot) == ([], [], [], [], None)
    odd = replace(last, feeds=(FeedReport(feed="x", status="unheard_of"),))
    assert status_of([odd], last=odd, feeds={}, outbox={}, since_utc=NOW_UTC, now_utc=NOW_UTC).feeds


@pytest.mark.parametrize(
    ("span_s", "words"),
    [
        (0.0131, "13 ms"),
        (0.0999, "0.10 s"),
        (1.236, "1.24 s"),
        (42.4, "42 s"),
        (600, "10 min"),
        (-7.5, "−7.50 s"),
        (-80, "−80 s"),
    ],
)
def test_spans_are_short(span_s: float, words: str) -> None:
    """A span is written in the unit that its size asks for; a clock that goes back gives a minus."""
    assert seconds(span_s) == words
