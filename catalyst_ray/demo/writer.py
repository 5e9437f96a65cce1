"""Turns templates into drafts: title, text and truth of one release or filing, not yet published."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from catalyst_ray.demo.companies import foreign_issuers, names, read_toml
from catalyst_ray.demo.facts import common_facts, company_facts, fill, fill_headline, foreign_facts
from catalyst_ray.demo.items import Expected
from catalyst_ray.models import Party

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

    from catalyst_ray.demo.companies import Company

_OTHER_CIKS = 9_500_000
"""Invented CIKs of funds, banks and trusts; none of them is in the demo's ticker list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of news or filing, as the TOML files give it."""

    code: str
    headlines: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    doc: tuple[str, ...] = ()
    sign: int = 0
    move_pct: tuple[float, float] = (0.0, 0.0)
    sectors: tuple[str, ...] = ()
    exchange: str = ""
    max_price_usd: float = 1e9
    about: str = "company"
    desk: str = "wire"
    share: int = 1
    form: str = ""
    items: tuple[str, ...] = ()

    @property
    def expected(self) -> Expected:
        """Return what the program should do with such an item."""
        return Expected.ALERT if self.sign else Expected.QUIET

    def suits(self, company: Company) -> bool:
        """Return whether a company of this sector, exchange and price can have such news."""
        in_sector = not self.sectors or company.sector in self.sectors
        on_exchange = not self.exchange or company.exchange == self.exchange
        return in_sector and on_exchange and company.price_usd <= self.max_price_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A text ready for a channel, with the ``facts`` that it tells: others tell them in other words.

    ``parties``, ``main`` and ``release`` are empty for news.
    """

    template: Template
    title: str
    paragraphs: tuple[str, ...]
    company: Company | None = None
    city: str = ""
    category: str = ""
    parties: tuple[Party, ...] = ()
    main: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@cache
def templates(kind: str) -> tuple[Template, ...]:
    """Return the templates of a kind: ``event``, ``filing``, ``noise`` or ``quiet_filing``."""
    file = "catalysts.toml" if kind in {"event", "filing"} else "noise.toml"
    return tuple(
        Template(**{key: _frozen(value) for key, value in row.items()}) for row in read_toml(file)[kind]
    )


@cache
def _documents() -> dict[str, dict[str, tuple[str, ...]]]:
    rows = read_toml("documents.toml")["document"]
    return {
        row["code"]: {"main": tuple(row["main"]), "release": tuple(row.get("release", ()))} for row in rows
    }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def write_news(template: Template, company: Company, rng: random.Random, start_utc: datetime) -> Draft:
    """Write a release of a company, or a piece about nobody where the template says so."""
    if template.about == "foreign":
        return _write_foreign(template, company.ticker, rng, start_utc)
    if template.about == "none":
        facts = common_facts(rng, start_utc)
        return Draft(
            template=template,
            title=fill_headline(rng.choice(template.headlines), facts),
            paragraphs=_paragraphs(template, facts, rng),
            city=facts["place"].upper(),
        )
    return write_from(template, company, company_facts(company, rng, start_utc), rng)


def write_from(template: Template, company: Company, facts: Mapping[str, str], rng: random.Random) -> Draft:
    """Write a release of a company from facts that are known."""
    return Draft(
        template=template,
        title=fill_headline(rng.choice(template.headlines), facts),
        paragraphs=_paragraphs(template, facts, rng),
        company=company,
        city=company.city,
        category=f"{company.exchange.removesuffix(' American')}:{company.ticker}",
        facts=facts,
    )


def _write_foreign(template: Template, symbol: str, rng: random.Random, start_utc: datetime) -> Draft:
    issuer = rng.choice(foreign_issuers())
    facts = foreign_facts(issuer, symbol, rng, start_utc)
    return Draft(
        template=template,
        title=fill_headline(rng.choice(template.headlines), facts),
        paragraphs=_paragraphs(template, facts, rng),
        city=issuer.city,
        category=f"{issuer.venue}:{symbol}{issuer.suffix}",
    )


def _paragraphs(template: Template, facts: Mapping[str, str], rng: random.Random) -> tuple[str, ...]:
    chosen = [rng.choice(template.leads)]
    if template.more:
        chosen.append(rng.choice(template.more))
    return tuple(fill(text, facts) for text in chosen)


def write_filing(template: Template, company: Company, rng: random.Random, start_utc: datetime) -> Draft:
    """Write a filing: its document and the parties under which EDGAR lists it."""
    trust, depositor = _pair(rng, "trusts", "depositors")
    bank = _other(rng.choice(names()["bank_issuers"]), "Filer")
    facts = company_facts(company, rng, start_utc) | {"trust": trust, "bank_issuer": bank.name}
    parties: tuple[Party, ...]
    if template.about == "company":
        parties = _company_parties(template.form, company, facts["fund"], rng)
    elif template.about == "trust":
        roles = ("Filed by", "Subject") if template.form == "FWP" else ("Depositor", "Filer")
        parties = (_other(depositor, roles[0]), _other(trust, roles[1]))
    else:
        bank_roles = ("Filed by", "Subject") if template.form == "FWP" else ("Filer",)
        parties = tuple(_other(bank.name, role) for role in bank_roles)
    texts = _documents().get(template.code, {}) if template.about == "company" else {}
    long_text = {kind: tuple(fill(text, facts) for text in chosen) for kind, chosen in texts.items()}
    return Draft(
        template=template,
        title=f"{template.form} - {parties[0].name}",
        paragraphs=tuple(fill(text, facts) for text in template.doc),
        company=company if template.about == "company" else None,
        parties=parties,
        main=long_text.get("main", ()),
        release=long_text.get("release", ()),
    )


def _company_parties(form: str, company: Company, fund: str, rng: random.Random) -> tuple[Party, ...]:
    name = conformed_name(company)
    if form.startswith("SCHEDULE"):
        subject = Party(company.cik, name, "Subject")
        filed_by = [_other(fund, "Filed by"), _other(rng.choice(names()["fund_heads"]), "Filed by")]
        parties = [subject, *filed_by[: rng.randint(1, 2)]]
        rng.shuffle(parties)
        return tuple(parties)
    filer = Party(company.cik, name, "Filer")
    if rng.random() < 0.15:
        return filer, _other(f"{company.short} Operating LLC", "Filer")
    return (filer,)


def conformed_name(company: Company) -> str:
    """Return the name as EDGAR keeps it: about half of the names are in capitals."""
    return company.name.upper() if company.cik % 2 else company.name


def _pair(rng: random.Random, first: str, second: str) -> tuple[str, str]:
    number = rng.randrange(len(names()[first]))
    return names()[first][number], names()[second][number]


def _other(name: str, role: str) -> Party:
    # A sum over the letters, since hash() of a text differs between processes.
    letters = sum(position * ord(letter) for position, letter in enumerate(name, start=1))
    return Party(_OTHER_CIKS + letters, name, role)
