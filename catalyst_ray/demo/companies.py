"""Who exists in the demo world: the invented companies and the other names that texts use.

Reads the TOML files beside it. Draws nothing: who gets which news is the world's business.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_LEGAL_FORMS = (", Inc.", " Corporation", " Corp.", " Company", " Ltd.", " Limited", " plc")
_FIRST_CIK = 9_000_137
"""Far above the CIKs that the SEC has given out (2,1xx,xxx in 2026)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """A company that does not exist. ``city`` is a dateline's, ``price_usd`` its usual price."""

    name: str
    ticker: str
    exchange: str
    sector: str
    city: str
    ceo: str
    price_usd: float
    shares_m: float
    product: str
    field: str
    cik: int

    @property
    def short(self) -> str:
        """Return the name without its legal form, as headlines have it."""
        return without_legal_form(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignIssuer:
    """An issuer listed abroad only; its symbol is made from an invented US one."""

    name: str
    venue: str
    city: str
    suffix: str = ""


def without_legal_form(name: str) -> str:
    """Return a company name without ", Inc." and the like."""
    for form in _LEGAL_FORMS:
        name = name.removesuffix(form)
    return name


def read_toml(name: str) -> dict[str, Any]:
    """Read one of the demo's TOML files."""
    return tomllib.loads(files("catalyst_ray.demo").joinpath(name).read_text(encoding="utf-8"))


@cache
def companies() -> tuple[Company, ...]:
    """Return every invented company, in the file's order."""
    rows = read_toml("companies.toml")["company"]
    return tuple(Company(cik=_FIRST_CIK + 41 * number, **row) for number, row in enumerate(rows))


@cache
def names() -> dict[str, tuple[str, ...]]:
    """Return the lists of other invented names, by kind."""
    return {kind: tuple(words) for kind, words in read_toml("names.toml").items() if kind != "foreign"}


@cache
def foreign_issuers() -> tuple[ForeignIssuer, ...]:
    """Return the issuers that are listed abroad only."""
    return tuple(ForeignIssuer(**row) for row in read_toml("names.toml")["foreign"])
