"""Fetches, parses and claims feeds; remembers each one's state. Judges nothing.

A feed's validators (ETag, Last-Modified) are saved only after all its items have a decision: a crash in
between makes the next cycle fetch the same bytes again, it never skips them.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.limits import backoff_s
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.errors import CatalystError, StoreError, TransportError
from catalyst_ray.models import Claim, ClaimOutcome, FeedReport, FeedSpec, FeedState, Fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalyst_ray.pipeline.tally import Tally
    from catalyst_ray.ports import Clock, Fetcher, Store

log = logging.getLogger(__name__)

FAIL_BASE_S = 30.0
FAIL_CAP_S = 900.0
"""A failing feed is asked again after 30 s, then 1, 2, 4, 8 and at last every 15 minutes; for ever."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a feed brought: items to decide on, and the state to save once they are decided."""

    claims: tuple[Claim, ...]
    state: FeedState
    parsed_utc: datetime


class Intake:
    """Takes one feed at a time; the cycle runs many of them at once.

    Args:
        chance: Draws a number in [0, 1) for the jitter of retries.
        obstacle: Says why a feed's items could not be judged now, if so; it is left alone until then.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        fetcher: Fetcher,
        store: Store,
        chance: Callable[[], float],
        obstacle: Callable[[FeedSpec], str | None] = lambda _spec: None,
    ) -> None:
        self._clock = clock
        self._fetcher = fetcher
        self._store = store
        self._chance = chance
        self._obstacle = obstacle
        # Parsing holds the interpreter: feeds in turn are done sooner on the mean than all at once.
        self._parsing = asyncio.Lock()

    async def take(self, spec: FeedSpec, states: Mapping[str, FeedState], tally: Tally) -> Taken | None:
        """Fetch, parse and claim one feed; None when it brought nothing to decide on.

        Failures cost only this feed: they are saved with its back-off and stand in the report.
        """
        state = states.get(spec.name) or FeedState(feed=spec.name)
        obstacle = self._obstacle(spec)
        if obstacle:
            tally.feeds[spec.name] = FeedReport(feed=spec.name, status="waiting", error=obstacle)
            tally.problem(f"feed {spec.name}: {obstacle}")
            return None
        now = self._clock.now_utc()
        if state.next_fetch_utc and state.next_fetch_utc > now:
            left_s = (state.next_fetch_utc - now).total_seconds()
            words = f"waits {left_s:.0f} s after: {state.last_error}"
            tally.feeds[spec.name] = FeedReport(feed=spec.name, status="waiting", error=words)
            return None
        started = self._clock.monotonic()
        try:
            with tally.stage("fetch"):
                fetched = await self._fetcher.fetch(spec, state)
            return await self._claim(spec, state, fetched, tally)
        except StoreError:
            raise
        except CatalystError as error:
            failure = error
        except Exception as error:  # the stage's one boundary: a broken feed costs only itself
            log.exception("feed broke", extra={"feed": spec.name})
            failure = CatalystError(f"{type(error).__name__}: {error}"[:200])
        await self._failed(spec, state, failure, tally, seconds=self._clock.monotonic() - started)
        return None

    async def _claim(self, spec: FeedSpec, state: FeedState, fetched: Fetched, tally: Tally) -> Taken | None:
        good = replace(
            state,
            etag=fetched.etag or (state.etag if fetched.not_modified else None),
            last_modified=fetched.last_modified or (state.last_modified if fetched.not_modified else None),
            failures=0,
            next_fetch_utc=None,
            last_success_utc=fetched.received_utc,
            last_error=None,
        )
        if fetched.not_modified:
            await self.save(good)
            tally.feeds[spec.name] = FeedReport(
                feed=spec.name, status="not_modified", seconds=fetched.seconds
            )
            return None
        async with self._parsing:
            with tally.stage("parse"):
                parsed = await asyncio.to_thread(parse_feed, fetched, spec)
        parsed_utc = self._clock.now_utc()
        with tally.stage("claim"):
            claims = await asyncio.to_thread(self._store.claim, parsed.items, now_utc=parsed_utc)
        tally.counts["entries"] += parsed.entries
        tally.counts["items"] += len(parsed.items)
        new = sum(c.outcome in {ClaimOutcome.NEW, ClaimOutcome.DUPLICATE} for c in claims)
        tally.feeds[spec.name] = FeedReport(
            feed=spec.name, status="ok", seconds=fetched.seconds, entries=parsed.entries, new=new
        )
        return Taken(tuple(claims), good, parsed_utc)

    async def save(self, state: FeedState) -> None:
        """Remember a feed's state."""
        await asyncio.to_thread(self._store.save_feed_state, state)

    async def _failed(
        self, spec: FeedSpec, state: FeedState, error: CatalystError, tally: Tally, *, seconds: float
    ) -> None:
        failures = state.failures + 1
        wait_s = backoff_s(failures, base_s=FAIL_BASE_S, cap_s=FAIL_CAP_S, jitter=self._chance())
        if isinstance(error, TransportError) and error.retry_after_s:
            wait_s = max(wait_s, error.retry_after_s)
        log.warning("feed failed", extra={"feed": spec.name, "failures": failures, "error": str(error)})
        tally.feeds[spec.name] = FeedReport(
            feed=spec.name, status="failed", seconds=seconds, error=error.message, hint=error.hint
        )
        mend = f" ({error.hint})" if error.hint else ""
        tally.problem(f"feed {spec.name}: {error.message}{mend}")
        await self.save(
            replace(
                state,
                failures=failures,
                next_fetch_utc=self._clock.now_utc() + timedelta(seconds=wait_s),
                last_error=error.message,
            )
        )
