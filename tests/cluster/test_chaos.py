"""Whole clusters failing: a node killed in mid-request, a cluster stopped under a driver that was killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

QUICK = {
    # Ray's own patience with a silent node is half a minute: the scene need not show that.
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
    "RAY_AUTH_MODE": "disabled",  # a cluster of its own on loopback, for a minute
    "RAY_USAGE_STATS_ENABLED": "0",
}


def scene(name, folder, *before):
    """Run a scene in a process of its own and return what it reports."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    command = [*before, sys.executable, "-m", "tests.cluster.chaos_scenes", name, str(folder)]
    done = subprocess.run(
        command, env={**environment, **QUICK}, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_node_killed_in_mid_request_loses_nothing(tmp_path):
    """Every request is answered or told by its deadline, the node's servers end, and a new node serves.

    The replicas ask for a label: a GPU node without it stays unused, also when theirs is gone.
    """
    found = scene("node", tmp_path)
    print({key: value for key, value in found.items() if key.endswith("_s")})
    answers = found["answers"]
    assert len(answers) == 30
    assert all(got["text"] == got["key"] or got["reason"] for got in answers)
    assert sum(got["text"] == got["key"] for got in answers) >= 20
    assert found["alone"]["text"] == "alone"
    assert [got["text"] for got in found["both"]] == [f"b{n}" for n in range(8)]
    assert found["servers_before"] == 4
    assert found["on_other"] == []
    assert found["plan"].startswith("asked 2 × 1 GPU (pool=llm), the cluster has 2:")


def can_unshare():
    """Return whether a process may have its own process numbers here."""
    program = shutil.which("unshare")
    if program is None:
        return False
    tried = subprocess.run(
        [program, "--pid", "--fork", "--mount-proc", "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


@pytest.mark.skipif(
    not can_unshare(), reason="`ray stop` ends every Ray it sees: needs its own PID namespace"
)
def test_ray_stop_leaves_no_server_behind(tmp_path):
    """The driver was killed, then the cluster stopped: neither servers nor their runners are left."""
    # Ray's sockets live under it, and their paths may have 107 bytes at most.
    folder = tmp_path / "s"
    folder.mkdir()
    short = Path(f"/tmp/catalyst-{os.getpid()}")
    short.symlink_to(folder)
    try:
        found = scene("stop", short, "unshare", "--pid", "--fork", "--mount-proc")
    finally:
        short.unlink()
    assert found["servers_before"] == 4
    assert found["left"] == 0
