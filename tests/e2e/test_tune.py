"""``catalyst-ray tune`` as a user meets it: finds a planted bottleneck, stops at Ctrl-C, leaves .env alone; undo."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING

from tests.e2e.commands import PROGRAM, environment, run

if TYPE_CHECKING:
    from pathlib import Path

SERIAL = "LLM_BATCH_WORKERS=1\nLLM_ALERT_WAIT_SECS=4\nLOG_LEVEL=ERROR\n"


def test_a_bottleneck_is_found_and_ctrl_c_leaves_all_as_it_was(tmp_path: Path) -> None:
    """A model that gets one request at a time is told with its figures; stopped in the trial, nothing is written."""
    env = tmp_path / "my.env"
    env.write_text(SERIAL)
    options = (
        "--demo-option=--llm-latency-s=0.4",
        "--demo-option=--batches=3",
        "--demo-option=--items=150",
        "--cycles=2",
        "--write",
        f"--env-file={env}",
    )
    with subprocess.Popen(
        [str(PROGRAM), "tune", *options],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        first, second = (json.loads(child.stdout.readline())["words"] for _ in range(2))
        child.send_signal(signal.SIGINT)  # once is enough, also while Ray starts
        child.communicate(timeout=120)
    assert first.startswith("as it is set: cycle ")
    assert second.startswith("A request waited ")
    assert "for a free worker" in second
    assert "Trying LLM_BATCH_WORKERS=" in second
    assert child.returncode == 130
    assert env.read_text() == SERIAL
    assert [one.name for one in tmp_path.glob("my.env*")] == ["my.env"]


def test_undo_puts_the_file_back(tmp_path: Path) -> None:
    """The kept file takes the written one's place; without one it says so and exits with 2."""
    env, kept = tmp_path / ".env", tmp_path / ".env.before-tune"
    env.write_text("LLM_BATCH_WORKERS=4\n")
    kept.write_text("LLM_BATCH_WORKERS=1\n")
    done = run(tmp_path, "tune", "--undo")
    assert (done.code, env.read_text()) == (0, "LLM_BATCH_WORKERS=1\n")
    done = run(tmp_path, "tune", "--undo")
    assert done.code == 2
    assert "nothing to undo" in done.err


def test_wrong_settings_end_it_before_anything_is_measured(tmp_path: Path) -> None:
    """As every command does: exit code 2, and the setting's name."""
    done = run(tmp_path, "tune", LLM_BATCH_WORKERS=0)
    assert done.code == 2
    assert "LLM_BATCH_WORKERS" in done.err
