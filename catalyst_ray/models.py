"""The data that flows through a cycle: frozen, slotted dataclasses and enums, without behaviour.

Every time is an aware UTC ``datetime``; spans are float seconds. Standard library only. Messages are
immutable: a stage makes a new one (``dataclasses.replace``) and never changes what it was given.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)


class FeedKind(StrEnum):
    """How a feed's bytes are read."""

    RSS = "rss"
    EDGAR = "edgar"
    FINNHUB = "finnhub"


class ItemKind(StrEnum):
    """What an item is; freshness limits differ by it."""

    NEWS = "news"
    FILING = "filing"


class Action(StrEnum):
    """What becomes of an item. Every item gets exactly one in the end."""

    ALERT = "alert"
    HOLD = "hold"
    SUPPRESS = "suppress"
    DROP = "drop"


class ClaimOutcome(StrEnum):
    """What the store says of an item offered to it."""

    NEW = "new"
    SEEN = "seen"
    EXTENDED = "extended"
    DUPLICATE = "duplicate"


class DeliveryState(StrEnum):
    """Where an alert stands with one sink. ``unknown`` is written before the sink is called."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DEAD = "dead"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSpec:
    """One source to poll.

    Args:
        name: Unique slug; log key and state key.
        url: Address to GET; ``{finnhub_token}`` is filled in by the fetcher's caller, never logged.
        kind: How the bytes are read.
        source: Name shown on cards.
        weight: Trust in the source, 0 to 1; scales the score.
        requires: Setting without which the feed stays off (``sec_contact``, ``finnhub_token``).
        allow_private: Loopback and private addresses are allowed for this feed (demo, tests).
    """

    name: str
    url: str
    kind: FeedKind = FeedKind.RSS
    source: str = ""
    weight: float = 1.0
    requires: str | None = None
    allow_private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """What is remembered of a feed between cycles."""

    feed: str
    etag: str | None = None
    last_modified: str | None = None
    failures: int = 0
    next_fetch_utc: datetime | None = None
    last_success_utc: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One answer of a feed: a body, or ``not_modified`` with an empty one."""

    feed: str
    url: str
    status: int
    body: bytes
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    not_modified: bool = False
    min_wait_s: float = 0.0
    """Seconds to leave the feed alone after this answer (Cache-Control, Retry-After); 0 = no wish."""
    first_byte_utc: datetime
    received_utc: datetime
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Party:
    """A company or person named by an EDGAR entry. ``cik`` has no leading zeros."""

    cik: int
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One piece of news or one filing, as plain text, whatever feed it came from.

    Args:
        key: Stable identity: ``sec:<accession>`` for filings, ``url:<sha256/16>`` for news.
        aliases: Other identities under which the same thing may come from another source
            (``url:…``, ``title:…``); filings have none.
        title: One line of plain text, at most 500 characters.
        summary: Plain text, at most 4,000 characters; not the title again.
        published_utc: When the source says it was published; never later than ``received_utc``;
            None when it does not say, or says nonsense.
        received_utc: First byte of the answer that held it.
        categories: Category terms as they came, white space folded (GlobeNewswire puts tickers there).
        form: EDGAR form type (``8-K``, ``424B5``, ``SCHEDULE 13D/A``).
        filing_items: 8-K item numbers (``1.01``).
        language: Lower-case language tag where the source gives one.
    """

    key: str
    aliases: tuple[str, ...] = ()
    feed: str
    source: str = ""
    source_weight: float = 1.0
    kind: ItemKind = ItemKind.NEWS
    title: str
    summary: str = ""
    url: str = ""
    published_utc: datetime | None = None
    received_utc: datetime
    categories: tuple[str, ...] = ()
    form: str | None = None
    filing_items: tuple[str, ...] = ()
    accession: str | None = None
    parties: tuple[Party, ...] = ()
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """What the bytes of one feed held. ``entries`` counts them before duplicates were merged."""

    feed: str
    items: tuple[Item, ...]
    entries: int
    notes: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The store's answer for one item; ``of`` is the key it duplicates, ``item`` is as stored."""

    item: Item
    outcome: ClaimOutcome
    of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A US-listed ticker that an item is about, and why we think so."""

    ticker: str
    reason: Reason
    venue: str = ""
    name: str = ""
    cik: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Tickers of an item, the subject first; ``reasons`` say what was seen and refused."""

    symbols: tuple[Symbol, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventHit:
    """A catalyst found in the text.

    Args:
        code: Constant (``offering_priced``, ``fda_approval``, ``law_firm_ad``).
        label: Words for a card ("Offering priced").
        weight: Signed strength, −1 to 1; 0 for routine and noise.
        span: The words that matched.
        noise: The hit says that the item is no catalyst (advertising, recap, routine grant).
    """

    code: str
    label: str
    weight: float
    span: str = ""
    noise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The fast tier's judgement.

    Args:
        value: Signed strength after all factors, −1 to 1.
        sentiment: VADER on the masked text with the lexicon, −1 to 1.
        confidence: 0 to 1, how sure the fast tier is of the sign.
        freshness: 0 (stale) to 1.
        parts: Each factor with its figure, for the card and ``explain``.
    """

    value: float
    sentiment: float
    confidence: float
    freshness: float = 1.0
    events: tuple[EventHit, ...] = ()
    parts: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmRequest:
    """One prompt for a language model. Equal ``key`` means equal answer: cached and joined by it."""

    key: str
    system: str
    prompt: str
    schema: str
    """JSON schema of the answer, as text."""
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
    """What a language model engine is and where it runs."""

    engine: str
    model: str
    device: str = "cpu"
    has_weight: bool = True
    """False for models that only prove the path; their verdict is shown and does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the language model made of an item; ``direction`` −1 to 1, ``confidence`` 0 to 1."""

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement, or why there is none (``llm_off``, ``llm_deadline``, ``llm_not_needed``)."""

    judgement: Judgement | None
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of an item, with every reason, and how urgent it is (0 first, 9 last)."""

    action: Action
    reasons: tuple[Reason, ...]
    value: float = 0.0
    priority: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """OHLCV columns of equal length, oldest first; times are epoch seconds (UTC) of each bar's start."""

    ticker: str
    timeframe: str
    times_s: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]
    previous_close: float | None = None
    source: str = ""

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRequest:
    """What a chart shows; two equal requests give the same picture."""

    bars: Bars
    mark_utc: datetime | None = None
    label: str = ""
    theme: str = "dark"
    width_px: int = 1000
    height_px: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawn PNG."""

    png: bytes
    seconds: float
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """When an item reached each step; pairs of step name and time, in order."""

    steps: tuple[tuple[str, datetime], ...] = ()

    def at(self, step: str) -> datetime | None:
        """Return when the item first reached ``step``."""
        return next((when for name, when in self.steps if name == step), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Everything a card needs. ``id`` is shown on it: a possible double can be told by it."""

    id: str
    item: Item
    link: Link
    score: Score
    verdict: Verdict
    decision: Decision
    created_utc: datetime
    price_usd: float | None = None
    change_pct: float | None = None
    chart_path: str | None = None
    chart_reason: Reason | None = None
    """Why there is no chart, when there is none."""
    trace: Trace = field(default_factory=Trace)

    @property
    def ticker(self) -> str:
        """Return the subject's ticker."""
        return self.link.symbols[0].ticker


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One outbox row: an alert for one sink."""

    id: int
    alert: Alert
    sink: str
    state: DeliveryState
    attempts: int = 0
    message_id: str | None = None
    next_attempt_utc: datetime | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sink answered: its id of the message, where it has one."""

    message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRecord:
    """What the store knows of an item, for ``explain``."""

    item: Item
    decision: Decision | None
    claimed_utc: datetime
    decided_utc: datetime | None = None
    duplicate_of: str | None = None
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """One reading of one GPU; None where the card or driver does not say."""

    index: int
    uuid: str
    name: str
    utilisation_pct: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    power_w: float | None = None
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedReport:
    """How one feed did in a cycle. ``error`` is None when it answered."""

    feed: str
    status: str
    """``ok``, ``not_modified``, ``waiting``, ``failed`` or ``off``."""
    seconds: float = 0.0
    entries: int = 0
    new: int = 0
    error: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """One cycle, for people and machines.

    Args:
        stages: Seconds of work by stage, summed over items; stages overlap, so they may exceed ``seconds``.
        counts: ``entries`` (before merging), ``items``, ``seen``, ``new``, ``recovered``, ``extended``,
            one for each action, ``failed``, ``released`` (held before, alerted now).
            ``new + recovered + extended = alert + hold + suppress + drop + failed``.
        queues: Statistics of the LLM and chart queues, by queue.
        deliveries: Outbox rows by state and sink after the cycle.
    """

    number: int
    started_utc: datetime
    seconds: float
    stages: Mapping[str, float]
    counts: Mapping[str, int]
    feeds: tuple[FeedReport, ...]
    queues: Mapping[str, Mapping[str, float]]
    deliveries: Mapping[str, int]
    posted_s: tuple[float, ...] = ()
    """First byte to posted, seconds, one figure per delivery of this cycle."""
    problems: tuple[str, ...] = ()
