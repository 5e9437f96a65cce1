"""A cycle's report on a terminal and for programs, and whether it counts as done."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from catalyst_ray.cli.report import in_short, is_partial, show, to_json, write_json
from catalyst_ray.models import CycleReport, FeedReport, GpuSample

COUNTS = dict.fromkeys(
    ("entries", "items", "seen", "new", "recovered", "extended", "alert", "hold", "suppress", "drop"), 0
) | {"failed": 0, "released": 0}
BROKEN = FeedReport(feed="b", status="failed", error="web page '[/red] [bold]x\x1b[2J'", hint="open it")


def report(*feeds: FeedReport, number: int = 1, problems: tuple[str, ...] = (), **counts: int) -> CycleReport:
    """Return a report of a cycle."""
    return CycleReport(
        number=number,
        started_utc=datetime(2026, 11, 23, 14, tzinfo=UTC),
        seconds=2.5,
        stages={"fetch": 1.25, "draw": 0.001},
        counts=COUNTS | counts,
        feeds=feeds,
        queues={},
        deliveries={},
        posted_s={"discord": (0.5, 1.5, 2.5)},
        problems=problems,
    )


def shown(cycle: CycleReport, *, width: int = 80) -> str:
    """Return what a terminal of this width shows, without colours."""
    stream = io.StringIO()
    show(cycle, Console(file=stream, width=width))
    return stream.getvalue()


def test_the_sum_comes_first_and_leaves_noughts_out() -> None:
    """The first line has the cycle, its time and what became of the new items."""
    text = shown(report(new=9, alert=2, drop=7, released=1))
    assert text.splitlines()[1] == "Cycle 1  2.50 s   9 new: 2 alert, 7 drop; 1 held before released"
    assert "fetch 1.25" in text
    assert "draw" not in text
    assert "from first byte to discord: median 1.50 s, longest 2.50 s" in text


def test_the_logs_line_has_what_one_looks_for() -> None:
    """Number, seconds and the stage that took longest, what came in and what went out, and what failed."""
    cycle = replace(
        report(BROKEN, new=5, recovered=1, alert=2, hold=1, problems=("one",), released=1),
        elapsed={"fetch": 1.2, "judge": 2.0},
        queues={"llm": {"waiting": 3}},
    )
    assert in_short(cycle) == {
        "cycle": 1,
        "seconds": 2.5,
        "slowest": "judge",
        "slowest_s": 2.0,
        "new": 6,
        "alerts": 3,
        "held": 1,
        "failed_items": 0,
        "failed_feeds": 1,
        "llm_waiting": 3,
        "problems": 1,
    }


def test_only_feeds_with_news_have_a_line() -> None:
    """Feeds that brought something stand in the table; the others are counted."""
    fresh = FeedReport(feed="wire", status="ok", seconds=0.5, entries=20, new=3)
    quiet = FeedReport(feed="calm", status="not_modified")
    text = shown(report(fresh, quiet, quiet, new=3))
    assert ["wire", "0.50", "20", "3"] in [line.split() for line in text.splitlines()]
    assert "calm" not in text
    assert "other feeds: 2 without news" in text


def test_a_failed_feed_is_named_once_and_its_words_are_only_words() -> None:
    """A page's title can neither colour the terminal nor break the report."""
    text = shown(report(BROKEN, problems=("feed b: web page", "sink discord: gone")), width=200)
    assert "b failed: web page '[/red] [bold]x [2J' (open it)" in text
    assert "\x1b" not in text
    assert text.count("web page") == 1
    assert "problem: sink discord: gone" in text


def test_waiting_and_switched_off_feeds() -> None:
    """A feed that backs off says how long; those that are off, told at the start, are counted."""
    waits = FeedReport(feed="slow", status="waiting", error="waits 30 s after: time-out")
    off = FeedReport(feed="sec", status="off", hint="set SEC_CONTACT")
    text = shown(report(waits, off, off))
    assert "slow waits 30 s after: time-out" in text
    assert "other feeds: 2 off" in text
    assert "SEC_CONTACT" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width: int) -> None:
    """No line is longer than the terminal is wide."""
    feed = FeedReport(feed="a_feed_with_a_long_name", status="ok", seconds=10.5, entries=2000, new=2000)
    text = shown(report(feed, BROKEN, new=2000, alert=10, hold=90, suppress=900, drop=1000), width=width)
    assert max(map(len, text.splitlines())) <= width


def test_partial_means_problems_or_no_report() -> None:
    """A cycle with a problem, or none that ended, is done in part only."""
    assert not is_partial(report())
    assert is_partial(report(problems=("feed b: x",)))
    assert is_partial(None)


def test_the_json_form_is_marked_and_whole(tmp_path) -> None:
    """Programs tell a report from an alert by its type, and a file is replaced in one step."""
    value = to_json(report(BROKEN, new=1))
    assert (value["type"], value["number"], value["counts"]["new"]) == ("cycle", 1, 1)
    assert value["feeds"][0]["error"] == BROKEN.error
    write_json(tmp_path / "report.json", value)
    assert json.loads((tmp_path / "report.json").read_text()) == value
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_every_gpu_has_a_line() -> None:
    """What a card did in the cycle stands under the report; a card that tells nothing is there too."""
    told = GpuSample(
        index=1,
        uuid="GPU-1",
        name="L4",
        node="rack2",
        utilisation_pct=37.4,
        utilisation_max_pct=92.0,
        memory_used_bytes=5 * 2**30,
        memory_total_bytes=24 * 2**30,
        power_w=61.2,
        energy_j=1234.5,
        throttle=("power limit",),
    )
    text = shown(replace(report(), gpus=(told, GpuSample(index=0, uuid="GPU-2", name="T4"))), width=120)
    line = "GPU rack2/1 L4: use 37 %, most 92 %, 5.0 of 24 GiB, 61 W, 1,234 J, slowed by power limit"
    assert line in text.splitlines()
    assert "GPU 0 T4: tells nothing" in text.splitlines()
