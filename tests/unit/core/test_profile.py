"""What several cycles add up to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.profile import (
    branch_profiles,
    gpus_over,
    posted_spreads,
    queue_profiles,
    spread,
    stage_profiles,
    warm,
)
from catalyst_ray.core.profile_memory import by_role, line_through, memory_profiles
from catalyst_ray.core.profile_targets import targets
from catalyst_ray.core.profile_words import target_words
from catalyst_ray.core.stages import covered_s
from catalyst_ray.models import ProcessReading, QueueMoment, Spread
from tests.unit.core.profile_facts import card, cycle


def test_a_spread_is_of_all_figures() -> None:
    """Mean, median, 95th percentile and most; nothing is zero."""
    assert spread([1, 2, 3, 10]) == Spread(mean=4.0, p50=2, p95=10, most=10)
    assert spread([]) == Spread(mean=0.0, p50=0.0, p95=0.0, most=0.0)


def test_the_cold_cycle_is_left_out_where_there_are_others() -> None:
    """The first cycle counts only if it is the only one."""
    one, two = cycle(1), cycle(2)
    assert warm([one, two]) == [two]
    assert warm([one]) == [one]


def test_stages_stand_in_the_order_of_the_flow_with_their_share_of_the_clock() -> None:
    """Work is summed, the clock's seconds are shared out by all cycles' seconds, unknown stages come last."""
    cycles = [
        cycle(1, 2.0, stages={"odd": 0.1, "judge": 8.0, "fetch": 1.0}, elapsed={"judge": 1.0, "fetch": 0.5}),
        cycle(2, 2.0, stages={"judge": 4.0}, elapsed={"judge": 1.0}),
    ]
    fetch, judge, odd = stage_profiles(cycles)
    assert (fetch.stage, judge.stage, odd.stage) == ("fetch", "judge", "odd")
    assert (judge.work_s, judge.elapsed_s, judge.share) == (12.0, 2.0, 0.5)
    assert judge.cycle_s == Spread(mean=1.0, p50=1.0, p95=1.0, most=1.0)
    assert fetch.cycle_s == Spread(mean=0.25, p50=0.0, p95=0.5, most=0.5)


def test_branches_tell_the_clock_and_the_work_of_their_stages() -> None:
    """The branch's seconds are those that the cycle told; its work is that of its stages; the rest comes last."""
    told = {"Feeds": 0.4, "Other": 0.1}
    feeds, other = branch_profiles([cycle(1, 1.0, stages={"fetch": 2.0, "parse": 1.0}, branches=told)])
    assert (feeds.stage, feeds.work_s, feeds.elapsed_s, feeds.share) == ("Feeds", 3.0, 0.4, 0.4)
    assert (other.stage, other.work_s, other.elapsed_s) == ("Other", 0, 0.1)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=20))
def test_covered_time_counts_once(spans: list[tuple[int, int]]) -> None:
    """However spans overlap, each second of the clock counts once."""
    covered = {second for begin, length in spans for second in range(begin, begin + length)}
    assert covered_s((begin, begin + length) for begin, length in spans) == len(covered)


def test_queues_tell_counts_and_the_most_that_stood_in_them() -> None:
    """Counts are of the last cycle, the mean is made of its sums, gauges are the most that was ever seen."""
    first = {"requests": 4, "worked": 2, "seconds": 1.0, "waiting": 3, "busy": 1, "oldest_age_s": 0.5}
    last = {
        **first,
        "requests": 9,
        "worked": 4,
        "seconds": 6.0,
        "waiting": 0,
        "oldest_age_s": 0.0,
        "workers": 3,
    }
    cycles = [cycle(1, queues={"llm": first, "charts": {}}), cycle(2, queues={"llm": last, "charts": {}})]
    moments = [QueueMoment(at_s=0.1, llm_waiting=7, llm_busy=2, llm_oldest_s=0.2)]
    found = queue_profiles(cycles, moments)
    assert found == {
        "llm": {
            "requests": 9,
            "worked": 4,
            "seconds": 6.0,
            "workers": 3,
            "mean_seconds": 1.5,
            "waiting": 7,
            "busy": 2,
            "oldest_age_s": 0.5,
        }
    }
    assert queue_profiles([]) == {}


def test_alerts_of_all_cycles_make_one_spread_a_sink() -> None:
    """Every posted alert counts once, by sink."""
    found = posted_spreads(
        [cycle(1, posted_s={"discord": (1.0, 2.0)}), cycle(2, posted_s={"discord": (9.0,)})]
    )
    assert found == {"discord": Spread(mean=4.0, p50=2.0, p95=9.0, most=9.0)}


def test_cards_are_summed_up_by_readings() -> None:
    """A mean counts each reading once, energy adds up, the most is the most; what no cycle told stays unknown."""
    one = card(readings=1, utilisation_pct=100.0, utilisation_max_pct=100.0, energy_j=5.0, throttle=("heat",))
    two = card(readings=3, utilisation_pct=20.0, utilisation_max_pct=30.0, energy_j=7.0, memory_max_bytes=4)
    (found,) = gpus_over([cycle(1, gpus=(one,)), cycle(2, gpus=(two,))])
    assert (found.utilisation_pct, found.utilisation_max_pct) == (40.0, 100.0)
    assert (found.readings, found.energy_j, found.throttle) == (4, 12.0, ("heat",))
    assert (found.memory_max_bytes, found.power_w, found.temperature_c) == (4, None, None)


def process(rss: int, *, role: str = "driver", pid: int = 1) -> ProcessReading:
    """Return a reading."""
    return ProcessReading(role=role, name=role, pid=pid, rss_bytes=rss)


def test_a_planted_leak_shows_in_the_slope() -> None:
    """Two megabytes more each cycle are told as such, however much the first cycles took; a flat process has none."""
    warm_up = [500_000_000 - 40_000_000 * (10 - n) for n in range(10)]
    sizes = [*warm_up, *(500_000_000 + 2_000_000 * n for n in range(30))]
    readings = [(process(size), process(9, role="raylet", pid=2)) for size in sizes]
    driver, raylet = memory_profiles(readings)
    assert driver.slope_bytes == pytest.approx(2_000_000)
    assert (driver.doubt_bytes, raylet.slope_bytes) == (pytest.approx(0.0, abs=1.0), 0.0)
    assert (driver.rss_bytes, driver.rss_max_bytes, driver.cycles) == (sizes[-1], max(sizes), 30)
    assert by_role(readings[-1]) == {"driver": sizes[-1], "raylet": 9}


def test_with_few_readings_no_slope_is_told() -> None:
    """A worker that came late has a size and no slope."""
    old = process(5, role="worker", pid=3)
    *_, late = memory_profiles([(old,), (old, process(7, role="worker", pid=4))])
    assert (late.slope_bytes, late.doubt_bytes) == (None, None)
    assert line_through([1.0] * 5) is None
    assert memory_profiles([]) == ()


@given(st.floats(-1e6, 1e6), st.integers(40, 300))
def test_the_line_finds_the_slope_of_a_line(slope: float, count: int) -> None:
    """Figures on a straight line give its slope and no doubt."""
    found = line_through([slope * step for step in range(count)])
    assert found is not None
    assert found.slope == pytest.approx(slope, rel=1e-6, abs=1e-6)
    assert found.doubt == pytest.approx(0.0, abs=1e-3)


def test_the_doubt_is_the_standard_error_of_the_slope() -> None:
    """Of a line with noise that takes turns, by the formula of least squares: sqrt(missed / (n - 2) / width)."""
    found = line_through([2.0 * step + (-1) ** step for step in range(100)])
    assert found is not None
    count = found.steps
    width = count * (count**2 - 1) / 12
    assert found.slope == pytest.approx(2.0, abs=0.01)
    assert found.doubt == pytest.approx(math.sqrt(count / (count - 2) / width), rel=0.01)


FAST = Spread(mean=1.0, p50=1.0, p95=4.9, most=9.0)


def grown(per_cycle: int, cycles: int, *, noise: int = 0):
    """Return the targets over cycles whose driver grows."""
    sizes = [100_000_000 + per_cycle * n + (noise if n % 2 else -noise) for n in range(cycles)]
    reports = [cycle(n, rss_bytes=size) for n, size in enumerate(sizes)]
    return targets(reports, cycle_s=FAST, gpus=())[2]


@pytest.mark.parametrize(
    ("per_cycle", "cycles", "noise", "passed"),
    [
        (100, 400, 0, True),  # 0.1 MB in 1,000 cycles
        (5_000, 400, 0, False),
        (5_000, 40, 0, None),  # too few to judge, however plain it looks
        (900, 400, 1_000_000, None),  # lost in noise
    ],
)
def test_growth_is_judged_only_where_it_can_be_told(per_cycle, cycles, noise, passed) -> None:
    """The verdict needs cycles enough and a slope off the limit by more than its doubt; the figure is told anyway."""
    found = grown(per_cycle, cycles, noise=noise)
    assert found.passed is passed
    assert found.value is not None
    assert math.isclose(found.value, per_cycle / 1_000, rel_tol=0.5 if not noise else 20)


def test_without_cards_or_memory_nothing_is_judged() -> None:
    """Targets of what was not measured are neither kept nor missed."""
    _, gpu, growth = targets([cycle()], cycle_s=FAST, gpus=())
    assert (gpu.value, gpu.passed, growth.value, growth.passed) == (None, None, None, None)
    assert gpu.lack == "no GPU was seen"
    unjudged = targets([cycle()], cycle_s=FAST, gpus=(), is_judged=False)[1]
    assert target_words(unjudged) == "nothing to judge by: no GPU was seen, and no language model judged"


def test_cycle_and_cards_are_held_against_their_limits() -> None:
    """The p95 of cycles and the busiest card decide."""
    slow = Spread(mean=1.0, p50=1.0, p95=5.0, most=9.0)
    cards = (card("a", utilisation_pct=10.0), card("b", utilisation_pct=75.0))
    assert [one.passed for one in targets([cycle()], cycle_s=FAST, gpus=cards[:1])] == [True, True, None]
    assert [one.passed for one in targets([cycle()], cycle_s=slow, gpus=cards)] == [False, False, None]
