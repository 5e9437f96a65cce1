"""Runs the shipped command lines as a user would: in a subprocess, with a clean environment."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
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
        return self._lines("cycle")

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts among the JSON lines of standard output, each as it stands in the end."""
        return list({line["id"]: line for line in self._lines("alert")}.values())

    @property
    def updates(self) -> int:
        """Return how many were printed again since the model's verdict came late."""
        return len(self._lines("alert")) - len(self.alerts)

    def _lines(self, kind: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.out.splitlines()]
        return [line for line in lines if line["type"] == kind]


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


def run_on_terminal(folder: Path, *arguments: object, columns: int = 80, **settings: object) -> Done:
    """Run ``catalyst-ray`` on a terminal of this width; ``out`` is what it shows, without colours and links."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = environment(folder, TERM="xterm-256color", **settings)
    env.pop("COLUMNS", None)
    with subprocess.Popen(
        [str(PROGRAM), *map(str, arguments)], cwd=folder, env=env, stdin=its, stdout=its, stderr=its
    ) as child:
        os.close(its)
        shown = _until_closed(ours)
    return Done(child.returncode, re.sub(r"\x1b\[[\d;]*m|\x1b\]8;.*?\x1b\\", "", shown), "")


def _until_closed(terminal: int) -> str:
    shown = b""
    try:
        while part := os.read(terminal, 65_536):
            shown += part
    except OSError as error:  # Linux's way to say that nobody holds the other end any more
        if error.errno != errno.EIO:
            raise
    finally:
        os.close(terminal)
    return shown.decode().replace("\r\n", "\n")
