"""Memory by process: a tree like Ray's, made of real processes, is told by roles."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from catalyst_ray.adapters.processes import RayTree, own_rss_bytes

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "10.9.8.7:6399"
SESSION = "session_2026-01-02_03-04-05_678901_42"
ROOT = """
import subprocess, sys, time
children = [subprocess.Popen([*line], executable=sys.executable) for line in {children!r}]
print("up", flush=True)
sys.stdin.read()
for child in children:
    child.kill(); child.wait()
"""


def named(tmp_path: Path, name: str) -> str:
    """Return Python under another name, as a server's program has one."""
    path = tmp_path / name
    path.symlink_to(sys.executable)
    return str(path)


@pytest.fixture
def tree(tmp_path, request):
    """Start what a head has: gcs, dashboard, log monitor, and a raylet with workers; a stranger's raylet beside them."""
    mark = f"--session-dir=/x/{SESSION}"
    wait = ["-c", "import sys; sys.stdin.read()"]
    engine = f"import subprocess; subprocess.run([{sys.executable!r}, '-c', 'input()'])"
    titles = {
        getattr(request, "param", "ray::LlmReplica"): ["-c", engine],
        "ray::NodeSampler": wait,
        "ray::chart:render": wait,
        "ray::DashboardAgent": wait,
    }
    servers = {
        "gcs_server": ["-c", ROOT.format(children=[]), mark],
        "raylet": [
            "-c",
            ROOT.format(children=[[title, *rest] for title, rest in titles.items()]),
            mark,
            f"--gcs-address={ADDRESS}",
        ],
        "python-a": ["-c", ROOT.format(children=[]), "/ray/dashboard/dashboard.py", mark],
        "python-b": ["-c", ROOT.format(children=[]), "/ray/_private/log_monitor.py", mark],
        "python-c": [
            "-c",
            ROOT.format(children=[]),
            "/ray/_private/log_monitor.py",
            "--logs-dir=/x/session_2026_9",
        ],
    }
    running = [
        subprocess.Popen(
            [named(tmp_path, name), *rest], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name, rest in servers.items()
    ]
    for one in running:
        assert one.stdout.readline() == "up\n"
    until_s = time.monotonic() + 20
    while len(psutil.Process(running[1].pid).children(recursive=True)) < len(titles) + 1:
        assert time.monotonic() < until_s, "the replica has started no engine"
        time.sleep(0.01)
    yield running
    for one in running:
        one.stdin.close()
        one.wait(20)
        one.stdout.close()


# A replica's title is its class while it is idle, and the call that it answers: both were seen on a real card.
@pytest.mark.parametrize(
    "tree", ["ray::LlmReplica", "ray::LlmReplica.health", "ray::llm:batch"], indirect=True
)
def test_every_process_of_the_cluster_is_told_by_what_it_is(tree) -> None:
    """The driver, the servers, the workers by title, and what a replica started; another cluster's are left out."""
    reader = RayTree(ADDRESS)
    replica = next(one.pid for one in reader.read({}) if one.role == "replica")
    found = [(one.role, one.name) for one in reader.read({replica: "llm-0"}) if one.rss_bytes > 0]
    assert found[0] == ("driver", "driver")
    engines = [name for role, name in found if role == "engine"]
    assert len(engines) == 1
    assert sorted(pair for pair in found if pair[0] != "engine") == [
        ("agent", "DashboardAgent"),
        ("agent", "log_monitor"),
        ("dashboard", "dashboard"),
        ("driver", "driver"),
        ("gcs", "gcs"),
        ("raylet", "raylet"),
        ("replica", "llm-0"),
        ("sampler", "NodeSampler"),
        ("worker", "chart:render"),
    ]


@pytest.mark.parametrize("tree", ["ray::something:else"], indirect=True)
def test_a_replica_is_known_by_its_number_too(tree) -> None:
    """Whatever Ray calls it at the moment; its engine with it."""
    reader = RayTree(ADDRESS)
    pid = next(one.pid for one in reader.read({}) if one.name == "something:else")
    roles = [one.role for one in reader.read({pid: "llm-0"})]
    assert (roles.count("replica"), roles.count("engine")) == (1, 1)


def test_without_a_cluster_there_is_the_driver() -> None:
    """An address that nobody names leaves this process alone."""
    (driver,) = RayTree("10.9.8.7:1").read({})
    assert (driver.pid, driver.role) == (os.getpid(), "driver")
    assert abs(driver.rss_bytes - (own_rss_bytes() or 0)) < 20_000_000
