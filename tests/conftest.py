"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine's load only.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio, which is what the program uses."""
    return "asyncio"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real data, or skip the test that asked for it."""
    default = Path(__file__).parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("CATALYST_DATA", default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set CATALYST_DATA")
    return folder
