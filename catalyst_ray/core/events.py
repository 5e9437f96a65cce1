"""Owns the finding of catalysts: what an item says happened, or that it only advertises, recaps or repeats.

The taxonomy is data: the files of ``data/events/`` make one table, in the order of their names. The keys of its
rows are described in ``event_rules``, those of hedges in ``event_hedges``, the language of phrases in ``phrases``.
``event_forms`` reads forms and items, ``event_roles`` tells a deal's target from its buyer.

It does not weigh events against each other, nor against sentiment, time or source: ``score`` does.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.event_forms import FilingTable
from catalyst_ray.core.event_hedges import Hedges
from catalyst_ray.core.event_roles import Roles
from catalyst_ray.core.event_rules import Doubt, EventRule, event_rule
from catalyst_ray.core.phrases import PhraseIndex, located_words, split_words
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Stage, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from catalyst_ray.core.phrases import Found, Words
    from catalyst_ray.models import EventHit, Item

SUMMARY_CHARS = 1000
"""A release says what happened in its first paragraphs; the boilerplate below names every risk."""
SUMMARY_FACTOR = 0.5
QUESTION_FACTOR = 0.3
FAINT = 0.1
"""Weight below which an event leaves its family to a weightier one that comes later."""
STRONG = 0.3
"""Weight from which an event in the title outdoes noise that yields."""
TARGET, BUYER, AGREED = "merger_target", "merger_buyer", "merger_agreement"
"""What a deal is to the company bought, to the one that buys, and to either where the text does not tell."""
KINDS, STAGES = "raise_kind", "raise_stage"
"""Families of money raised: the stage that a text tells is also that of the kind it names."""
_TAG = re.compile(r"[(\[]\s*[A-Za-z][^()\[\]:]{1,40}:\s*[“\"']?[A-Z][A-Z0-9.\-/]{0,7}\b[^()\[\]]{0,80}[)\]]")
"""An exchange tag: "(NASDAQ: ABCD) receives a letter" is no letter from an exchange."""
_BOILERPLATE = ("forward-looking statement", "safe harbor", "about the company")
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """All events, compiled once."""

    rules: tuple[EventRule, ...]
    phrases: PhraseIndex[tuple[int, bool]]
    """Tag: index into ``rules``, and whether the phrase forbids the event."""
    hedges: Hedges
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
        rule = next(rule for rule in self.rules if rule.code == code)
        turned = replace(deal, code=code, label=rule.label, weight=round(rule.weight * deal.certainty, 3))
        return _ordered(turned if hit is deal else hit for hit in hits)

    def find(self, item: Item, names: Sequence[str] = ()) -> tuple[EventHit, ...]:
        """Return what an item says, noise first, then the strongest; each code once.

        ``names`` are companies it is about: what they are called is no event.
        """
        said = self.find_in(*prose(item), names)
        if not item.form:
            return said
        unique = {hit.code: hit for hit in reversed([*self.filings.find(item), *said])}
        return _ordered(unique.values())

    def find_in(self, title: str, body: str = "", names: Sequence[str] = ()) -> tuple[EventHit, ...]:
        """Return what a plain text says, ordered as by ``find``; what only the body says counts half.

        Needs time linear in the text; the caller bounds it.
        """
        found = dict(self._in_title(title, names))
        for index, hit in self._in_body(body, names):
            found.setdefault(index, hit)
        return _ordered({hit.code: hit for hit in self._settled(found)}.values())

    def _in_title(self, title: str, names: Sequence[str]) -> Iterator[tuple[int, EventHit]]:
        hits = dict(self._matches(title, names, Where.TITLE))
        strong = any(abs(hit.weight) >= STRONG for hit in hits.values())
        for index, hit in hits.items():
            if not (strong and self.rules[index].yields):
                yield index, hit

    def _in_body(self, body: str, names: Sequence[str]) -> Iterator[tuple[int, EventHit]]:
        for index, hit in self._matches(body, names, Where.SUMMARY):
            rule = self.rules[index]
            if rule.in_summary or not (rule.noise or rule.in_title_only):
                yield index, hit

    def _matches(self, text: str, names: Sequence[str], where: Where) -> Iterator[tuple[int, EventHit]]:
        if not text:
            return
        plain = _TAG.sub(_blank, text) if ":" in text else text
        words, spans = located_words(plain)
        words = words.without(names)
        for index, (doubt, found) in self._best(words).items():
            first, behind = words.place(found.start, found.end)
            place = spans[first][0], spans[behind - 1][1]
            placed = _placed(doubt, text, where, place[1])
            yield index, self.rules[index].hit(placed, found.words, where=where, place=place)

    def _best(self, words: Words) -> dict[int, tuple[Doubt, Found[Any]]]:
        """Return of each event that is said its match of least doubt, in the order of the rules."""
        best: dict[int, tuple[Doubt, Found[Any]]] = {}
        forbidden: set[int] = set()
        hedging: list[Found[tuple[int, str]]] | None = None
        for found in self.phrases.find(words):
            index, forbids = found.tag
            if forbids:
                forbidden.add(index)
                continue
            if not self.rules[index].holds(found.words):
                continue
            if hedging is None:
                hedging = self.hedges.among(words)
            doubt = self.hedges.doubt(self.rules[index], words, found, hedging)
            if doubt.factor > (best[index][0].factor if index in best else 0.0):
                best[index] = doubt, found
        return {index: best[index] for index in sorted(best.keys() - forbidden)}

    def _settled(self, found: dict[int, EventHit]) -> list[EventHit]:
        first: dict[str, EventHit] = {}
        for index, hit in found.items():  # the title's first, each in the order of the files
            family = self.rules[index].family
            if family and (family not in first or (_is_faint(first[family]) and not _is_faint(hit))):
                first[family] = hit
        kept = [
            (rule, hit)
            for index, hit in found.items()
            if not (rule := self.rules[index]).family or first[rule.family] is hit
        ]
        replaced = frozenset[str]().union(*(rule.replaces for rule, _ in kept))
        step = first[STAGES].stage if STAGES in first else Stage.UNSTATED
        return [
            replace(hit, stage=step) if rule.family == KINDS and step and hit.stage == rule.stage else hit
            for rule, hit in kept
            if hit.code not in replaced
        ]


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


def _placed(doubt: Doubt, text: str, where: Where, offset: int) -> Doubt:
    """Return a doubt with what the place of the match adds to it: a summary, a question."""
    if where is Where.SUMMARY:
        return Doubt(doubt.factor * SUMMARY_FACTOR, doubt.stage)
    if "?" in text and _is_asked(text, offset):
        return Doubt(doubt.factor * QUESTION_FACTOR, doubt.stage or Stage.ASKED)
    return doubt


def _is_faint(hit: EventHit) -> bool:
    return abs(hit.weight) < FAINT


def _is_asked(text: str, offset: int) -> bool:
    """Return whether the sentence of a text that holds ``offset`` ends as a question."""
    end = _SENTENCE_END.search(text, offset)
    return end is not None and end.group() == "?"


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _ordered(hits: Iterable[EventHit]) -> tuple[EventHit, ...]:
    return tuple(sorted(hits, key=lambda hit: (not hit.noise, -abs(hit.weight))))


def find_events(item: Item, names: Sequence[str] = ()) -> tuple[EventHit, ...]:
    """Return the catalysts and the noise that an item's title, summary, form and 8-K items say."""
    return default_taxonomy().find(item, names)


@cache
def default_taxonomy() -> Taxonomy:
    """Return the taxonomy that ships with the program."""
    folder = files("catalyst_ray.core").joinpath("data/events")
    tables = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda path: path.name
    )
    return load_taxonomy({path.name: path.read_text("utf-8") for path in tables})


def load_taxonomy(texts: Mapping[str, str]) -> Taxonomy:
    """Build a taxonomy from the TOML texts that are its parts, by file name.

    Raises:
        ConfigError: A text is no part of one, or a part is missing; the key is the file's name where one is to blame.
    """
    joined: dict[str, Any] = {"events": [], "hedges": []}
    for name, text in texts.items():
        try:
            table = tomllib.loads(text)
            for key in ("events", "hedges"):
                joined[key] += table.pop(key, ())
            joined |= table
        except (tomllib.TOMLDecodeError, TypeError) as error:
            raise _unreadable(name, error) from error
    try:
        return _build(joined)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _unreadable("events", error) from error


def _unreadable(key: str, error: Exception) -> ConfigError:
    return ConfigError(f"unreadable: {error!r}", key=key, hint="compare it with the file shipped")


def _build(table: Mapping[str, Any]) -> Taxonomy:
    rows, sets = table["events"], table["words"]
    phrases = [
        (phrase, (index, forbids))
        for index, row in enumerate(rows)
        for forbids, key in ((False, "match"), (True, "unless"))
        for phrase in row.get(key, ())
    ]
    return Taxonomy(
        rules=tuple(event_rule(row) for row in rows),
        phrases=PhraseIndex.build(phrases, sets),
        hedges=Hedges.build(table["hedges"], sets),
        filings=FilingTable.build(table["filings"], table["issuers"]),
        roles=Roles.build(table["roles"], sets),
    )
