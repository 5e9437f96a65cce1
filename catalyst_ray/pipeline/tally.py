"""Adds up what a cycle did: stage seconds, counts, feeds, problems. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.stages import BRANCHES, OTHER, covered_s
from catalyst_ray.models import Action, CycleReport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.models import FeedReport, GpuSample
    from catalyst_ray.ports import Clock

MAX_PROBLEMS = 100
INFLOW = ("new", "recovered", "extended")
LATE = ("revised", "lifted", "sunk", "unanswered", "edited", "awaited")
"""What late verdicts did since the last report, to items of this cycle and of earlier ones."""
OUTFLOW = (*(action.value for action in Action), "failed")

Span = Callable[[str, int], AbstractContextManager[Any]]
"""Opens a span of somebody's timeline, of a stage and a cycle's number."""


class Tally:
    """The running sums of one cycle.

    Args:
        span: Opened when a stage comes under way, closed when nothing of it is any more.
    """

    def __init__(self, number: int, clock: Clock, *, span: Span | None = None) -> None:
        self._clock = clock
        self._span = span
        self._under_way: Counter[str] = Counter()
        self._open_spans: dict[str, AbstractContextManager[Any]] = {}
        self.number = number
        self.started_utc: datetime = clock.now_utc()
        self._started_s = clock.monotonic()
        self.stages: dict[str, float] = {}
        self._spans: dict[str, list[tuple[float, float]]] = {}
        self.counts: Counter[str] = Counter()
        self.feeds: dict[str, FeedReport] = {}
        self.problems: list[str] = []
        self.posted_s: dict[str, list[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        started = self._clock.monotonic()
        try:
            with self.under_way(name):
                yield
        finally:
            self.add(name, self._clock.monotonic() - started)

    @contextmanager
    def under_way(self, name: str) -> Iterator[None]:
        """Show what is inside on the timeline, if there is one: once, however much of it goes on side by side."""
        if self._span is None:
            yield
            return
        self._under_way[name] += 1
        if self._under_way[name] == 1:
            self._open_spans[name] = self._span(name, self.number)
            self._open_spans[name].__enter__()
        try:
            yield
        finally:
            self._under_way[name] -= 1
            if not self._under_way[name]:
                self._open_spans.pop(name).__exit__(None, None, None)

    def add(self, name: str, seconds: float) -> None:
        """Add seconds that end now to a stage."""
        self.stages[name] = self.stages.get(name, 0.0) + seconds
        ended_s = self._clock.monotonic()
        begun_s = max(ended_s - seconds, self._started_s)
        spans = self._spans.setdefault(name, [])
        # Spans come in the order of their ends: only the last ones can touch a new one.
        while spans and spans[-1][1] >= begun_s:
            begun_s = min(begun_s, spans.pop()[0])
        spans.append((begun_s, max(begun_s, ended_s)))

    @property
    def elapsed(self) -> dict[str, float]:
        """Return the seconds of the clock in which each stage was under way."""
        return {name: sum(end - begin for begin, end in spans) for name, spans in self._spans.items()}

    @property
    def branches(self) -> dict[str, float]:
        """Return the seconds of the clock in which each branch of stages was under way, and those in which none was."""
        spans = {
            branch: [span for stage in stages for span in self._spans.get(stage, ())]
            for branch, stages in BRANCHES.items()
        }
        found = {branch: covered_s(of) for branch, of in spans.items() if of}
        busy_s = covered_s(span for of in self._spans.values() for span in of)
        return {**found, OTHER: max(0.0, self.seconds - busy_s)}

    @property
    def seconds(self) -> float:
        """Return how long the cycle has run."""
        return self._clock.monotonic() - self._started_s

    def problem(self, words: str) -> None:
        """Note what went wrong, for the report; the first hundred are kept."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(words)

    def report(
        self,
        *,
        queues: Mapping[str, Mapping[str, float]],
        deliveries: Mapping[str, int],
        gpus: Sequence[GpuSample] = (),
        rss_bytes: int | None = None,
    ) -> CycleReport:
        """Return the cycle's report; items that no decision accounts for are a problem in it."""
        names = ("entries", "items", "seen", *INFLOW, *OUTFLOW, "released", *LATE)
        counts = {name: self.counts[name] for name in names}
        missing = sum(counts[n] for n in INFLOW) - sum(counts[n] for n in OUTFLOW)
        if missing:
            self.problem(f"{missing} items have no decision; they are taken up again in the next cycle")
        return CycleReport(
            number=self.number,
            started_utc=self.started_utc,
            seconds=self.seconds,
            stages=dict(self.stages),
            counts=counts,
            feeds=tuple(self.feeds[name] for name in sorted(self.feeds)),
            queues=queues,
            deliveries=deliveries,
            posted_s={sink: tuple(self.posted_s[sink]) for sink in sorted(self.posted_s)},
            problems=tuple(self.problems),
            gpus=tuple(gpus),
            elapsed=self.elapsed,
            rss_bytes=rss_bytes,
            branches=self.branches,
        )
