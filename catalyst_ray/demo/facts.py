"""The figures and names of one story, consistent with each other and with the company's size.

Money is in USD. Draws from the generator it is given and from nothing else.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.core.market_hours import holidays
from catalyst_ray.demo.companies import names, without_legal_form

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

    from catalyst_ray.demo.companies import Company, ForeignIssuer

_SMALL_WORDS = frozenset({"a", "and", "for", "in", "of", "the", "to", "with"})
_QUARTERS = ("second", "first", "second", "third")
"""The quarter that a release speaks of, by the quarter in which it comes out."""
_MARKETS = {
    "Nasdaq": ("the Nasdaq Capital Market", "the Nasdaq Global Market"),
    "NYSE": ("the New York Stock Exchange",),
    "NYSE American": ("the NYSE American",),
}
_TAGS = {
    "Nasdaq": ("(NASDAQ: {})", "(Nasdaq: {})", "(NASDAQ:{})", "(NasdaqCM: {})", "(NasdaqGM: {})"),
    "NYSE": ("(NYSE: {})", "(NYSE:{})"),
    "NYSE American": ("(NYSE American: {})", "(NYSE AMERICAN: {})"),
}


def millions(amount_m: float) -> str:
    """Return millions of USD as a headline has them (``$25.0 million``, ``$1.3 billion``)."""
    if amount_m >= 1000:
        return f"${amount_m / 1000:.1f} billion"
    return f"${amount_m:.1f} million"


def long_date(day: datetime) -> str:
    """Return a date as releases write it (``November 25, 2026``)."""
    return f"{day:%B} {day.day}, {day.year}"


def company_facts(company: Company, rng: random.Random, start_utc: datetime) -> dict[str, str]:
    """Return every figure and name that a text about a company may use, by placeholder."""
    facts = {
        "co": company.name,
        "short": company.short,
        "ticker": company.ticker,
        "tag": rng.choice(_TAGS[company.exchange]).format(company.ticker),
        "exchange": company.exchange,
        "market": rng.choice(_MARKETS[company.exchange]),
        "ceo": company.ceo,
        "product": company.product,
        "field": company.field,
    }
    figures = _deal(company, rng) | _results(company, rng, start_utc) | _trial(rng)
    return facts | common_facts(rng, start_utc) | figures


def foreign_facts(
    issuer: ForeignIssuer, symbol: str, rng: random.Random, start_utc: datetime
) -> dict[str, str]:
    """Return the placeholders of a text about a foreign issuer whose symbol is ``symbol``."""
    return common_facts(rng, start_utc) | {
        "fco": issuer.name,
        "fshort": without_legal_form(issuer.name),
        "ftag": f"({issuer.venue}: {symbol}{issuer.suffix})",
    }


def common_facts(rng: random.Random, start_utc: datetime) -> dict[str, str]:
    """Return dates, people and small figures that need no company."""
    soon = _working_day(start_utc + timedelta(days=rng.randint(2, 4)))
    later = _working_day(start_utc + timedelta(days=rng.randint(10, 40)))
    drawn = {
        kind: rng.choice(choices)
        for kind, choices in (
            ("law_firm", names()["law_firms"]),
            ("conference", names()["conferences"]),
            ("person", names()["people"]),
            ("place", names()["places"]),
            ("trade", names()["trades"]),
            ("private", names()["private"]),
            ("fund", names()["funds"]),
        )
    }
    return drawn | {
        "year": str(start_utc.year),
        "next_year": str(start_utc.year + 1),
        "runway_year": str(start_utc.year + rng.randint(3, 5)),
        "month": f"{start_utc:%B}",
        "weekday": f"{start_utc:%A}",
        "soon_date": long_date(soon),
        "later_date": long_date(later),
        "past_date": long_date(start_utc - timedelta(days=rng.randint(2, 60))),
        "years": str(rng.randint(2, 5)),
        "percent": str(rng.randint(11, 68)),
        "percent_small": f"{rng.uniform(0.1, 1.4):.1f}",
        "grade": f"{rng.uniform(2, 24):.1f}",
        "metres": f"{rng.uniform(4, 40):.1f}",
        "famount": f"${rng.choice((4, 6.5, 8, 12, 15, 22))} Million",
        "dividend": f"${rng.uniform(0.04, 0.52):.3f}",
        "grant_shares": f"{rng.randrange(20_000, 400_000, 500):,}",
        "hires": str(rng.randint(2, 19)),
    }


def _working_day(day: datetime) -> datetime:
    while day.weekday() >= 5 or day.date() in holidays(day.year):
        day += timedelta(days=1)
    return day


def _deal(company: Company, rng: random.Random) -> dict[str, str]:
    value_m = company.price_usd * company.shares_m
    offer_usd = round(company.price_usd * rng.uniform(0.74, 0.9), 2)
    shares = round(value_m * rng.uniform(0.12, 0.3) / offer_usd * 20) * 50_000
    amount_m = offer_usd * shares / 1e6
    outstanding = round(company.shares_m * 1e6)
    premium_pct = rng.randint(18, 40)
    bank, bank2 = rng.sample(names()["banks"], 2)
    stake_pct = round(rng.uniform(5.2, 9.9), 1)
    return {
        "offer_price": f"${offer_usd:.2f}",
        "offer_shares": f"{shares:,}",
        "warrant_price": f"${offer_usd * 1.1:.2f}",
        "amount": millions(amount_m),
        "last_price": f"${company.price_usd:.2f}",
        "discount": f"{(1 - offer_usd / company.price_usd) * 100:.1f}",
        "net_amount": millions(amount_m * 0.93),
        "shares_out": f"{outstanding:,}",
        "shares_after": f"{outstanding + shares:,}",
        "new_pct": f"{shares / outstanding * 100:.1f}",
        "amount_old": millions(amount_m * rng.uniform(0.66, 0.82)),
        "bank": bank,
        "bank2": bank2,
        "buyer": rng.choice(names()["buyers"]),
        "premium": str(premium_pct),
        "deal_price": f"${company.price_usd * (1 + premium_pct / 100):.2f}",
        "deal_value": millions(value_m * (1 + premium_pct / 100)),
        "contract": millions(max(4.0, round(value_m * rng.uniform(0.08, 0.35)))).replace(".0 ", " "),
        "agency": rng.choice(names()["agencies"]),
        "partner": rng.choice(names()["partners"]),
        "upfront": millions(max(10.0, round(value_m * 0.15))).replace(".0 ", " "),
        "milestones": millions(max(100.0, round(value_m / 50) * 50.0)).replace(".0 ", " "),
        "ratio": rng.choice(names()["ratios"]),
        "stake_pct": f"{stake_pct}",
        "stake_shares": f"{round(company.shares_m * 1e4 * stake_pct):,}",
        "cash": millions(value_m * rng.uniform(0.2, 0.5)),
    }


def _results(company: Company, rng: random.Random, start_utc: datetime) -> dict[str, str]:
    revenue_m = company.price_usd * company.shares_m * rng.uniform(0.1, 0.2)
    quarter = _QUARTERS[(start_utc.month - 1) // 3]
    eps_usd = max(0.03, company.price_usd * rng.uniform(0.008, 0.016))
    year_m = revenue_m * 4

    def span(middle_m: float) -> str:
        return f"{millions(middle_m * 0.985)} to {millions(middle_m * 1.015)}"

    return {
        "quarter": f"{quarter} quarter",
        "Quarter": f"{quarter.title()} Quarter",
        "rev": millions(revenue_m),
        "rev_est": millions(revenue_m * rng.uniform(0.9, 0.96)),
        "rev_high": millions(revenue_m * rng.uniform(1.05, 1.12)),
        "growth": str(rng.randint(14, 58)),
        "decline": str(rng.randint(8, 27)),
        "eps": f"${eps_usd:.2f}",
        "eps_est": f"${max(0.01, eps_usd * rng.uniform(0.6, 0.85)):.2f}",
        "eps_loss": f"${eps_usd * 1.5 + 0.02:.2f}",
        "eps_loss_est": f"${eps_usd:.2f}",
        "guide_old": span(year_m),
        "guide_up": span(year_m * rng.uniform(1.06, 1.12)),
        "guide_down": span(year_m * rng.uniform(0.82, 0.91)),
    }


def _trial(rng: random.Random) -> dict[str, str]:
    return {
        "phase": rng.choice(("2", "2b", "3", "3")),
        "patients": str(rng.randrange(118, 640, 2)),
        "p_good": rng.choice(("0.0004", "0.002", "0.008", "0.011")),
        "p_bad": f"{rng.uniform(0.14, 0.62):.2f}",
        "effect": str(rng.randint(38, 61)),
        "placebo": str(rng.randint(11, 24)),
        "population": rng.choice(names()["populations"]),
        "cut_pct": str(rng.randrange(20, 65, 5)),
    }


def fill(template: str, facts: Mapping[str, str]) -> str:
    """Fill a template's placeholders; the first letter of the result is a capital."""
    text = template.format_map(facts)
    return text[0].upper() + text[1:]


def fill_headline(template: str, facts: Mapping[str, str]) -> str:
    """Fill a headline's placeholders in title case, as wires print it."""
    titled = {name: _title_case(facts[name]) for name in ("field", "product") if name in facts}
    text = fill(template, {**facts, **titled})
    return text.replace(" million", " Million").replace(" billion", " Billion")


def _title_case(words: str) -> str:
    cased = [
        word if word in _SMALL_WORDS or not word.islower() else word.title() for word in words.split(" ")
    ]
    return " ".join(cased)
