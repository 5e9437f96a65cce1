"""Money raised: the kinds and stages of an offering, and its terms as a text states them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Qualifier(StrEnum):
    """How exact a stated figure is meant to be."""

    EXACT = "exact"
    ABOUT = "about"
    UP_TO = "up_to"
    AT_LEAST = "at_least"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """A sum of money in a text.

    Args:
        value: In whole units of the currency; of a range its lower end.
        currency: ISO 4217.
        high: Upper end of a range; None for a single figure.
        each: What the sum is the price of ("share", "unit", "warrant", "par"); empty for a sum of its own.
        start: Where it begins in the text, ``end`` is behind it.
        part: The part of a filing whose text that is; empty in news.
    """

    value: float
    currency: str = "USD"
    qualifier: Qualifier = Qualifier.EXACT
    high: float | None = None
    each: str = ""
    start: int = 0
    end: int = 0
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of securities in a text; the fields are as in ``Money``.

    Args:
        unit: "share", "unit", "ads", "warrant", "prefunded_warrant", "preferred_share", "right" or "note".
    """

    value: float
    unit: str
    qualifier: Qualifier = Qualifier.EXACT
    high: float | None = None
    start: int = 0
    end: int = 0
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a text, and where they stand in it."""

    words: str
    start: int = 0
    end: int = 0
    part: str = ""


class OfferingKind(StrEnum):
    """How money is raised."""

    REGISTERED_DIRECT = "registered_direct"
    PUBLIC = "public_offering"
    AT_THE_MARKET = "at_the_market"
    EQUITY_LINE = "equity_line"
    PRIVATE_PLACEMENT = "private_placement"
    CONVERTIBLE = "convertible"
    WARRANT_EXERCISE = "warrant_exercise"
    WARRANT_INDUCEMENT = "warrant_inducement"
    RESALE = "resale"
    SHELF = "shelf"
    DEBT = "debt"
    PREFERRED = "preferred"
    IPO = "ipo"
    SECONDARY = "secondary"
    RIGHTS = "rights"


class OfferingStage(StrEnum):
    """How far an offering has come."""

    ANNOUNCED = "announced"
    PRICED = "priced"
    UPSIZED = "upsized"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingTerms:
    """An offering as a text states it; None where the text does not say.

    Args:
        gross: Gross proceeds; of "up to" the most; of an at-the-market programme or a shelf its size.
        net: Net proceeds, as estimated.
        price: Price of a share, unit or ADS, with its warrants where it has some.
        securities: Shares, units or ADSs offered, without those that warrants buy.
        prefunded: Pre-funded warrants beside or in place of shares.
        warrants: Warrants, or the shares that they buy.
        warrant_price: What a share costs by a warrant.
        coverage_pct: Stated coverage by warrants, in per cent.
        over_allotment: Securities that underwriters may take beside.
        outstanding: Shares outstanding before the offering, as a rule.
        after: Shares outstanding after it.
        last_price: Last sale on the exchange before.
        agents: Underwriters or placement agents.
        use: What the money is for.
        is_preliminary: The prospectus says that it may be changed: nothing is priced.
    """

    kind: OfferingKind
    stage: OfferingStage
    gross: Money | None = None
    net: Money | None = None
    price: Money | None = None
    securities: Count | None = None
    prefunded: Count | None = None
    warrants: Count | None = None
    warrant_price: Money | None = None
    coverage_pct: float | None = None
    over_allotment: Count | None = None
    outstanding: Count | None = None
    after: Count | None = None
    last_price: Money | None = None
    agents: tuple[Quote, ...] = ()
    use: Quote | None = None
    is_preliminary: bool = False
