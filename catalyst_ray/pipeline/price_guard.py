"""A price source that is asked no more than needed, no faster than it allows, and not while it is down.

Owns the cache, the joining of equal requests, the pace and the breaker of one source, and tells in the log what had
to be mended in its bars. Behind it stands any source of bars; it is one itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from catalyst_ray.core.breaker import Breaker
from catalyst_ray.core.limits import Pace, Turns
from catalyst_ray.core.price_table import normal_ticker
from catalyst_ray.errors import CircuitOpen, ParseError, RateLimited, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.models import Bars
    from catalyst_ray.ports import Clock, PriceSource

log = logging.getLogger(__name__)

MOST_KEPT = 512
"""Tables in the cache: some tickers in all timeframes, a few megabytes."""
MOST_WAIT_S = 5.0
"""Who would wait longer for his turn is refused at once: a card does not wait so long for its chart."""
REST_S, LONGEST_REST_S = 15.0, 300.0
ANSWERS = frozenset(range(400, 500)) - {401, 403, 408, 429}
"""Statuses that refuse one request and do not say that the source is down."""


class GuardedPrices:
    """Guards one source.

    Args:
        keep_s: Seconds that bars, or the word that there are none, are given again without asking.
        per_minute: Requests a minute at most; None is no limit.
    """

    def __init__(self, source: PriceSource, *, clock: Clock, keep_s: float, per_minute: float | None) -> None:
        self.name = source.name
        self._source = source
        self._clock = clock
        self._keep_s = keep_s
        # A sixth of a minute's requests may come at once, as alerts do.
        pace = Pace(per_minute / 60, burst=max(1, int(per_minute / 6))) if per_minute else None
        self._turns = Turns(pace) if pace else None
        self._breaker = Breaker(rest_s=REST_S, longest_rest_s=LONGEST_REST_S, name=source.name)
        self._last_words = ""
        self._kept: OrderedDict[tuple[str, str], tuple[float, Bars | None]] = OrderedDict()
        self._asking: dict[tuple[str, str], asyncio.Task[Bars | None]] = {}
        self._counts = dict.fromkeys(("requests", "cached", "joined", "worked", "failed", "repeated"), 0)
        self._seconds = self._waited_s = 0.0

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return bars, kept or asked for; see ``PriceSource``.

        Raises:
            CircuitOpen: The source failed a moment ago; its last words are told.
            RateLimited: More was asked of it than ``per_minute`` allows.
        """
        name = normal_ticker(ticker)
        if name is None:
            return None
        key = (name, timeframe)
        self._counts["requests"] += 1
        made_s, kept = self._kept.get(key, (None, None))
        if made_s is not None and self._clock.monotonic() - made_s < self._keep_s:
            self._counts["cached"] += 1
            return kept
        task = self._asking.get(key)
        if task is not None:
            self._counts["joined"] += 1
        else:
            self._counts["repeated"] += made_s is not None
            task = self._asking[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda done: self._end(key, done))
        # Shielded: whoever runs out of patience must not end it for the others, nor for the next one who asks.
        return await asyncio.shield(task)

    def stats(self) -> Mapping[str, float]:
        """Return true counts since the start.

        ``worked`` answers took ``seconds`` in all, and waited ``waited_s`` more for their turn; ``repeated`` counts what
        was asked of the source although it had been answered lately.
        """
        worked = self._counts["worked"]
        mean_s = self._seconds / worked if worked else 0.0
        return {**self._counts, "seconds": self._seconds, "waited_s": self._waited_s, "mean_seconds": mean_s}

    async def close(self) -> None:
        """End what is under way and close the source."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await self._source.close()

    def _end(self, key: tuple[str, str], done: asyncio.Task[Bars | None]) -> None:
        self._asking.pop(key, None)
        if not done.cancelled():
            done.exception()  # taken note of, though everybody who asked may have left

    async def _ask(self, key: tuple[str, str]) -> Bars | None:
        self._admit(key[0])
        try:
            wait_s = self._book_turn(key[0])
        except RateLimited:
            self._breaker.gave_up()
            raise
        self._waited_s += wait_s
        try:
            if wait_s:
                await self._clock.sleep(wait_s)
            begun_s = self._clock.monotonic()
            bars = await self._source.bars(*key)
        except (TransportError, ParseError) as error:
            self._counts["failed"] += 1
            self._note(error)
            raise
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        self._counts["worked"] += 1
        self._seconds += self._clock.monotonic() - begun_s
        self._keep(key, bars)
        return bars

    def _admit(self, ticker: str) -> None:
        try:
            self._breaker.admit(self._clock.monotonic())
        except CircuitOpen as error:
            words = f"{self.name} is not asked for a while after failures; the last: {self._last_words}"
            raise CircuitOpen(words, retry_after_s=error.retry_after_s, key=ticker) from None

    def _book_turn(self, ticker: str) -> float:
        if self._turns is None:
            return 0.0
        now_s = self._clock.monotonic()
        wait_s = self._turns.wait_s(now_s)
        if wait_s > MOST_WAIT_S:
            words = f"more is asked of {self.name} than PRICE_RATE_PER_MIN allows"
            raise RateLimited(words, retry_after_s=wait_s, key=ticker)
        return self._turns.reserve(now_s)

    def _note(self, error: TransportError | ParseError) -> None:
        if isinstance(error, ParseError) or error.status in ANSWERS:
            self._breaker.succeeded()
            return
        self._last_words = error.message
        limited = isinstance(error, RateLimited)
        self._breaker.failed(self._clock.monotonic(), retry_after_s=error.retry_after_s if limited else None)

    def _keep(self, key: tuple[str, str], bars: Bars | None) -> None:
        self._kept[key] = (self._clock.monotonic(), bars)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        if bars is not None and bars.remarks:
            remarks = [str(remark) for remark in bars.remarks]
            log.info("price bars mended", extra={"ticker": bars.ticker, "remarks": remarks})
