"""Pictures kept beside the tests in ``golden/``: what each shows, and how to draw them anew.

After a change that is meant to be seen, run ``python -m tests.unit.core.golden_charts``, look at every picture that
``git diff`` names, and commit them with the change.
"""

from __future__ import annotations

import io
import random
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from catalyst_ray.core.bars import Bar, bars_of, eastern, midnight_s
from catalyst_ray.core.charts import draw_chart
from catalyst_ray.core.gauge import draw_gauge
from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.models import PANELS, ChartRequest, Split
from tests.unit.core.price_samples import trading_days

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalyst_ray.models import Bars

FOLDER = Path(__file__).parent / "golden"
FRIDAY = date(2025, 11, 21)
NEWS = datetime(2025, 11, 21, 10, 47, tzinfo=EASTERN)


def walk(times_s: Iterable[int], *, timeframe: str, price: float = 6.4, move: float = 0.006) -> Bars:
    """Return invented bars that wander like a market, the same each time."""
    chance, rows = random.Random(11), []
    for time_s in times_s:
        opened, close = price, price * (1 + chance.gauss(0, move))
        high = max(opened, close) * (1 + abs(chance.gauss(0, move / 2)))
        low = min(opened, close) * (1 - abs(chance.gauss(0, move / 2)))
        rows.append(Bar(time_s, opened, high, low, close, float(chance.randint(2_000, 90_000))))
        price = close
    return bars_of(rows, ticker="ACME", timeframe=timeframe, source="test", previous_close=6.31)


def clock(day: date, minutes: Iterable[int]) -> list[int]:
    """Return the epoch seconds of minutes after midnight, Eastern."""
    return [
        int(datetime(day.year, day.month, day.day, m // 60, m % 60, tzinfo=EASTERN).timestamp())
        for m in minutes
    ]


def day_scene() -> ChartRequest:
    """A day from 04:00 to 20:00 with the catalyst's mark: what a card shows."""
    bars = walk(clock(FRIDAY, range(240, 1200, 5)), timeframe="1D")
    return ChartRequest(bars=bars, mark_utc=NEWS, label="FDA approval", width_px=500, height_px=300)


def halt_scene() -> ChartRequest:
    """Thin trading before the open, a halt of 50 minutes, and an early close on a half day."""
    day = date(2025, 11, 28)
    minutes = [*range(240, 570, 45), *range(570, 650, 5), *range(700, 780, 5), 800, 840]
    news = datetime(2025, 11, 28, 10, 49, tzinfo=EASTERN)
    bars = walk(clock(day, minutes), timeframe="1D", move=0.02)
    return ChartRequest(bars=bars, mark_utc=news, label="Merger", width_px=500, height_px=300, theme="light")


def week_scene() -> ChartRequest:
    """Five days of half hours across the end of daylight saving time."""
    days = trading_days(date(2025, 11, 4), 5)
    times_s = [time_s for day in days for time_s in clock(day, range(240, 1200, 30))]
    return ChartRequest(
        bars=walk(times_s, timeframe="5D"), width_px=500, height_px=300, panels=("averages", "rsi")
    )


def month_scene() -> ChartRequest:
    """A month whose averages were known before it."""
    days = trading_days(FRIDAY, 90)
    bars = walk(map(midnight_s, days), timeframe="1M", move=0.02)
    shown = replace(bars, shown_from_s=midnight_s(days[-22]))
    return ChartRequest(
        bars=shown, mark_utc=NEWS, label="Guidance raised", width_px=500, height_px=400, panels=PANELS
    )


def year_scene() -> ChartRequest:
    """A year with a reverse split."""
    days = trading_days(FRIDAY, 252)
    bars = walk(map(midnight_s, days), timeframe="1Y", move=0.02)
    split = Split(day=eastern(bars.times_s[140]).date(), ratio=0.1)
    request = ChartRequest(bars=replace(bars, splits=(split,)), width_px=600, height_px=400)
    return replace(request, theme="light-colour-blind", panels=("volume", "averages", "levels", "macd"))


def one_bar_scene() -> ChartRequest:
    """The first bar of a morning."""
    bars = walk(clock(FRIDAY, [570]), timeframe="1D")
    return ChartRequest(bars=bars, mark_utc=NEWS, label="", width_px=300, height_px=180)


CHARTS = {
    "day": day_scene(),
    "day-colour-blind": replace(day_scene(), theme="dark-colour-blind", panels=PANELS, height_px=400),
    "halt": halt_scene(),
    "week": week_scene(),
    "month": month_scene(),
    "year": year_scene(),
    "one-bar": one_bar_scene(),
}
GAUGES = {"gauge-dark": (0.7, "dark"), "gauge-light-colour-blind": (-0.4, "light-colour-blind")}


def drawn() -> dict[str, bytes]:
    """Return every picture as it is drawn now."""
    charts = {name: draw_chart(request) for name, request in CHARTS.items()}
    return {**charts, **{name: draw_gauge(value, theme) for name, (value, theme) in GAUGES.items()}}


def main() -> None:
    """Write them in 256 colours, which the eye does not miss, packed as small as they go."""
    for name, png in drawn().items():
        picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256)
        picture.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
