"""Owns what becomes of a scored item: alert, suppress or drop, with every reason, and when to ask the LLM.

Pure: the item, its link, score and verdict in, one ``Decision`` out. The defaults are data
(``data/policy.toml``). It does not score, judge, hold (the cap of a cycle is the pipeline's) or store.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.gates import Gates, session_reasons
from catalyst_ray.core.reasons import Code, duration
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Action, Decision, ItemKind, LlmUse, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.core.market_hours import Session
    from catalyst_ray.models import Item, Judgement, Link, Score, Verdict

_WATCH_PRIORITY = 2
"""Steps of priority that a place on the watch list is worth."""
_LINK_REASONS = 6
_SMALL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How fast an item ages: 1 for ``full_s``, halved every ``half_life_s``, 0 after ``max_age_s``."""

    full_s: float
    half_life_s: float
    max_age_s: float

    def at(self, age_s: float) -> float:
        """Return the freshness of an item ``age_s`` seconds old, 0 to 1."""
        if age_s > self.max_age_s:
            return 0.0
        return float(0.5 ** (max(0.0, age_s - self.full_s) / self.half_life_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Every threshold; ``data/policy.toml`` says what each is. ``watch_list`` holds tickers."""

    alert_min_value: float
    watch_min_value: float
    sentiment_alone: float
    sentiment_share: float
    other_events: float
    opposite_event: float
    noise_factor: float
    clear_sentiment: float
    undated_factor: float
    llm_weight: float
    llm_flip_confidence: float
    llm_flip_direction: float
    llm_min_value: float
    llm_forms: frozenset[str]
    llm_items: frozenset[str]
    freshness: Mapping[str, Freshness]
    gates: Gates
    watch_list: frozenset[str] = field(default_factory=frozenset)

    def freshness_of(self, item: Item) -> Freshness:
        """Return the row of the item's form, of the form it amends, or of its kind."""
        form = item.form or ""
        row = self.freshness.get(form) or self.freshness.get(form.removesuffix("/A"))
        return row or self.freshness[item.kind]

    def with_max_age(self, *, news_s: float | None, filing_s: float | None) -> Policy:
        """Return the policy with other ages at which news, and filings of whatever form, are too old."""
        ages = {name: news_s if name == ItemKind.NEWS else filing_s for name in self.freshness}
        rows = {
            name: row if (age_s := ages[name]) is None else replace(row, max_age_s=age_s)
            for name, row in self.freshness.items()
        }
        return replace(self, freshness=rows)

    def reads(self, item: Item) -> bool:
        """Return whether a filing is worth reading however little its feed says: by its form and 8-K items."""
        if item.kind is not ItemKind.FILING:
            return False
        form = (item.form or "").removesuffix("/A")
        return form in self.llm_forms or not self.llm_items.isdisjoint(item.filing_items)

    def watches(self, link: Link) -> bool:
        """Return whether any ticker of an item is on the watch list."""
        return any(symbol.ticker in self.watch_list for symbol in link.symbols)


def triage(item: Item, link: Link, score: Score, *, policy: Policy) -> Decision | None:
    """Return the decision on an item that no language model need see, or None.

    Dropped: another language than English, no US ticker, stale, about no company. Suppressed: noise. The first
    that applies decides; the reasons name all that do.
    """
    noise = tuple(Reason(hit.code, hit.span or hit.label) for hit in score.events if hit.noise)
    found: list[tuple[Action, tuple[Reason, ...]]] = []
    if item.language and not item.language.lower().startswith("en"):
        found.append((Action.DROP, (Reason(Code.NOT_ENGLISH, item.language),)))
    if not link.symbols:
        found.append((Action.DROP, (Reason(Code.NO_TICKER), *link.reasons[:_LINK_REASONS])))
    if score.freshness <= 0:
        found.append((Action.DROP, (_stale(item, score, policy),)))
    if noise:
        found.append((Action.SUPPRESS, noise))
    if link.symbols and link.subject is None:
        found.append((Action.DROP, (Reason(Code.NO_SUBJECT, _tickers(link)),)))
    if not found:
        return None
    reasons = tuple(reason for _, some in found for reason in some)
    return Decision(action=found[0][0], reasons=reasons, value=score.value, priority=9, parts=score.parts)


def _stale(item: Item, score: Score, policy: Policy) -> Reason:
    age_s = next((part.value for part in score.parts if part.code == Code.AGE), None)
    limit = duration(policy.freshness_of(item).max_age_s)
    name = "FILING_MAX_AGE_SECONDS" if item.kind is ItemKind.FILING else "NEWS_MAX_AGE_SECONDS"
    return Reason(Code.STALE, f"{duration(age_s or 0.0)} old, over {limit} ({name})", age_s)


def _tickers(link: Link) -> str:
    return ", ".join(symbol.ticker for symbol in link.symbols[:_LINK_REASONS])


def wants_llm(
    item: Item,
    link: Link,
    score: Score,
    *,
    policy: Policy,
    classifier: bool,
    fallback: bool,
    filings: bool,
    confidence_threshold: float,
) -> LlmUse | None:
    """Return what a language model should be asked about an item that passed ``triage``, or None.

    The gate is cheap: only fresh items with a ticker, at least ``llm_min_value`` strong; on the watch list, and
    for the filings that the policy names, any strength. Filings are read only when ``filings`` says so. News
    is re-judged as ``fallback`` where the fast tier is less sure than ``confidence_threshold``, and judged
    by the ``classifier`` otherwise.
    """
    if link.subject is None or score.freshness <= 0:
        return None
    strong = abs(score.value) + _SMALL >= policy.llm_min_value
    if not (strong or policy.watches(link) or policy.reads(item)):
        return None
    if item.kind is ItemKind.FILING:
        return LlmUse.FILING if filings else None
    if fallback and score.confidence < confidence_threshold:
        return LlmUse.REJUDGE
    return LlmUse.HEADLINE if classifier else None


def decide(
    link: Link,
    score: Score,
    verdict: Verdict,
    *,
    policy: Policy,
    near_duplicate_of: str | None = None,
    session: Session | None = None,
) -> Decision:
    """Return the decision on an item that passed ``triage``.

    ``near_duplicate_of`` is the key of an alerted item that tells the same story, if there is one; ``session`` the
    market's now, None where the time does not matter.
    """
    value, llm_reasons = combine(score, verdict, policy=policy)
    watched = policy.watches(link)
    least = min(policy.watch_min_value, policy.alert_min_value) if watched else policy.alert_min_value
    reasons = [Reason(hit.code, hit.span or hit.label, hit.weight) for hit in score.events]
    reasons += llm_reasons
    reasons += _crossing(score.value, value, least)
    if watched:
        reasons.append(Reason(Code.WATCH_LIST, value=least))
    excluded, facts = session_reasons(session, policy.gates) if session else (None, [])
    if near_duplicate_of:
        action, head = Action.SUPPRESS, Reason(Code.NEAR_DUPLICATE, near_duplicate_of)
    elif abs(value) + _SMALL < least:
        name = "the watch list’s" if watched else "ALERT_THRESHOLD"
        action, head = Action.SUPPRESS, Reason(Code.WEAK, f"below {name} {least:.2f}", value)
    elif excluded:
        action, head = Action.SUPPRESS, excluded
    else:
        action, head = Action.ALERT, Reason(Code.STRONG, f"from {least:.2f}", value)
    return Decision(
        action=action,
        reasons=(head, *reasons, *facts),
        value=value,
        priority=priority_of(value, watched=watched),
        parts=score.parts,
    )


def _crossing(before: float, after: float, least: float) -> list[Reason]:
    """Return that the model's say carried an item over the threshold or under it, if it did."""
    if abs(before) + _SMALL < least <= abs(after) + _SMALL:
        return [Reason(Code.LLM_LIFTS, f"from below {least:.2f}", before)]
    if abs(after) + _SMALL < least <= abs(before) + _SMALL:
        return [Reason(Code.LLM_SINKS, f"from above {least:.2f}", before)]
    return []


def priority_of(value: float, *, watched: bool = False) -> int:
    """Return 0 (most urgent) to 9 from a strength; a watched ticker goes two steps ahead."""
    steps = 9 - int(abs(value) * 10 + _SMALL)
    return min(9, max(0, steps - (_WATCH_PRIORITY if watched else 0)))


def combine(score: Score, verdict: Verdict, *, policy: Policy) -> tuple[float, list[Reason]]:
    """Return the value after the language model had its say, and what it changed.

    With d the model's direction times freshness, and c its confidence:

        share = llm_weight · c
        value = (1 - share) · fast + share · d            where the two agree, or one is silent
        value = that, but never across zero               where they disagree
        value = c · d                                     where they disagree and the model is sure:
                                                          c ≥ llm_flip_confidence, |direction| ≥ llm_flip_direction

    A model without weight, or no answer, changes nothing; the reason says which.
    """
    judgement = verdict.judgement
    if judgement is None:
        return score.value, [verdict.reason]
    seen = Reason(verdict.reason.code, judgement.model or verdict.reason.detail, judgement.direction)
    if not judgement.has_weight:
        return score.value, [seen, Reason(Code.LLM_NO_WEIGHT, judgement.model)]
    return _weighed(score, judgement, seen, policy)


def _weighed(score: Score, judgement: Judgement, seen: Reason, policy: Policy) -> tuple[float, list[Reason]]:
    fast, sure = score.value, min(1.0, max(0.0, judgement.confidence))
    direction = min(1.0, max(-1.0, judgement.direction)) * score.freshness
    share = policy.llm_weight * sure
    value = (1 - share) * fast + share * direction
    if fast * direction >= 0:
        return value, [
            seen,
            Reason(Code.LLM_AGREES if fast * direction > 0 else Code.LLM_WEIGHED, value=value),
        ]
    decided = abs(judgement.direction) >= policy.llm_flip_direction
    if sure >= policy.llm_flip_confidence and decided:
        return sure * direction, [seen, Reason(Code.LLM_FLIPS, value=sure * direction)]
    kept = max(0.0, value) if fast > 0 else min(0.0, value)
    return kept, [seen, Reason(Code.LLM_DISAGREES, value=kept)]


def default_policy(**overrides: Any) -> Policy:
    """Return the policy that ships with the program, with other values where given.

    Raises:
        ConfigError: No such threshold.
    """
    unknown = overrides.keys() - set(Policy.__dataclass_fields__)
    if unknown:
        raise ConfigError(
            f"no threshold named {', '.join(sorted(unknown))}", key="policy", hint="see data/policy.toml"
        )
    return replace(_shipped(), **overrides)


@cache
def _shipped() -> Policy:
    return load_policy(files("catalyst_ray.core").joinpath("data/policy.toml").read_text("utf-8"))


def load_policy(text: str) -> Policy:
    """Build a policy from TOML.

    Raises:
        ConfigError: The text is no policy, or lacks a value.
    """
    try:
        table = tomllib.loads(text)
        rows = {name: Freshness(**row) for name, row in table.pop("freshness").items()}
        forms, items = frozenset(table.pop("llm_forms")), frozenset(table.pop("llm_items"))
        gates = Gates(**table.pop("gates"))
        return Policy(freshness=rows, gates=gates, llm_forms=forms, llm_items=items, **table)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"unreadable: {error}", key="policy.toml", hint="compare it with the file shipped"
        ) from error
