"""``ray job submit`` on a real cluster with token authentication: delivers, is seen, stops cleanly, survives a kill, refuses strangers."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.core.metric_list import METRICS
from catalyst_ray.demo.process import DemoProcess
from tests.e2e.commands import ROOT, run
from tests.e2e.ray_cluster import RayHead
from tests.e2e.test_crash import alert_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WORLD = ("--release=1", "--discord-window-s=0")
SECRET = "invented-finnhub-key-9f3a"
PATIENCE_S = 120


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    """Start a cluster for the tests of this file; it tells of metrics every second."""
    cluster = RayHead(tmp_path_factory.mktemp("head"))
    cluster.environment["RAY_metrics_report_interval_ms"] = "1000"
    with cluster:
        yield cluster


def submit(
    head: RayHead,
    world: DemoProcess,
    folder: Path,
    job: str,
    *arguments: str,
    options: tuple[str, ...] = (),
    script: str = "jobs/run.py",
):
    """Submit a script of ``jobs/`` with the demo world's settings."""
    with urlopen(f"{world.base_url}/_control/feeds", timeout=5) as answer:
        rows = json.load(answer)
    working = [row for row in rows if row["name"] != "demo_broken"]
    (folder / "feeds.toml").write_text(feeds_toml(working))
    secrets = folder / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "DISCORD_WEBHOOK_URL").write_text(world.webhook_url)
    (secrets / "FINNHUB_TOKEN").write_text(SECRET)
    settings = {
        "SECRETS_DIR": secrets,
        "FEEDS_FILE": folder / "feeds.toml",
        "FEEDS_ALLOW_PRIVATE": 1,
        "SEC_CONTACT": "tests@example.org",
        "SEC_TICKERS_URL": f"{world.base_url}/files/company_tickers.json",
        "LLM_ENGINE": "ollama",
        "OLLAMA_HOST": world.base_url,
        "LLM_MODEL_NAME": "demo-scripted",
        "PRICE_SOURCE": "http",
        "PRICE_URL": world.base_url,
        "OUT_DIR": folder / "out",
        "QUICKCHART_IMAGE_DIR": folder / "out" / "charts",
        "RAY_JOB_STOP_WAIT_TIME_S": 10,
        "SLEEP_SECONDS": 1,
    }
    env = json.dumps({"env_vars": {name: str(value) for name, value in settings.items()}})
    address = ("--address", head.dashboard_url, "--working-dir", ROOT, "--runtime-env-json", env)
    command = (*address, "--submission-id", job, *options, "--", "python", script, *arguments)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        done = head.ray("job", "submit", *command)
        # The dashboard answers some seconds before the node's agent, which starts jobs.
        if "No available agent" not in done.text or time.monotonic() > deadline:
            return done
        time.sleep(1)


def received(world: DemoProcess) -> list[dict]:
    """Return what the demo's Discord holds."""
    with urlopen(f"{world.base_url}/_control/state", timeout=5) as answer:
        return json.load(answer)["discord"]


def until(true: Callable[[], bool]) -> bool:
    """Wait until something is true; return whether it became so."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


ALWAYS = {metric.exported for metric in METRICS if not metric.needs}
"""Metrics that every driver has."""


def exported(metrics: str) -> set[str]:
    """Return the names of our metrics in a node's export."""
    return set(re.findall(r"^# TYPE (ray_catalyst_\w+)", metrics, re.MULTILINE))


def test_job_delivers_on_the_cluster(head: RayHead, tmp_path: Path) -> None:
    """A submitted job takes the feeds, judges on replicas that reserve GPUs, draws, and posts to Discord."""
    with DemoProcess(options=WORLD) as world:
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


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What the dashboard told of a job while it ran, and how it ended."""

    info: dict[str, Any]
    tasks: list[dict[str, Any]]
    actors: list[dict[str, Any]]
    metrics: str
    again: str
    profile: dict[str, Any]
    stopped: str
    log: str
    messages: list[dict[str, Any]]
    deliveries: dict[str, int]


@pytest.fixture(scope="module")
def watched(head: RayHead, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Run a job without end, look at it from outside once it has delivered, and stop it."""
    folder = tmp_path_factory.mktemp("loop")
    with DemoProcess(options=WORLD) as world:
        # The driver has a CPU of its own, so that charts leave it room; a GPU would be the replicas' loss.
        options = ("--no-wait", "--entrypoint-num-cpus=0.5", '--metadata-json={"purpose":"tests"}')
        submitted = submit(head, world, folder, "loop", "--json", options=options)
        assert submitted.code == 0, submitted.text[-2000:]
        assert until(lambda: len(received(world)) >= 10)
        assert until(lambda: exported(head.metrics()) >= ALWAYS), ALWAYS - exported(head.metrics())
        seen = {
            "info": head.ask("/api/jobs/loop"),
            "tasks": head.listed("tasks"),
            "actors": head.listed("actors"),
            "metrics": head.metrics(),
            "again": submit(head, world, folder, "loop", options=("--no-wait",)).text,
            "profile": profiled(head, world, folder),
        }
        stopped = head.ray("job", "stop", "loop", "--address", head.dashboard_url).text
        log = head.ray("job", "logs", "loop", "--address", head.dashboard_url).text
        messages = received(world)
    with SqlStore.open(f"sqlite:///{folder}/out/catalyst.db", read_only=True) as store:
        deliveries = dict(store.delivery_counts())
    return Watched(**seen, stopped=stopped, log=log, messages=messages, deliveries=deliveries)


def profiled(head: RayHead, world: DemoProcess, folder: Path) -> dict[str, Any]:
    """Profile two cycles by a job beside the one that runs, on the replica's other GPU; return the profile."""
    file = folder / "profile.json"
    arguments = ("--full", "--cycles", "2", "--json", str(file), "--html", str(folder / "profile.html"))
    done = submit(head, world, folder, "profile", *arguments, script="jobs/profile.py")
    # A target that is missed on a busy machine makes it end with 3, which Ray calls failed.
    assert file.exists(), done.text[-3000:]
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_tasks_and_actors_go_by_our_names(watched: Watched) -> None:
    """The dashboard names what we run; a replica holds one GPU and no CPU."""
    job = watched.info["job_id"]
    ours = Counter(task["name"] for task in watched.tasks if task["job_id"] == job)
    # No name tells a cycle, an item or a replica: each would be a row and a label for ever.
    charts, model = {"chart:render", "chart:warm-up"}, {"llm:batch", "llm:start"}
    assert set(ours) - {"filing:read"} == {*charts, *model, "llm-0:LlmReplica.__init__"}
    # Of a job that has ended Ray marks what its driver had no time to tell of: only this one's tasks are looked at.
    failed = [
        (task["name"], task["error_type"])
        for task in watched.tasks
        if task["state"] == "FAILED" and task["job_id"] == job
    ]
    assert failed == [], "red marks in the dashboard of a job in good health"
    actors = {actor["name"]: actor for actor in watched.actors if actor["job_id"] == job}
    assert actors["llm-0"]["state"] == "ALIVE"
    assert actors["llm-0"]["required_resources"] == {"GPU": 1.0}
    assert actors["llm-0"]["repr_name"] == "llm-0"
    assert {actor["ray_namespace"] for actor in actors.values()} == {f"catalyst-{job}"}
    (supervisor,) = [one for one in watched.actors if one["name"] == "_ray_internal_job_actor_loop"]
    assert supervisor["required_resources"]["CPU"] == 0.5


def test_the_job_is_described_without_its_secrets(watched: Watched) -> None:
    """Jobs page and log show command, resources and metadata; key and webhook token stand in neither."""
    assert watched.info["status"] == "RUNNING"
    assert watched.info["entrypoint"] == "python jobs/run.py --json"
    assert watched.info["metadata"] == {"purpose": "tests"}
    assert watched.info["driver_info"]["id"] == watched.info["job_id"]
    for text in (json.dumps(watched.info), watched.log, watched.metrics, json.dumps(watched.actors)):
        assert SECRET not in text
        assert "demo-token" not in text


def test_a_second_job_of_that_name_is_refused(watched: Watched) -> None:
    """A fixed submission id keeps one from submitting the driver twice."""
    assert "already exists" in watched.again


def test_metrics_stand_on_the_nodes_port(watched: Watched) -> None:
    """What Prometheus collects from the node holds our metrics, beside Ray's own."""
    assert ALWAYS <= exported(watched.metrics) <= {metric.exported for metric in METRICS}
    assert re.search(r'^ray_tasks\{.*Name="chart:render"', watched.metrics, re.MULTILINE)


def test_a_profile_is_taken_beside_the_running_job(watched: Watched) -> None:
    """``jobs/profile.py`` measures cycles of its own on the same cluster, and tells of the cluster's processes."""
    profile = watched.profile
    assert len(profile["cycles"]) == 2
    assert {"fetch", "judge", "draw", "deliver"} <= {stage["stage"] for stage in profile["stages"]}
    assert {"driver", "replica", "raylet", "gcs"} <= {process["role"] for process in profile["memory"]}
    assert profile["ray_s"]["task"] > 0
    assert SECRET not in json.dumps(profile)


def test_job_stop_ends_cleanly(watched: Watched) -> None:
    """``ray job stop`` lets the delivery in hand finish; the outbox holds nothing half done."""
    assert "was stopped" in watched.stopped
    assert "stopping" in watched.log
    assert "Traceback" not in watched.log
    assert watched.deliveries.get("discord/unknown", 0) == 0
    assert watched.deliveries["discord/sent"] == len(watched.messages)


def test_a_killed_job_is_resumed_by_the_next(head: RayHead, tmp_path: Path) -> None:
    """The driver dies in the middle of its deliveries; the job submitted next takes all of them to their end."""
    options = (*WORLD, "--llm-slow-every=2")
    with DemoProcess(options=options) as world:
        submitted = submit(head, world, tmp_path, "killed", "--json", options=("--no-wait",))
        assert submitted.code == 0, submitted.text[-2000:]
        assert until(lambda: bool(received(world)))
        os.kill(int(head.ask("/api/jobs/killed")["driver_info"]["pid"]), signal.SIGKILL)
        before = len(received(world))
        assert until(lambda: head.ask("/api/jobs/killed")["status"] == "FAILED")
        done = submit(head, world, tmp_path, "resumed", "--once", "--json")
        messages = received(world)
    assert done.code == 0, done.text[-3000:]
    with SqlStore.open(f"sqlite:///{tmp_path}/out/catalyst.db", read_only=True) as store:
        alerts = {alert.id for alert in store.recent_alerts(limit=100)}
        held = {alert.id for alert in store.held_alerts(limit=100)}
        counts = store.delivery_counts()
        undecided = store.undecided(limit=10)
    assert before < len(alerts) <= 12, "it was killed with alerts to come"
    assert undecided == []
    posted = Counter(alert_of(message) for message in messages)
    assert set(posted) == alerts - held
    assert counts["discord/sent"] == len(posted)
    # Each of the three sinks (Discord, the file, the log) may have had one in hand.
    assert sum(posted.values()) - len(posted) <= counts["possible_doubles"] <= 3


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


@pytest.mark.parametrize("mode", ["token", "disabled"])
def test_who_joins_with_another_token_is_told_so(head: RayHead, tmp_path: Path, mode: str) -> None:
    """At once and in words, as a wrong setting: Ray alone asks again for 20 s and does not speak of tokens."""
    other = tmp_path / "token"
    other.write_text("f" * 64)
    here = {"RAY_ADDRESS": f"127.0.0.1:{head.port}", "RAY_AUTH_MODE": mode, "RAY_AUTH_TOKEN_PATH": other}
    done = run(tmp_path, "run", "--once", FEEDS_FILE="none.toml", **here)
    assert done.code == 2
    assert "none.toml" in done.err, "what can be found without the cluster comes first"
    done = run(tmp_path, "run", "--once", SEC_CONTACT="tests@example.org", LLM_ENGINE="off", **here)
    assert done.code == 2, done.err[-2000:]
    assert "refuses us: no token, or another one" in done.err
    assert "RAY_AUTH_TOKEN_PATH" in done.err
