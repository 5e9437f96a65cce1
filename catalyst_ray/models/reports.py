"""Reports: what a cycle did, feed by feed."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (same reason)
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)

from catalyst_ray.models.alerts import Delivery  # noqa: TC001  (same reason)
from catalyst_ray.models.gpus import GpuSample  # noqa: TC001  (same reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """Where the store stands, at one moment.

    Args:
        size_bytes: On disk; of a PostgreSQL the whole database's.
        free_bytes: The part that deleted rows left behind, to be used again.
        driver: Who holds the lease; None when nobody does, or it ended.
        held: Alerts that wait for a later cycle.
        oldest_open_utc: When the oldest alert that a sink has yet to take was made, by sink.
        dead: Deliveries that were given up lately, the newest first.
    """

    schema_version: int
    size_bytes: int
    free_bytes: int
    driver: str | None
    held: int
    oldest_open_utc: Mapping[str, datetime]
    dead: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How one feed did in a cycle. ``error`` is None when it answered."""

    feed: str
    status: str
    """``ok``, ``not_modified``, ``waiting``, ``failed`` or ``off``."""
    seconds: float = 0.0
    entries: int = 0
    new: int = 0
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """One cycle, for people and machines.

    Args:
        stages: Seconds of work by stage, summed over items; stages overlap, so they may exceed ``seconds``.
        elapsed: Seconds of the clock in which a stage was under way, by stage: never more than ``seconds``.
        branches: The same for stages by what they serve (``core.stages.BRANCHES``), and ``Other`` for the seconds
            in which none was under way.
        counts: ``entries`` (before merging), ``items``, ``seen``, ``new``, ``recovered``, ``extended``,
            one for each action, ``failed``, ``released`` (held before, alerted now), and what the model did
            after the decision: ``revised``, ``lifted`` (an alert now), ``sunk`` (an alert marked as none);
            ``unanswered`` counts verdicts that never came (late, failed, refused: the item says which),
            ``edited`` the messages changed for it, ``awaited`` the verdicts still to come.
            ``new + recovered + extended = alert + hold + suppress + drop + failed``.
        queues: Statistics of the queues, by name: ``llm``, ``charts``, ``filings``, ``prices``.
        deliveries: Outbox rows by state and sink after the cycle.
        gpus: What every GPU of the cluster did in the cycle, by node.
        rss_bytes: Memory that the driver's process held at its end; None where that is not to be had.
    """

    number: int
    started_utc: datetime
    seconds: float
    stages: Mapping[str, float]
    counts: Mapping[str, int]
    feeds: tuple[FeedReport, ...]
    queues: Mapping[str, Mapping[str, float]]
    deliveries: Mapping[str, int]
    posted_s: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """First byte to posted, seconds, one figure per delivery of this cycle, by sink."""
    problems: tuple[str, ...] = ()
    gpus: tuple[GpuSample, ...] = ()
    elapsed: Mapping[str, float] = field(default_factory=dict)
    rss_bytes: int | None = None
    branches: Mapping[str, float] = field(default_factory=dict)
