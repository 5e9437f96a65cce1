"""The axes of a price chart: where times and prices lie, which are labelled, and how they read.

Owns ticks and number formats, as plain figures. Does not draw; widths are measured by the caller.

A bar takes one unit of the time axis whatever its length, so nights and weekends leave no gap. Labels are
the bars' own times in US/Eastern.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import timedelta
from functools import partial
from itertools import count, groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.bars import eastern, is_daily, regular_hours_s
from catalyst_ray.core.market_hours import EASTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from catalyst_ray.models import Bars

_MINUTE_STEPS = (240, 120, 60, 30, 15, 5)


class Tick(NamedTuple):
    """A label and where it stands, in bars from the left edge."""

    position: float
    label: str


class TimeAxis:
    """The bars' times on New York's clock; bar ``i`` lies between positions ``i`` and ``i + 1``."""

    def __init__(self, bars: Bars) -> None:
        self.daily = is_daily(bars.times_s, bars.timeframe)
        self.times_s = bars.times_s
        self.local = [eastern(time_s) for time_s in bars.times_s]
        gaps = [later - earlier for earlier, later in pairwise(bars.times_s)]
        self._bar_s = median(gaps) if gaps else (86_400 if self.daily else 300)

    def position(self, when: datetime) -> float:
        """Return where a moment lies: inside its bar, between two bars, or at the nearer end."""
        time_s = when.timestamp()
        index = bisect_right(self.times_s, time_s) - 1
        if index < 0:
            return 0.0
        share = (time_s - self.times_s[index]) / self._bar_s
        if self.daily and self.local[index].date() == when.astimezone(EASTERN).date():
            return index + 0.5
        if share >= 1:
            return index + 1.0
        return index + (0.5 if self.daily else share)

    def moment(self, when: datetime) -> str:
        """Return a moment as short as it can be said beside this axis."""
        local = when.astimezone(EASTERN)
        if self.daily:
            return f"{local:%b} {local.day}"
        if local.date() == self.local[-1].date():
            return f"{local:%H:%M}"
        same_week = timedelta() < self.local[-1].date() - local.date() < timedelta(days=6)
        return f"{local:%a %H:%M}" if same_week else f"{local:%b} {local.day} {local:%H:%M}"

    def span(self) -> str:
        """Return the dates that the axis covers."""
        first, last = self.local[0], self.local[-1]
        if first.date() == last.date():
            return f"{last:%a}, {last:%b} {last.day}, {last.year}"
        start = f"{first:%b} {first.day}" + (f", {first.year}" if first.year != last.year else "")
        return f"{start} – {last:%b} {last.day}, {last.year}"

    def sessions(self) -> list[object]:
        """Return each bar's trading session: its date, or one session for daily bars."""
        return [None if self.daily else local.date() for local in self.local]

    def extended_hours(self) -> list[tuple[int, int]]:
        """Return stretches of bars outside regular trading, as first and one past the last."""
        if self.daily:
            return []
        hours = [regular_hours_s(local.date()) for local in self.local]
        outside = [not opens <= at < closes for at, (opens, closes) in zip(self.times_s, hours, strict=True)]
        return [(run[0], run[-1] + 1) for run in _runs(outside)]

    def day_starts(self) -> list[int]:
        """Return the bars that begin a date, other than the first bar; none for daily bars."""
        return [] if self.daily else self._changes(lambda local: local.date())

    def ticks(self, fits: Callable[[Tick, Tick], bool]) -> list[Tick]:
        """Return the labels to write, from left to right.

        Levels of labels are added from the coarsest (years, days, open and close of trading) to the
        finest while they fit. ``fits`` tells whether two labels leave each other room.
        """
        chosen: list[Tick] = []
        for level in filter(None, self._levels()):
            if not chosen:
                chosen = next(thin for k in count(1) if _apart(thin := level[::k], fits))
                continue
            fresh = [tick for tick in level if tick not in chosen]
            free = [tick for tick in fresh if all(fits(tick, other) for other in chosen)]
            if 2 * len(free) < len(fresh) or not _apart(free, fits):
                break
            chosen += free
        return sorted(chosen)

    def _levels(self) -> Iterator[list[Tick]]:
        if self.daily:
            yield self._starts(lambda local: local.year, "{0.year}")
            yield self._starts(lambda local: (local.year, local.month), "{0:%b}")
            yield self._starts(lambda local: local.isocalendar()[:2], "{0.day}")
            yield [Tick(i + 0.5, str(local.day)) for i, local in enumerate(self.local)]
            return
        days = self.day_starts()
        if days:
            yield [Tick(i, f"{self.local[i]:%a} {self.local[i].day}") for i in (0, *days)]
        else:
            yield self._clock(lambda local: local.timestamp() in regular_hours_s(local.date()))
        for step in _MINUTE_STEPS:
            yield self._clock(partial(_is_multiple, step))

    def _starts(self, key: Callable[[datetime], object], style: str) -> list[Tick]:
        return [Tick(i + 0.5, style.format(self.local[i])) for i in self._changes(key)]

    def _clock(self, wanted: Callable[[datetime], bool]) -> list[Tick]:
        return [Tick(i, f"{local:%H:%M}") for i, local in enumerate(self.local) if wanted(local)]

    def _changes(self, key: Callable[[datetime], object]) -> list[int]:
        keys = [key(local) for local in self.local]
        return [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]


def price_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round prices between ``low`` and ``high``, at most ``most``: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not low < high or most < 1:
        return []
    raw = (high - low) / most
    scale = 10.0 ** math.floor(math.log10(raw))
    steps = (scale * factor for factor in (1, 2, 2.5, 5, 10, 20))
    for step in steps:
        first, last = math.ceil(low / step), math.floor(high / step)
        if last - first < most:
            return [index * step for index in range(first, last + 1)]
    return []


def price_texts(prices: Sequence[float]) -> list[str]:
    """Return axis labels with as many decimals as tell each price from the next, and at least cents."""
    gap = min((b - a for a, b in pairwise(prices)), default=abs(prices[0]) if prices else 1.0)
    decimals = next((d for d in range(2, 12) if abs(round(gap, d) - gap) < gap / 100), 12)
    if max(prices, default=0.0) >= 1000 and abs(gap - round(gap)) < 1e-6:
        decimals = 0
    return [f"{price:,.{decimals}f}" for price in prices]


def price_text(price: float) -> str:
    """Return a price as it is quoted: cents from a dollar up (SEC rule 612), finer below it."""
    if price >= 100_000:
        return f"{price:,.0f}"
    decimals = 2 if price >= 1 else 4
    while decimals < 10 and price < 10.0 ** (2 - decimals):
        decimals += 2
    return f"{price:,.{decimals}f}"


def volume_text(shares: float) -> str:
    """Return a number of shares in three figures: 987, 45.6K, 1.23M."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if shares >= 0.9995 * size:
            return f"{shares / size:.3g}{unit}" if shares < 999.5 * size else f"{shares / size:,.0f}{unit}"
    return f"{shares:.0f}"


def _minute(local: datetime) -> int:
    return local.hour * 60 + local.minute


def _is_multiple(step: int, local: datetime) -> bool:
    return _minute(local) % step == 0


def _apart(ticks: Sequence[Tick], fits: Callable[[Tick, Tick], bool]) -> bool:
    return all(fits(*pair) for pair in pairwise(ticks))


def _runs(flags: Iterable[bool]) -> Iterator[list[int]]:
    for inside, group in groupby(enumerate(flags), key=lambda pair: pair[1]):
        if inside:
            yield [index for index, _ in group]
