"""A profile of the real program on a real cluster: what is planted is found, and a submitted job does the same."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.codec import decode
from catalyst_ray.models import ProfileReport
from tests.e2e.commands import ROOT, environment
from tests.e2e.ray_cluster import RayHead

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLANTED = """
import sys
from catalyst_ray.core.codec import encode
from catalyst_ray.profiler import ProfileWish, measure
from catalyst_ray.settings import load_settings

leak = []
wish = ProfileWish(
    cycles=11,
    world=("--slow-s=1", "--items=1200"),
    tell=lambda report: leak.append(bytearray(b"x") * 4_000_000),
)
print(encode(measure(load_settings(), wish)), file=sys.__stdout__)
"""


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayHead]:
    """Start a cluster for the tests of this file."""
    with RayHead(tmp_path_factory.mktemp("head")) as cluster:
        yield cluster


def test_a_planted_delay_and_a_planted_leak_are_found(head: RayHead, tmp_path: Path) -> None:
    """A feed that takes a second shows in its stage; 4 MB kept a cycle show in the driver's slope, unjudged so early."""
    done = subprocess.run(
        [sys.executable, "-c", PLANTED],
        cwd=tmp_path,
        env={
            **environment(
                tmp_path, LLM_ENGINE="off", LOG_LEVEL="ERROR", RAY_ADDRESS=f"127.0.0.1:{head.port}"
            ),
            **{name: value for name, value in head.environment.items() if name.startswith("RAY_AUTH")},
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    report = decode(ProfileReport, done.stdout)
    assert len(report.cycles) == 11
    fetch = next(stage for stage in report.stages if stage.stage == "fetch")
    feeds = next(branch for branch in report.branches if branch.stage == "Feeds")
    assert 1.0 <= fetch.cycle_s.p50 <= feeds.cycle_s.p50 <= report.cycle_s.p50
    growth = report.targets[2]
    assert growth.value is not None
    assert growth.value > 3_500  # MB in 1,000 cycles: the planted 4,000, give or take what cold cycles do
    assert growth.passed is None
    assert not (tmp_path / "out").exists()


def test_a_submitted_job_profiles_its_cluster(head: RayHead, tmp_path: Path) -> None:
    """The job joins the cluster, measures, names its processes and Ray's cost, and leaves two files and nothing else."""
    settings = {"OUT_DIR": tmp_path / "out", "LLM_ENGINE": "off", "LOG_LEVEL": "ERROR"}
    runtime = json.dumps({"env_vars": {name: str(value) for name, value in settings.items()}})
    deadline = time.monotonic() + 60
    while True:
        done = head.ray(
            *("job", "submit", "--address", head.dashboard_url, "--working-dir", ROOT),
            *("--runtime-env-json", runtime, "--", "python", "jobs/profile.py"),
            *("--full", "--cycles", 2, "--cprofile"),
        )
        # The dashboard answers some seconds before the node's agent, which starts jobs.
        if "No available agent" not in done.text or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert "succeeded" in done.text, done.text[-3000:]
    lines = [json.loads(line) for line in done.text.splitlines() if line.startswith('{"type": "profile')]
    assert [line["type"] for line in lines] == ["profile_cycle", "profile_cycle", "profile"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["profile.html", "profile.json"]
    report = decode(ProfileReport, (tmp_path / "out/profile.json").read_text())
    assert report.machine["gpus"] == 2.0
    assert {"driver", "raylet", "gcs", "dashboard", "agent"} <= {one.role for one in report.memory}
    assert set(report.ray_s) == {"task", "actor_call"}
    assert any(call.where.startswith("catalyst_ray/") for call in report.calls)
