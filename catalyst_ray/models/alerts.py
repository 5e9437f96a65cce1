"""Alerts: what a card needs, and where it stands with each sink."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003  (pydantic reads the annotations at run time)
from enum import StrEnum

from catalyst_ray.models.items import Item  # noqa: TC001  (pydantic reads the annotations at run time)
from catalyst_ray.models.judgement import Decision, Link, Reason, Score, Verdict  # noqa: TC001  (pydantic reads the annotations at run time)

RETRACTED = "retracted"
"""Code of the notice that takes an alert's news back."""


class DeliveryState(StrEnum):
    """Where an alert stands with one sink. ``unknown`` is written before the sink is called."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SENT = "sent"
    DEAD = "dead"


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
    revision: int = 0
    """Counts the changes since it went out: sinks are told of the newest."""
    revised_utc: datetime | None = None
    also: tuple[str, ...] = ()
    """Sources that told the story after it, in order, as many as a card shows."""
    notices: tuple[Reason, ...] = ()
    """What its sender said of it since (``corrected``, ``retracted``), the newest last."""
    corrections: tuple[Item, ...] = ()
    """The items that corrected it, the newest last."""
    is_repeat: bool = False
    """Set for a sink that may have taken it before: nobody knows what became of an earlier try."""

    @property
    def value(self) -> float:
        """Return the signed strength that card and gauge show: with the model's say, where it had one."""
        return self.score.value if self.decision.value is None else self.decision.value

    @property
    def is_retracted(self) -> bool:
        """Return whether its sender took it back."""
        return any(notice.code == RETRACTED for notice in self.notices)

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
    revision: int = 0
    """The alert's revision that the sink has."""
    sent_utc: datetime | None = None
    """When the sink took it."""
    edited_utc: datetime | None = None
    """When the sink last took a newer revision of it."""
    created_utc: datetime | None = None
    """When it was written, with its alert."""
    doubles: int = 0
    """Attempts after one of which nobody knows whether the sink took it."""
    in_digest: bool = False
    """The message tells of other alerts too: it must not be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """What the store knows of an alert: whether it waits for a later cycle, and where each sink has it."""

    alert: Alert
    is_held: bool
    deliveries: tuple[Delivery, ...] = ()


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
