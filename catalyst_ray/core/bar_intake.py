"""From what a price source delivered to bars that may be shown: recent, repaired, of one scale, or refused.

Owns the order of the steps and the refusal. The rules are ``bar_repair``'s and ``bar_splits``'.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

from catalyst_ray.core.bar_repair import LATEST_S, clean_bars
from catalyst_ray.core.bar_splits import undo_splits
from catalyst_ray.core.bar_windows import history_rows, history_s
from catalyst_ray.core.bars import Bar, with_rows
from catalyst_ray.errors import ParseError

if TYPE_CHECKING:
    from catalyst_ray.models import Bars


def take_in(bars: Bars) -> Bars | None:
    """Return bars as they may be shown, with what was mended in ``remarks``; None where the source has none.

    What is older than the timeframe can use is left out first: files hold decades.

    Raises:
        ParseError: There are bars, and none of them can be used or believed.
    """
    if not len(bars):
        return None
    newest_s = max((time_s for time_s in bars.times_s if time_s < LATEST_S), default=0)
    since_s = newest_s - history_s(bars.timeframe)
    rows = zip(bars.times_s, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True)
    recent = [Bar(*row) for row in rows if row[0] >= since_s]
    if len(recent) > history_rows(bars.timeframe):
        recent = sorted(recent, key=attrgetter("time_s"))[-history_rows(bars.timeframe) :]
    clean, repairs = clean_bars(with_rows(bars, recent))
    if not len(clean):
        raise ParseError(f"none of {len(bars)} price bars is usable", key=bars.ticker)
    whole, splits = undo_splits(clean)
    return replace(whole, remarks=(*bars.remarks, *repairs, *splits))
