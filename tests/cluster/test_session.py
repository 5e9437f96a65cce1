"""Joining a cluster: what a local one has, and what is said when none answers."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import ray  # noqa: TID253  (these tests are about Ray)

from catalyst_ray.cluster import session
from catalyst_ray.cluster.session import ray_session as open_session
from catalyst_ray.errors import CatalystError, ConfigError, TransportError


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


def test_rays_handlers_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Ray's own variable asks for its JSON lines, our handler, which masks secrets, stays the only one."""
    top, ours = logging.getLogger(), logging.NullHandler()
    monkeypatch.setattr(top, "handlers", [ours])
    jobs = []

    class FakeRay:
        """Ray, as it sets up logging where RAY_LOGGING_CONFIG_ENCODING is set."""

        def init(self, *, job_config, **_: object) -> None:
            jobs.append(job_config)
            top.addHandler(logging.StreamHandler())

    monkeypatch.setattr(session, "RAY", FakeRay())
    session._init(session._job("WARNING"))
    session._init(session._job(None))
    assert top.handlers == [ours]
    config, nothing = (job.py_logging_config for job in jobs)
    assert (config.encoding, config.log_level, nothing) == ("JSON", "WARNING", None)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "kind", "word"),
    [
        ("127.0.0.1:{port}", TransportError, "nobody answers"),
        ("ray://x:10001", ConfigError, "no address"),
        ("somewhere", ConfigError, "no address"),
    ],
)
def test_unreachable_cluster_is_told_at_once(address: str, kind: type[CatalystError], word: str) -> None:
    """An address where no cluster is ends in one line that names the variable and the mend."""
    with (
        pytest.raises(kind, match=word) as caught,
        open_session(address.format(port=free_port()), dashboard=False),
    ):
        pass
    assert caught.value.key == "RAY_ADDRESS"
    assert caught.value.hint


def test_a_ray_that_does_not_start_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray raises a bare exception then: a supervisor may try again, and the words name the variable."""

    class Slow:
        @staticmethod
        def init(**_: object) -> None:
            raise Exception("the node timed out during startup")  # noqa: TRY002  (as Ray does)

    monkeypatch.setattr(session, "RAY", Slow)
    with pytest.raises(TransportError, match="timed out during startup"), open_session(None, dashboard=False):
        pass


def listening(process: psutil.Process) -> set[str]:
    """Return the addresses that a process and its children listen on."""
    found = set()
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            found |= {c.laddr.ip for c in one.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return {address.removeprefix("::ffff:") for address in found}


def test_a_local_cluster_listens_on_loopback_alone(ray_session) -> None:
    """Neither GCS, raylet, object store, agents, workers nor metrics can be reached from another machine."""
    ray.get(ray.remote(num_cpus=0)(lambda: os.getpid()).remote(), timeout=60)  # noqa: PLW0108  (Ray wants a function of ours)
    assert listening(psutil.Process()) == {"127.0.0.1"}


def test_another_process_joins_a_local_cluster(ray_session) -> None:
    """A script, or ``catalyst-ray gpu``, finds on loopback what keeps to loopback."""
    code = (
        "import sys; from catalyst_ray.cluster.session import ray_session\n"
        "with ray_session(sys.argv[1], dashboard=False) as session: print(session.address)"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")} | {"RAY_AUTH_MODE": "token"}
    command = [sys.executable, "-c", code, ray_session.address]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == ray_session.address, done.stderr[-2000:]
