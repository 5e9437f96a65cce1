"""Judgement: reasons, links, scores, what the language model said, the decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalyst_ray.models.offerings import OfferingTerms  # noqa: TC001  (pydantic reads the annotations at run time)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was decided: a constant code, the words behind it, a figure where there is one.

    Args:
        code: Constant, lower case with underscores (``foreign_venue``, ``stale``).
        detail: Evidence or value, plain text from the item, bounded by the maker to 200 characters.
        value: The figure that counted (a weight, an age in seconds), if any.
    """

    code: str
    detail: str = ""
    value: float | None = None

    def __str__(self) -> str:
        words = f"{self.code}: {self.detail}" if self.detail else self.code
        return words if self.value is None else f"{words} [{self.value:+.2f}]"


class Action(StrEnum):
    """What becomes of an item. Every item gets exactly one in the end."""

    ALERT = "alert"
    HOLD = "hold"
    SUPPRESS = "suppress"
    DROP = "drop"


class Role(StrEnum):
    """What a company is in a story: whom it is about, the other party of a deal or suit, or named besides."""

    SUBJECT = "subject"
    COUNTERPART = "counterpart"
    MENTIONED = "mentioned"


class SecurityKind(StrEnum):
    """What a ticker stands for."""

    COMMON = "common"
    ADR = "adr"
    FUND = "fund"
    PREFERRED = "preferred"
    WARRANT = "warrant"
    UNIT = "unit"
    RIGHT = "right"
    NOTE = "note"


class Where(StrEnum):
    """The part of an item in which something was found; ``FILING`` is what EDGAR says of it."""

    TITLE = "title"
    SUMMARY = "summary"
    CATEGORY = "category"
    FORM = "form"
    FILING = "filing"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Place:
    """Where evidence stands; ``start`` and ``end`` count characters of that part, 0 and 0 of a filing's parties."""

    where: Where
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A US-listed ticker that an item has to do with, and why we think so.

    Args:
        is_otc: Traded over the counter, on no exchange.
        place: Where the evidence of ``reason`` stands.
    """

    ticker: str
    reason: Reason
    venue: str = ""
    name: str = ""
    cik: int | None = None
    role: Role = Role.SUBJECT
    kind: SecurityKind = SecurityKind.COMMON
    is_otc: bool = False
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Tickers of an item, its subject first if it has one; ``reasons`` say what was seen and refused."""

    symbols: tuple[Symbol, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def subject(self) -> Symbol | None:
        """Return whom the item is about; None for lists, markets, law firms, and where no ticker was found."""
        return self.symbols[0] if self.symbols and self.symbols[0].role is Role.SUBJECT else None


class Stage(StrEnum):
    """How far an event has come, as the text tells it; the first four are doubts."""

    UNSTATED = ""
    ASKED = "asked"
    RUMOURED = "rumoured"
    POSSIBLE = "possible"
    PAST = "past"
    PROPOSED = "proposed"
    ANNOUNCED = "announced"
    PRICED = "priced"
    UPSIZED = "upsized"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    FILED = "filed"
    APPROVED = "approved"
    REFUSED = "refused"
    STARTED = "started"
    MET = "met"
    FAILED = "failed"
    AGREED = "agreed"
    ENDED = "ended"

    @property
    def is_doubted(self) -> bool:
        """Return whether the event is not said to happen now."""
        return self in (Stage.ASKED, Stage.RUMOURED, Stage.POSSIBLE, Stage.PAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHit:
    """A catalyst found in the text.

    Args:
        code: Constant (``offering_priced``, ``fda_approval``, ``law_firm_ad``).
        label: Words for a card ("Offering priced").
        weight: Signed strength with all doubts, −1 to 1; 0 for routine and noise.
        span: The words that matched.
        noise: The hit says that the item is no catalyst (advertising, recap, routine grant).
        stage: How far the event has come.
        certainty: The part of ``weight`` that is due to hedges, questions and place: 1 for a plain statement
            in a title.
        where: The part of the item that ``start`` and ``end`` count in; ``form`` for what EDGAR's form says,
            ``document`` for what stands in a filing's text.
        start: Offset of the first matched character.
        end: Offset behind the last one.
    """

    code: str
    label: str
    weight: float
    span: str = ""
    noise: bool = False
    stage: Stage = Stage.UNSTATED
    certainty: float = 1.0
    where: Where = Where.TITLE
    start: int = 0
    end: int = 0

    @property
    def sign(self) -> int:
        """Return 1 for good news, −1 for bad news, 0 for neither."""
        return (self.weight > 0) - (self.weight < 0)

    @property
    def strength(self) -> float:
        """Return how strong the event is where it is sure, 0 to 1."""
        return min(1.0, round(abs(self.weight) / self.certainty, 3)) if self.certainty else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The fast tier's judgement.

    Args:
        value: Signed strength after all factors, −1 to 1.
        sentiment: VADER on the masked text with the lexicon, −1 to 1.
        confidence: How likely the fast tier's sign (good, bad or none) is right, 0 to 1.
        freshness: 0 (stale) to 1.
        parts: Each factor with its figure, for the card and ``explain``.
        terms: Of the offering that the item is about, if it is about one.
    """

    value: float
    sentiment: float
    confidence: float
    freshness: float = 1.0
    events: tuple[EventHit, ...] = ()
    parts: tuple[Reason, ...] = ()
    terms: OfferingTerms | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRequest:
    """One prompt for a language model. Equal ``key`` means equal answer: cached and joined by it."""

    key: str
    system: str
    prompt: str
    schema: str
    """JSON schema of the answer, as text; empty for free text."""
    max_tokens: int = 200
    priority: int = 5
    """0 is the most urgent, 9 the least."""
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmAnswer:
    """A model's text and what it cost."""

    text: str
    model: str
    engine: str
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    replica: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What a language model engine is and where it runs.

    Args:
        device: ``cpu``, ``gpu``, ``gpu+cpu``, or ``server`` where somebody else's does not say.
        state: What it is doing, for people ("starting", "pulling mistral, 43 %", "ready").
    """

    engine: str
    model: str
    device: str = "cpu"
    has_weight: bool = True
    """False for models that only prove the path; their verdict is shown and does not count."""
    state: str = "ready"


class LlmUse(StrEnum):
    """What the language model is asked: each use has its prompt and its answer's schema."""

    HEADLINE = "headline"
    REJUDGE = "rejudge"
    FILING = "filing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """Terms of a financing as a filing states them; None where it does not.

    Args:
        size_usd: Gross proceeds.
        price_usd: Price a share or unit.
        discount_pct: Discount to the market, in per cent.
        warrants: Warrants issued, or shares that they buy.
        dilution_pct: New shares as a share of those outstanding, in per cent.
    """

    size_usd: float | None = None
    price_usd: float | None = None
    discount_pct: float | None = None
    warrants: float | None = None
    dilution_pct: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the language model made of an item; ``direction`` −1 to 1, ``confidence`` 0 to 1.

    Args:
        cut: Sentences, quotes and figures of the answer that its source does not bear out.
    """

    direction: float
    confidence: float
    summary: str
    events: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    model: str = ""
    engine: str = ""
    has_weight: bool = True
    cached: bool = False
    seconds: float = 0.0
    use: LlmUse = LlmUse.HEADLINE
    deal: Deal | None = None
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement, or why there is none (``llm_off``, ``llm_pending``, ``llm_deadline``, ``llm_not_needed``)."""

    judgement: Judgement | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of an item, with every reason, and how urgent it is (0 first, 9 last).

    Args:
        value: Signed strength, −1 to 1, with the model's say; None where none was weighed (a duplicate).
        parts: The score's, for ``explain``: an item that is no alert has no other place for them.
    """

    action: Action
    reasons: tuple[Reason, ...]
    value: float | None = None
    priority: int = 5
    parts: tuple[Reason, ...] = ()
