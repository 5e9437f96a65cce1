"""One invented alert that says of itself that it is a test, judged by the real fast tier and drawn like a real one.

Owns its words and figures. Does not send it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.bars import change_pct
from catalyst_ray.core.charts import draw_chart
from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.price_table import parse_price_json
from catalyst_ray.core.reasons import Code
from catalyst_ray.demo.prices import Shock, price_table
from catalyst_ray.models import Action, Alert, ChartRequest, Item, Reason, Trace, Verdict

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.core.fast_tier import FastTier

FEED = "notify_test"
"""What tells programs that it is none: no feed has this name."""
_TICKER = "TEST"
_COMPANY = "Example Robotics, Inc."
_CIK = 9_999_999
"""Far above those that the SEC has given out."""
_WALK = "HXFR"
"""The demo's company whose prices it borrows."""
_SEED = 7
_AGE = timedelta(seconds=40)
_TITLE = "Test alert, all of it invented: Example Robotics receives $12 million order for warehouse robots"
_SUMMARY = (
    "Example Robotics, Inc. (NASDAQ: TEST) is a company that does not exist, and its order was made up to try your"
    " sinks. A real alert has its news, its reasons and its chart in the same places."
)


def sample_directory() -> TickerDirectory:
    """Return a ticker map with the invented company alone."""
    return TickerDirectory.from_listings([Listing(_TICKER, _CIK, _COMPANY, "NASDAQ")])


def sample_alert(fast: FastTier, folder: Path, *, now_utc: datetime, theme: str) -> Alert:
    """Return the alert, with its chart drawn into ``folder``; ``fast`` reads with ``sample_directory``."""
    key = f"test:{now_utc.isoformat()}"
    item = Item(
        key=key,
        feed=FEED,
        source="catalyst-ray notify-test",
        title=_TITLE,
        summary=_SUMMARY,
        url="https://example.com/invented-release",
        published_utc=now_utc - _AGE,
        received_utc=now_utc - timedelta(seconds=1),
    )
    reading = fast.read(item, now_utc=now_utc)
    verdict = Verdict(None, Reason(Code.LLM_NOT_NEEDED))
    decision = fast.decide(reading, verdict, near_duplicate=None)
    table = price_table(_SEED, _WALK, "1D", now_utc=now_utc, shocks=[Shock(now_utc - _AGE, 9.0)])
    bars = parse_price_json(json.dumps(table).encode(), ticker=_TICKER, timeframe="1D", source=FEED)
    price, change = change_pct(bars) or (None, None)
    name = f"test-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    path = folder / f"{name}.png"
    label = reading.score.events[0].label if reading.score.events else "News"
    path.write_bytes(
        draw_chart(ChartRequest(bars=bars, mark_utc=item.published_utc, label=label, theme=theme))
    )
    return Alert(
        id=name,
        item=item,
        link=reading.link,
        score=reading.score,
        verdict=verdict,
        decision=replace(decision, action=Action.ALERT),  # whatever limits are set: it is to be sent
        created_utc=now_utc,
        price_usd=price,
        change_pct=change,
        chart_path=str(path),
        trace=Trace(steps=(("received", item.received_utc), ("drawn", now_utc))),
    )
