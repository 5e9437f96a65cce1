"""A dashboard that takes jobs from anybody: a start refuses the cluster, and goes on only when told to."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.commands import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OWN_NETWORK = (
    *("unshare", "--map-root-user", "--net", "--pid", "--mount-proc", "--fork", "--kill-child"),
    sys.executable,
)


def has_own_network() -> bool:
    """Return whether a process here may have a network namespace."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    tried = subprocess.run([*OWN_NETWORK, "-c", ""], capture_output=True, timeout=30, check=False)
    return tried.returncode == 0


def test_a_start_refuses_it_before_anything_is_placed(tmp_path: Path) -> None:
    """Exit code 2, with the address and the mend; ALLOW_OPEN_DASHBOARD=1 runs and warns; the doctor names it."""
    if not has_own_network():
        pytest.skip("no network namespaces here: the world would be other machines")
    done = subprocess.run(
        [*OWN_NETWORK, "-m", "tests.e2e.open_dashboard_scene", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    code, said = found["refused"]
    assert code == 2, said
    assert "http://10.9.8.7:8265 takes jobs without a token" in said
    assert "RAY_AUTH_MODE=token" in said
    assert "ALLOW_OPEN_DASHBOARD=1" in said
    assert found["placed"] == [0, 0]
    code, said = found["allowed"]
    assert code == 0, said
    assert found["cycles"] == 1
    assert "takes jobs without a token" in said
    assert found["doctor"]["dashboard"] == [
        "fail",
        "http://10.9.8.7:8265 takes jobs without a token from whoever reaches it",
    ]
    assert found["doctor"]["tokens"][0] == "warn"
