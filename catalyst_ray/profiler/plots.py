"""The geometry of a profile's plots: stacks and lines, ready to be drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

from catalyst_ray.core.profile_memory import ROLES
from catalyst_ray.web.figures import LEFT, PLOT_WIDTH, RIGHT, Tick, height_at, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalyst_ray.models import CycleReport, ProfileReport, QueueMoment

MOST_STACKS, MOST_POINTS, MOST_CARDS = 120, 480, 8
WIDEST = 36.0
ROOM = PLOT_WIDTH - LEFT - RIGHT
COLUMNS = 5
AHEAD = (
    "At a replica are the requests that its workers have in hand, and the few that are sent ahead of them"
    " so that no worker waits for its next: there may be more than workers."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a stack; ``tone`` is the number of its colour."""

    y: float
    height: float
    tone: int


@dataclass(frozen=True, slots=True)
class Stack:
    """The stages of a cycle, or of neighbours that share a place, on one another; ``line_y`` is the cycle's length."""

    x: float
    width: float
    pieces: tuple[Piece, ...]
    line_y: float
    words: str


@dataclass(frozen=True, slots=True)
class Series:
    """A line, as the points of a polyline; ``most`` is its highest figure in words."""

    name: str
    tone: int
    points: str
    most: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: what it shows in words, its axes, and stacks or lines with their names."""

    name: str
    title: str
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    names: tuple[str, ...] = ()
    stacks: tuple[Stack, ...] = ()
    series: tuple[Series, ...] = ()
    note: str = ""


def stage_plot(report: ProfileReport) -> Plot:
    """Return the seconds of the clock in which each stage was under way, cycle by cycle."""
    cycles = report.cycles
    names = tuple(stage.stage for stage in report.stages)
    tops = [sum(cycle.elapsed.values()) for cycle in cycles]
    top, step = scale(max([*tops, *(cycle.seconds for cycle in cycles)]))
    shared: dict[int, list[CycleReport]] = {}
    places = min(MOST_STACKS, len(cycles))
    for number, cycle in enumerate(cycles):
        shared.setdefault(number * places // len(cycles), []).append(cycle)
    slot = ROOM / places
    return Plot(
        name="stages",
        title="Seconds of the clock in which each stage was under way, by cycle",
        rows=_rows(top, step),
        columns=_numbered(len(cycles), margin=slot / 2),
        names=names,
        stacks=tuple(_stack(LEFT + at * slot, slot, of, names, top) for at, of in shared.items()),
    )


def load_plots(report: ProfileReport) -> list[Plot]:
    """Return GPUs, queues and memory over the profile; those of which something was seen."""
    moments, cycles = report.moments, report.cycles
    waits = {
        "LLM": _over(moments, lambda m: m.llm_oldest_s),
        "charts": _over(moments, lambda m: m.charts_oldest_s),
    }
    stood = {
        "LLM waiting": _over(moments, lambda m: float(m.llm_waiting)),
        "LLM at a replica": _over(moments, lambda m: float(m.llm_busy)),
        "charts waiting": _over(moments, lambda m: float(m.charts_waiting)),
        "charts at a worker": _over(moments, lambda m: float(m.charts_busy)),
    }
    found = [
        _timed("queues", "Requests in the queues", "", stood, note=AHEAD),
        _timed("waits", "How long the oldest request had waited, in seconds", "s", waits),
        _by_cycle("gpus", "GPU use in per cent, mean of each cycle", "%", _cards(cycles), len(cycles)),
        _by_cycle("memory", "Memory by role at each cycle’s end, in MB", "MB", _roles(report), len(cycles)),
    ]
    return [plot for plot in found if plot is not None]


def _stack(x: float, slot: float, cycles: Sequence[CycleReport], names: Sequence[str], top: float) -> Stack:
    width = min(WIDEST, max(1.0, slot - 1.5))
    pieces, reached = [], 0.0
    said = []
    for tone, name in enumerate(names):
        seconds = fmean(cycle.elapsed.get(name, 0.0) for cycle in cycles)
        if seconds <= 0:
            continue
        y, below = height_at(reached + seconds, top), height_at(reached, top)
        pieces.append(Piece(round(y, 2), round(below - y, 2), tone))
        reached += seconds
        said.append(f"{name} {seconds:.2f} s")
    whole_s = fmean(cycle.seconds for cycle in cycles)
    first, last = cycles[0].number, cycles[-1].number
    called = f"Cycle {first}" if first == last else f"Cycles {first} to {last}, mean"
    return Stack(
        x=round(x + (slot - width) / 2, 2),
        width=round(width, 2),
        pieces=tuple(pieces),
        line_y=round(height_at(whole_s, top), 2),
        words=f"{called}: {whole_s:.2f} s. {', '.join(said)}",
    )


def _over(
    moments: Sequence[QueueMoment], figure: Callable[[QueueMoment], float]
) -> list[tuple[float, float]]:
    return [(moment.at_s, figure(moment)) for moment in moments]


def _cards(cycles: Sequence[CycleReport]) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for place, cycle in enumerate(cycles):
        for card in cycle.gpus:
            name = f"{card.node or ''}/{card.index} {card.name}".lstrip("/")
            if card.utilisation_pct is not None and (name in found or len(found) < MOST_CARDS):
                found.setdefault(name, []).append((float(place), card.utilisation_pct))
    return found


def _roles(report: ProfileReport) -> dict[str, list[tuple[float, float]]]:
    seen = {role for sizes in report.rss_by_cycle for role in sizes}
    found = {
        role: [
            (float(place), sizes[role] / 1e6)
            for place, sizes in enumerate(report.rss_by_cycle)
            if role in sizes
        ]
        for role in (*(role for role in ROLES if role in seen), *sorted(seen - set(ROLES)))
    }
    if not found:  # processes were not read: the cycles tell of the driver alone
        sizes = [
            (float(n), c.rss_bytes / 1e6) for n, c in enumerate(report.cycles) if c.rss_bytes is not None
        ]
        found = {"driver": sizes} if sizes else {}
    return found


def _timed(
    name: str, title: str, unit: str, lines: Mapping[str, list[tuple[float, float]]], *, note: str = ""
) -> Plot | None:
    end_s = max((at for points in lines.values() for at, _ in points), default=0.0)
    if end_s <= 0 or not any(figure for points in lines.values() for _, figure in points):
        return None
    _, step_s = scale(end_s)
    columns = tuple(
        Tick(LEFT + number * step_s / end_s * ROOM, f"{number * step_s:g} s")
        for number in range(int(end_s / step_s + 1e-9) + 1)
    )
    return replace(_lines(name, title, unit, lines, end=end_s, columns=columns), note=note)


def _by_cycle(
    name: str, title: str, unit: str, lines: Mapping[str, list[tuple[float, float]]], cycles: int
) -> Plot | None:
    if not lines:
        return None
    return _lines(name, title, unit, lines, end=max(1.0, cycles - 1.0), columns=_numbered(cycles))


def _rounded(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _lines(
    name: str,
    title: str,
    unit: str,
    lines: Mapping[str, list[tuple[float, float]]],
    *,
    end: float,
    columns: tuple[Tick, ...],
) -> Plot:
    highest = max((figure for points in lines.values() for _, figure in points), default=1.0)
    top, step = scale(highest)
    series = tuple(
        Series(
            called, tone, _points(points, end, top), f"{_rounded(max(f for _, f in points))} {unit}".strip()
        )
        for tone, (called, points) in enumerate(lines.items())
        if points
    )
    return Plot(name=name, title=title, rows=_rows(top, step), columns=columns, series=series)


def _points(points: Sequence[tuple[float, float]], end: float, top: float) -> str:
    """Return a polyline; of many points in one place the highest is kept, so that no peak is lost."""
    kept: dict[int, tuple[float, float]] = {}
    for at, figure in points:
        place = round(at / end * MOST_POINTS)
        if place not in kept or figure > kept[place][1]:
            kept[place] = (at, figure)
    return " ".join(
        f"{LEFT + at / end * ROOM:.1f},{height_at(figure, top):.1f}" for at, figure in kept.values()
    )


def _rows(top: float, step: float) -> tuple[Tick, ...]:
    return tuple(
        Tick(round(height_at(number * step, top), 2), f"{number * step:g}")
        for number in range(round(top / step) + 1)
    )


def _numbered(cycles: int, *, margin: float = 0.0) -> tuple[Tick, ...]:
    """Return the numbers of the cycles on the axis: five at most, the first and last ``margin`` from its ends."""
    count = min(COLUMNS, cycles)
    room = ROOM - 2 * margin
    places = [round(place / max(1, count - 1) * (cycles - 1)) for place in range(count)]
    return tuple(Tick(LEFT + margin + place / max(1, cycles - 1) * room, str(1 + place)) for place in places)
