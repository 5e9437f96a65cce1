"""The time axis of a price chart: where times lie, which are labelled, and how they read.

Owns ticks as plain figures. Does not draw; widths are measured by the caller.

Labels are true times in US/Eastern, on both sides of a clock change.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from itertools import count, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalyst_ray.core.bars import eastern, midnight_s, regular_hours_s
from catalyst_ray.core.market_hours import EASTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date, datetime

    from numpy.typing import NDArray

_MINUTE_STEPS = (240, 120, 60, 30, 15, 5)


class Tick(NamedTuple):
    """A label and where it stands, in bars from the left edge."""

    position: float
    label: str


class _Session(NamedTuple):
    """A stretch of bars that the axis shows as time passes: one date."""

    first_s: int
    place: float
    slots: float
    day: date


class TimeAxis:
    """Times on New York's clock, laid out in slots of one candle each.

    Within a date slots follow the clock: minutes without a trade, as in a halt, leave their slots empty. Nights and
    weekends leave none, and candles of a day or longer stand side by side.

    Args:
        times_s: Start of each candle, epoch seconds, ascending.
        step_s: Length of a candle in seconds; None: a day or longer.
        last_s: Start of the last bar in the last candle.
    """

    def __init__(
        self, times_s: Sequence[int] | NDArray[np.int64], *, step_s: int | None, last_s: int
    ) -> None:
        self.times_s = np.unique(np.asarray(times_s, dtype=np.int64))
        self.daily = step_s is None
        self._last = eastern(last_s)
        self.local = [eastern(time_s) for time_s in self.times_s.tolist()]
        dates = np.array([local.toordinal() for local in self.local])
        count = len(dates)
        self._sessions: list[_Session] = []
        if step_s is None:
            gaps = np.diff(self.times_s)
            self._step_s = float(np.median(gaps)) if gaps.size else 86_400.0
            self.places = np.arange(count, dtype=float)
            self.length = float(count)
            return
        self._step_s = float(step_s)
        starts = [0, *(np.flatnonzero(np.diff(dates)) + 1).tolist()]
        self.places = np.empty(count)
        place = 0.0
        for start, end in pairwise([*starts, count]):
            offsets = (self.times_s[start:end] - self.times_s[start]) / step_s
            self.places[start:end] = place + offsets
            slots = float(offsets[-1]) + 1
            self._sessions.append(_Session(int(self.times_s[start]), place, slots, self.local[start].date()))
            place += slots
        self.length = place

    def position(self, when: datetime) -> float:
        """Return where a moment lies: at its minute, between two dates, or at the nearer end."""
        time_s = when.timestamp()
        return self._day_position(when) if self.daily else self._clock_position(time_s)

    def has_inside(self, day: date) -> bool:
        """Tell whether a date lies after the first one shown, and not after the last."""
        return self.local[0].date() < day <= self._last.date()

    def start_of(self, day: date) -> float:
        """Return the left edge of a date's first candle: 0 for the first date and what lies before it."""
        at = midnight_s(day)
        if self.daily:  # a week's candle holds days that begin after it
            index = int(np.searchsorted(self.times_s, at, side="right")) - 1
            return float(max(index, 0))
        index = int(np.searchsorted(self.times_s, at))
        return float(self.places[index]) if index < len(self.places) else self.length

    def _day_position(self, when: datetime) -> float:
        index = int(np.searchsorted(self.times_s, when.timestamp(), side="right")) - 1
        if index < 0:
            return 0.0
        if self.local[index].date() == when.astimezone(EASTERN).date():
            return index + 0.5
        over = when.timestamp() - self.times_s[index] >= self._step_s
        return index + (1.0 if over else 0.5)

    def _clock_position(self, time_s: float) -> float:
        starts = [session.first_s for session in self._sessions]
        index = bisect_right(starts, time_s) - 1
        if index < 0:
            return 0.0
        session = self._sessions[index]
        return session.place + min((time_s - session.first_s) / self._step_s, session.slots)

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
        first, last = self.local[0], self._last
        if first.date() == last.date():
            return f"{last:%a}, {last:%b} {last.day}, {last.year}"
        start = f"{first:%b} {first.day}" + (f", {first.year}" if first.year != last.year else "")
        return f"{start} – {last:%b} {last.day}, {last.year}"

    def extended_hours(self) -> list[tuple[float, float]]:
        """Return the stretches outside regular trading, as positions of their ends."""
        found = []
        for first_s, place, slots, day in self._sessions:
            opens, closes = (
                min(max((at - first_s) / self._step_s, 0.0), slots) for at in regular_hours_s(day)
            )
            found += [(place, place + opens), (place + closes, place + slots)]
        return [(start, end) for start, end in found if end > start]

    def quiet_stretches(self) -> list[tuple[int, float, float]]:
        """Return where a date has empty slots: the candle before them, and the positions of their ends."""
        if self.daily:
            return []
        after = self.places + 1
        inside = np.diff([local.toordinal() for local in self.local]) == 0
        quiet = np.flatnonzero((self.places[1:] > after[:-1] + 0.01) & inside)
        return [(int(i), float(after[i]), float(self.places[i + 1])) for i in quiet]

    def day_starts(self) -> list[float]:
        """Return where dates begin, other than the first; none for daily bars."""
        return [session.place for session in self._sessions[1:]]

    def runs(self) -> list[slice]:
        """Return the candles of each date, or all of them where they last a day or longer."""
        firsts = [session.first_s for session in self._sessions[1:]]
        cuts = [0, *np.searchsorted(self.times_s, firsts).tolist(), len(self.times_s)]
        return [slice(start, end) for start, end in pairwise(cuts)]

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
            taken = {tick.position for tick in chosen}
            fresh = [tick for tick in level if tick.position not in taken]
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
        if len(self._sessions) > 1:
            yield [Tick(one.place, f"{one.day:%a} {one.day.day}") for one in self._sessions]
        else:
            yield self._clock(regular_hours_s(self._sessions[0].day))
        for minutes in _MINUTE_STEPS:
            yield self._clock(self._every(minutes))
        yield self._clock(self.times_s.tolist())

    def _starts(self, key: Callable[[datetime], object], style: str) -> list[Tick]:
        keys = [key(local) for local in self.local]
        changes = [i for i in range(1, len(keys)) if keys[i] != keys[i - 1]]
        return [Tick(i + 0.5, style.format(self.local[i])) for i in changes]

    def _every(self, minutes: int) -> Iterator[int]:
        """Yield the moments in the sessions that are multiples of ``minutes`` on New York's clock."""
        step_s = min(minutes, 60) * 60  # clocks differ from UTC by whole hours
        for session in self._sessions:
            first = -(-session.first_s // step_s) * step_s
            for time_s in range(first, int(session.first_s + session.slots * self._step_s), step_s):
                local = eastern(time_s)
                if (local.hour * 60 + local.minute) % minutes == 0:
                    yield time_s

    def _clock(self, times_s: Iterable[float]) -> list[Tick]:
        starts = [session.first_s for session in self._sessions]
        found = []
        for time_s in times_s:
            session = self._sessions[max(bisect_right(starts, time_s) - 1, 0)]
            offset = (time_s - session.first_s) / self._step_s
            if 0 <= offset <= session.slots:
                found.append(Tick(session.place + offset, f"{eastern(int(time_s)):%H:%M}"))
        return found


def _apart(ticks: Sequence[Tick], fits: Callable[[Tick, Tick], bool]) -> bool:
    return all(fits(*pair) for pair in pairwise(ticks))
