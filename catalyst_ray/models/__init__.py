"""The data that flows through a cycle: frozen, slotted dataclasses and enums, without behaviour.

Every time is an aware UTC ``datetime``; spans are float seconds. Standard library only. Messages are
immutable: a stage makes a new one (``dataclasses.replace``) and never changes what it was given.
"""

from catalyst_ray.models.alerts import Alert, AlertRecord, Delivery, DeliveryState, ItemRecord, Receipt, Trace
from catalyst_ray.models.feeds import FeedKind, FeedSpec, FeedState, Fetched
from catalyst_ray.models.filings import FilingFacts, FilingPart, FilingText
from catalyst_ray.models.gpus import GpuProcess, GpuSample
from catalyst_ray.models.items import Claim, ClaimOutcome, Item, ItemKind, ParsedFeed, Party
from catalyst_ray.models.judgement import (
    Action,
    Deal,
    Decision,
    EngineInfo,
    EventHit,
    Judgement,
    Link,
    LlmAnswer,
    LlmRequest,
    LlmUse,
    Place,
    Reason,
    Role,
    Score,
    SecurityKind,
    Stage,
    Symbol,
    Verdict,
    Where,
)
from catalyst_ray.models.offerings import (
    Count,
    Money,
    OfferingKind,
    OfferingStage,
    OfferingTerms,
    Qualifier,
    Quote,
)
from catalyst_ray.models.pictures import DEFAULT_PANELS, PANELS, Bars, ChartRequest, Picture, Split
from catalyst_ray.models.quotes import PriceQuote
from catalyst_ray.models.reports import CycleReport, FeedReport, StoreStatus

__all__ = [
    "DEFAULT_PANELS",
    "PANELS",
    "Action",
    "Alert",
    "AlertRecord",
    "Bars",
    "ChartRequest",
    "Claim",
    "ClaimOutcome",
    "Count",
    "CycleReport",
    "Deal",
    "Decision",
    "Delivery",
    "DeliveryState",
    "EngineInfo",
    "EventHit",
    "FeedKind",
    "FeedReport",
    "FeedSpec",
    "FeedState",
    "Fetched",
    "FilingFacts",
    "FilingPart",
    "FilingText",
    "GpuProcess",
    "GpuSample",
    "Item",
    "ItemKind",
    "ItemRecord",
    "Judgement",
    "Link",
    "LlmAnswer",
    "LlmRequest",
    "LlmUse",
    "Money",
    "OfferingKind",
    "OfferingStage",
    "OfferingTerms",
    "ParsedFeed",
    "Party",
    "Picture",
    "Place",
    "PriceQuote",
    "Qualifier",
    "Quote",
    "Reason",
    "Receipt",
    "Role",
    "Score",
    "SecurityKind",
    "Split",
    "Stage",
    "StoreStatus",
    "Symbol",
    "Trace",
    "Verdict",
    "Where",
]
