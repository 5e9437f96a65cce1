"""Runs the shipped command lines as a user would: in a subprocess, with a clean environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalyst_ray.settings import NAMES

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("catalyst-ray")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def cycles(self) -> list[dict[str, Any]]:
        """Return the cycle reports among the JSON lines of standard output."""
        lines = [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("type") == "cycle"]


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """Return an environment with only these settings, writing into ``folder``."""
    clean = {k: v for k, v in os.environ.items() if k not in NAMES and not k.startswith("RAY_")}
    ours = {"OUT_DIR": folder / "out", "QUICKCHART_IMAGE_DIR": folder / "out" / "charts", **settings}
    return {**clean, **{name: str(value) for name, value in ours.items()}}


def run(folder: Path, *arguments: object, timeout_s: float = 120, **settings: object) -> Done:
    """Run ``catalyst-ray`` in ``folder`` and return how it ended."""
    done = subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        cwd=folder,
        env=environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
