"""Splits of shares inside a history of price bars: undone where that is certain, cut off where it is not.

Owns the evidence that tells a split from a crash or a buyout. Expects bars that ``bar_repair`` made sound; what a
source adjusted already shows no jump and is left alone.

A source's own word decides first: at a split that it names, the bars either jump by its ratio or they do not. Without
that word a jump between two sessions is a split when all of this holds: the open is the last price times a usual
ratio, within 2 % (4 % from 4:1 on); the session then stays near its open; and about as many dollars change hands as usual.
News that halves a share does the opposite: it lands on any ratio, keeps moving, and trades many times the usual sum.
A jump up by more than anybody pays overnight, without the trading for it, is a reverse split whose ratio cannot be
told from the day's own move: prices before it mean nothing beside those after it, so they are left out.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from catalyst_ray.core.bars import Bar, eastern, is_daily, is_price, midnight_s, rows_of, with_rows
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Reason, Split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import Bars

_RATIOS = (
    1.5,
    2.0,
    2.5,
    3.0,
    4.0,
    5.0,
    6.0,
    7.0,
    8.0,
    10.0,
    12.0,
    15.0,
    20.0,
    25.0,
    30.0,
    40.0,
    50.0,
    60.0,
    75.0,
)
"""New shares for one old one, or the reverse. From 80 on a jump counts as a change of unit (``bar_repair``)."""
_LEAST_JUMP = 1.4
_BASE_SESSIONS = 20  # a month of trading says what is usual
_FEWEST_SESSIONS = 3
_USUAL_SHARES = (0.25, 2.5)  # of the usual sum; a day on which next to nobody trades proves nothing
_CALM_MOVE = 0.08  # between a session's open and its last price, where the share itself is calm
_INCREDIBLE, _ABSURD = 4.5, 8.0
"""A rise overnight that takes a buyout's trading; one that is not believed where volumes are not known either."""
_NAMED_LEAST = 1.2  # a smaller split drowns in a day's move


class _Session(NamedTuple):
    """The bars of one trading day, ``rows[first:end]``."""

    first: int
    end: int


def undo_splits(bars: Bars) -> tuple[Bars, tuple[Reason, ...]]:
    """Return bars of one scale, and what had to be done for it; ``splits`` then holds every split known.

    ``previous_close`` goes where it is of another scale than the last session.
    """
    is_day = is_daily(bars.times_s, bars.timeframe)
    rows, opens = _mend_opens(rows_of(bars), is_day=is_day)
    rows, cut = _cut(rows, is_day=is_day, named=bars.splits)
    rows, found = _adjust(rows, is_day=is_day, named=bars.splits)
    reasons = [Reason(Code.SPLIT_ADJUSTED, _words(split, by=by)) for split, by in found]
    reasons += [Reason(Code.BARS_CUT, cut)] if cut else []
    reasons += [Reason(Code.BARS_SPIKE, "a day's open of another scale", float(opens))] if opens else []
    before = bars.previous_close
    if before is not None and rows:
        opened = rows[_sessions(rows, is_day=is_day)[-1].first]
        if opened.open / before >= _ABSURD and not cut:
            reasons.append(Reason(Code.BARS_CUT, "the previous close is of another scale"))
        is_new_scale = any(split.day == eastern(opened.time_s).date() for split, _ in found)
        before = None if cut or is_new_scale or opened.open / before >= _ABSURD else before
    known = {split.day: split for split in (*bars.splits, *(split for split, _ in found))}
    clean = replace(with_rows(bars, rows), splits=tuple(known[day] for day in sorted(known)))
    return replace(clean, previous_close=before), tuple(reasons)


def _words(split: Split, *, by: str) -> str:
    shares = Fraction(split.ratio).limit_denominator(100)
    return f"{shares.numerator} for {shares.denominator} on {split.day}, {by}; earlier prices adjusted"


def _mend_opens(rows: list[Bar], *, is_day: bool) -> tuple[list[Bar], int]:
    """Return daily bars whose opens are of their own day's scale, and how many were not.

    A source that adjusts a day but for its open leaves an open at a split's ratio to the close before and to the
    day's own, as the day's high or low, while price and trading are as usual.
    """
    sessions = _sessions(rows, is_day=True) if is_day else []
    mended = list(rows)
    for number in range(_FEWEST_SESSIONS, len(sessions)):
        row, before = rows[number], rows[number - 1].close
        ratio = _usual_ratio(row.open / before)
        is_alone = ratio is not None and _usual_ratio(row.open / row.close) == ratio and row.open in row[2:4]
        if not is_alone or not _trades_as_usual(rows, sessions, number):
            continue
        high, low = (row.close if extreme == row.open else extreme for extreme in row[2:4])
        mended[number] = row._replace(open=before, high=max(before, high), low=min(before, low))
    return mended, sum(map(Bar.__ne__, rows, mended))


def _cut(rows: list[Bar], *, is_day: bool, named: Sequence[Split]) -> tuple[list[Bar], str]:
    words = ""
    while True:
        sessions = _sessions(rows, is_day=is_day)
        numbers = range(len(sessions) - 1, 0, -1)
        number = next((number for number in numbers if _is_break(rows, sessions, number, named)), None)
        if number is None:
            return rows, words
        session = sessions[number]
        day = eastern(rows[session.first].time_s).date()
        words = f"{_jump(rows, session):.1f}-fold overnight on {day} without the trading for it"
        words += ": a reverse split, earlier prices left out"
        rows = rows[session.first :]  # what is usual now rests on fewer sessions: look again


def _is_break(rows: Sequence[Bar], sessions: Sequence[_Session], number: int, named: Sequence[Split]) -> bool:
    """Tell whether prices before a session mean nothing beside those after it, and cannot be adjusted."""
    session = sessions[number]
    jump = _jump(rows, session)
    if jump < _INCREDIBLE or _split_named(rows, session, named) or _ratio_at(rows, sessions, number):
        return False
    usual = _usual_dollars(rows, sessions, number, whole=True)
    return _is_incredible(jump, dollars=_dollars(rows, session), usual=usual)


def _is_incredible(jump: float, *, dollars: float, usual: float) -> bool:
    """Tell whether fewer than half the usual shares changed hands at a price that nobody would have believed."""
    return dollars < 0.5 * jump * usual if usual > 0 and jump >= _INCREDIBLE else jump >= _ABSURD


def _adjust(
    rows: list[Bar], *, is_day: bool, named: Sequence[Split]
) -> tuple[list[Bar], list[tuple[Split, str]]]:
    sessions = _sessions(rows, is_day=is_day)
    found: list[tuple[Split, str]] = []
    adjusted, factor, end = [], 1.0, len(rows)
    for number in range(len(sessions) - 1, 0, -1):
        session = sessions[number]
        jump = _jump(rows, session)
        split = _split_named(rows, session, named)
        if split is not None:
            ratio = split.ratio if abs(math.log(jump * split.ratio)) < abs(math.log(jump)) else None
            by = "as the source says"
        else:
            ratio, by = _ratio_at(rows, sessions, number), "as price and volume show"
        if ratio is None:
            continue
        found.append((Split(day=eastern(rows[session.first].time_s).date(), ratio=ratio), by))
        adjusted += [_scaled(row, factor) for row in reversed(rows[session.first : end])]
        factor, end = factor / ratio, session.first
    adjusted += [_scaled(row, factor) for row in reversed(rows[:end])]
    return [row for row in reversed(adjusted) if is_price(row.close)], found[::-1]


def _scaled(row: Bar, factor: float) -> Bar:
    if factor == 1.0:
        return row
    opened, high, low, close = (price * factor for price in row[1:5])
    return Bar(row.time_s, opened, high, low, close, row.volume / factor)


def _sessions(rows: Sequence[Bar], *, is_day: bool) -> list[_Session]:
    if is_day:
        firsts = list(range(len(rows)))
    else:
        firsts, until_s = [], 0
        for index, row in enumerate(rows):
            if row.time_s >= until_s:
                firsts.append(index)
                until_s = midnight_s(eastern(row.time_s).date() + timedelta(days=1))
    return [_Session(*pair) for pair in pairwise([*firsts, len(rows)])]


def _jump(rows: Sequence[Bar], session: _Session) -> float:
    return rows[session.first].open / rows[session.first - 1].close


def _split_named(rows: Sequence[Bar], session: _Session, named: Sequence[Split]) -> Split | None:
    """Return the split that the source names for a session, or for the days without trading before it."""
    if not named:
        return None
    day, last = (eastern(rows[index].time_s).date() for index in (session.first, session.first - 1))
    fits = (
        one for one in named if last < one.day <= day and abs(math.log(one.ratio)) >= math.log(_NAMED_LEAST)
    )
    return next(fits, None)


def _ratio_at(rows: Sequence[Bar], sessions: Sequence[_Session], number: int) -> float | None:
    """Return new shares for one old one where a session begins with what can only be a split."""
    ratio = _usual_ratio(_jump(rows, sessions[number]))
    if ratio is None or number < _FEWEST_SESSIONS:
        return None
    moves = [_move(rows, one) for one in sessions[max(0, number - _BASE_SESSIONS) : number]]
    is_calm = _move(rows, sessions[number]) <= max(_CALM_MOVE, 4 * median(moves))
    return ratio if is_calm and _trades_as_usual(rows, sessions, number) else None


def _usual_ratio(jump: float) -> float | None:
    """Return new shares for one old one where a price has changed as by a usual split."""
    size = max(jump, 1 / jump)
    if size < _LEAST_JUMP:
        return None
    ratio = next((one for one in _RATIOS if abs(size / one - 1) <= (0.04 if one >= 4 else 0.02)), None)
    return ratio if ratio is None or jump < 1 else 1 / ratio


def _trades_as_usual(rows: Sequence[Bar], sessions: Sequence[_Session], number: int) -> bool:
    usual = _usual_dollars(rows, sessions, number, whole=False)
    least, most = (usual * share for share in _USUAL_SHARES)
    return 0 < least <= _dollars(rows, sessions[number]) <= most


def _move(rows: Sequence[Bar], session: _Session) -> float:
    return abs(rows[session.end - 1].close / rows[session.first].open - 1)


def _dollars(rows: Sequence[Bar], session: _Session, *, until_s: float = math.inf) -> float:
    """Return the money that changed hands; what was paid after ``until_s`` of the day's seconds does not count."""
    start_s = midnight_s(eastern(rows[session.first].time_s).date()) if math.isfinite(until_s) else 0
    part = rows[session.first : session.end]
    return sum(row.volume * row.close for row in part if row.time_s - start_s <= until_s)


def _usual_dollars(rows: Sequence[Bar], sessions: Sequence[_Session], number: int, *, whole: bool) -> float:
    """Return the median of the sessions before, each up to the same time of day unless ``whole`` is set."""
    last = rows[sessions[number].end - 1].time_s
    until_s = math.inf if whole else last - midnight_s(eastern(last).date())
    base = sessions[max(0, number - _BASE_SESSIONS) : number]
    return median([_dollars(rows, one, until_s=until_s) for one in base])
