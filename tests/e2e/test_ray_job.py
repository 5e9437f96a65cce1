"""``ray job submit`` on a real cluster with token authentication: delivers, stops cleanly, refuses strangers."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.demo.process import DemoProcess
from tests.e2e.commands import ROOT
from tests.e2e.ray_cluster import RayHead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    """Start a cluster for the tests of this file."""
    with RayHead(tmp_path_factory.mktemp("head")) as cluster:
        yield cluster


def submit(head: RayHead, world: DemoProcess, folder: Path, job: str, *arguments: str, no_wait: bool = False):
    """Submit ``jobs/run.py`` with the demo world's settings."""
    with urlopen(f"{world.base_url}/_control/feeds", timeout=5) as answer:
        rows = json.load(answer)
    working = [row for row in rows if row["name"] != "demo_broken"]
    (folder / "feeds.toml").write_text(feeds_toml(working))
    settings = {
        "FEEDS_FILE": folder / "feeds.toml",
        "FEEDS_ALLOW_PRIVATE": 1,
        "SEC_CONTACT": "tests@example.org",
        "FINNHUB_TOKEN": "invented",
        "SEC_TICKERS_URL": f"{world.base_url}/files/company_tickers.json",
        "LLM_ENGINE": "ollama",
        "OLLAMA_HOST": world.base_url,
        "LLM_MODEL_NAME": "demo-scripted",
        "PRICE_SOURCE": "http",
        "PRICE_URL": world.base_url,
        "DISCORD_WEBHOOK_URL": world.webhook_url,
        "OUT_DIR": folder / "out",
        "QUICKCHART_IMAGE_DIR": folder / "out" / "charts",
        "RAY_JOB_STOP_WAIT_TIME_S": 10,
    }
    env = json.dumps({"env_vars": {name: str(value) for name, value in settings.items()}})
    wait = ["--no-wait"] if no_wait else []
    address = ("--address", head.dashboard_url, "--working-dir", ROOT)
    command = (
        *address,
        "--submission-id",
        job,
        "--runtime-env-json",
        env,
        *wait,
        "--",
        "python",
        "jobs/run.py",
    )
    deadline = time.monotonic() + 60
    while True:
        done = head.ray("job", "submit", *command, *arguments)
        # The dashboard answers some seconds before the node's agent, which starts jobs.
        if "No available agent" not in done.text or time.monotonic() > deadline:
            return done
        time.sleep(1)


def received(world: DemoProcess) -> list[dict]:
    """Return what the demo's Discord holds."""
    with urlopen(f"{world.base_url}/_control/state", timeout=5) as answer:
        return json.load(answer)["discord"]


def test_job_delivers_on_the_cluster(head: RayHead, tmp_path: Path) -> None:
    """A submitted job takes the feeds, judges on replicas that reserve GPUs, draws, and posts to Discord."""
    with DemoProcess(options=("--release=1", "--discord-window-s=0")) as world:
        done = submit(head, world, tmp_path, "once", "--once", "--json")
        messages = received(world)
    assert done.code == 0, done.text[-3000:]
    assert "Job 'once' succeeded" in done.text
    (report,) = [json.loads(line) for line in done.text.splitlines() if line.startswith('{"type": "cycle"')]
    assert report["counts"]["alert"] == 10
    assert len(messages) == 10
    assert all({"chart.png", "gauge.png"} == set(m["files"]) for m in messages)
    assert report["queues"]["llm"]["replicas"] == 1
    assert report["queues"]["llm"]["completed"] > 0
    assert report["problems"] == []


def test_job_stop_ends_cleanly(head: RayHead, tmp_path: Path) -> None:
    """``ray job stop`` lets the delivery in hand finish; the outbox holds nothing half done."""
    with DemoProcess(options=("--release=1", "--discord-window-s=0")) as world:
        submitted = submit(head, world, tmp_path, "loop", "--json", no_wait=True)
        assert submitted.code == 0, submitted.text[-2000:]
        deadline = time.monotonic() + 60
        while not received(world) and time.monotonic() < deadline:
            time.sleep(0.2)
        stopped = head.ray("job", "stop", "loop", "--address", head.dashboard_url)
        messages = received(world)
        log = head.ray("job", "logs", "loop", "--address", head.dashboard_url).text
    assert messages, log[-3000:]
    assert "was stopped" in stopped.text
    assert "stopping" in log
    assert "Traceback" not in log
    from catalyst_ray.adapters.store import SqlStore

    with SqlStore.open(f"sqlite:///{tmp_path}/out/catalyst.db", read_only=True) as store:
        counts = store.delivery_counts()
    assert counts.get("discord/unknown", 0) == 0
    assert counts["discord/sent"] == len(messages)


def test_strangers_are_refused(head: RayHead) -> None:
    """Without the token nobody sees the jobs or submits one."""
    assert head.status("/api/jobs/", token=head.token) == 200
    assert head.status("/api/jobs/") in {401, 403}
    refused = head.ray(
        "job",
        "submit",
        "--address",
        head.dashboard_url,
        "--",
        "true",
        environment={"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN_PATH": ""},
    )
    assert refused.code != 0
