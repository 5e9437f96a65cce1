"""Webhook and Slack behind the real courier, against receivers that fail at random: nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from catalyst_ray.adapters.slack import SlackWebhook
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.adapters.webhook import Webhook
from catalyst_ray.pipeline.courier import Courier
from tests.adapters.hook_server import hook_server
from tests.adapters.store_world import alert_on, news

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalyst_ray.ports import Notifier

pytestmark = pytest.mark.anyio

SPEED = 400
"""So many seconds of the courier's time pass in one of ours."""
ALERTS = 40
NOT_TAKEN = {500: "down", 503: "busy", 429: "slow down"}


class FastClock:
    """A clock that runs ahead, so that hours of waiting pass in seconds."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def now_utc(self) -> datetime:
        """Return the invented time."""
        return datetime(2026, 3, 17, 14, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the invented seconds."""
        return (time.monotonic() - self._start_s) * SPEED

    async def sleep(self, seconds: float) -> None:
        """Wait a fraction."""
        await asyncio.sleep(max(0.0, seconds) / SPEED)


@dataclass
class Receiver:
    """Takes an alert or fails, by the dice; knows what it took, and what it hid that it took."""

    name: Callable[[bytes, dict[str, str]], str]
    seed: int
    taken: Counter[str] = field(default_factory=Counter)
    hidden: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one post."""
        alert = self.name(await request.read(), dict(request.headers))
        fate = self._dice.choice((*[200] * 6, 500, 429, 503, 502, "cut"))
        if fate in NOT_TAKEN:
            return web.Response(status=int(fate), text=NOT_TAKEN[int(fate)], headers={"Retry-After": "3"})
        self.taken[alert] += 1
        if fate == 200:
            return web.Response(text="ok")
        self.hidden[alert] += 1
        if fate == "cut":
            assert request.transport
            request.transport.abort()
        return web.Response(status=502)


def event_name(body: bytes, headers: dict[str, str]) -> str:
    """Return the id of a webhook's event, and check that the alert is the one it names."""
    assert headers["webhook-id"] == f"alert_{re.sub(r'[^A-Za-z0-9_-]', '', json.loads(body)['data']['id'])}_0"
    return headers["webhook-id"]


def slack_name(body: bytes, _: dict[str, str]) -> str:
    """Return the id that a Slack message shows."""
    return json.loads(body)["text"].rpartition("alert ")[2]


async def test_every_alert_arrives_and_is_doubled_only_where_nobody_knew(tmp_path: Path) -> None:
    """Refusals, pauses, gateways and cut lines at random: all are sent in the end, and the outbox says so."""
    clock = FastClock()
    receivers = {"webhook": Receiver(event_name, 3), "slack": Receiver(slack_name, 4)}
    store = SqlStore.open(f"sqlite:///{tmp_path / 'outbox.db'}")
    async with (
        hook_server(*[receivers["webhook"].answer] * 999) as own,
        hook_server(*[receivers["slack"].answer] * 999) as slack,
    ):
        sinks: list[Notifier] = [Webhook(own.url, clock=clock), SlackWebhook(slack.url, clock=clock)]
        courier = Courier(store=store, sinks=sinks, clock=clock, gauge=lambda _: b"png", chance=lambda: 0.5)
        for number in range(ALERTS):
            store.commit_alert(alert_on(news(f"n{number}")), courier.names, now_utc=clock.now_utc())
        work = asyncio.ensure_future(courier.run())
        await courier.settle(36_000, retries=True)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
        for sink in sinks:
            await sink.close()
    counts = store.delivery_counts()
    store.close()
    for name, receiver in receivers.items():
        assert counts[f"{name}/sent"] == len(receiver.taken) == ALERTS
        doubled = {alert for alert, times in receiver.taken.items() if times > 1}
        assert doubled <= set(receiver.hidden)
        assert doubled, "the dice hid some"
    assert not any(state in key for key in counts for state in ("pending", "unknown/", "dead"))
