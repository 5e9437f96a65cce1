"""Terms of a financing that a model read in a filing: kept where the filing states them, else left open.

Owns which figure may stand for which term. Computes nothing: a discount that nobody stated is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.grounding import Facts
from catalyst_ray.models import Deal

if TYPE_CHECKING:
    from collections.abc import Mapping

TERMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "size_usd": ("$", ()),
    "price_usd": ("$", ()),
    "discount_pct": ("%", ("discount", "below")),
    "warrants": ("", ("warrant",)),
    "dilution_pct": ("%", ("dilut", "outstanding")),
}
"""Each term's unit, and the word stems of which one stands close to its figure."""


def grounded_deal(answered: Mapping[str, float | None], source: str) -> tuple[Deal | None, int]:
    """Return the terms that the source states, None for none at all, and how many were cut.

    A zero counts as not stated: models write it for null.
    """
    facts = Facts(source)
    stated = {term: value for term, value in answered.items() if value}
    kept = {term: value for term, value in stated.items() if facts.state_figure(value, *TERMS[term])}
    price, size = kept.get("price_usd"), kept.get("size_usd")
    if price and size and price >= size:
        # One of the two was taken for the other, and nothing says which.
        del kept["price_usd"], kept["size_usd"]
    return Deal(**kept) if kept else None, len(stated) - len(kept)
