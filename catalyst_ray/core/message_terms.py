"""The terms of an offering in one line of a card, as far as its text states them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.message_figures import price, short
from catalyst_ray.core.offering_ratios import coverage_pct, dilution_pct, discount_pct
from catalyst_ray.models import OfferingKind, Qualifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import Count, Money, OfferingTerms

_KINDS = {
    OfferingKind.PUBLIC: "public offering",
    OfferingKind.AT_THE_MARKET: "at-the-market programme",
    OfferingKind.CONVERTIBLE: "convertible",
    OfferingKind.RESALE: "resale by holders",
    OfferingKind.SHELF: "shelf registration",
    OfferingKind.DEBT: "debt",
    OfferingKind.PREFERRED: "preferred stock",
    OfferingKind.IPO: "IPO",
    OfferingKind.SECONDARY: "sale by holders",
    OfferingKind.RIGHTS: "rights offering",
}
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CAD": "C$", "AUD": "A$"}
_BOUNDS = {Qualifier.UP_TO: "up to ", Qualifier.ABOUT: "~", Qualifier.AT_LEAST: "at least "}
_UNITS = {"ads": "ADSs", "preferred_share": "preferred shares", "depositary_share": "depositary shares"}
_MAX_AGENTS = 2


def offering_line(terms: OfferingTerms) -> str:
    """Return the terms in one line ("priced $3.0M registered direct at $1.20, 2.5M shares, dilution 21 %")."""
    return ", ".join(filter(None, _parts(terms)))


def _parts(terms: OfferingTerms) -> Iterator[str]:
    kind = _KINDS.get(terms.kind, terms.kind.value.replace("_", " "))
    head = [terms.stage.value, _sum(terms.gross), kind]
    if terms.price:
        head.append(f"at {_price(terms.price)}")
    yield " ".join(filter(None, head))
    yield _beside_market(discount_pct(terms))
    yield _count(terms.securities)
    yield f"{short(terms.prefunded.value)} pre-funded" if terms.prefunded else ""
    yield _warrants(terms)
    share = dilution_pct(terms)
    yield f"dilution {share:.0f} %" if share else ""
    yield f"net {_sum(terms.net)}" if terms.net and not terms.gross else ""
    yield " and ".join(agent.words for agent in terms.agents[:_MAX_AGENTS])


def _sum(one: Money | None) -> str:
    if one is None:
        return ""
    sign = _SIGNS.get(one.currency, f"{one.currency} ")
    ends = f"{sign}{short(one.value)}" + (f"–{sign}{short(one.high)}" if one.high else "")
    return _BOUNDS.get(one.qualifier, "") + ends


def _price(one: Money) -> str:
    sign = _SIGNS.get(one.currency, f"{one.currency} ")
    ends = [price(end).replace("$", sign) for end in (one.value, one.high) if end is not None]
    return "–".join(ends)


def _beside_market(share: float | None) -> str:
    if share is None or abs(share) < 0.5:
        return ""
    return f"{abs(share):.0f} % {'below' if share > 0 else 'above'} market"


def _count(one: Count | None) -> str:
    return f"{short(one.value)} {_UNITS.get(one.unit, f'{one.unit}s')}" if one else ""


def _warrants(terms: OfferingTerms) -> str:
    if terms.warrants is None:
        return ""
    share = coverage_pct(terms)
    at = f" at {_price(terms.warrant_price)}" if terms.warrant_price else ""
    return f"{short(terms.warrants.value)} warrants{at}{f' ({share:.0f} % coverage)' if share else ''}"
