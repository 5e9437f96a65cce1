"""Owns the rules that keep a strong item from becoming an alert: time of day, cooldown, price, volume.

Each says what would have had to be different. What is not known stops nothing. Asks nobody: the pipeline brings
earlier alerts and the quote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import Session
from catalyst_ray.core.reasons import Code, duration
from catalyst_ray.models import Action, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from catalyst_ray.models import Alert, Decision, Item, PriceQuote, Score

_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The limits; None sets none."""

    cooldown_s: float
    cooldown_margin: float
    sessions: frozenset[Session] = frozenset(Session)
    price_floor_usd: float | None = None
    price_ceiling_usd: float | None = None
    min_average_volume: float | None = None

    @property
    def needs_price(self) -> bool:
        """Return whether a price decides anything."""
        return self.price_floor_usd is not None or self.price_ceiling_usd is not None


def session_reasons(session: Session, gates: Gates) -> tuple[Reason | None, list[Reason]]:
    """Return why no alert is made in this session, if none is, and the session as a fact."""
    fact = Reason(Code.SESSION, session.value)
    if session in gates.sessions:
        return None, [fact]
    wanted = ", ".join(one for one in Session if one in gates.sessions)
    return Reason(Code.SESSION_EXCLUDED, f"{session}, and ALERT_SESSIONS has {wanted}"), [fact]


def cooldown(
    item: Item, score: Score, value: float, earlier: Iterable[Alert], *, now_utc: datetime, gates: Gates
) -> Reason | None:
    """Return why an item is not alerted so soon after another alert on its ticker, or None.

    It waits where an alert of the last ``cooldown_s`` points the same way, has the same leading event, and
    names no other figures, unless the new one is stronger by ``cooldown_margin``. Another event, a turn of the
    sign, another amount (another story) or a clearly stronger value is news at once. Titles of filings name
    no figures: EDGAR puts them together.
    """
    event, figures = _event(score), _figures(item)
    for alert in earlier:
        ago_s = (now_utc - alert.created_utc).total_seconds()
        others = _figures(alert.item)
        is_alike = figures <= others or others <= figures
        if (
            ago_s > gates.cooldown_s
            or value * alert.value <= 0
            or _event(alert.score) != event
            or not is_alike
        ):
            continue
        if abs(value) < abs(alert.value) + gates.cooldown_margin:
            what = f"{alert.ticker} {duration(ago_s)} ago, same event and direction (alert {alert.id})"
            return Reason(
                Code.COOLDOWN,
                f"{what}; within ALERT_COOLDOWN_SECONDS {gates.cooldown_s:.0f} only from"
                f" {abs(alert.value) + gates.cooldown_margin:.2f}",
                value,
            )
    return None


def price_stop(quote: PriceQuote, gates: Gates) -> Reason | None:
    """Return which limit of price or volume an item's quote breaks, or None; what is not known breaks none."""
    price, volume = quote.price_usd, quote.average_volume
    ceiling, floor, least = gates.price_ceiling_usd, gates.price_floor_usd, gates.min_average_volume
    if price is not None and ceiling is not None and price > ceiling:
        return Reason(Code.PRICE_ABOVE, f"PRICE_CEILING {ceiling:g}", price)
    if price is not None and floor is not None and price < floor:
        return Reason(Code.PRICE_BELOW, f"PRICE_FLOOR {floor:g}", price)
    if volume is not None and least is not None and volume < least:
        return Reason(Code.THIN, f"MIN_AVG_VOLUME {least:,.0f}", volume)
    return None


def price_unknown(quote: PriceQuote, gates: Gates) -> Reason | None:
    """Return which figures of a quote a limit needs and nobody knows, or None."""
    lacks = (
        ("price", gates.needs_price and quote.price_usd is None),
        ("volume", gates.min_average_volume is not None and quote.average_volume is None),
    )
    words = " and ".join(word for word, is_lacking in lacks if is_lacking)
    if not words:
        return None
    since = (
        f" since {quote.as_of_utc:%Y-%m-%d}" if quote.price_usd is None and quote.as_of_utc else " in time"
    )
    return Reason(Code.PRICE_UNKNOWN, f"no {words} of {quote.ticker}{since}: the limits were not applied")


def stopped(decision: Decision, reason: Reason) -> Decision:
    """Return a decision to alert turned down for a reason, which comes first."""
    return replace(decision, action=Action.SUPPRESS, reasons=(reason, *decision.reasons))


def _event(score: Score) -> str:
    return next((hit.code for hit in score.events if not hit.noise), "")


def _figures(item: Item) -> frozenset[float]:
    if item.form:
        return frozenset()
    return frozenset(float(found.replace(",", "")) for found in _FIGURE.findall(item.title))
