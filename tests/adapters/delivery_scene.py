"""Many alerts on their way to Discord's double under faults by seeded chance: the scene, and what became of it.

Discord's windows, and our own waits with them, are shrunk by one factor: 1,000 messages at 30 a minute would take 33
minutes. What is counted stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.core.discord_pace import DiscordLimits
from catalyst_ray.demo.discord_faults import STORED, UNANSWERED, FaultPlan
from catalyst_ray.pipeline import handover, lane
from catalyst_ray.pipeline.courier import Courier
from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from catalyst_ray.adapters.store import SqlStore
    from catalyst_ray.demo.discord import DiscordDouble
    from catalyst_ray.models import Alert

SHARES = {
    "500": 0.02,
    "502": 0.01,
    "503": 0.01,
    "429": 0.02,
    "429_global": 0.01,
    "429_cloudflare": 0.002,
    "hang": 0.01,
    "cut": 0.02,
    "accept_then_hang": 0.01,
    "accept_then_cut": 0.02,
    "accept_then_504": 0.01,
    "400": 0.01,
    "413": 0.01,
}
"""What a request meets, by its share: every sixth meets something."""
PATIENCE_S = 0.25
"""How long an answer is waited for, in place of ten seconds."""
_ID = re.compile(r"\b[0-9a-f]{10}\b")


def shrunk_limits(factor: float) -> DiscordLimits:
    """Return what Discord allows: the same counts in windows shorter by a factor."""
    usual = DiscordLimits()
    windows = [one.name for one in fields(usual) if one.name.endswith("_s")]
    return replace(usual, **{name: getattr(usual, name) / factor for name in windows})


@contextmanager
def hurried(factor: float) -> Iterator[None]:
    """Shrink the courier's own waits."""
    seconds = {
        handover: ("RETRY_BASE_S", "RETRY_CAP_S", "REST_S", "LONGEST_REST_S", "SHORTEST_PAUSE_S"),
        lane: ("LOOK_AGAIN_S", "PACE_MEMORY"),
    }
    usual = [(module, name, getattr(module, name)) for module, names in seconds.items() for name in names]
    try:
        for module, name, value in usual:
            setattr(module, name, value / factor)
        yield
    finally:
        for module, name, value in usual:
            setattr(module, name, value)


def fault_plan(seed: int) -> FaultPlan:
    """Return faults by chance."""
    return FaultPlan(shares=SHARES, seed=seed)


def make_courier(store: SqlStore, webhook_url: str, *, factor: float) -> tuple[Courier, DiscordWebhook]:
    """Return a courier to the double, as a new process would have it, and its sink; call it ``hurried``."""
    webhook = DiscordWebhook(webhook_url, timeout_s=PATIENCE_S, limits=shrunk_limits(factor))
    courier = Courier(
        store=store, sinks=[webhook], clock=SystemClock(), gauge=lambda _: b"gauge", chance=lambda: 0.5
    )
    return courier, webhook


def commit(store: SqlStore, numbers: range, chance: random.Random) -> list[Alert]:
    """Write alerts with their outbox rows, urgent ones among them."""
    now = SystemClock().now_utc()
    alerts = [
        alert_on(news(f"n{number}"), id=f"{number:010x}", priority=chance.randrange(10), created_utc=now)
        for number in numbers
    ]
    for alert in alerts:
        store.commit_alert(alert, ["discord"], now_utc=now)
    return alerts


def revise(store: SqlStore, alert: Alert) -> None:
    """Write an alert's next revision, whose value is another."""
    stored = store.alert_of(alert.item.key)
    assert stored
    now = SystemClock().now_utc()
    newer = replace(
        stored,
        decision=replace(stored.decision, value=0.5),
        revision=stored.revision + 1,
        revised_utc=now,
    )
    assert store.revise_alert(newer, now_utc=now)


def is_open(store: SqlStore) -> bool:
    """Return whether anything waits for Discord."""
    counts = store.delivery_counts()
    return any(counts.get(f"discord/{state}") for state in ("pending", "unknown", "editing"))


@dataclass(frozen=True)
class Outcome:
    """What became of a scene.

    Args:
        received: How often each alert is on Discord, by its id.
        unmarked: Alerts that are there more than once, and more than one of them without the mark of a repeat.
        behind: Alerts whose message is older than their newest revision.
        possible: Possible doubles, as the store counts them.
        counts: The store's rows.
        requests: Of Discord, edits too.
    """

    received: Counter[str]
    unmarked: tuple[str, ...]
    behind: tuple[str, ...]
    possible: int
    counts: dict[str, int]
    requests: int
    faults: dict[str, int]
    violations: dict[str, int]
    limited: int

    @property
    def doubles(self) -> int:
        """Return how many messages too many there are."""
        return sum(self.received.values()) - len(self.received)

    def met(self, faults: frozenset[str], method: str = "POST") -> int:
        """Return how many requests met some faults."""
        return sum(self.faults.get(f"{method} {fault}", 0) for fault in faults)

    @property
    def unknown(self) -> int:
        """Return after how many posts nobody could know whether they were taken."""
        return self.met(STORED | UNANSWERED)


def outcome(store: SqlStore, discord: DiscordDouble) -> Outcome:
    """Look at what Discord has, and what the store thinks of it."""
    texts = {message.id: _text(message.payload) for message in discord.messages}
    received = Counter(alert for text in texts.values() for alert in dict.fromkeys(_ID.findall(text)))
    plain = Counter(
        alert
        for text in texts.values()
        if "possible repeat" not in text
        for alert in dict.fromkeys(_ID.findall(text))
    )
    counts = dict(store.delivery_counts())
    alerts = store.recent_alerts(limit=10_000)
    return Outcome(
        received=received,
        unmarked=tuple(alert for alert, times in plain.items() if times > 1),
        behind=tuple(alert.id for alert in alerts if not _is_newest(store, alert, texts)),
        possible=counts.pop("possible_doubles"),
        counts=counts,
        requests=discord.requests,
        faults=dict(discord.met),
        violations=dict(discord.traffic.violations),
        limited=discord.traffic.invalid,
    )


def _is_newest(store: SqlStore, alert: Alert, texts: dict[str, str]) -> bool:
    record = store.alert_record(alert.id)
    assert record
    (row,) = record.deliveries
    text = texts.get(row.message_id or "", "")
    return row.revision == alert.revision and ("+0.50" in text) == (alert.revision > 0)


def _text(payload: dict[str, Any]) -> str:
    embeds = payload.get("embeds") or []
    footers = [embed.get("footer", {}).get("text", "") for embed in embeds]
    return "\n".join([payload.get("content", ""), *footers])


SETTLE_S = timedelta(minutes=5).total_seconds()
"""How long a scene may take."""
