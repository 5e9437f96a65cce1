"""What ``alerts`` shows: one line an alert, cut to the terminal, whole where a program reads."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import click

from catalyst_ray.core.market_hours import EASTERN
from catalyst_ray.core.message import Tone, card
from catalyst_ray.core.message_text import clip
from catalyst_ray.models import DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalyst_ray.models import AlertRecord, Delivery

COLOURS = {Tone.BULLISH: "green", Tone.BEARISH: "red", Tone.NEUTRAL: None}
MARKS = {
    DeliveryState.SENT: "✓",
    DeliveryState.PENDING: "…",
    DeliveryState.UNKNOWN: "?",
    DeliveryState.DEAD: "✗",
}
WHEN, TICKER, SCORE, EVENT = 17, 7, 9, 22
MIN_HEADLINE = 20


def lines(found: Sequence[AlertRecord]) -> Iterator[str]:
    """Yield a heading and a line an alert, each sink a column; nothing for none."""
    if not found:
        return
    sinks = sorted({row.sink for record in found for row in record.deliveries})
    heads = f"{'made (ET)':<{WHEN}}{'ticker':<{TICKER}}{'score':<{SCORE}}{'event':<{EVENT}}" + "".join(
        f"{sink}  " for sink in sinks
    )
    yield click.style(f"{heads}headline", dim=True)
    width = None
    if sys.stdout.isatty():
        width = max(MIN_HEADLINE, shutil.get_terminal_size().columns - len(heads))
    for record in found:
        yield _line(record, sinks, width)


def _line(record: AlertRecord, sinks: Sequence[str], width: int | None) -> str:
    shown = card(record.alert)
    made = f"{shown.created_utc.astimezone(EASTERN):%b %d %H:%M:%S}"
    score = click.style(f"{f'{shown.arrow} {shown.score}':<{SCORE}}", fg=COLOURS[shown.tone])
    event = clip("withdrawn" if shown.is_withdrawn else shown.event, EVENT - 1)
    marks = {row.sink: _mark(row) for row in record.deliveries}
    columns = "".join(f"{marks.get(sink, '·'):<{len(sink)}}  " for sink in sinks)
    headline = ("(held) " if record.is_held else "") + shown.headline
    told = headline if width is None else clip(headline, width)
    return f"{made:<{WHEN}}{shown.ticker:<{TICKER}}{score}{event:<{EVENT}}{columns}{told}"


def _mark(row: Delivery) -> str:
    return "✎" if row.state is DeliveryState.SENT and row.edited_utc else MARKS[row.state]
