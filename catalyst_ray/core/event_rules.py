"""Owns what one row of the taxonomy says.

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
    compare               ``above``, ``below``: what the first figures of a match must be to its last

Rows may share a code, where one wording is surer than another: then they share a family too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from catalyst_ray.models import EventHit, Stage, Where

if TYPE_CHECKING:
    from collections.abc import Mapping

_SPAN_CHARS = 120
_FIGURE = re.compile(r"(?<!\S)(-?)[$€£]*(\d[\d,]*(?:\.\d+)?)([kmb]?)[^ ]*")
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is left of an event among its hedges, and the stage that the strongest of them puts it at."""

    factor: float = 1.0
    stage: Stage = Stage.UNSTATED


SURE = Doubt()


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
        *own, theirs = [_amount(match) for match in _FIGURE.finditer(words)] or [0.0]
        if not own:
            return False
        middle = sum(own) / len(own)  # of a range
        return middle > theirs if self.compare == "above" else middle < theirs

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
