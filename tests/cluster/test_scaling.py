"""Scaling, tried with a real autoscaler: a queue grows, nodes with a GPU come, serve, fall idle and go."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.cluster import scaling_head

WHY_NOT = scaling_head.why_not_alone()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "it runs")


@pytest.fixture
def folder():
    """Return a folder whose name is short enough for Ray's sockets."""
    path = Path(tempfile.mkdtemp(prefix="s", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def play(version, folder):
    """Play the scene of one autoscaler, alone on its machine, and return what it found."""
    command = [*scaling_head.ALONE, sys.executable, "-m", "tests.cluster.scaling_scene", version, str(folder)]
    done = subprocess.run(
        command,
        env=scaling_head.environment(folder),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    print({key: value for key, value in found.items() if key.endswith("_s")})
    return found


def check_growth(found):
    """Check that two nodes came when the queue grew, served, and went."""
    assert found["plan"].startswith(
        "asked 1 × 1 GPU (pool=llm), the cluster has 0 and may grow to 2: starting 1 replica, up to 2"
    )
    assert found["answered"] == found["asked"]
    assert found["places"] == 2
    told = [line["what"] for line in found["said"] if "what" in line]
    # A node that comes quickly is not waited for in words; test_growth has all of them.
    waits = {words.partition(" waits for ")[2] for words in told if " waits for " in words}
    assert not any("there is none" in words for words in waits)
    messages = [line["message"] for line in found["said"]]
    assert messages.index("adding replicas") < messages.index("removing replicas")


def test_two_nodes_come_and_go_with_the_queue(folder):
    """The older autoscaler: also the whole program posts while others hold the GPUs, and asks the model once it is there."""
    found = play("older", folder)
    check_growth(found)
    program = found["program"]
    assert program["without"]["alerts"] >= 10
    assert (
        program["without"]["waits"]
        == "llm-0 waits for 1 GPU that is free, or for its process there (see `ray status`)"
    )
    assert program["alerts"] > program["without"]["alerts"]
    assert program["exit"] == 0


def test_the_newer_autoscaler_does_the_same(folder):
    """Where all is gone one request brings one node again; replicas that no kind of node holds are given up."""
    found = play("newer", folder)
    check_growth(found)
    assert (found["again"], found["replicas"]) == ("again", 1)
    assert found["in_vain"] == "asked 1 replica (pool=llm): no such node (see LLM_LABEL_SELECTOR)"
    why = [line["why"] for line in found["said"] if line["message"] == "the language model gets no node"]
    assert "no kind of node that may come has it" in why[0]
