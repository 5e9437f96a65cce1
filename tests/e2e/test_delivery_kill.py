"""SIGKILL of the process that delivers, at moments by chance, under faults by chance: no alert is lost.

``FAULT_ALERTS=1000`` runs as many.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.demo.discord_limits import ROUTE_WINDOW_S
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from tests.adapters.delivery_scene import Outcome, commit, fault_plan, outcome, revise

pytestmark = pytest.mark.anyio
DRIVER = Path(__file__).with_name("delivery_driver.py")
ROOT = DRIVER.parents[2]
ALERTS = int(os.environ.get("FAULT_ALERTS", "70"))
FACTOR = 20.0
"""A window of 3 s for the channel: a new process starts within those of the one before."""
KILLS = 3 + ALERTS // 100


async def deliver_and_kill(folder: Path, alerts: int, *, kills: int, seed: int) -> Outcome:
    """Deliver alerts by processes that are killed one after the other, and return what became of them."""
    chance = random.Random(seed)
    world = World(seed, datetime(2026, 11, 23, 14, tzinfo=UTC))
    with SqlStore.open(f"sqlite:///{folder / 'store.db'}") as store:
        async with DemoServer(world, discord_window_s=ROUTE_WINDOW_S / FACTOR) as server:
            server.discord.faults = fault_plan(seed)
            made = commit(store, range(alerts), chance)
            for number in range(kills + 1):
                driver = await start(server.webhook_url, folder)
                if number == kills:
                    assert await driver.wait() == 0
                    break
                seen = server.discord.requests
                wanted = seen + chance.randint(1, max(1, alerts // (kills + 1)))
                while server.discord.requests < wanted and driver.returncode is None:  # noqa: ASYNC110  (the double has no event to wait for)
                    await asyncio.sleep(chance.random() * 0.02)
                for alert in chance.sample(made, alerts // 10):
                    revise(store, alert)
                driver.kill()
                assert await driver.wait() == -signal.SIGKILL
            return outcome(store, server.discord)


async def start(webhook_url: str, folder: Path) -> asyncio.subprocess.Process:
    """Start the process that delivers."""
    command = (sys.executable, str(DRIVER), webhook_url, str(folder), str(FACTOR))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return await asyncio.create_subprocess_exec(*command, env=environment)


@pytest.mark.timeout(600)
async def test_kills_lose_no_alert_and_exceed_no_limit(tmp_path: Path) -> None:
    """Each alert arrives in its newest revision; one that comes twice says so and is counted; limits hold across starts."""
    found = await deliver_and_kill(tmp_path, ALERTS, kills=KILLS, seed=11)
    assert found.counts == {"discord/sent": ALERTS}
    assert len(found.received) == ALERTS
    assert found.behind == ()
    assert found.doubles <= found.possible
    assert found.unmarked == ()
    assert found.violations == {}
