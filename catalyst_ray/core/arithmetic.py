"""Owns a score as arithmetic: what its parts make, and the one line in which people read them.

    value = (term + term …) × factor × factor …

Terms are what the text says, factors what is left of it. Weighs nothing: ``score`` does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from catalyst_ray.core.message_figures import signed
from catalyst_ray.core.reasons import Code, capital

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.models import Reason

TERMS: Mapping[str, str] = {
    Code.EVENT: "",
    Code.EVENT_AGAINST: "",
    Code.EVENTS_ALONG: "",
    Code.WORDING: "wording",
}
FACTORS: Mapping[str, str] = {
    Code.NO_EVENT: "no event",
    Code.FRESHNESS: "fresh",
    Code.UNDATED: "undated",
    Code.SOURCE: "source",
    Code.NOISE: "noise",
}
"""How the line calls each part; a term without a name by its detail."""
_ROUNDED = 0.005
"""What two digits do not show."""


def value_of(parts: Sequence[Reason]) -> float:
    """Return the value that the parts of a score make."""
    return math.fsum(_figures(parts, TERMS)) * math.prod(_figures(parts, FACTORS))


def line(parts: Sequence[Reason], value: float) -> str:
    """Return the parts as one line ("Offering priced −0.70 × fresh 1.00 × source 1.00 = −0.70").

    Nothing where they do not make ``value``: those of an older version were kept in another way.
    """
    added = [part for part in parts if part.code in TERMS]
    if not added or abs(value_of(parts) - value) > _ROUNDED:
        return ""
    shown = [part for part in added if abs(part.value or 0.0) >= _ROUNDED] or added[:1]
    terms = [f"{TERMS[part.code] or part.detail} {signed(part.value or 0.0)}" for part in shown]
    factors = [f"{FACTORS[part.code]} {part.value or 0.0:.2f}" for part in parts if part.code in FACTORS]
    whole = " + ".join(terms)
    product = " × ".join([f"({whole})" if len(terms) > 1 else whole, *factors])
    return f"{capital(product)} = {signed(value)}"


def _figures(parts: Sequence[Reason], kinds: Mapping[str, str]) -> list[float]:
    return [part.value or 0.0 for part in parts if part.code in kinds]
