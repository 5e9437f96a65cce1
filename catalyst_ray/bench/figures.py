"""The figures of a bench, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRate:
    """How fast charts are drawn, each with bars of its own.

    Args:
        per_s: With as many asked for at once as workers take.
        alone_s: From request to picture of a chart that is asked for alone, at the median.
        draw_s: What a worker took for one, on average.
    """

    charts: int
    workers: int
    per_s: float
    alone_s: float
    draw_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRate:
    """What one replica did of the whole."""

    replica: str
    answers: int
    per_s: float
    output_tokens_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRate:
    """How fast the language model answers, with every slot of every replica kept busy.

    Args:
        slots: Requests that one replica takes at once (LLM_BATCH_WORKERS).
        failed: Requests without an answer.
        p50_s: From hand-out to answer, waiting left out; ``p95_s`` likewise.
    """

    engine: str
    model: str
    device: str
    requests: int
    failed: int
    slots: int
    per_s: float
    prompt_tokens_per_s: float
    output_tokens_per_s: float
    p50_s: float
    p95_s: float
    replicas: tuple[ReplicaRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleRate:
    """Whole cycles over the invented market: feeds, judgement, charts, delivery, all on loopback beside the driver.

    Args:
        stages_s: Seconds of the clock by stage, at the median.
    """

    cycles: int
    p50_s: float
    p95_s: float
    items: float
    alerts: float
    stages_s: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """A bench; what was not asked for or cannot be measured is None, and ``notes`` say why."""

    where: str
    nodes: int
    cpus: float
    gpus: float
    charts: ChartRate | None = None
    model: ModelRate | None = None
    cycles: CycleRate | None = None
    notes: tuple[str, ...] = ()
