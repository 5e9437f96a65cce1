"""The demo server in a process of its own: starts, serves, ends with its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.errors import ConfigError, TransportError

ROOT = Path(__file__).parents[2]


def is_gone(pid):
    """Wait until a process that is no child of ours is gone."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if (
            Path(f"/proc/{pid}/stat").exists()
            and Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
        ):
            return True
        time.sleep(0.05)
    return False


def test_it_serves_until_it_is_stopped():
    """The process listens, releases and tells its state, and is gone after stop."""
    with DemoProcess(seed=3, options=("--release=1",)) as demo:
        pid = demo.pid
        with urllib.request.urlopen(f"{demo.base_url}/_control/state", timeout=5) as answer:
            assert json.load(answer)["items"] == 100
        assert demo.webhook_url.startswith(demo.base_url)
    assert demo.pid is None
    assert is_gone(pid)


def test_it_dies_with_a_killed_parent():
    """When the parent is killed outright, the closed pipe ends the child."""
    script = (
        "from catalyst_ray.demo.process import DemoProcess\n"
        "demo = DemoProcess()\ndemo.start()\nprint(demo.pid, flush=True)\nimport time\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert is_gone(pid)


def test_it_ends_on_sigterm():
    """SIGTERM ends it with exit code 0."""
    command = [sys.executable, "-m", "catalyst_ray.demo", "--port=0"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["pid"] == child.pid
        child.terminate()
        assert child.wait(5) == 0


def test_a_child_that_cannot_start_is_an_error():
    """Options that make no world end the child, which is noticed at once, and what it said is told."""
    with pytest.raises(ConfigError, match="a demo world needs at least 10 feeds, was 1"):
        DemoProcess(options=("--feeds=1",)).start()


def test_a_terminals_ctrl_c_does_not_reach_it() -> None:
    """What the program still has to deliver when it is stopped goes to a world that is there."""
    with DemoProcess() as world:
        assert world.pid
        assert os.getsid(world.pid) != os.getsid(0)


def test_a_child_that_breaks_is_no_child_that_is_late():
    """Its last words are the error's, not that time ran out."""
    with pytest.raises(TransportError, match="ended at once: OverflowError") as caught:
        DemoProcess(options=("--port=65536",)).start()
    assert "within" not in str(caught.value)
