"""A fresh invented world for each test: a pytest plugin of the pipeline's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.pipeline_world import World, open_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give a world with an empty store."""
    world = open_world(tmp_path)
    yield world
    world.store.tell = lambda *_: None
    world.store.close()
