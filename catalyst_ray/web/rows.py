"""What the templates are given of alerts and items: finished words beside the few facts that they lay out by. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_ray.core import arithmetic
from catalyst_ray.core.message import card, words
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.core.reasons import capital, is_listed, said, title
from catalyst_ray.models import Action, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalyst_ray.core.message import Card
    from catalyst_ray.models import AlertRecord, Decision, Delivery, ItemRecord, Reason

MAX_EVENTS = 2
TELLING = 0.2
"""Weight from which an event beside the first is named."""
UNDECIDED = "Not decided yet: it is in hand, or was when the program ended; the next cycle decides it."


@dataclass(frozen=True, slots=True)
class EventTag:
    """An event that an alert can be filtered by."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as a list shows it; ``state`` says in a few words what is not as usual, ``news`` what is read aloud."""

    record: AlertRecord
    card: Card
    events: tuple[EventTag, ...]
    state: str
    news: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a score: a term or a factor, its figure, and its bar in per cent of a half line."""

    name: str
    kind: str
    value: float
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Post:
    """Where an alert stands with one sink."""

    sink: str
    state: str
    words: str
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item and what became of it; ``why`` has the rule that decided first."""

    record: ItemRecord
    title: str
    source: str
    action: str
    why: tuple[str, ...]
    score: str
    alert_id: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """How many items one reason decided; ``share_pct`` of all."""

    words: str
    code: str
    items: int
    share_pct: float


@dataclass(frozen=True, slots=True)
class CountGroup:
    """The items of one action."""

    action: str
    items: int
    share_pct: float
    rows: tuple[CountRow, ...]


def alert_row(record: AlertRecord) -> AlertRow:
    """Return an alert for the list."""
    shown = card(record.alert)
    hits = sorted(
        (hit for hit in record.alert.score.events if not hit.noise), key=lambda hit: -abs(hit.weight)
    )
    tags = tuple(
        EventTag(hit.code, plain(hit.label) or capital(title(hit.code))) for hit in hits[:MAX_EVENTS]
    )
    way = "withdrawn" if shown.is_withdrawn else f"{shown.direction.lower()} {shown.score}"
    return AlertRow(record, shown, tags, _state(record), f"{shown.ticker} {way}, {shown.event}")


def _state(record: AlertRecord) -> str:
    if record.is_held:
        return "held for the next cycle"
    late = sorted(plain(row.sink) for row in record.deliveries if row.state is not DeliveryState.SENT)
    return f"not delivered: {', '.join(late)}" if late else ""


def score_parts(parts: Sequence[Reason]) -> list[Part]:
    """Return a score's terms and factors with their bars: terms go out from the middle, factors from the left."""
    shown = []
    for part in parts:
        value = part.value or 0.0
        if part.code in arithmetic.TERMS:
            name = arithmetic.TERMS[part.code] or part.detail
            width = 50 * min(1.0, abs(value))
            shown.append(Part(capital(plain(name)), "term", value, 50.0 if value >= 0 else 50 - width, width))
        elif part.code in arithmetic.FACTORS:
            width = 100 * min(1.0, max(0.0, value))
            detail = f", {plain(part.detail)}" if part.detail else ""
            shown.append(
                Part(clip(capital(arithmetic.FACTORS[part.code]) + detail, 80), "factor", value, 0.0, width)
            )
    return shown


def posts(record: AlertRecord) -> list[Post]:
    """Return where an alert stands with each sink."""
    return [_post(row, record.alert.revision) for row in record.deliveries]


def _post(row: Delivery, newest: int) -> Post:
    facts = [f"{row.attempts} attempts" if row.attempts != 1 else "1 attempt"]
    if newest and row.state is DeliveryState.SENT:
        facts.append(
            "has the newest revision"
            if row.revision >= newest
            else f"has revision {row.revision} of {newest}"
        )
    if row.message_id:
        facts.append(f"message {plain(row.message_id)}")
    if row.last_error:
        facts.append(clip(plain(row.last_error), 300))
    return Post(plain(row.sink), row.state.value, " · ".join(facts), row)


def item_row(record: ItemRecord) -> ItemRow:
    """Return an item with its decision in words."""
    item, decision = record.item, record.decision
    return ItemRow(
        record=record,
        title=clip(plain(item.title), 300) or "(no title)",
        source=clip(plain(item.source or item.feed), 100),
        action=decision.action.value if decision else "undecided",
        why=tuple(_why(decision)) if decision else (UNDECIDED,),
        score=arithmetic.line(decision.parts, arithmetic.value_of(decision.parts)) if decision else "",
        alert_id=record.deliveries[0].alert.id if record.deliveries else "",
    )


def _why(decision: Decision) -> Iterator[str]:
    for place, reason in enumerate(decision.reasons):
        # An event that decides is one that is no catalyst.
        routine = place == 0 and not is_listed(reason.code)
        yield clip(plain(f"No catalyst, {said(reason)}"), 220) if routine else words(reason)


def count_groups(counts: Mapping[tuple[str, str], int]) -> list[CountGroup]:
    """Return the counts by action, under each the reasons that decided, the most frequent first."""
    total = sum(counts.values())
    groups = []
    for action in (one.value for one in Action):
        rows = sorted(
            ((code, number) for (of, code), number in counts.items() if of == action),
            key=lambda row: (-row[1], row[0]),
        )
        items = sum(number for _, number in rows)
        if items:
            told = tuple(CountRow(_rule(code), plain(code), n, 100 * n / total) for code, n in rows)
            groups.append(CountGroup(action, items, 100 * items / total, told))
    return groups


def _rule(code: str) -> str:
    return capital(plain(title(code) if is_listed(code) else f"no catalyst, {title(code)}"))
