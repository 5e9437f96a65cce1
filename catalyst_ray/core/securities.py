"""Owns telling what kind of security a ticker is: common share, ADR, fund, preferred, warrant, unit, right.

By the form of the ticker, the company's other tickers and its registered name; over the counter by the venue
or by the fifth letter that such foreign shares bear.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from catalyst_ray.models import SecurityKind

if TYPE_CHECKING:
    from collections.abc import Collection

OTC = "OTC"
"""How ``venues`` and SEC's map call trading on no exchange."""

DERIVED = frozenset(
    {
        SecurityKind.PREFERRED,
        SecurityKind.WARRANT,
        SecurityKind.UNIT,
        SecurityKind.RIGHT,
        SecurityKind.NOTE,
    }
)
"""Kinds that are never the subject while the company has a common share."""

_MARKS = (
    (re.compile(r"P[A-Z]?"), SecurityKind.PREFERRED),
    (re.compile(r"WT[A-Z]?|WS"), SecurityKind.WARRANT),
    (re.compile(r"UN"), SecurityKind.UNIT),
    (re.compile(r"R[IT]"), SecurityKind.RIGHT),
)
_FIFTH = {
    "W": SecurityKind.WARRANT,
    "U": SecurityKind.UNIT,
    "R": SecurityKind.RIGHT,
    "P": SecurityKind.PREFERRED,
    "O": SecurityKind.PREFERRED,
    "N": SecurityKind.PREFERRED,
    "M": SecurityKind.PREFERRED,
    "Z": SecurityKind.NOTE,
}
"""Nasdaq's fifth letters, where the first four are a ticker of the same company."""
_FUND = re.compile(
    r"(?i)\b(?:ETF|ETN|FUNDS?|MUNICIPALS?|ISHARES|SPDR|PROSHARES|GRAYSCALE)\b"
    r"|\b(?:MUNICIPAL|INCOME|BITCOIN|ETHEREUM|GOLD|SILVER|COMMODITY|BOND|CREDIT|DIVIDEND|STRATEGIC|TERM)\b.{0,30}\bTRUST\b"
)
_ESTATE = re.compile(r"(?i)\b(?:REIT|REALTY|PROPERT|MORTGAGE|HOTEL|LODGING|STORAGE)")
"""Trusts that own houses, and are companies."""
_ADR = re.compile(r"(?i)(?:^|[\s/])ADRS?\b|AMERICAN DEPOSITARY")


def security_kind(ticker: str, name: str = "", siblings: Collection[str] = ()) -> SecurityKind:
    """Return what a ticker stands for.

    Args:
        ticker: As SEC writes it (``ABC-PA``, ``ABCDW``).
        name: The registered name; empty where the map has none.
        siblings: All tickers of the company.
    """
    root, _, mark = ticker.partition("-")
    for pattern, kind in _MARKS:
        if pattern.fullmatch(mark):
            return kind
    if len(root) == 5 and root[:-1] in siblings and root[-1] in _FIFTH:
        return _FIFTH[root[-1]]
    named = kind_by_name(name)
    return SecurityKind.ADR if named is SecurityKind.COMMON and _is_foreign_form(ticker, "Y") else named


@lru_cache(maxsize=4_096)
def kind_by_name(name: str) -> SecurityKind:
    """Return what a registered name says: fund, ADR, or nothing special."""
    if _FUND.search(name) and not _ESTATE.search(name):
        return SecurityKind.FUND
    return SecurityKind.ADR if _ADR.search(name) else SecurityKind.COMMON


def is_over_the_counter(ticker: str, venue: str) -> bool:
    """Return whether a ticker trades on no exchange: by its venue, else by the F or Y of foreign shares there."""
    return venue == OTC if venue else _is_foreign_form(ticker, "FY")


def _is_foreign_form(ticker: str, letters: str) -> bool:
    return len(ticker) == 5 and ticker.isalpha() and ticker[-1] in letters
