"""Owns what one row of the taxonomy says, and how the words around a match cancel or weaken it.

The taxonomy is data (``data/events/``). The keys of an event there:

    code, label, weight   as in ``models.EventHit``
    stage                 how far the event has come where it is said without doubt
    match, unless         phrases; one of ``match`` must be there, none of ``unless``
    noise, yields         no catalyst; ``yields``: unless the title also holds a strong event
    family                of one family only the first event found counts (stages of one offering)
    replaces              codes that this event makes untrue ("withdraws its offering")
    hedged, negatable     false where "plans to" or "not" belongs to the event itself
    in_summary            noise that is looked for in the summary too
    in_title_only         events too easily mentioned in passing
    compare               ``above``, ``below``: what the first figure of a match must be to its second

Rows may share a code, where one wording is surer than another: then they share a family too.

The keys of a hedge: ``kind`` (``negation`` or ``doubt``), ``factor``, ``reach`` in words, ``stage``, and the phrases
``before`` and ``after`` a match, in its sentence; where both are given, both must be there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.phrases import PhraseIndex
from catalyst_ray.models import EventHit, Stage, Where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.core.phrases import Found, Words

_SPAN_CHARS = 120
_FIGURE = re.compile(r"(?<!\S)(-?)[$€£]*(\d[\d,]*(?:\.\d+)?)([kmb]?)[^ ]*")
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}
NEGATION = "negation"


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is left of an event among its hedges, and the stage that the strongest of them puts it at."""

    factor: float = 1.0
    stage: Stage = Stage.UNSTATED


SURE = Doubt()
_DENIED = Doubt(0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRule:
    """One row of the taxonomy, without its phrases."""

    code: str
    label: str
    weight: float = 0.0
    stage: Stage = Stage.UNSTATED
    noise: bool = False
    yields: bool = False
    family: str | None = None
    replaces: frozenset[str] = frozenset()
    hedged: bool = True
    negatable: bool = True
    in_summary: bool = False
    in_title_only: bool = False
    compare: str = ""

    def holds(self, words: str) -> bool:
        """Return whether the figures of a match compare as they must."""
        if not self.compare:
            return True
        figures = [_amount(match) for match in _FIGURE.finditer(words)][:2]
        return len(figures) == 2 and (
            figures[0] > figures[1] if self.compare == "above" else figures[0] < figures[1]
        )

    def hit(
        self,
        doubt: Doubt | None = None,
        span: str = "",
        *,
        where: Where = Where.TITLE,
        place: tuple[int, int] = (0, 0),
    ) -> EventHit:
        """Return this event as found, its weight scaled by the doubt."""
        doubt = doubt or SURE
        return EventHit(
            code=self.code,
            label=self.label,
            weight=round(self.weight * doubt.factor, 3),
            span=span[:_SPAN_CHARS],
            noise=self.noise,
            stage=doubt.stage or self.stage,
            certainty=round(doubt.factor, 4),
            where=where,
            start=place[0],
            end=place[1],
        )


def _amount(match: re.Match[str]) -> float:
    return float(match[1] + match[2].replace(",", "")) * _SCALES[match[3]]


def event_rule(row: Mapping[str, Any]) -> EventRule:
    """Return a row of a table as a rule."""
    kept = {key: value for key, value in row.items() if key not in ("match", "unless", "forms", "item")}
    rule = EventRule(**kept)
    return replace(rule, replaces=frozenset(rule.replaces), stage=Stage(rule.stage))


@dataclass(frozen=True, slots=True)
class Hedge:
    """What words within ``reach`` words of a match do to it."""

    kind: str
    factor: float
    reach: int
    stage: Stage
    sides: frozenset[bool]
    """Which sides are needed: True for before the match, False for after it."""


@dataclass(frozen=True, slots=True)
class Hedges:
    """All hedges, compiled once."""

    rows: tuple[Hedge, ...]
    phrases: PhraseIndex[tuple[int, bool]]
    """Tag: index into ``rows``, and whether the phrase stands before the match."""

    @classmethod
    def build(cls, table: Sequence[Mapping[str, Any]], sets: Mapping[str, str]) -> Hedges:
        """Compile the table."""
        sides = ((True, "before"), (False, "after"))
        rows = tuple(
            Hedge(
                str(row["kind"]),
                float(row["factor"]),
                int(row["reach"]),
                Stage(row.get("stage", "")),
                frozenset(side for side, key in sides if key in row),
            )
            for row in table
        )
        phrases = [
            (phrase, (index, side))
            for index, row in enumerate(table)
            for side, key in sides
            for phrase in row.get(key, ())
        ]
        return cls(rows, PhraseIndex.build(phrases, sets))

    def among(self, words: Words) -> list[Found[tuple[int, bool]]]:
        """Return the hedging words of a text."""
        return self.phrases.find(words)

    def doubt(
        self, rule: EventRule, words: Words, found: Found[Any], hedging: Sequence[Found[tuple[int, bool]]]
    ) -> Doubt:
        """Return what the hedging words of its text leave of a match; two denials make none."""
        if rule.noise:
            return SURE
        near = [(one.tag, one) for one in hedging if self._reaches(one, words, found)]
        if not near:
            return SURE
        kinds = [self.rows[index] for (index, _), _ in near]
        denials = sum(row.kind == NEGATION for row in kinds)
        if rule.negatable and denials % 2:
            return _DENIED
        there = {tag for tag, _ in near}
        doubts = [
            row
            for index, row in enumerate(self.rows)
            if row.kind != NEGATION
            and (rule.hedged or row.stage is Stage.PAST)
            and all((index, side) in there for side in row.sides)
        ]
        strongest = min(doubts, key=lambda row: row.factor, default=None)
        return Doubt(strongest.factor, strongest.stage) if strongest else SURE

    def _reaches(self, one: Found[tuple[int, bool]], words: Words, found: Found[Any]) -> bool:
        index, is_before = one.tag
        reach = self.rows[index].reach
        if is_before:
            gap = range(one.end, found.start)
            near = one.end <= found.start and found.start - one.start <= reach + one.end - one.start - 1
        else:
            gap = range(found.end, one.start)
            # "approval in | 2019": the last word of a match may begin what follows it
            near = one.start >= found.end - 1 and one.start - found.end < reach
        return near and not any(words.tokens[at] == "." for at in gap)
