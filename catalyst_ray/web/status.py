"""What the status page is given: feeds, queues, cards and outbox as rows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core.health import percentile
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.models import DeliveryState, FeedReport
from catalyst_ray.web.figures import plot, stage_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.models import CycleReport, FeedState, GpuSample
    from catalyst_ray.web.figures import Plot, Stage

SPREAD_CYCLES = 100
"""Cycles over which the spread of stages and postings is told."""
_ORDER = ("failed", "waiting", "ok", "not_modified", "off")
_QUEUES = {"llm": "Language model", "charts": "Charts", "filings": "Filings"}
_LOADS = ("busy", "waiting", "oldest_age_s", "mean_seconds", "replicas", "workers")
_ALWAYS = frozenset({"requests", "failed"})
"""Counts that say something at zero too."""
_INNER = frozenset({"seconds", "worked", "open", "taken", "waited_s"})
"""What means are made of, and what waiting and busy say already."""
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed as the last cycle met it, with what is remembered of it."""

    report: FeedReport
    state: FeedState | None
    trouble: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue: what it does now (``loads``), and its counts since the start."""

    name: str
    loads: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, str], ...]
    is_waiting: bool


@dataclass(frozen=True, slots=True)
class GpuRow:
    """A card, its node in its name; percentages are None where it does not say."""

    name: str
    use_pct: float | None
    memory_pct: float | None
    memory: str
    more: str


@dataclass(frozen=True, slots=True)
class SinkRow:
    """An outbox by state, and how long its alerts took from the first byte."""

    sink: str
    counts: tuple[int, ...]
    posted: int
    p50_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """All of it."""

    cycles: int
    stages: list[Stage]
    whole_s: float
    plot: Plot | None
    feeds: list[FeedRow]
    queues: list[QueueRow]
    gpus: list[GpuRow]
    states: tuple[str, ...]
    sinks: list[SinkRow]
    doubles: int


def status_of(
    cycles: Sequence[CycleReport],
    *,
    last: CycleReport | None,
    feeds: Mapping[str, FeedState],
    outbox: Mapping[str, int],
    since_utc: datetime,
    now_utc: datetime,
) -> Status:
    """Return the rows; ``cycles`` are the newest first, ``last`` is shown even where it is older than they."""
    recent = list(cycles[:SPREAD_CYCLES]) or ([last] if last else [])
    begun = min((report.started_utc for report in cycles), default=since_utc)
    return Status(
        cycles=len(recent),
        stages=stage_tree(recent),
        whole_s=sum(last.stages.values()) if last else 0.0,
        plot=plot(cycles, since_utc=max(since_utc, begun), now_utc=now_utc),
        feeds=_feeds(last.feeds if last else (), feeds),
        queues=[_queue(name, figures) for name, figures in (last.queues if last else {}).items() if figures],
        gpus=[gpu_row(sample) for sample in (last.gpus if last else ())],
        states=tuple(DeliveryState),
        sinks=_sinks(outbox, recent),
        doubles=outbox.get("possible_doubles", 0),
    )


def _feeds(reports: Iterable[FeedReport], states: Mapping[str, FeedState]) -> list[FeedRow]:
    known = {report.feed: report for report in reports}
    for name in states:
        known.setdefault(name, FeedReport(feed=name, status="off"))
    rows = [
        FeedRow(
            report,
            states.get(report.feed),
            clip(plain(": ".join(filter(None, (report.error, report.hint)))), 300),
        )
        for report in known.values()
    ]
    return sorted(rows, key=lambda row: (_rank(row.report.status), -row.report.new, row.report.feed))


def _rank(status: str) -> int:
    return _ORDER.index(status) if status in _ORDER else len(_ORDER)


def _queue(name: str, figures: Mapping[str, float]) -> QueueRow:
    loads = [(_called(key), _figure(key, figures[key])) for key in _LOADS if key in figures]
    counts = [
        (_called(key), _figure(key, value))
        for key, value in figures.items()
        if key not in _LOADS and (value or key in _ALWAYS) and key not in _INNER
    ]
    return QueueRow(
        _QUEUES.get(name, plain(name).capitalize()),
        tuple(loads),
        tuple(counts),
        figures.get("waiting", 0) > 0,
    )


def _called(key: str) -> str:
    return {"oldest_age_s": "oldest waits", "mean_seconds": "mean"}.get(key, plain(key).replace("_", " "))


def _figure(key: str, value: float) -> str:
    if key.endswith(("_s", "seconds")):
        return f"{value:,.2f} s"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def gpu_row(sample: GpuSample) -> GpuRow:
    """Return a card as a row."""
    used, total = sample.memory_used_bytes, sample.memory_total_bytes
    memory_pct = 100 * used / total if used is not None and total else None
    memory = f"{used / _MIB:,.0f} of {total / _MIB:,.0f} MiB" if used is not None and total else "not told"
    more = [
        f"{sample.power_w:.0f} W" if sample.power_w is not None else "",
        f"{sample.temperature_c:.0f} °C" if sample.temperature_c is not None else "",
        f"slowed by {clip(plain(', '.join(sample.throttle)), 80)}" if sample.throttle else "",
    ]
    where = f"{sample.node}, " if sample.node else ""
    name = clip(plain(f"{where}{sample.index}: {sample.name}"), 80)
    return GpuRow(name, sample.utilisation_pct, memory_pct, memory, " · ".join(filter(None, more)))


def _sinks(outbox: Mapping[str, int], cycles: Sequence[CycleReport]) -> list[SinkRow]:
    by_sink: dict[str, dict[str, int]] = {}
    for name, number in outbox.items():
        sink, slash, state = name.rpartition("/")
        if slash:
            by_sink.setdefault(sink, {})[state] = number
    rows = []
    for sink in sorted(by_sink):
        posted = [span for report in cycles for span in report.posted_s.get(sink, ())]
        counts = tuple(by_sink[sink].get(state.value, 0) for state in DeliveryState)
        rows.append(
            SinkRow(plain(sink), counts, len(posted), percentile(posted, 0.5), percentile(posted, 0.95))
        )
    return rows
