"""A driver killed in the middle of its writes leaves a store that is whole and has lost nothing."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import make_url

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.models import ClaimOutcome, DeliveryState
from tests.adapters.store_world import NOW, SINKS, connected, news, rows
from tests.adapters.store_writer import BATCH

pytest_plugins = ["tests.adapters.store_fixtures"]

REPOSITORY = Path(__file__).parents[2]


def _killed(url: str, kind: str, *, after_lines: int) -> dict[str, list[int]]:
    """Start a writer, kill it after so many lines, return all it had said by then, by word."""
    command = [sys.executable, "-m", "tests.adapters.store_writer", url, kind]
    said: dict[str, list[int]] = {"claimed": [], "began": [], "done": []}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout, start=1):
            word, number = line.split()
            said[word].append(int(number))
            if count == after_lines:
                process.kill()
        assert process.wait() == -9
    return said


def _check_whole(url: str) -> None:
    items = {row.key: row for row in rows(url, "items")}
    alerts = {row.id: row for row in rows(url, "alerts")}
    sinks = Counter(row.alert_id for row in rows(url, "outbox"))
    batches = Counter(key.partition("-")[0] for key in items)
    assert set(batches.values()) <= {BATCH}
    for key, alert in alerts.items():
        assert sinks[key] == (len(SINKS) if alert.state == "released" else 0)
        assert items[alert.item_key].action == ("alert" if alert.state == "released" else "hold")
    assert {row.key for row in items.values() if row.action in {"alert", "hold"}} == {
        alert.item_key for alert in alerts.values()
    }
    if make_url(url).drivername == "sqlite":
        with connected(url) as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (database, kind)
        for database in ("sqlite", "postgresql")
        for kind in ("claim", "decide", "alert", "deliver", "purge")
    ],
    indirect=["url"],
)
def test_a_killed_writer_leaves_a_whole_store(url: str, kind: str) -> None:
    """Batches are whole or absent, alerts have deliveries and decisions, and what was answered is there."""
    said = _killed(url, kind, after_lines=random.randint(10, 80))
    with SqlStore.open(url) as store:
        store.release_lease("nobody")  # a write waits until the server is done with what the dead one sent
        _check_whole(url)
        last = said["done"][-1]
        if kind != "purge":
            for round_ in said["claimed"]:
                claims = store.claim([news(f"{round_}-{number}") for number in range(BATCH)], now_utc=NOW)
                assert {claim.outcome for claim in claims} == {ClaimOutcome.SEEN}
        if kind in {"decide", "purge"}:
            waiting = {item.key.partition("-")[0] for item in store.undecided(limit=10_000)}
            assert waiting <= {f"url:{last + 1}", f"url:{last + 2}"}
        if kind == "alert":
            assert len(store.recent_alerts(limit=10_000)) >= 2 * (last + 1)


def test_a_killed_delivery_is_due_again(url: str) -> None:
    """Of every delivery that began, all are sent, or due again at once: none is lost, at most one doubtful."""
    said = _killed(url, "deliver", after_lines=random.randint(10, 80))
    with SqlStore.open(url) as store:
        store.release_lease("nobody")
        due = store.due_deliveries("files", now_utc=NOW, limit=10_000)
        states = {row.id: row.state for row in rows(url, "outbox") if row.sink == "files"}
        assert {row.state for row in due} <= {DeliveryState.PENDING, DeliveryState.UNKNOWN}
        assert len(due) <= 1
        open_ids = {row.id for row in due}
        for delivery_id in said["began"]:
            assert states[delivery_id] == DeliveryState.SENT or delivery_id in open_ids
        for row in due:
            store.begin_delivery(row.id, now_utc=NOW)
        doubtful = sum(row.state is DeliveryState.UNKNOWN for row in due)
        assert store.delivery_counts()["possible_doubles"] == doubtful
