"""Alerts to Discord under faults by chance: none lost, doubles only where nobody could know, no limit exceeded.

``FAULT_ALERTS=1000`` runs as many; ``python -m tests.bench.delivery`` does so and prints the figures.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.demo.discord_faults import STORED
from catalyst_ray.demo.discord_limits import ROUTE_WINDOW_S
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from tests.adapters.delivery_scene import (
    SETTLE_S,
    Outcome,
    commit,
    fault_plan,
    hurried,
    is_open,
    make_courier,
    outcome,
    revise,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
ALERTS = int(os.environ.get("FAULT_ALERTS", "75"))
FACTOR = 20.0


async def deliver_under_faults(folder: Path, alerts: int, *, seed: int) -> Outcome:
    """Deliver alerts, a third of them revised meanwhile, and return what became of them."""
    chance = random.Random(seed)
    world = World(seed, datetime(2026, 11, 23, 14, tzinfo=UTC))
    with hurried(FACTOR), SqlStore.open(f"sqlite:///{folder / 'store.db'}") as store:
        async with DemoServer(world, discord_window_s=ROUTE_WINDOW_S / FACTOR) as server:
            server.discord.faults = fault_plan(seed)
            courier, webhook = make_courier(store, server.webhook_url, factor=FACTOR)
            running = asyncio.ensure_future(courier.run())
            made = commit(store, range(alerts // 2), chance)
            courier.wake()
            made += commit(store, range(alerts // 2, alerts), chance)
            courier.wake()
            for alert in chance.sample(made, alerts // 3):
                revise(store, alert)
                courier.wake()
                await asyncio.sleep(0.03)  # so that most were sent before
            async with asyncio.timeout(SETTLE_S):
                while await asyncio.to_thread(is_open, store):
                    await courier.settle(1.0)
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await webhook.close()
            return outcome(store, server.discord)


@pytest.mark.timeout(600)
async def test_no_alert_is_lost_and_no_limit_exceeded(tmp_path: Path) -> None:
    """Each alert arrives in its newest revision; one comes twice only after an unknown outcome, and says so."""
    found = await deliver_under_faults(tmp_path, ALERTS, seed=7)
    assert found.counts == {"discord/sent": ALERTS}
    assert len(found.received) == ALERTS
    assert found.behind == ()
    assert found.doubles == found.met(STORED) > 0
    assert found.possible == found.unknown
    assert found.unmarked == ()
    assert found.violations == {}
