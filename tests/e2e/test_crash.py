"""SIGKILL of the driver at each step between claim and the last edit, then a restart: nothing is lost."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
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
    "before:join_story",
    "after:join_story",
    "before:save_feed_state",
    "before:revise_alert",
    "after:revise_alert",
    "before:edit",
    "after:edit",
    "before:finish_edit",
    "after:finish_edit",
]
EDITING = {step for step in STEPS if step.partition(":")[2] in {"revise_alert", "edit", "finish_edit"}}
"""Steps of edits: of copies as they come, of all alerts at the end."""
UNKNOWN = {"after:begin_delivery", "before:finish_delivery"}
"""Steps after which nobody knows whether Discord took the message."""


def drive(world: DemoProcess, folder: Path, step: str) -> int:
    """Run the driver and return its exit code; negative when a signal ended it."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, str(DRIVER), world.base_url, world.webhook_url, str(folder), step]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-2000:]
    return done.returncode


def messages_on(world: DemoProcess) -> list[dict[str, Any]]:
    """Return the messages as Discord shows them now."""
    with urlopen(f"{world.base_url}/_control/state", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["discord"]
    return found


def alert_of(message: dict[str, Any]) -> str:
    """Return the id of a message's alert."""
    footer = json.dumps(message["payload"]["embeds"][0]["footer"])
    return str(re.findall(r"\b[0-9a-f]{10}\b", footer)[0])


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
        yield request.param, store, messages_on(world)
        store.close()


def test_nothing_is_lost(crashed) -> None:
    """After the restart every claimed item has a decision and every alert was posted."""
    _, store, messages = crashed
    alerts = {alert.id for alert in store.recent_alerts(limit=1000)}
    assert len(alerts) >= 7, "the world has more catalysts than one cycle may alert"
    assert store.undecided(limit=10) == []
    assert store.held_alerts(limit=10) == []
    assert {alert_of(message) for message in messages} == alerts


def test_doubles_only_where_the_outcome_was_unknown(crashed) -> None:
    """An alert is posted twice only if the crash came while Discord was being asked, and it is counted."""
    step, store, messages = crashed
    received = Counter(map(alert_of, messages))
    doubled = [alert for alert, times in received.items() if times > 1]
    counts = store.delivery_counts()
    assert counts["discord/sent"] == len(received)
    assert len(doubled) <= counts["possible_doubles"] <= 1
    if step in UNKNOWN:
        assert counts["possible_doubles"] == 1
    if step == "before:finish_delivery":
        assert len(doubled) == 1
    # At other steps another alert may be in the courier's hand as the signal comes; then it is counted.


def test_every_alert_ends_at_its_newest_revision(crashed) -> None:
    """No edit is lost: each alert's message shows the new value, and nothing waits for an edit any more."""
    step, store, messages = crashed
    alerts = store.recent_alerts(limit=1000)
    new = {alert_of(message) for message in messages if "+0.99" in message["payload"]["content"]}
    assert all(alert.revision >= 1 for alert in alerts), "copies may have revised some before"
    assert new == {alert.id for alert in alerts}
    assert "discord/editing" not in store.delivery_counts()
    rows = [(alert, row) for alert in alerts for row in store.explain(alert.id, limit=1)[0].deliveries]
    assert [alert.id for alert, row in rows if row.revision != alert.revision] == []
    if step in EDITING:
        assert len(messages) == len(alerts), "an edit is no second message"
        assert store.delivery_counts()["possible_doubles"] == 0
