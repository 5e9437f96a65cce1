"""Profiles: what several cycles cost, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (pydantic reads the annotations at run time)
from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  (same reason)

from catalyst_ray.models.gpus import GpuSample  # noqa: TC001  (same reason)
from catalyst_ray.models.reports import CycleReport  # noqa: TC001  (same reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How a figure is spread over cycles."""

    mean: float
    p50: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProfile:
    """One stage over all cycles.

    Args:
        stage: ``fetch``, ``parse``, ``claim``, ``score``, ``read``, ``judge``, ``draw``, ``commit``, ``deliver``.
        work_s: Seconds of work in all, summed over items; work overlaps.
        elapsed_s: Seconds of the clock in which some of it was under way.
        share: ``elapsed_s`` of the seconds of all cycles, 0 to 1; shares overlap too.
        cycle_s: ``elapsed_s`` of a cycle, over the cycles.
    """

    stage: str
    work_s: float
    elapsed_s: float
    share: float
    cycle_s: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMoment:
    """What stood in the queues at a moment: requests waiting, requests being served, and how long the oldest waited.

    Args:
        at_s: Since the first moment of the profile.
    """

    at_s: float
    llm_waiting: int = 0
    llm_busy: int = 0
    llm_oldest_s: float = 0.0
    charts_waiting: int = 0
    charts_busy: int = 0
    charts_oldest_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGrowth:
    """A line of code whose memory grew between two moments, by tracemalloc."""

    where: str
    bytes: int
    blocks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReading:
    """What a process holds in memory at a moment; roles as in ``ProcessMemory``."""

    role: str
    name: str
    pid: int
    rss_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMemory:
    """The memory of one process over the profile.

    Args:
        role: ``driver``, ``replica``, ``engine``, ``sampler``, ``worker``, ``raylet``, ``gcs``, ``dashboard`` or ``agent``.
        rss_bytes: Resident at the end; ``rss_max_bytes`` is the most.
        slope_bytes: Growth a cycle after the warm-up, by a straight line; None with too few cycles to tell.
        doubt_bytes: The slope's standard error.
        cycles: Readings behind the slope, one a cycle.
    """

    role: str
    name: str
    pid: int
    rss_bytes: int
    rss_max_bytes: int
    slope_bytes: float | None = None
    doubt_bytes: float | None = None
    cycles: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProfile:
    """A function of the driver, by cProfile."""

    where: str
    calls: int
    own_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A limit that a profile is held against.

    Args:
        passed: None where nothing was measured; ``lack`` says what was missing.
    """

    name: str
    value: float | None
    limit: float
    unit: str
    passed: bool | None
    lack: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What a profile suggests.

    Args:
        rule: Its name, as in ``core/data/advice.toml``.
        evidence: What was measured, in words with the figures.
        figures: The figures behind it, by name.
        setting: The variable to change; None where no setting helps (the words say what does).
        value: What to set it to, as it would stand in ``.env``.
        words: What to do and why.
        weight: Seconds of a cycle's p95 that may be won, by estimate; advice is sorted by it.
        aim: What it should better: ``cycle``, ``post``, ``answer`` (p95 of a cycle, to post, to the model's verdict) or
            ``verdicts`` (that come in time); empty where no trial could show it.
    """

    rule: str
    evidence: str
    figures: Mapping[str, float]
    setting: str | None
    value: str | None
    words: str
    weight: float = 0.0
    aim: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReport:
    """A profile of the whole program over some cycles.

    Args:
        kind: ``cycle``, ``full`` or ``gpu``.
        load: What the cycles worked on: ``demo`` or ``live``.
        machine: Facts of the cluster: cores, memory, GPUs, nodes, versions.
        settings: The settings that bear on speed, by variable; no secrets.
        cycle_s: Of a cycle; the first, which is cold, is left out where there are others.
        posted_s: From first byte to posted, over all deliveries, by sink.
        queues: What the queues did in the profile, by name: ``llm``, ``charts``, ``filings``, ``prices``. Counts are differences;
            ``waiting``, ``busy`` and ``oldest_age_s`` are the most that was seen.
        ray_s: Ray's own cost: seconds of an empty ``task`` and an empty ``actor_call``.
        branches: The stages by what they serve, as the guide groups them (``Feeds``, …), and ``Other`` for the
            seconds in which no stage was under way.
        load_facts: What else makes the load what it is: the demo's options, the model that judged.
        moments: The queues over time, a bounded number.
        rss_by_cycle: Memory by role at each cycle's end, in bytes.
        growth: What grew most in the driver, if asked for.
        notes: What could not be measured, and why.
        quality: How well the cycles were judged: ``alerts``, ``decided``, ``judged``, ``charted`` and ``verdict_p95_s``
            (from first byte to verdict); of the demo, whose truth is known, ``stories``, ``found`` and ``wrong`` too.
    """

    version: int = 1
    kind: str
    load: str
    made_utc: datetime
    machine: Mapping[str, str | float]
    settings: Mapping[str, str]
    cycles: tuple[CycleReport, ...]
    cycle_s: Spread
    stages: tuple[StageProfile, ...]
    posted_s: Mapping[str, Spread]
    queues: Mapping[str, Mapping[str, float]]
    gpus: tuple[GpuSample, ...] = ()
    memory: tuple[ProcessMemory, ...] = ()
    calls: tuple[CallProfile, ...] = ()
    ray_s: Mapping[str, float]
    targets: tuple[Target, ...] = ()
    advice: tuple[Advice, ...] = ()
    branches: tuple[StageProfile, ...] = ()
    load_facts: Mapping[str, str] = field(default_factory=dict)
    moments: tuple[QueueMoment, ...] = ()
    rss_by_cycle: tuple[Mapping[str, int], ...] = ()
    growth: tuple[MemoryGrowth, ...] = ()
    notes: tuple[str, ...] = ()
    quality: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure in two profiles.

    Args:
        ratio: After by before; None where there was nothing before.
        verdict: ``better``, ``worse``, ``no difference`` (the spread over cycles explains it), or why there is none:
            ``too few`` figures, ``one figure`` a profile.
    """

    name: str
    unit: str
    before: float
    after: float
    ratio: float | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two profiles side by side.

    Args:
        differ: What makes them hard to compare: versions, machine, load.
        changed: Settings that are not the same, by variable: before and after.
    """

    before_utc: datetime
    after_utc: datetime
    differ: tuple[str, ...]
    changed: Mapping[str, tuple[str, str]]
    changes: tuple[Change, ...]
