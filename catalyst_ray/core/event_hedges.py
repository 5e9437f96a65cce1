"""Owns how the words around a match cancel or weaken it (``data/events/hedges.toml``).

The keys of a hedge: ``kind`` (``negation`` or ``doubt``), ``factor``, ``stage``, and phrases ``before``, ``after`` or
``inside`` a match, in its sentence, the first two within ``reach_before`` and ``reach_after`` words. Where several sides
are given, each must be there.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.event_rules import SURE, Doubt
from catalyst_ray.core.phrases import PhraseIndex
from catalyst_ray.models import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalyst_ray.core.event_rules import EventRule
    from catalyst_ray.core.phrases import Found, Words

_NEGATION = "negation"
_THAN = "than"
_BEFORE, _AFTER, _INSIDE = _SIDES = ("before", "after", "inside")
_DENIED = Doubt(0.0)
_WIDEST = 24
"""Farther from a match no hedge is looked at, words: more than any reach with any phrase."""


@dataclass(frozen=True, slots=True)
class Hedge:
    """What words near a match do to it; ``reach`` has the sides that are needed, with their words of distance."""

    kind: str
    factor: float
    reach: Mapping[str, int]
    stage: Stage


@dataclass(frozen=True, slots=True)
class Hedges:
    """All hedges, compiled once."""

    rows: tuple[Hedge, ...]
    phrases: PhraseIndex[tuple[int, str]]
    """Tag: index into ``rows``, and the side of the match on which the phrase stands."""

    @classmethod
    def build(cls, table: Sequence[Mapping[str, Any]], sets: Mapping[str, str]) -> Hedges:
        """Compile the table."""
        rows = tuple(
            Hedge(
                str(row["kind"]),
                float(row["factor"]),
                {side: int(row.get(f"reach_{side}", 0)) for side in _SIDES if side in row},
                Stage(row.get("stage", "")),
            )
            for row in table
        )
        phrases = [
            (phrase, (index, side))
            for index, row in enumerate(table)
            for side in _SIDES
            for phrase in row.get(side, ())
        ]
        return cls(rows, PhraseIndex.build(phrases, sets))

    def among(self, words: Words) -> list[Found[tuple[int, str]]]:
        """Return the hedging words of a text, in its order; "than expected" compares, and doubts nothing."""
        found = (one for one in self.phrases.find(words) if words.tokens[one.start - 1] != _THAN)
        return sorted(found, key=_start)

    def doubt(
        self, rule: EventRule, words: Words, found: Found[Any], hedging: Sequence[Found[tuple[int, str]]]
    ) -> Doubt:
        """Return what the hedging words of its text leave of a match; two denials make none."""
        if rule.noise:
            return SURE
        first = bisect_left(hedging, found.start - _WIDEST, key=_start)
        behind = bisect_left(hedging, found.end + _WIDEST, key=_start)
        near = [one.tag for one in hedging[first:behind] if self._reaches(one, words, found)]
        if not near:
            return SURE
        denials = sum(self.rows[index].kind == _NEGATION for index, _ in near)
        if rule.negatable and denials % 2:
            return _DENIED
        there = set(near)
        doubts = [
            row
            for index, row in enumerate(self.rows)
            if row.kind != _NEGATION
            and (rule.hedged or row.stage is Stage.PAST)
            and all((index, side) in there for side in row.reach)
        ]
        strongest = min(doubts, key=lambda row: row.factor, default=None)
        return Doubt(strongest.factor, strongest.stage) if strongest else SURE

    def _reaches(self, one: Found[tuple[int, str]], words: Words, found: Found[Any]) -> bool:
        index, side = one.tag
        reach = self.rows[index].reach[side]
        if side == _INSIDE:
            return found.start <= one.start and one.end <= found.end
        if side == _BEFORE:
            gap = range(one.end, found.start)
            near = one.end <= found.start and found.start - one.start <= reach + one.end - one.start - 1
        else:
            gap = range(found.end, one.start)
            # "approval in | 2019": the last word of a match may begin what follows it
            near = one.start >= found.end - 1 and one.start - found.end < reach
        return near and not any(words.tokens[at] == "." for at in gap)


def _start(found: Found[Any]) -> int:
    return found.start
