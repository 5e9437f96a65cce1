"""Owns the finding of catalysts: what an item says happened, or that it only advertises, recaps or repeats.

The taxonomy is data (``data/events.toml``). The keys of an event there:

    code, label, weight   as in ``models.EventHit``
    match, unless         phrases; one of ``match`` must be there, none of ``unless``
    noise, yields         no catalyst; ``yields``: unless the title also holds a strong event
    family                of one family only the first event found counts (stages of one offering)
    replaces              codes that this event makes untrue ("withdraws its offering")
    hedged, negatable     false where "plans to" or "not" belongs to the event itself
    in_summary            noise that is looked for in the summary too
    in_title_only         events too easily mentioned in passing

``[roles]`` there says who buys whom, for the events that are good news for one side of a deal only.

It does not weigh events against each other, nor against sentiment, time or source: ``score`` does.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.phrases import PhraseIndex, split_words
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import EventHit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalyst_ray.core.phrases import Found, Words
    from catalyst_ray.models import Item

SUMMARY_CHARS = 1000
"""A release says what happened in its first paragraphs; the boilerplate below names every risk."""
SUMMARY_FACTOR = 0.5
QUESTION_FACTOR = 0.3
STRONG = 0.3
"""Weight from which an event in the title outdoes noise that yields."""
TARGET, BUYER, AGREED = "merger_target", "merger_buyer", "merger_agreement"
"""What a deal is to the company bought, to the one that buys, and to either where the text does not tell."""
_SPAN_CHARS = 120
_PART_REACH = 2
"""How far behind a name the word may stand that says that only a part of it is bought, words."""
_TAG = re.compile(r"[(\[]\s*[A-Za-z][^()\[\]:]{1,40}:\s*[“\"']?[A-Z][A-Z0-9.\-/]{0,7}\b[^()\[\]]{0,80}[)\]]")
"""An exchange tag: "(NASDAQ: ABCD) receives a letter" is no letter from an exchange."""
_BOILERPLATE = ("forward-looking statement", "safe harbor", "about the company")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """One row of the taxonomy, without its phrases."""

    code: str
    label: str
    weight: float = 0.0
    noise: bool = False
    yields: bool = False
    family: str | None = None
    replaces: frozenset[str] = frozenset()
    hedged: bool = True
    negatable: bool = True
    in_summary: bool = False
    in_title_only: bool = False

    def hit(self, factor: float = 1.0, span: str = "") -> EventHit:
        """Return this event as found, its weight scaled."""
        return EventHit(
            code=self.code,
            label=self.label,
            weight=round(self.weight * factor, 3),
            span=span[:_SPAN_CHARS],
            noise=self.noise,
        )


@dataclass(frozen=True, slots=True)
class Hedge:
    """Words that cancel or weaken a match that stands within ``reach`` words after them."""

    words: frozenset[str]
    reach: int
    factor: float


@dataclass(frozen=True, slots=True)
class FilingTable:
    """What EDGAR's form types, 8-K items and kinds of issuer say."""

    forms: dict[str, EventRule]
    items: dict[str, EventRule]
    amendment: float
    prospectuses: frozenset[str]
    asset_backed: tuple[str, ...]
    banks: tuple[str, ...]

    def find(self, item: Item) -> Iterator[EventHit]:
        """Yield the events that form, item numbers and filers stand for."""
        form = item.form or ""
        base = form.removesuffix("/A")
        if base in self.prospectuses:
            yield from self._issuer(item, base)
        rule = self.forms.get(form) or self.forms.get(base)
        if rule:
            yield rule.hit(1.0 if form in self.forms else self.amendment, form)
        rules = {number: self.items[number] for number in item.filing_items if number in self.items}
        replaced = frozenset[str]().union(*(rule.replaces for rule in rules.values()))
        for number, rule in rules.items():
            if rule.code not in replaced:
                yield rule.hit(1.0 if form == base else self.amendment, f"item {number}")

    def _issuer(self, item: Item, base: str) -> Iterator[EventHit]:
        names = " | ".join([item.title, *(party.name for party in item.parties)]).lower()
        pool = next((word for word in self.asset_backed if word in names), None)
        bank = next((word for word in self.banks if word in names), None)
        if pool:
            yield EventHit(
                code="asset_backed", label="Asset-backed issuer", weight=0.0, span=pool, noise=True
            )
        elif bank and base not in ("8-K", "10-K"):
            yield EventHit(code="structured_note", label="Notes of a bank", weight=0.0, span=bank, noise=True)


@dataclass(frozen=True, slots=True)
class Roles:
    """How texts say who buys whom."""

    verbs: PhraseIndex[bool]
    """Tag: whether the company bought stands after the words ("acquires"), or before ("acquired by")."""
    parts: frozenset[str]
    """Words between or behind that say that less than the whole company is bought, or from whom."""
    done: frozenset[str]
    """Words of a title that say that the deal is through: nothing is left for the price to learn."""

    def is_bought(self, text: str, name: str) -> bool | None:
        """Return whether the company called ``name`` is the one bought, or None where that is not said."""
        words, called = split_words(text), split_words(name).tokens
        place = _place(words.tokens, called)
        found = min(self.verbs.find(words), key=lambda one: (one.tag, one.start), default=None)
        if place is None or found is None or found.start <= place < found.end:
            return None
        is_behind = place >= found.end
        if is_behind is not found.tag:
            return False
        end = place + len(called)
        near = words.tokens[found.end : end + _PART_REACH] if is_behind else words.tokens[place : found.start]
        return None if any(word in self.parts for word in near) else True


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All events, compiled once."""

    rules: tuple[EventRule, ...]
    phrases: PhraseIndex[tuple[int, bool]]
    """Tag: index into ``rules``, and whether the phrase forbids the event."""
    hedges: tuple[Hedge, ...]
    filings: FilingTable
    roles: Roles

    def as_seen_by(self, names: Iterable[str], hits: Sequence[EventHit], item: Item) -> tuple[EventHit, ...]:
        """Return an item's events as they are for the company of these names: a deal's target or its buyer."""
        deal = next((hit for hit in hits if hit.code in (TARGET, BUYER, AGREED)), None)
        if deal is None or not self.roles.done.isdisjoint(split_words(item.title).tokens):
            return tuple(hits)
        said = (self.roles.is_bought(text, name) for text in prose(item) for name in names)
        is_bought = next((answer for answer in said if answer is not None), None)
        code = deal.code if is_bought is None else TARGET if is_bought else BUYER
        rules = {rule.code: rule for rule in self.rules}
        factor = deal.weight / rules[deal.code].weight  # hedged, asked about or only in the summary
        turned = rules[code].hit(factor, deal.span)
        return _ordered(turned if hit is deal else hit for hit in hits)

    def find(self, item: Item, names: Sequence[str] = ()) -> tuple[EventHit, ...]:
        """Return what an item says, noise first, then the strongest; each code once.

        ``names`` are companies it is about: what they are called is no event.
        """
        title, summary = (_TAG.sub(" ", text) for text in prose(item))
        found = dict(self._in_title(title, names))
        for index, hit in self._in_summary(summary, names):
            found.setdefault(index, hit)
        text_hits = self._settled(found)
        filed = self.filings.find(item) if item.form else ()
        unique = {hit.code: hit for hit in reversed([*filed, *text_hits])}
        return _ordered(unique.values())

    def _in_title(self, title: str, names: Sequence[str]) -> Iterator[tuple[int, EventHit]]:
        question = QUESTION_FACTOR if title.rstrip().endswith("?") else 1.0
        hits = {
            index: rule.hit(factor * question, span)
            for index, rule, factor, span in self._matches(split_words(title).without(names))
        }
        strong = any(abs(hit.weight) >= STRONG for hit in hits.values())
        for index, hit in hits.items():
            if not (strong and self.rules[index].yields):
                yield index, hit

    def _in_summary(self, summary: str, names: Sequence[str]) -> Iterator[tuple[int, EventHit]]:
        if not summary:
            return
        for index, rule, factor, span in self._matches(split_words(summary).without(names)):
            if rule.in_summary or not (rule.noise or rule.in_title_only):
                yield index, rule.hit(factor * SUMMARY_FACTOR, span)

    def _matches(self, words: Words) -> Iterator[tuple[int, EventRule, float, str]]:
        best: dict[int, tuple[float, str]] = {}
        forbidden: set[int] = set()
        for found in self.phrases.find(words):
            index, forbids = found.tag
            if forbids:
                forbidden.add(index)
                continue
            factor = self._hedge(self.rules[index], words, found)
            if factor > best.get(index, (0.0, ""))[0]:
                best[index] = (factor, found.words)
        for index in sorted(best.keys() - forbidden):
            yield index, self.rules[index], *best[index]

    def _hedge(self, rule: EventRule, words: Words, found: Found[Any]) -> float:
        factor = 1.0
        if rule.noise:
            return factor
        for hedge in self.hedges:
            applies = rule.negatable if hedge.factor == 0 else rule.hedged
            before = words.tokens[max(0, found.start - hedge.reach) : found.start]
            if "." in before:
                before = before[len(before) - before[::-1].index(".") :]
            if applies and not hedge.words.isdisjoint(before):
                factor *= hedge.factor
        return factor

    def _settled(self, found: dict[int, EventHit]) -> list[EventHit]:
        replaced: set[str] = set()
        families: set[str] = set()
        kept: list[EventHit] = []
        for index, hit in found.items():  # the title's first, each in the order of the file
            rule = self.rules[index]
            if rule.family in families:
                continue
            if rule.family:
                families.add(rule.family)
            replaced |= rule.replaces
            kept.append(hit)
        return [hit for hit in kept if hit.code not in replaced]


def prose(item: Item) -> tuple[str, str]:
    """Return the title and the beginning of the summary, where they are sentences.

    A filing's are none: its title is put together from form, names and items, its summary lists items.
    Both say less than the item numbers do, and would only weaken them.
    """
    if item.form:
        return "", ""
    title, summary = item.title, item.summary[:SUMMARY_CHARS]
    folded = summary.lower()
    ends = [at for marker in _BOILERPLATE if (at := folded.find(marker)) > 0]
    return title, summary[: min(ends)] if ends else summary


def _ordered(hits: Iterable[EventHit]) -> tuple[EventHit, ...]:
    return tuple(sorted(hits, key=lambda hit: (not hit.noise, -abs(hit.weight), hit.code)))


def _place(tokens: Sequence[str], name: Sequence[str]) -> int | None:
    if not name:
        return None
    size = len(name)
    return next((at for at in range(len(tokens) - size + 1) if tuple(tokens[at : at + size]) == name), None)


def find_events(item: Item, names: Sequence[str] = ()) -> tuple[EventHit, ...]:
    """Return the catalysts and the noise that an item's title, summary, form and 8-K items say."""
    return default_taxonomy().find(item, names)


@cache
def default_taxonomy() -> Taxonomy:
    """Return the taxonomy that ships with the program."""
    return load_taxonomy(files("catalyst_ray.core").joinpath("data/events.toml").read_text("utf-8"))


def load_taxonomy(text: str) -> Taxonomy:
    """Build a taxonomy from TOML.

    Raises:
        ConfigError: The text is no taxonomy; the message or key says where.
    """
    try:
        return _build(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"unreadable: {error!r}", key="events.toml", hint="compare it with the file shipped"
        ) from error


def _build(table: dict[str, Any]) -> Taxonomy:
    rows = table["events"]
    phrases = [
        (phrase, (index, forbids))
        for index, row in enumerate(rows)
        for forbids, key in ((False, "match"), (True, "unless"))
        for phrase in row.get(key, ())
    ]
    return Taxonomy(
        rules=tuple(_rule(row) for row in rows),
        phrases=PhraseIndex.build(phrases, table["words"]),
        hedges=tuple(
            Hedge(frozenset(row["words"].split()), int(row["reach"]), float(row["factor"]))
            for row in table["hedges"]
        ),
        filings=_filings(table["filings"], table["issuers"]),
        roles=_roles(table["roles"], table["words"]),
    )


def _roles(table: dict[str, Any], words: dict[str, str]) -> Roles:
    phrases = [(phrase, tag) for tag, key in ((False, "before"), (True, "after")) for phrase in table[key]]
    parts, done = (frozenset(table[key].split()) for key in ("parts", "done"))
    return Roles(PhraseIndex.build(phrases, words), parts, done)


def _rule(row: dict[str, Any]) -> EventRule:
    kept = {key: value for key, value in row.items() if key not in ("match", "unless", "forms", "item")}
    return replace(EventRule(**kept), replaces=frozenset(row.get("replaces", ())))


def _filings(table: dict[str, Any], issuers: dict[str, Any]) -> FilingTable:
    return FilingTable(
        forms={form: _rule(row) for row in table["form"] for form in row["forms"]},
        items={row["item"]: _rule(row) for row in table["item"]},
        amendment=float(table["amendment"]),
        prospectuses=frozenset(issuers["prospectuses"]),
        asset_backed=_lowered(issuers["asset_backed"]),
        banks=_lowered(issuers["banks"]),
    )


def _lowered(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)
