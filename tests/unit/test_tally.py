"""A cycle's tally: work adds up, and the clock is counted once however much of it overlaps."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.pipeline.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hands:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        """Return its time."""
        return self.now_s

    def now_utc(self) -> datetime:
        """Return some moment."""
        return datetime(2026, 1, 1, tzinfo=UTC)

    async def sleep(self, seconds: float) -> None:
        """Move on."""
        self.now_s += seconds


SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=30)


@given(SPANS)
def test_elapsed_is_the_union_of_the_spans(spans: list[tuple[int, int]]) -> None:
    """Seconds that several pieces of a stage share count once, and nothing before the cycle counts."""
    clock = Hands()
    tally = Tally(1, clock)
    covered: set[int] = set()
    for begin, length in sorted(spans, key=lambda span: span[0] + span[1]):
        clock.now_s = float(begin + length)
        tally.add("score", length)
        covered |= set(range(begin, begin + length))
    assert tally.elapsed.get("score", 0.0) == pytest.approx(len(covered))
    assert tally.stages.get("score", 0.0) == sum(length for _, length in spans)


def test_a_span_from_before_the_cycle_is_cut() -> None:
    """A delivery that began before the cycle counts from the cycle's start."""
    clock = Hands()
    clock.now_s = 100.0
    tally = Tally(1, clock)
    clock.now_s = 103.0
    tally.add("deliver", 10.0)
    assert tally.elapsed == {"deliver": 3.0}
    assert tally.report(queues={}, deliveries={}, rss_bytes=7).rss_bytes == 7


def test_branches_count_the_clock_once_and_what_is_left_is_told() -> None:
    """Stages of one branch that overlap count once in it, and the seconds without any stage are told apart."""
    clock = Hands()
    tally = Tally(1, clock)
    for end, stage, seconds in (
        (2.0, "fetch", 2.0),
        (3.0, "parse", 2.0),
        (6.0, "judge", 1.0),
        (6.5, "odd", 0.5),
    ):
        clock.now_s = end
        tally.add(stage, seconds)
    clock.now_s = 10.0
    found = tally.report(queues={}, deliveries={}).branches
    assert found == pytest.approx({"Feeds": 3.0, "Language model": 1.0, "Other": 5.5})


def test_a_stage_is_one_span_however_much_of_it_goes_on_side_by_side() -> None:
    """The timeline's span opens with the first piece and closes with the last; an error closes it too."""
    told: list[tuple[str, str, int]] = []

    @contextmanager
    def span(stage: str, cycle: int) -> Iterator[None]:
        told.append(("open", stage, cycle))
        yield
        told.append(("close", stage, cycle))

    tally = Tally(4, Hands(), span=span)
    with tally.stage("fetch"):
        with tally.stage("fetch"), tally.stage("parse"):
            pass
        assert told == [("open", "fetch", 4), ("open", "parse", 4), ("close", "parse", 4)]
    assert told[-1] == ("close", "fetch", 4)
    with pytest.raises(ValueError, match="broken"), tally.stage("score"):
        raise ValueError("broken")
    assert told[-2:] == [("open", "score", 4), ("close", "score", 4)]
    assert set(tally.stages) == {"fetch", "parse", "score"}
