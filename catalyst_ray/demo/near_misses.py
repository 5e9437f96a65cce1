"""Releases that look like one another and are not the same story: other stage, amount, phase, quarter, company.

They make the measuring of stories hard on purpose; a shown demo has none of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.demo.companies import read_toml
from catalyst_ray.demo.facts import company_facts
from catalyst_ray.demo.writer import Template, templates, write_from

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from datetime import datetime

    from catalyst_ray.demo.companies import Company
    from catalyst_ray.demo.writer import Draft

_CHAIN = ("offering_announced", "offering_priced", "offering_closed")
_AMOUNTS = ("offering_priced", "registered_direct", "contract_won", "atm_program")
_TOLD_APART = ("bank", "agency", "person", "partner", "deal_price")
_NEXT_QUARTER = {"first": "second", "second": "third", "third": "fourth", "fourth": "first"}
_NEXT_PHASE = {"2": "3", "2b": "3", "3": "2"}


def near_misses(company: Company, rng: random.Random, start_utc: datetime) -> tuple[Draft, ...]:
    """Return two or three stories of one company, or of two of like name, that must stay apart."""
    ways = (_stages, _amounts, _quarters, _phases, _namesakes, _pairs, _pairs)
    made = tuple(rng.choice(ways)(company, rng, start_utc))
    return made or tuple(_amounts(company, rng, start_utc))


def _stages(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield one offering as it is proposed, priced and closed."""
    facts = company_facts(company, rng, start_utc)
    for code in _CHAIN:
        yield write_from(_template(code), company, facts, rng)


def _amounts(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield two deals of one kind, each with figures of its own."""
    template = _template(rng.choice(_AMOUNTS))
    facts = company_facts(company, rng, start_utc)
    yield write_from(template, company, facts, rng)
    yield write_from(template, company, company_facts(company, rng, start_utc), rng)


def _quarters(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield results of one quarter, and as a late filer may have them on the same day, of the next."""
    template = _template(rng.choice(("earnings_beat", "earnings_miss")))
    facts = company_facts(company, rng, start_utc)
    yield write_from(template, company, facts, rng)
    later = _NEXT_QUARTER[facts["quarter"].split()[0]]
    other = company_facts(company, rng, start_utc)
    names = {"quarter": f"{later} quarter", "Quarter": f"{later.title()} Quarter"}
    yield write_from(template, company, other | names, rng)


def _phases(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield read-outs of two trials; only of a company that has trials."""
    if company.sector != "biotech":
        return
    template = _template(rng.choice(("trial_met", "trial_failed")))
    facts = company_facts(company, rng, start_utc)
    yield write_from(template, company, facts, rng)
    other = company_facts(company, rng, start_utc)
    yield write_from(template, company, other | {"phase": _NEXT_PHASE[facts["phase"]]}, rng)


def _namesakes(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield the same news, figures and all, of a company and of one of like name."""
    fitting = [row for row in templates("event") if row.suits(company)]
    template = rng.choice(fitting)
    twin = namesake(company)
    facts = company_facts(company, rng, start_utc)
    yield write_from(template, company, facts, rng)
    own = company_facts(twin, rng, start_utc)
    same = {key: facts[key] for key in facts if key not in ("co", "short", "ticker", "tag")}
    yield write_from(template, twin, own | same, rng)


def namesake(company: Company) -> Company:
    """Return a company of like name, with a ticker and a CIK of its own."""
    first, _, rest = company.name.partition(" ")
    ticker = f"{company.ticker[:3]}{'Q' if company.ticker[3:4] != 'Q' else 'Z'}"
    return replace(company, name=f"{first} Pacific {rest}", ticker=ticker, cik=company.cik + 1)


def _pairs(company: Company, rng: random.Random, start_utc: datetime) -> Iterator[Draft]:
    """Yield two releases that were written as a pair."""
    row = rng.choice(read_toml("near_misses.toml")["pair"])
    facts = company_facts(company, rng, start_utc)
    other: dict[str, str] = {}
    while any(other.get(name) == facts[name] for name in _TOLD_APART) or not other:
        other = company_facts(company, rng, start_utc)
    both = facts | {f"other_{name}": other[name] for name in _TOLD_APART}
    for headline, lead in zip(row["headlines"], row["leads"], strict=True):
        template = Template(code=row["code"], headlines=(headline,), leads=(lead,))
        yield write_from(template, company, both, rng)


def _template(code: str) -> Template:
    rows = (*templates("event"), *templates("noise"))
    return next(row for row in rows if row.code == code)
