"""submit.sh with a pretended ``ray``: its exit code, the folder it works in, and its words where no cluster answers."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.deploy.files import DEPLOY, ROOT

if TYPE_CHECKING:
    from pathlib import Path

RAY = """#!/bin/sh
echo "$PWD: $*" >> "$CALLS"
case "$2" in
    list)
        test -z "$AWAY" && exit 0
        printf 'Traceback (most recent call last):\\n  File "x.py"\\nConnectionError: no answer at http://head:8265\\n\\n' >&2
        exit 1 ;;
    submit) exit "$FOLLOWED" ;;
    status) cat "$TOLD" ;;
esac
"""


class Scene:
    """A folder with the pretended command, and what it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        (folder / "ray").write_text(RAY)
        (folder / "ray").chmod(0o755)

    def submit(
        self, *, followed: int = 0, told: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script from another folder than the repository's."""
        (self.folder / "told").write_text(told)
        known = {"PATH": f"{self.folder}:/usr/bin:/bin", "CALLS": str(self.calls), "AWAY": ""}
        answers = {"FOLLOWED": str(followed), "TOLD": str(self.folder / "told")}
        return subprocess.run(
            ["sh", DEPLOY / "submit.sh", "--once"],
            cwd=self.folder,
            env={**known, **answers, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give a pretended ``ray`` that follows a job to its end."""
    return Scene(tmp_path)


def ended(code: int, log: str = "") -> str:
    """Return what ``ray job status`` prints of a driver that ended with ``code``."""
    return (
        "2026-11-26 16:41:03,388\tERR cli.py:75 -- \x1b[31mJob 'x' failed\x1b[39m\n"
        f"2026-11-26 16:41:03,388\tINFO cli.py:89 -- Status message: Job entrypoint command failed with exit code {code}, last available logs"
        f" (truncated to 20,000 chars):\n{log}\n"
    )


@pytest.mark.parametrize(
    ("followed", "told", "code"),
    [
        (0, "", 0),
        (1, ended(2), 2),
        (1, ended(3, "Status message: Job entrypoint command failed with exit code 2"), 3),
        (1, ended(1), 1),
        (1, ended(-9), 1),
        (1, "Status for job 'x': RUNNING\n", 1),
        (1, "", 1),
    ],
    ids=["well", "wrong setting", "in part", "failure", "killed", "follower lost it", "no answer"],
)
def test_it_ends_as_the_driver(scene: Scene, followed: int, told: str, code: int) -> None:
    """The driver's own code is the script's, and not the 1 that `ray job submit` makes of every failure."""
    assert scene.submit(followed=followed, told=told).returncode == code


def test_a_wrong_setting_may_end_otherwise(scene: Scene) -> None:
    """For a supervisor that restarts on every code but 0, the code of a wrong setting is another; the words stay."""
    done = scene.submit(followed=1, told=ended(2), WRONG_SETTING_CODE="0")
    assert done.returncode == 0
    assert "a setting is wrong" in done.stderr
    assert scene.submit(followed=1, told=ended(1), WRONG_SETTING_CODE="0").returncode == 1


def test_it_works_from_any_folder(scene: Scene) -> None:
    """The runtime environment and the job are found in the repository, wherever the script is called."""
    assert scene.submit().returncode == 0
    _, submitted = scene.calls.read_text().splitlines()
    assert submitted.startswith(f"{ROOT}: job submit ")
    assert submitted.endswith("--runtime-env jobs/runtime_env.yaml -- python jobs/run.py --once")


def test_nobody_there_is_one_line(scene: Scene) -> None:
    """Where no jobs API answers nothing is submitted; the line names the address and the reason, without a traceback."""
    done = scene.submit(AWAY="1", RAY_API_SERVER_ADDRESS="http://head:8265")
    assert done.returncode == 1
    assert "no jobs API of Ray at http://head:8265: ConnectionError: no answer" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert "job submit" not in scene.calls.read_text()
