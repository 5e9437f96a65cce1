"""A submitted job on three machines with networks of their own; nodes fail in mid-cycle, and nothing is lost."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from catalyst_ray.demo.world import World
from tests.cluster import scaling_head
from tests.e2e.nodes_scene import BATCHES, CPUS, GPUS, HEAD, SEED

WHY_NOT = scaling_head.why_not_alone()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it runs")

QUICK = {
    # Ray's own patience with a silent node is half a minute: the scene need not show that.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
}


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """Play the scene, alone on its machine, and return what was seen."""
    folder = Path(tempfile.mkdtemp(prefix="n", dir="/tmp"))  # Ray's sockets live under it: a short name
    try:
        done = subprocess.run(
            [*scaling_head.ALONE, sys.executable, "-m", "tests.e2e.nodes_scene", str(folder)],
            env={**scaling_head.environment(folder), **QUICK},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print({key: found[key] for key in ("ready_s", "without_cpus", "without_gpus", "back_s", "stop_s")})
    return found


def test_everything_runs_where_it_belongs(seen: dict[str, Any]) -> None:
    """The driver is on the head, which has no CPUs, charts on the node with CPUs, replicas on the one with GPUs."""
    assert seen["driver_on"] == HEAD
    assert seen["charts_on"] == [CPUS]
    assert seen["replicas_on"] == [GPUS, GPUS]
    assert "10.77.0.5" in seen["charts_after"], "the node that came for the lost one draws"


def test_who_has_no_token_submits_nothing(seen: dict[str, Any]) -> None:
    """The dashboard listens on the network, for whoever has the token."""
    assert seen["stranger"] != 0


def alert_of(message: dict[str, Any]) -> str:
    """Return the id of a message's alert."""
    footer = json.dumps(message["payload"]["embeds"][0]["footer"])
    return str(re.findall(r"\b[0-9a-f]{10}\b", footer)[0])


def test_nothing_is_lost_and_nothing_doubled(seen: dict[str, Any]) -> None:
    """Every story of the invented day is posted once, whichever node failed; nothing waits or is in doubt."""
    ids = Counter(map(alert_of, seen["posted"]))
    assert ids == Counter({alert["id"]: 1 for alert in seen["alerts"]})
    world = World(SEED, datetime.now(UTC), batches=BATCHES)
    by_path = {item.path: item.truth.story for item in world.items}
    by_accession = {item.filing.accession: item.truth.story for item in world.items if item.filing}
    told = {by_path.get(urlsplit(a["url"]).path) or by_accession[a["accession"]] for a in seen["alerts"]}
    assert told == {story for batch in range(1, BATCHES + 1) for story in world.stories(batch)}
    assert (seen["undecided"], seen["held"], seen["deliveries"]["possible_doubles"]) == (0, 0, 0)
    assert seen["deliveries"]["discord/sent"] == len(seen["alerts"])
    assert seen["without_cpus"]["problems"] == seen["without_gpus"]["problems"] == []
    assert seen["without_cpus"]["counts"]["failed"] == seen["without_gpus"]["counts"]["failed"] == 0


def test_a_card_is_poorer_only_by_what_its_node_would_have_given(seen: dict[str, Any]) -> None:
    """Charts are missing only while there were no CPUs, and then with the reason; the model's words only without GPUs."""
    first, lost_cpus, lost_gpus, last = (seen["by_batch"][str(batch)] for batch in range(1, BATCHES + 1))
    assert all(alert["chart"] for alert in (*first, *lost_gpus, *last))
    assert all(alert["chart"] or "chart not drawn within" in alert["why_no_chart"] for alert in lost_cpus)
    assert not all(alert["chart"] for alert in lost_cpus), "the node was needed"
    assert all(alert["verdict"] for alert in (*first, *lost_cpus, *last))
    # They come late, on the node that comes for the lost one, or not at all: never without a word.
    assert seen["without_gpus"]["counts"]["awaited"], "the node was needed"
    assert all(alert["verdict"] or alert["why_no_verdict"] for alert in lost_gpus)


def test_a_cycle_ends_though_a_node_failed_in_it(seen: dict[str, Any]) -> None:
    """It waits for charts and the model up to their own limits, and no longer; the batch's alerts are in it."""
    for failed, batch in (("without_cpus", "2"), ("without_gpus", "3")):
        assert seen[failed]["counts"]["alert"] == len(seen["by_batch"][batch])
    assert "replica is back" in seen["log"]
    assert "Traceback" not in seen["log"]
