"""One cycle: what was left, what was held and all feeds at once; then deliver and report."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from catalyst_ray.models import Action, ClaimOutcome, FeedReport
from catalyst_ray.pipeline.round import Round
from catalyst_ray.pipeline.tally import Tally
from catalyst_ray.pipeline.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from typing import Any

    from catalyst_ray.models import CycleReport, Delivery, FeedSpec, FeedState, Item
    from catalyst_ray.pipeline.courier import Courier
    from catalyst_ray.pipeline.flow import Flow
    from catalyst_ray.pipeline.intake import Intake, Taken
    from catalyst_ray.pipeline.late import LateVerdicts
    from catalyst_ray.pipeline.release import Releaser
    from catalyst_ray.pipeline.tally import Span
    from catalyst_ray.ports import Clock, GpuWatch, Store

log = logging.getLogger(__name__)

RECOVER_LIMIT = 2_000
LEAST_SETTLE_S, MOST_SETTLE_S = 2.0, 10.0
"""How long a cycle waits for its own alerts to be taken by the sinks: half its period within these."""


class Cycle:
    """Runs cycles over ports.

    Args:
        feeds: Feeds to take.
        off: Feeds that stay off, with the setting that turns them on.
        late: Verdicts that come after their item was decided, whatever cycle it was of.
        late_s: How long the last cycle waits for them.
        queues: Statistics for the report, by name of the queue.
        gpus: Says what the GPUs did in the cycle, for the report.
        rss: Returns the memory of this process, in bytes, for the report.
        max_alerts: Alerts of one cycle; more are held for the next.
        period_s: From the start of one cycle to the next: a sink that does not answer must not use it up.
        parallel: Take all feeds at once; one by one otherwise.
        span: Puts stages on a timeline.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        intake: Intake,
        flow: Flow,
        releaser: Releaser,
        late: LateVerdicts,
        late_s: float,
        courier: Courier,
        queues: Mapping[str, Callable[[], Mapping[str, float]]],
        gpus: GpuWatch,
        rss: Callable[[], int | None],
        feeds: Sequence[FeedSpec],
        off: Mapping[str, str],
        max_alerts: int,
        period_s: float,
        parallel: bool,
        span: Span | None = None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._intake = intake
        self._flow = flow
        self._releaser = releaser
        self._late = late
        self._late_s = late_s
        self._courier = courier
        self._queues = queues
        self._gpus = gpus
        self._rss = rss
        self._feeds = feeds
        self._off = off
        self._max_alerts = max_alerts
        self._settle_s = min(max(LEAST_SETTLE_S, period_s / 2), MOST_SETTLE_S)
        self._parallel = parallel
        self._span = span

    async def run(self, number: int, *, wait_for_retries_s: float = 0.0) -> CycleReport:
        """Run one cycle and return its report.

        Args:
            number: Of the cycle, from 1.
            wait_for_retries_s: Of the last cycle (``--once``): wait so long for deliveries that must be tried
                again, and before that for the model's late verdicts.

        Raises:
            StoreError: The store failed; what was claimed is taken up by the next cycle.
        """
        tally = Tally(number, self._clock, span=self._span)
        with tally.under_way("run"):
            return await self._run(tally, wait_for_retries_s)

    async def _run(self, tally: Tally, wait_for_retries_s: float) -> CycleReport:
        shared = Round(tally, slots=self._max_alerts)
        self._courier.on_sent = lambda row: self._posted(row, tally)
        self._courier.on_busy = lambda seconds: tally.add("deliver", seconds)
        for name, hint in self._off.items():
            tally.feeds[name] = FeedReport(feed=name, status="off", hint=hint)
        states = await asyncio.to_thread(self._store.feed_states)
        # Read before any feed claims: what is undecided later is in another's hands.
        left = await asyncio.to_thread(self._store.undecided, limit=RECOVER_LIMIT)
        # Old alerts get half the slots, so that they neither wait for ever nor crowd out the news.
        held = await self._held(shared, limit=(self._max_alerts + 1) // 2)
        await together([*held, self._take_up(left, shared), *self._all_feeds(states, shared)])
        await together(await self._held(shared, limit=shared.slots))
        await self._flow.tell_copies()
        with tally.under_way("settle"):
            if wait_for_retries_s:
                await self._late.settle(self._late_s)
            await self._courier.settle(self._settle_s)
            if wait_for_retries_s:
                await self._courier.settle(wait_for_retries_s, retries=True)
        return await self._report(tally)

    async def _take_up(self, left: Sequence[Item], shared: Round) -> None:
        if left:
            log.info("taking up items of an earlier run", extra={"items": len(left)})
        shared.tally.counts["recovered"] += len(left)
        await self._flow.decide_all(left, self._clock.now_utc(), shared)

    async def _held(self, shared: Round, *, limit: int) -> list[Coroutine[Any, Any, None]]:
        """Return the release of the most urgent held alerts, each with its slot taken."""
        alerts = await asyncio.to_thread(self._store.held_alerts, limit=limit) if limit > 0 else []
        return [self._releaser.release(alert, shared) for alert in alerts if shared.take_slot()]

    def _all_feeds(self, states: Mapping[str, FeedState], shared: Round) -> list[Coroutine[Any, Any, None]]:
        if self._parallel:
            return [self._feed(spec, states, shared) for spec in self._feeds]
        return [self._in_turn(states, shared)]

    async def _in_turn(self, states: Mapping[str, FeedState], shared: Round) -> None:
        for spec in self._feeds:
            await self._feed(spec, states, shared)

    async def _feed(self, spec: FeedSpec, states: Mapping[str, FeedState], shared: Round) -> None:
        taken = await self._intake.take(spec, states, shared.tally)
        if taken is None:
            return
        fresh = _count(taken, shared.tally)
        await self._flow.decide_all(fresh, taken.parsed_utc, shared)
        await self._intake.save(taken.state)

    def _posted(self, row: Delivery, tally: Tally) -> None:
        # Alerts held or recovered from earlier cycles waited on purpose; they say nothing of speed.
        if row.alert.item.received_utc >= tally.started_utc:
            waited = self._clock.now_utc() - row.alert.item.received_utc
            tally.posted_s.setdefault(row.sink, []).append(waited.total_seconds())

    async def _report(self, tally: Tally) -> CycleReport:
        for words in self._courier.problems():
            tally.problem(words)
        tally.counts.update(self._late.take_counts())
        tally.counts["awaited"] = self._late.open
        tally.counts["edited"] += self._courier.take_edits()
        deliveries, gpus = await asyncio.gather(
            asyncio.to_thread(self._store.delivery_counts), self._gpus.window(tally.seconds)
        )
        queues = {name: stats() for name, stats in self._queues.items()}
        return tally.report(queues=queues, deliveries=deliveries, gpus=gpus, rss_bytes=self._rss())


def _count(taken: Taken, tally: Tally) -> list[Item]:
    fresh = []
    for claim in taken.claims:
        if claim.outcome is ClaimOutcome.SEEN:
            tally.counts["seen"] += 1
        elif claim.outcome is ClaimOutcome.DUPLICATE:
            tally.counts["new"] += 1
            tally.counts[Action.DROP.value] += 1  # decided by the store as it was claimed
        else:
            tally.counts["new" if claim.outcome is ClaimOutcome.NEW else "extended"] += 1
            fresh.append(claim.item)
    return fresh
