"""One Ray for the folder's tests: two CPUs and two pretended GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.cluster.session import Session


@pytest.fixture(scope="session")
def ray_session() -> Iterator[Session]:
    """Start Ray on this machine, by the same door as the program."""
    from catalyst_ray.cluster.session import ray_session

    with ray_session(None, dashboard=False, fake_gpus=2) as session:
        yield session
