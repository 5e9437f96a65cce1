"""What many cycles add up to: stages as a tree with their spread, cycle times as bars. Pure.

Owns the sums and the geometry; the templates draw them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.health import percentile
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.core.stages import BRANCHES, TARGET_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from catalyst_ray.models import CycleReport

MIN_BARS, MAX_BARS = 60, 180
MAX_BAR_WIDTH = 18.0
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""From one time on the axis to the next: all of them round, so that what a clock shows there is true."""
MOST_TICKS = 6
EDGE = 36.0
"""Half of the widest label: nearer to the right end it ends at its tick."""
PLOT_WIDTH, PLOT_HEIGHT = 960.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 12.0, 30.0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage, or a branch of them: the last cycle's seconds of work and share, and the spread over all cycles."""

    name: str
    depth: int
    seconds: float
    share_pct: float
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One or more cycles of the plot; ``y`` and ``height`` are of the slowest, ``middle_y`` marks the median."""

    x: float
    width: float
    y: float
    height: float
    middle_y: float
    words: str
    is_slow: bool
    when_utc: datetime


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on an axis; ``when_utc`` on that of time, ``words`` on that of seconds."""

    at: float
    words: str = ""
    when_utc: datetime | None = None

    @property
    def anchor(self) -> str:
        """Return how a label below lies to its tick, so that none is cut off."""
        if self.at <= LEFT:
            return "start"
        return "end" if self.at > PLOT_WIDTH - EDGE else "middle"


@dataclass(frozen=True, slots=True)
class Plot:
    """Cycle times over time, ready to be drawn; ``is_short``: its axis of time tells seconds."""

    bars: tuple[Bar, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    target_y: float | None
    cycles: int
    p50_s: float
    p95_s: float
    longest_s: float
    is_short: bool


def stage_tree(reports: Sequence[CycleReport]) -> list[Stage]:
    """Return the stages of the newest report under their branches, with the spread over all; newest first."""
    if not reports:
        return []
    known = {stage for stages in BRANCHES.values() for stage in stages}
    seen = dict.fromkeys(name for report in reports for name in report.stages)
    others = {_called(name): (name,) for name in seen if name not in known}
    whole_s = sum(reports[0].stages.values())
    tree: list[Stage] = []
    for branch, stages in {**BRANCHES, **others}.items():
        there = [name for name in stages if name in seen]
        if not there:
            continue
        tree.append(_stage(branch, there, 0, reports, whole_s))
        if len(there) > 1:
            tree += [_stage(_called(name), [name], 1, reports, whole_s) for name in there]
    return tree


def _stage(
    name: str, stages: Iterable[str], depth: int, reports: Sequence[CycleReport], whole_s: float
) -> Stage:
    spent = [sum(report.stages.get(one, 0.0) for one in stages) for report in reports]
    share_pct = 100 * spent[0] / whole_s if whole_s > 0 else 0.0
    return Stage(name, depth, spent[0], share_pct, percentile(spent, 0.5), percentile(spent, 0.95))


def _called(stage: str) -> str:
    return stage.replace("_", " ").capitalize()


def plot(reports: Sequence[CycleReport], *, since_utc: datetime, now_utc: datetime) -> Plot | None:
    """Return the plot of the cycles from ``since_utc`` to ``now_utc``, the newest first in ``reports``; None of none.

    Each cycle is a bar while they fit; then neighbours share one, as high as the slowest of them.
    """
    if not reports:
        return None
    times = [report.seconds for report in reports]
    top_s, step_s = scale(max(times))
    span_s = max(1.0, (now_utc - since_utc).total_seconds())
    step = next((one for one in STEPS_S if span_s / one < MOST_TICKS), math.ceil(span_s / 86400 / 5) * 86400)
    columns = _clock_ticks(since_utc, span_s, step)
    places = min(MAX_BARS, max(MIN_BARS, 2 * len(reports)))
    slot = (PLOT_WIDTH - LEFT - RIGHT) / places
    shared: dict[int, list[CycleReport]] = {}
    for report in reversed(reports):
        share = (report.started_utc - since_utc).total_seconds() / span_s
        shared.setdefault(min(places - 1, max(0, int(share * places))), []).append(report)
    return Plot(
        bars=tuple(
            _bar(cycles, LEFT + place * slot, slot, top_s) for place, cycles in sorted(shared.items())
        ),
        rows=tuple(
            Tick(height_at(number * step_s, top_s), f"{number * step_s:g} s")
            for number in range(round(top_s / step_s) + 1)
        ),
        columns=columns,
        target_y=height_at(TARGET_S, top_s) if top_s > TARGET_S else None,
        cycles=len(times),
        p50_s=percentile(times, 0.5),
        p95_s=percentile(times, 0.95),
        longest_s=max(times),
        is_short=step < 60,
    )


def _clock_ticks(since_utc: datetime, span_s: float, step: int) -> tuple[Tick, ...]:
    """Return the round times within a span, counted from midnight in New York, where the clock is read."""
    local = since_utc.astimezone(EASTERN)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    begun_s = (since_utc - midnight).total_seconds()
    first, last = math.ceil(begun_s / step), math.floor((begun_s + span_s) / step)
    return tuple(
        Tick(
            LEFT + (number * step - begun_s) / span_s * (PLOT_WIDTH - LEFT - RIGHT),
            when_utc=midnight + timedelta(seconds=number * step),
        )
        for number in range(first, last + 1)
    )


def _bar(cycles: Sequence[CycleReport], x: float, slot: float, top_s: float) -> Bar:
    slowest = max(cycles, key=lambda report: report.seconds)
    middle_s = percentile([report.seconds for report in cycles], 0.5)
    y = height_at(slowest.seconds, top_s)
    counts = slowest.counts
    one = (
        f"Cycle {slowest.number}: {slowest.seconds:.2f} s, {counts.get('new', 0)} new,"
        f" {counts.get('alert', 0) + counts.get('released', 0)} alerts"
    )
    words = one if len(cycles) == 1 else f"{len(cycles)} cycles, median {middle_s:.2f} s. Slowest: {one}"
    return Bar(
        x=round(x, 2),
        width=round(min(MAX_BAR_WIDTH, max(1.2, slot - 1.0)), 2),
        y=round(y, 2),
        height=round(max(1.0, PLOT_HEIGHT - BOTTOM - y), 2),
        middle_y=round(height_at(middle_s, top_s), 2),
        words=words,
        is_slow=slowest.seconds > TARGET_S,
        when_utc=slowest.started_utc,
    )


def height_at(figure: float, top: float) -> float:
    """Return where a figure lies on an axis that ends at ``top``."""
    return PLOT_HEIGHT - BOTTOM - (PLOT_HEIGHT - BOTTOM - TOP) * min(1.0, figure / top)


def scale(most: float) -> tuple[float, float]:
    """Return the top of an axis and its step, both round: three to five steps."""
    power = 10.0 ** math.floor(math.log10(max(most, 0.01)))
    for factor in (0.25, 0.5, 1.0, 2.0, 2.5):
        step_s = power * factor
        if most <= 5 * step_s:
            break
    return step_s * max(1, math.ceil(most / step_s - 1e-9)), step_s
