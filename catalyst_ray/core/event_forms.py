"""Owns what EDGAR's form types, 8-K items and kinds of issuer say (``data/events/forms.toml``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.event_rules import SURE, Doubt, EventRule, event_rule
from catalyst_ray.models import EventHit, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from catalyst_ray.models import Item


@dataclass(frozen=True, slots=True)
class FilingTable:
    """The tables of forms, items and issuers; ``amendment`` is what an amended one counts."""

    forms: dict[str, EventRule]
    items: dict[str, EventRule]
    amendment: float
    prospectuses: frozenset[str]
    asset_backed: tuple[str, ...]
    banks: tuple[str, ...]

    @classmethod
    def build(cls, table: Mapping[str, Any], issuers: Mapping[str, Any]) -> FilingTable:
        """Read the tables."""
        return cls(
            forms={form: event_rule(row) for row in table["form"] for form in row["forms"]},
            items={row["item"]: event_rule(row) for row in table["item"]},
            amendment=float(table["amendment"]),
            prospectuses=frozenset(issuers["prospectuses"]),
            asset_backed=_lowered(issuers["asset_backed"]),
            banks=_lowered(issuers["banks"]),
        )

    def find(self, item: Item) -> Iterator[EventHit]:
        """Yield the events that form, item numbers and filers stand for."""
        form = item.form or ""
        base = form.removesuffix("/A")
        if base in self.prospectuses:
            yield from self._issuer(item, base)
        amended = Doubt(self.amendment)
        rule = self.forms.get(form) or self.forms.get(base)
        if rule:
            yield rule.hit(SURE if form in self.forms else amended, form, where=Where.FORM)
        rules = {number: self.items[number] for number in item.filing_items if number in self.items}
        replaced = frozenset[str]().union(*(rule.replaces for rule in rules.values()))
        for number, rule in rules.items():
            if rule.code not in replaced:
                yield rule.hit(SURE if form == base else amended, f"item {number}", where=Where.FORM)

    def _issuer(self, item: Item, base: str) -> Iterator[EventHit]:
        names = " | ".join([item.title, *(party.name for party in item.parties)]).lower()
        # "Invented Mortgage Trust, Inc." is a company that holds mortgages, no pool of them.
        bare = names.replace(",", "")
        pool = next((word for word in self.asset_backed if word in bare and f"{word} inc" not in bare), None)
        bank = next((word for word in self.banks if word in names), None)
        if pool:
            yield _quiet("asset_backed", "Asset-backed issuer", pool)
        elif bank and base not in ("8-K", "10-K"):
            yield _quiet("structured_note", "Notes of a bank", bank)


def _quiet(code: str, label: str, span: str) -> EventHit:
    return EventHit(code=code, label=label, weight=0.0, span=span, noise=True, where=Where.FORM)


def _lowered(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)
