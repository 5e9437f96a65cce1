"""The fast tier as one thing: links and scores an item, says whether the model should read it, decides.

Only joins ``tickers``, ``score`` and ``policy`` with the tables that one run uses; the rules are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_ray.core import policy as rules
from catalyst_ray.core.filing_facts import facts
from catalyst_ray.core.lexicon import default_lexicon
from catalyst_ray.core.market_hours import Session, session
from catalyst_ray.core.reasons import Code, title
from catalyst_ray.core.score import score
from catalyst_ray.core.tickers import link
from catalyst_ray.models import (
    Decision,
    Item,
    Link,
    LlmUse,
    Reason,
    Role,
    Score,
    SecurityKind,
    Symbol,
    Verdict,
)

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.core.directory import TickerDirectory
    from catalyst_ray.core.gates import Gates
    from catalyst_ray.core.policy import Policy
    from catalyst_ray.core.sentiment import SentimentModel
    from catalyst_ray.models import FilingText

MAX_TICKER_REASONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUses:
    """What the language model is asked about (the guide's ``FEATURE_LLM_*``)."""

    classifier: bool = True
    fallback: bool = True
    filings: bool = True
    confidence_threshold: float = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the fast tier made of an item; ``early`` is a decision that needs no model, ``session`` the market's."""

    item: Item
    link: Link
    score: Score
    early: Decision | None
    priority: int
    session: Session
    notes: tuple[Reason, ...] = ()
    """What became of the item's document, for the decision's reasons."""

    @property
    def ticker(self) -> str:
        """Return the subject's ticker; only where ``early`` is None."""
        return self.link.symbols[0].ticker


class FastTier:
    """Judges without a model. Thread-safe: ``directory`` is replaced whole when it is refreshed."""

    def __init__(
        self, *, directory: TickerDirectory, sentiment: SentimentModel, policy: Policy, uses: ModelUses
    ) -> None:
        self.directory = directory
        self._sentiment = sentiment
        self._policy = policy
        self._uses = uses

    @property
    def gates(self) -> Gates:
        """Return what keeps a strong item from becoming an alert."""
        return self._policy.gates

    def read(self, item: Item, *, now_utc: datetime) -> Reading:
        """Link and score an item, and decide on it if no model is needed for that."""
        linked = link(item, self.directory)
        scored = score(item, linked, self._sentiment, now_utc=now_utc, policy=self._policy)
        early = rules.triage(item, linked, scored, policy=self._policy)
        return Reading(
            item=item,
            link=linked,
            score=scored,
            early=_with_tickers(early, linked) if early else None,
            priority=rules.priority_of(scored.value, watched=self._policy.watches(linked)),
            session=session(now_utc),
        )

    def reads(self, reading: Reading) -> bool:
        """Return whether an item's document should be read before it is decided."""
        return reading.early is None and self._policy.reads(reading.item)

    def reread(self, reading: Reading, document: FilingText, *, now_utc: datetime) -> Reading:
        """Return a filing's reading with what its document says; ``facts`` and ``merged`` have the rules."""
        subject = reading.link.symbols[0]
        filed = facts(document, reading.item, [default_lexicon().core_name(subject.name)])
        if filed is None:
            return reading
        scored = score(
            reading.item,
            reading.link,
            self._sentiment,
            now_utc=now_utc,
            policy=self._policy,
            filed=filed,
        )
        early = rules.triage(reading.item, reading.link, scored, policy=self._policy)
        return replace(
            reading,
            score=scored,
            early=_with_tickers(early, reading.link, filed.reasons) if early else None,
            priority=rules.priority_of(scored.value, watched=self._policy.watches(reading.link)),
            notes=filed.reasons,
        )

    def wants_model(self, reading: Reading) -> LlmUse | None:
        """Return what the model should be asked about an item, or None; nothing in a session without alerts."""
        if reading.session not in self.gates.sessions:
            return None
        return rules.wants_llm(
            reading.item,
            reading.link,
            reading.score,
            policy=self._policy,
            classifier=self._uses.classifier,
            fallback=self._uses.fallback,
            filings=self._uses.filings,
            confidence_threshold=self._uses.confidence_threshold,
        )

    def decide(self, reading: Reading, verdict: Verdict, *, near_duplicate: str | None) -> Decision:
        """Decide on an item with what the model said, if anything."""
        decision = rules.decide(
            reading.link,
            reading.score,
            verdict,
            policy=self._policy,
            near_duplicate_of=near_duplicate,
            session=reading.session,
        )
        return _with_tickers(decision, reading.link, reading.notes)


def _with_tickers(decision: Decision, linked: Link, notes: tuple[Reason, ...] = ()) -> Decision:
    """Add which tickers an item has and by what evidence, for ``explain``, behind what its document adds."""
    found = tuple(
        Reason(Code.TICKER, f"{s.ticker}{_special(s)} by {title(s.reason.code)}: {s.reason.detail}"[:200])
        for s in linked.symbols[:MAX_TICKER_REASONS]
    )
    return replace(decision, reasons=decision.reasons + notes + found)


def _special(symbol: Symbol) -> str:
    """Return what a ticker is besides the subject's common share on an exchange: " (mentioned, fund, OTC)"."""
    role = "" if symbol.role is Role.SUBJECT else symbol.role
    kind = "" if symbol.kind is SecurityKind.COMMON else symbol.kind
    words = [word for word in (role, kind, "OTC" if symbol.is_otc else "") if word]
    return f" ({', '.join(words)})" if words else ""
