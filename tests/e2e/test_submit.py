"""deploy/submit.sh on a real cluster: jobs/runtime_env.yaml, secrets from a mounted folder, a clean stop, a resumed store."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.demo.process import DemoProcess
from tests.e2e.commands import ROOT
from tests.e2e.ray_cluster import RayHead

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "invented-s3cret-of-the-price-feed"
READY_S = 90


class Scene:
    """A cluster whose nodes know the job's settings, secrets mounted beside; the demo world for feeds and Discord."""

    def __init__(self, folder: Path, world: DemoProcess) -> None:
        self.folder = folder
        self.world = world
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        for name, text in (("discord_webhook_url", world.webhook_url), ("FINNHUB_TOKEN", TOKEN)):
            (self.secrets / name).write_text(f"{text}\n")
            (self.secrets / name).chmod(0o400)
        with urlopen(f"{world.base_url}/_control/feeds", timeout=5) as answer:
            rows = [row for row in json.load(answer) if row["name"] != "demo_broken"]
        (folder / "feeds.toml").write_text(feeds_toml(rows))
        self.head = RayHead(folder)
        self.head.environment |= {
            "OUT_DIR": str(folder / "out"),
            "QUICKCHART_IMAGE_DIR": str(folder / "out" / "charts"),
            "SECRETS_DIR": str(self.secrets),
            "FEEDS_FILE": str(folder / "feeds.toml"),
            "FEEDS_ALLOW_PRIVATE": "1",
            "SEC_CONTACT": "tests@example.org",
            "SEC_TICKERS_URL": f"{world.base_url}/files/company_tickers.json",
            "LLM_ENGINE": "off",
        }

    def submit(self, *arguments: str, job: str = "jobs/run.py") -> subprocess.Popen[str]:
        """Start the script as a supervisor would: it knows where the cluster is, and its token, and no setting."""
        ours = ("PATH", "HOME", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH")
        known = {name: value for name, value in self.head.environment.items() if name in ours}
        return subprocess.Popen(
            ["sh", "deploy/submit.sh", *arguments],
            cwd=ROOT,
            env={**known, "RAY_API_SERVER_ADDRESS": self.head.dashboard_url, "JOB": job},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def received(self) -> list[dict[str, Any]]:
        """Return what the demo's Discord holds."""
        with urlopen(f"{self.world.base_url}/_control/state", timeout=5) as answer:
            return list(json.load(answer)["discord"])

    def jobs(self) -> list[dict[str, Any]]:
        """Return all that the dashboard tells of the jobs."""
        request = Request(
            f"{self.head.dashboard_url}/api/jobs/", headers={"Authorization": f"Bearer {self.head.token}"}
        )
        with urlopen(request, timeout=10) as answer:
            return [job for job in json.load(answer) if job["submission_id"]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Give a cluster that is ready to take jobs."""
    with DemoProcess(options=("--release=1", "--discord-window-s=0")) as world:
        made = Scene(tmp_path_factory.mktemp("scene"), world)
        with made.head:
            deadline = time.monotonic() + READY_S
            # The dashboard answers some seconds before the node's agent, which starts jobs.
            while made.head.ray(
                "job", "submit", "--", "true", environment={"RAY_API_SERVER_ADDRESS": made.head.dashboard_url}
            ).code:
                assert time.monotonic() < deadline
                time.sleep(1)
            yield made


def test_a_submitted_job_lives_by_its_supervisor(scene: Scene) -> None:
    """It delivers with secrets that no job, log or package shows, drains when the supervisor stops, and resumes."""
    with scene.submit("--json") as loop:
        deadline = time.monotonic() + 60
        while len(scene.received()) < 3 and loop.poll() is None and time.monotonic() < deadline:
            time.sleep(0.2)
        loop.send_signal(signal.SIGTERM)
        log, _ = loop.communicate(timeout=60)
    sent = len(scene.received())
    assert sent >= 3, log[-3000:]
    assert loop.returncode == 0
    assert '"message": "stopping"' in log
    assert "Traceback" not in log
    with SqlStore.open(f"sqlite:///{scene.folder}/out/catalyst.db", read_only=True) as store:
        assert store.delivery_counts().get("discord/unknown", 0) == 0

    with scene.submit("--once", "--json") as once:
        rest, _ = once.communicate(timeout=90)
    assert once.returncode == 0, rest[-3000:]
    messages = scene.received()
    with SqlStore.open(f"sqlite:///{scene.folder}/out/catalyst.db", read_only=True) as store:
        assert store.delivery_counts()["discord/sent"] == len(messages) >= 10
    assert "possible repeat" not in json.dumps(messages)

    job = next(job for job in scene.jobs() if job["submission_id"].startswith("catalyst-run-"))
    assert job["runtime_env"]["env_vars"]["SECRETS_DIR"] == "${SECRETS_DIR}"
    assert job["runtime_env"]["env_vars"]["RAY_JOB_STOP_WAIT_TIME_S"] == "15"
    assert shown_by(scene, TOKEN) == []
    assert shown_by(scene, scene.world.webhook_url) == []
    assert shown_by(scene, job["submission_id"]), "the search finds what is there"


def shown_by(scene: Scene, text: str) -> list[str]:
    """Return where a text stands: in what the dashboard tells of jobs, or in a file of Ray's (logs, packages)."""
    found = ["jobs"] if text in json.dumps(scene.jobs()) else []
    return found + [
        str(path)
        for path in Path(scene.head._temp.name).rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    ]


def test_the_bench_is_a_job_too(scene: Scene) -> None:
    """It joins the cluster that it was submitted to and prints its figures as JSON."""
    with scene.submit("--only", "charts", "--charts", "8", "--json", job="jobs/bench.py") as job:
        log, _ = job.communicate(timeout=90)
    assert job.returncode == 0, log[-3000:]
    (found,) = [json.loads(line) for line in log.splitlines() if line.startswith('{"type": "bench"')]
    assert (found["nodes"], found["gpus"], found["charts"]["charts"]) == (1, 2.0, 8)
    assert found["where"].endswith(f":{scene.head.port}")


def test_a_wrong_option_ends_with_the_drivers_own_code(scene: Scene) -> None:
    """The supervisor sees 2, which no start mends, and not the 1 of `ray job submit`."""
    with scene.submit("--no-such-option") as job:
        log, _ = job.communicate(timeout=60)
    assert job.returncode == 2, log[-3000:]
