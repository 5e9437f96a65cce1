"""Metrics, alarms, timeline and logs of a real run: Ray's agents, scraped by a real Prometheus.

One cluster with an invented graphics driver, the demo's world, and ``catalyst-ray run`` on it. Skipped where there
is no Prometheus: the rest of it is proved by ``tests/cluster/test_metrics.py`` and ``tests/unit``.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from catalyst_ray.cli.demo import demo_settings
from catalyst_ray.core.metric_board import ROWS
from catalyst_ray.core.metric_files import DASHBOARD_UID, DISCOVERY, dashboard, deploy_files
from catalyst_ray.core.metric_list import METRICS, STAGES
from catalyst_ray.core.metric_rules import RULES
from catalyst_ray.demo.process import DemoProcess
from tests.e2e.commands import PROGRAM, ROOT, environment
from tests.e2e.ray_cluster import RayHead, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed (Debian: prometheus)")

PATIENCE_S = 90.0
VARIABLES = {"$SessionName": ".+", "$__rate_interval": "30s"}
SECRET = "a-secret-of-the-metrics-test"


@dataclass
class Scene:
    """A run that goes on, and the Prometheus that watches it."""

    folder: Path
    head: RayHead
    address: str
    driver: subprocess.Popen[bytes]

    def ask(self, path: str, **question: str) -> Any:
        """Return what Prometheus' interface answers."""
        with urlopen(f"{self.address}/api/v1/{path}?{urlencode(question)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def series(self, expr: str) -> list[dict[str, Any]]:
        """Return the series of an expression now."""
        for variable, value in VARIABLES.items():
            expr = expr.replace(variable, value)
        found: list[dict[str, Any]] = self.ask("query", query=expr)["result"]
        return found

    def lines(self) -> list[dict[str, Any]]:
        """Return the driver's log lines."""
        return [json.loads(line) for line in (self.folder / "stderr").read_text().splitlines()]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start the cluster, the world, the driver and Prometheus, and wait until three cycles have ended."""
    folder = tmp_path_factory.mktemp("metrics")
    with ExitStack() as stack:
        head = RayHead(folder)
        port = free_port()
        seen = f"{ROOT / 'tests/e2e/fake_driver'}{os.pathsep}{ROOT}"
        head.environment |= {
            "RAY_metrics_report_interval_ms": "1000",
            "PYTHONPATH": seen,
            "RAY_PROMETHEUS_HOST": f"http://127.0.0.1:{port}",
            "RAY_GRAFANA_HOST": stack.enter_context(_grafana()),
            "RAY_GRAFANA_DATA_DASHBOARD_UID": DASHBOARD_UID,
            "RAY_METRICS_GRAFANA_DASHBOARD_OUTPUT_DIR": str(folder / "boards"),
        }
        stack.enter_context(head)
        world = stack.enter_context(
            DemoProcess(options=("--release=1", "--llm-slow-every=11", "--discord-window-s=0"))
        )
        driver = stack.enter_context(_driver(head, world, folder))
        address = stack.enter_context(_prometheus(head, folder, port))
        made = Scene(folder, head, address, driver)
        _until(lambda: _cycles(made) >= 1, made)
        urlopen(f"{world.base_url}/_control/release?batch=2", data=b"", timeout=5).close()
        _until(lambda: _cycles(made) >= 3, made)
        yield made
        _ends(made)


def _ends(scene: Scene) -> None:
    """Stop the driver, which every other test needs: its series go within seconds, and the alarm is on its way."""
    scene.driver.send_signal(signal.SIGTERM)
    assert scene.driver.wait(30) == 0
    deadline = time.monotonic() + PATIENCE_S
    states = {}
    while states.get("CatalystDriverGone", "inactive") == "inactive" and time.monotonic() < deadline:
        time.sleep(0.5)
        states = {rule["name"]: rule["state"] for rule in _rules(scene)}
    assert states["CatalystDriverGone"] == "pending"
    while (left := scene.series("ray_catalyst_driver_up")) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == []


@contextmanager
def _driver(head: RayHead, world: DemoProcess, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    out = folder / "out"
    out.mkdir()
    settings = demo_settings(world.base_url, world.webhook_url, out)
    wanted = {
        name.upper(): value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, bool)
        else str(value)
        for name in settings.model_fields_set
        if (value := getattr(settings, name)) is not None
    }
    wanted |= {
        "DISCORD_WEBHOOK_URL": world.webhook_url,
        "FINNHUB_TOKEN": SECRET,
        "SLEEP_SECONDS": "2",
        "RAY_ADDRESS": f"127.0.0.1:{head.port}",
    }
    rays = {key: value for key, value in head.environment.items() if key.startswith("RAY_")}
    with (folder / "stdout").open("w") as stdout, (folder / "stderr").open("w") as stderr:
        child = subprocess.Popen(
            [str(PROGRAM), "run", "--json"],
            cwd=folder,
            env={
                **environment(folder, **wanted),
                **rays,
                "RAY_PROFILING": "1",
                "PYTHONPATH": head.environment["PYTHONPATH"],
            },
            stdout=stdout,
            stderr=stderr,
        )
        try:
            yield child
        finally:
            child.terminate()
            child.wait(30)


@contextmanager
def _prometheus(head: RayHead, folder: Path, port: int) -> Iterator[str]:
    files = deploy_files()
    discovery = f"{head._temp.name}/{Path(DISCOVERY).name}"
    config = (
        files["prometheus/prometheus.yml"]
        .replace(DISCOVERY, discovery)
        .replace("10s ", "1s ")
        .replace("interval: 10s", "interval: 1s")
    )
    (folder / "prometheus.yml").write_text(config)
    (folder / "rules.yml").write_text(files["prometheus/rules.yml"])
    assert PROMETHEUS is not None
    with (folder / "prometheus.log").open("w") as log:
        child = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait(30)


class _Well(BaseHTTPRequestHandler):
    """Answers as a Grafana does that is asked how it is."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"database": "ok"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _grafana() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Well) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _cycles(scene: Scene) -> int:
    return (scene.folder / "stdout").read_text().count('{"type": "cycle"')


def _until(holds: Callable[[], bool], scene: Scene) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert scene.driver.poll() is None, (scene.folder / "stderr").read_text()[-3000:]
        assert time.monotonic() < deadline, (scene.folder / "stderr").read_text()[-3000:]
        time.sleep(0.3)


def _all_answer(scene: Scene, questions: Mapping[str, str]) -> dict[str, str]:
    """Return those questions that have no series, however long they are given."""
    left = dict(questions)
    deadline = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < deadline:
        left = {name: expr for name, expr in left.items() if not scene.series(expr)}
        if left:
            time.sleep(1)
    return left


def test_every_metric_of_the_list_is_scraped(scene: Scene) -> None:
    """Nothing that the list names is missing, and nothing of ours is exported that it does not name."""
    wanted = {name: name for metric in METRICS for name in metric.series}
    assert _all_answer(scene, wanted) == {}
    names = {name for name in scene.ask("label/__name__/values") if name.startswith("ray_catalyst_")}
    assert names == wanted.keys()


def test_labels_are_those_of_the_list(scene: Scene) -> None:
    """Beside Ray's own labels a series has the list's, each with a value that is on it."""
    for metric in METRICS:
        ours = {label.key: label for label in metric.labels}
        for found in scene.series(metric.series[-1]):
            assert ours.keys() <= found["metric"].keys()
            for key, label in ours.items():
                assert not label.values or found["metric"][key] in label.values, found
    stages = {found["metric"]["stage"] for found in scene.series("ray_catalyst_stage_spent_seconds_total")}
    assert stages == set(STAGES)


def test_every_panel_has_data(scene: Scene) -> None:
    """Each expression of the dashboard gives series in a run with a model, alerts and a card."""
    questions = {
        f"{panel.title}/{query.legend}": query.expr
        for row in ROWS
        for panel in row.panels
        for query in panel.queries
    }
    assert _all_answer(scene, questions) == {}


def test_figures_are_those_of_the_reports(scene: Scene) -> None:
    """Alerts, items and stage seconds as scraped are the sums over the cycles' reports, but for those just ended."""
    (before,) = scene.series("sum(ray_catalyst_cycles_total)")
    count = int(before["value"][1])
    lines = [json.loads(line) for line in (scene.folder / "stdout").read_text().splitlines()]
    reports = [line for line in lines if line["type"] == "cycle"]
    alerts = [sum(r["counts"][k] for k in ("alert", "released", "lifted")) for r in reports]
    (told,) = scene.series("sum(ray_catalyst_alerts_total)")
    assert sum(alerts[:count]) <= float(told["value"][1]) <= sum(alerts)
    assert float(told["value"][1]) > 0
    (fetched,) = scene.series('sum(ray_catalyst_stage_spent_seconds_total{stage="fetch", kind="work"})')
    spent = [r["stages"].get("fetch", 0.0) for r in reports]
    assert sum(spent[:count]) - 0.01 <= float(fetched["value"][1]) <= sum(spent) + 0.01


def test_every_alarm_is_healthy_and_none_fires(scene: Scene) -> None:
    """Prometheus evaluates each rule without error; the run is well."""
    _until(lambda: all(rule["lastEvaluation"][0] != "0" for rule in _rules(scene)), scene)
    found = {rule["name"]: rule for rule in _rules(scene)}
    assert found.keys() == {rule.name for rule in RULES}
    assert {rule["health"] for rule in found.values()} == {"ok"}
    assert [name for name, rule in found.items() if rule["state"] == "firing"] == []


def _rules(scene: Scene) -> list[dict[str, Any]]:
    groups = scene.ask("rules")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_rays_dashboard_finds_prometheus_and_shows_our_board(scene: Scene) -> None:
    """As deploy/grafana/README.md says: Ray's page has a frame for the board of our uid, and a file where ours goes."""
    assert scene.head.status("/api/prometheus_health", token=scene.head.token) == 200
    request = Request(
        f"{scene.head.dashboard_url}/api/grafana_health",
        headers={"Authorization": f"Bearer {scene.head.token}"},
    )
    with urlopen(request, timeout=10) as answer:
        told = json.load(answer)["data"]
    assert told["dashboardUids"]["data"] == DASHBOARD_UID == json.loads(dashboard())["uid"]
    assert told["dashboardDatasource"] == "Prometheus"
    assert (
        json.loads((scene.folder / "boards/data_grafana_dashboard.json").read_text())["uid"] == DASHBOARD_UID
    )


def test_the_timeline_shows_the_stages_of_each_cycle(scene: Scene) -> None:
    """`ray timeline` has a span for each stage of the driver, with the number of its cycle, and no more than that."""
    file = scene.folder / "timeline.json"
    done = scene.head.ray("timeline", "--address", f"127.0.0.1:{scene.head.port}")
    path = done.text.rsplit("written to ", 1)[-1].split()[0]
    shutil.move(path, file)
    spans = [event for event in json.loads(file.read_text()) if event.get("cat", "").startswith("cycle:")]
    first = [span for span in spans if span["args"]["cycle"] == "1"]
    names = {span["name"] for span in first}
    assert {
        "cycle:run",
        "cycle:fetch",
        "cycle:parse",
        "cycle:score",
        "cycle:judge",
        "cycle:commit",
        "cycle:settle",
    } <= names
    (whole,) = [span for span in first if span["name"] == "cycle:run"]
    assert all(whole["ts"] - 1 <= span["ts"] for span in first)
    assert len({span["args"]["cycle"] for span in spans}) >= 3


def test_logs_are_json_with_one_line_a_cycle_and_hold_no_secret(scene: Scene) -> None:
    """The driver says `cycle done` for each; lines of actors have the ids of job and actor; nobody logs an address."""
    done = [line for line in scene.lines() if line["message"] == "cycle done"]
    assert [line["cycle"] for line in done[:3]] == [1, 2, 3]
    assert {"seconds", "new", "alerts", "problems"} <= done[0].keys()
    workers = Path(scene.head._temp.name, "session_latest/logs").glob("worker-*.err")
    texts = [file.read_text() for file in workers]
    lines = [json.loads(line) for text in texts for line in text.splitlines() if line.startswith("{")]
    ours = [line for line in lines if line["name"].startswith("catalyst_ray")]
    assert ours
    assert all(line["job_id"] and line["actor_id"] and line["levelname"] for line in ours)
    assert not [line for line in lines if line["name"] == "httpx"]
    assert SECRET not in "".join([*texts, (scene.folder / "stderr").read_text()])
