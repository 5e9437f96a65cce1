"""Joining a cluster: what a local one has, and what is said when none answers."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest
import ray  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.cluster.session import ray_session as open_session
from catalyst_ray.errors import ConfigError


def test_local_cluster_is_described(ray_session) -> None:
    """A local cluster says that it is one, and counts the pretended GPUs."""
    assert ray_session.is_local
    assert (ray_session.gpus, ray_session.nodes) == (2.0, 1)
    assert ray_session.cpus >= 1


def test_idle_workers_stay_warm(ray_session) -> None:
    """More workers than CPUs are still there after a pause: Ray's own rule would end the oldest after a second."""
    there = ray.remote(num_cpus=0)(lambda: (time.sleep(0.5), os.getpid())[1])
    pids: set[int] = set()
    for _ in range(10):  # on a busy machine a worker's start takes longer than the task, and one does for two
        pids |= set(ray.get([there.remote() for _ in range(int(ray_session.cpus) + 2)], timeout=60))
        if len(pids) > ray_session.cpus:
            break
    assert len(pids) > ray_session.cpus
    time.sleep(2.5)
    assert [pid for pid in pids if not Path(f"/proc/{pid}").exists()] == []


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "word"),
    [("127.0.0.1:{port}", "nobody answers"), ("ray://x:10001", "no address"), ("somewhere", "no address")],
)
def test_unreachable_cluster_is_told_at_once(address: str, word: str) -> None:
    """An address where no cluster is ends in one line that names the variable and the mend."""
    with (
        pytest.raises(ConfigError, match=word) as caught,
        open_session(address.format(port=free_port()), dashboard=False),
    ):
        pass
    assert caught.value.key == "RAY_ADDRESS"
    assert caught.value.hint
