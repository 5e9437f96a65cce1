"""SIGKILL of the driver at each step between claim and sent, then a restart: nothing is lost."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.demo.process import DemoProcess

DRIVER = Path(__file__).with_name("crash_driver.py")
STEPS = [
    "before:claim",
    "after:claim",
    "before:decide",
    "after:decide",
    "before:hold_alert",
    "after:hold_alert",
    "before:commit_alert",
    "after:commit_alert",
    "before:begin_delivery",
    "after:begin_delivery",
    "before:finish_delivery",
    "after:finish_delivery",
    "before:save_feed_state",
]
UNKNOWN = {"after:begin_delivery", "before:finish_delivery"}
"""Steps after which nobody knows whether Discord took the message."""


def drive(world: DemoProcess, folder: Path, step: str) -> int:
    """Run the driver and return its exit code; negative when a signal ended it."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(DRIVER), world.base_url, world.webhook_url, str(folder), step]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-2000:]
    return done.returncode


def posted(world: DemoProcess) -> Counter[str]:
    """Return how often Discord received each alert id."""
    with urlopen(f"{world.base_url}/_control/state", timeout=5) as answer:
        messages = json.load(answer)["discord"]
    return Counter(
        re.findall(r"\b[0-9a-f]{10}\b", json.dumps(m["payload"]["embeds"][0]["footer"]))[0] for m in messages
    )


@pytest.fixture(scope="module", params=STEPS)
def crashed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """Crash at a step, restart, and give the step, the store and what Discord received."""
    folder = tmp_path_factory.mktemp("crash")
    options = ("--feeds=10", "--items=100", "--slow-s=0", "--discord-window-s=0", "--batches=1")
    with DemoProcess(options=options) as world:
        with urlopen(Request(f"{world.base_url}/_control/release?batch=1", method="POST"), timeout=5):
            pass
        assert drive(world, folder, request.param) == -signal.SIGKILL
        assert drive(world, folder, "never") == 0
        store = SqlStore.open(f"sqlite:///{folder}/catalyst.db", read_only=True)
        yield request.param, store, posted(world)
        store.close()


def test_nothing_is_lost(crashed) -> None:
    """After the restart every claimed item has a decision and every alert was posted."""
    _, store, received = crashed
    alerts = {alert.id for alert in store.recent_alerts(limit=1000)}
    assert len(alerts) >= 7, "the world has more catalysts than one cycle may alert"
    assert store.undecided(limit=10) == []
    assert store.held_alerts(limit=10) == []
    assert set(received) == alerts


def test_doubles_only_where_the_outcome_was_unknown(crashed) -> None:
    """An alert is posted twice only if the crash came while Discord was being asked, and it is counted."""
    step, store, received = crashed
    doubled = [alert for alert, times in received.items() if times > 1]
    counts = store.delivery_counts()
    assert counts["discord/sent"] == len(received)
    assert len(doubled) <= counts["possible_doubles"] <= 1
    if step in UNKNOWN:
        assert counts["possible_doubles"] == 1
    if step == "before:finish_delivery":
        assert len(doubled) == 1
    # At other steps another alert may be in the courier's hand as the signal comes; then it is counted.
