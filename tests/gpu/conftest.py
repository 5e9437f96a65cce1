"""What the tests on a real GPU need: a card, and the command of a model server that uses it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.cluster.session import Session
    from catalyst_ray.models import GpuSample


@pytest.fixture(scope="session")
def cards() -> list[GpuSample]:
    """Return the machine's GPUs, or skip the test that asked for them."""
    from catalyst_ray.adapters.gpu import NvmlProbe

    with NvmlProbe() as probe:
        found = probe.sample()
    if not found:
        pytest.skip(f"no GPU on this machine: {probe.reason or 'NVML sees none'}")
    return found


@pytest.fixture(scope="session")
def server() -> tuple[str, str]:
    """Return the command of a model server, with {port} and {gpus}, and its model; or skip."""
    command = os.environ.get("CATALYST_GPU_COMMAND", "")
    if not command:
        pytest.skip("no model server for the GPU: set CATALYST_GPU_COMMAND, as LLM_SERVER_COMMAND")
    return command, os.environ.get("CATALYST_GPU_MODEL", "mistral")


@pytest.fixture(scope="session")
def ray_session(cards: list[GpuSample]) -> Iterator[Session]:
    """Start Ray on this machine with its real GPUs, by the same door as the program."""
    from catalyst_ray.cluster.session import ray_session

    with ray_session(None, dashboard=False) as session:
        yield session
