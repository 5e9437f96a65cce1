"""The list of measures; each is one topic's function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.quality.speed import speed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalyst_ray.quality.figure import Figure
    from catalyst_ray.quality.folder import DataFolder

MEASURES: tuple[Callable[[DataFolder], tuple[Figure, ...]], ...] = (speed,)


def measure(folder: DataFolder) -> Iterator[Figure]:
    """Yield every figure of a folder, topic by topic."""
    for topic in MEASURES:
        yield from topic(folder)
