"""GPU samplers on a whole cluster: they come and go with the nodes, name the replicas, and hold up nobody."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from catalyst_ray.adapters.gpu_processes import FIRST_NAMESPACE
from catalyst_ray.cluster.gpu_watch import ANSWER_S
from tests.cluster.test_chaos import QUICK

PATIENCE_S = 5.0


def test_samplers_follow_the_nodes_and_hold_up_nobody(tmp_path):
    """One sampler a node with cards, whatever Ray counts; killed nodes go, new ones come, hung ones are let be.

    A node that an autoscaler could take away has none while nothing runs on it: an actor would keep it for ever.

    A model server's memory is its replica's, and so is that of what the server started; the command ``gpu`` sees
    the same from outside.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.gpu_scene", str(tmp_path)],
        env={**environment, **QUICK},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["samplers"]
    assert found["both"] == [2, 2]
    assert found["hosts_with_a_hung_one"] == [socket.gethostname()]
    assert len(found["owners"]) == 5
    if str(Path("/proc/self/ns/pid").readlink()) == FIRST_NAMESPACE:
        assert found["named"] == found["owners"]
        assert sorted(filter(None, found["named"].values())) == ["llm-0", "llm-0", "llm-1", "llm-1"]
    said = found["command"]
    assert said["where"].startswith("cluster ")
    assert len(said["gpus"]) == 2
    assert {str(p["pid"]): p["replica"] for p in said["gpus"][0]["processes"]} == found["named"]
    assert found["added"] == [True]
    assert found["left"] == []
    assert found["slowest_s"] < ANSWER_S + PATIENCE_S
    assert found["looks_past_a_hung_one_s"] < PATIENCE_S
