"""Sums over cycles and the geometry of their plot."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from catalyst_ray.web.figures import (
    BOTTOM,
    LEFT,
    MAX_BARS,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    TOP,
    Tick,
    plot,
    stage_tree,
)
from tests.adapters.web_world import report_of
from tests.unit.core.factories import NOW_UTC


def cycles(*seconds: float, apart_s: float = 60.0):
    """Return reports that began ``apart_s`` apart, the newest first and now."""
    return [
        report_of(
            len(seconds) - place, seconds=took, started_utc=NOW_UTC - timedelta(seconds=apart_s * place)
        )
        for place, took in enumerate(seconds)
    ]


def test_the_tree_adds_up() -> None:
    """Branches hold the sums of their stages, shares are of the newest cycle, and a new stage is not forgotten."""
    newest = report_of(2, stages={"fetch": 1.0, "parse": 1.0, "judge": 5.0, "new_stage": 1.0})
    tree = {
        (stage.name, stage.depth): stage
        for stage in stage_tree([newest, report_of(1, stages={"fetch": 3.0})])
    }
    assert tree["Feeds", 0].seconds == 2.0
    assert tree["Feeds", 0].share_pct == 25.0
    assert (tree["Fetch", 1].p50_s, tree["Fetch", 1].p95_s) == (1.0, 3.0)
    assert tree["New stage", 0].seconds == 1.0
    assert ("Judge", 1) not in tree, "a branch of one stage is that stage"
    assert sum(stage.share_pct for (_, depth), stage in tree.items() if depth == 0) == 100.0
    assert stage_tree([]) == []
    assert [stage.share_pct for stage in stage_tree([report_of(stages={"fetch": 0.0})])] == [0.0]


def test_a_plot_stays_inside_its_frame() -> None:
    """However long or many the cycles, bars and ticks lie inside the picture."""
    for seconds in ((0.0,), (0.004, 0.002), (0.9,) * 3, tuple(range(1, 700)), (86_400.0, 0.1)):
        reports = cycles(*map(float, seconds))
        drawn = plot(reports, since_utc=reports[-1].started_utc, now_utc=NOW_UTC)
        assert drawn
        assert len(drawn.bars) <= MAX_BARS
        assert drawn.cycles == len(seconds)
        for bar in drawn.bars:
            assert LEFT <= bar.x <= bar.x + bar.width <= PLOT_WIDTH
            assert TOP <= bar.y <= bar.middle_y <= PLOT_HEIGHT - BOTTOM
        assert 2 <= len(drawn.rows) <= 6
        assert all(TOP - 0.01 <= row.at <= PLOT_HEIGHT - BOTTOM for row in drawn.rows)
    assert plot([], since_utc=NOW_UTC, now_utc=NOW_UTC) is None


def test_cycles_that_share_a_bar_say_so() -> None:
    """A bar of several is as high as the slowest and tells their number and median; the target is drawn where it is passed."""
    reports = cycles(*[1.0] * 398, 7.0, 1.0, apart_s=10)
    drawn = plot(reports, since_utc=reports[-1].started_utc, now_utc=NOW_UTC)
    assert drawn
    (slow,) = [bar for bar in drawn.bars if bar.is_slow]
    assert "cycles, median 1.00 s. Slowest: Cycle 2: 7.00 s, 20 new, 2 alerts" in slow.words
    assert slow.y < slow.middle_y
    assert drawn.target_y is not None
    one = plot(cycles(1.0), since_utc=NOW_UTC - timedelta(hours=1), now_utc=NOW_UTC)
    assert one
    assert one.bars[0].words == "Cycle 1: 1.00 s, 20 new, 2 alerts"
    assert one.target_y is None


@pytest.mark.parametrize("span_s", [0.3, 1.2, 5.6, 47, 601, 3_599, 86_400, 3 * 86_400, 30 * 86_400])
def test_the_axis_of_time_says_what_a_clock_shows(span_s) -> None:
    """Ticks are whole seconds or minutes, equally far apart in words as in the picture, two at least in a longer span."""
    since_utc = NOW_UTC + timedelta(seconds=0.4)
    reports = [report_of(1, started_utc=since_utc)]
    drawn = plot(reports, since_utc=since_utc, now_utc=since_utc + timedelta(seconds=span_s))
    assert drawn
    times = [tick.when_utc for tick in drawn.columns if tick.when_utc]
    assert (1 if span_s < 2 else 3) <= len(times) <= 6
    assert not any(time.microsecond or (not drawn.is_short and time.second) for time in times)
    assert len({after - before for before, after in pairwise(times)}) <= 1
    apart = {round(after.at - before.at, 3) for before, after in pairwise(drawn.columns)}
    assert len(apart) <= 1
    assert all(LEFT <= tick.at <= PLOT_WIDTH for tick in drawn.columns)


def test_no_label_of_an_axis_is_cut_off() -> None:
    """Labels stand in the middle under their ticks, and at an end beside it."""
    assert [Tick(at).anchor for at in (LEFT, 500.0, 915.0, 952.0)] == ["start", "middle", "middle", "end"]
