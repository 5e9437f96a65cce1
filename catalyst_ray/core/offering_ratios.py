"""What the terms of an offering make together: dilution, discount, coverage. Nothing where a term is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.models import Money, OfferingTerms


def dilution_pct(terms: OfferingTerms) -> float | None:
    """Return the new shares as a share of those outstanding before, in per cent.

    Of a sum without a number of shares, the shares that it buys at the price, or at the last price on the exchange.
    """
    before = terms.outstanding.value if terms.outstanding else 0.0
    price = terms.price or terms.last_price
    new = sum(count.value for count in (terms.securities, terms.prefunded) if count)
    if not new and terms.gross and price and price.value and terms.gross.currency == price.currency:
        new = terms.gross.value / price.value
    return round(100 * new / before, 2) if new and before else None


def discount_pct(terms: OfferingTerms) -> float | None:
    """Return how far the price is below the last one on the exchange, in per cent; above it is negative."""
    price, last = terms.price, terms.last_price
    if price is None or last is None or not _alike(price, last) or not last.value:
        return None
    return round(100 * (1 - price.value / last.value), 2)


def coverage_pct(terms: OfferingTerms) -> float | None:
    """Return the warrants' shares as a share of those sold, in per cent: as stated, else as the counts make it."""
    if terms.coverage_pct is not None:
        return terms.coverage_pct
    sold = sum(count.value for count in (terms.securities, terms.prefunded) if count)
    return round(100 * terms.warrants.value / sold, 1) if terms.warrants and sold else None


def _alike(price: Money, last: Money) -> bool:
    return price.currency == last.currency and price.high is None
