"""Figures as people read them on a card: scores, prices, changes, the terms of a deal.

Owns their rounding and units. Does not know where they stand.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from catalyst_ray.models import Deal


def signed(value: float) -> str:
    """Return a figure with two digits and its sign, a true minus, no negative zero."""
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def price(price_usd: float | None) -> str:
    """Return a price, below a dollar to the hundredth of a cent; nothing for none."""
    if not _known(price_usd):
        return ""
    return f"${price_usd:,.2f}" if price_usd >= 1 else f"${price_usd:.4f}"


def change(change_pct: float | None) -> str:
    """Return a change in per cent with its sign; nothing for none."""
    if not _known(change_pct):
        return ""
    return f"{round(change_pct, 1) + 0.0:+.1f} %".replace("-", "−")


def terms(deal: Deal) -> str:
    """Return the terms of a financing that are known, in one line."""
    size = f"${short(deal.size_usd)}" if _known(deal.size_usd) else ""
    each = f"at {price(deal.price_usd)}" if _known(deal.price_usd) else ""
    parts = [f"{size} {each}".strip()]
    if _known(deal.discount_pct):
        side = "below" if deal.discount_pct >= 0 else "above"
        parts.append(f"{abs(deal.discount_pct):.0f} % {side} market")
    if _known(deal.warrants):
        parts.append(f"{short(deal.warrants)} warrants")
    if _known(deal.dilution_pct):
        parts.append(f"dilution {deal.dilution_pct:.0f} %")
    return ", ".join(filter(None, parts))


def _known(figure: float | None) -> TypeGuard[float]:
    return figure is not None and math.isfinite(figure)


def short(figure: float) -> str:
    """Return a large figure with one digit and a letter for its size."""
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(figure) >= 0.9995 * unit:  # or 999,960 would be "1000.0K"
            return f"{figure / unit:,.1f}{name}"
    return f"{figure:,.0f}"
