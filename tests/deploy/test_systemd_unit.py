"""The systemd unit: what systemd makes of it, and that it says what the program does."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.cli import WRONG
from catalyst_ray.cluster.driver import GRACE_S, LEASE_TTL_S
from tests.deploy.files import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path

UNIT = DEPLOY / "systemd" / "catalyst-ray.service"


def values(name: str) -> list[str]:
    """Return every value that a name has in the unit."""
    return [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith(f"{name}=")]


def verified(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Return what systemd says of a unit whose program is one that is here."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    program = "/opt/catalyst-ray/.venv/bin/catalyst-ray"
    assert program in text
    path = folder / UNIT.name
    path.write_text(text.replace(program, sys.executable))
    return subprocess.run(
        [tool, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60, check=False
    )


def test_systemd_accepts_it(tmp_path: Path) -> None:
    """No key is unknown and no value wrong; a planted mistake is told."""
    done = verified(UNIT.read_text(), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spoilt = verified(UNIT.read_text().replace("WatchdogSec=", "WatchdgSec="), tmp_path)
    assert "WatchdgSec" in spoilt.stderr


def test_it_is_restarted_when_it_hangs_and_not_for_wrong_settings() -> None:
    """Readiness and signs of life are listened to; exit code 2 mends itself by no restart."""
    assert values("Type") == ["notify"]
    assert int(values("WatchdogSec")[0]) >= 30
    assert values("Restart") == ["on-failure"]
    assert values("RestartPreventExitStatus") == [str(WRONG)]
    assert int(values("RestartSec")[0]) > LEASE_TTL_S


def test_it_may_drain() -> None:
    """The driver alone is told to stop, and has longer than it takes."""
    assert values("KillSignal") == ["SIGTERM"]
    assert values("KillMode") == ["mixed"]
    assert int(values("TimeoutStopSec")[0]) > GRACE_S + 10


def test_secrets_are_credentials() -> None:
    """No variable of the unit holds one; the folder's files come under the prefix that the program takes off."""
    assert values("LoadCredential") == ["catalyst:/etc/catalyst-ray/secrets"]
    names = [pair.split("=")[0] for line in values("Environment") for pair in line.split()]
    assert names == ["HOME", "OUT_DIR", "QUICKCHART_IMAGE_DIR", "PYTHONFAULTHANDLER"]
