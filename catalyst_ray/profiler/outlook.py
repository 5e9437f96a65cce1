"""What will be missing from a profile, said before it is measured. Starts nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.engines import EmbeddedSpec, choose_engine
from catalyst_ray.settings_llm import engine_wish

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.profiler.wish import ProfileWish
    from catalyst_ray.settings import Settings


def outlook(settings: Settings, wish: ProfileWish) -> Iterator[str]:
    """Yield what is asked for and cannot be measured as things stand, each with its mend.

    The cards of a cluster are seen from inside alone, so nothing is said of them.
    """
    if wish.kind == "gpu" and settings.ray_address is None and not _cards():
        yield (
            "no GPU is seen on this machine, so nothing will be told of cards: `catalyst-ray gpu` says why;"
            " for those of a cluster set RAY_ADDRESS"
        )
    if not wish.own_model:
        return
    choice = asyncio.run(choose_engine(engine_wish(settings)))
    if choice.spec is None or (isinstance(choice.spec, EmbeddedSpec) and not choice.spec.path):
        yield f"no language model of yours will judge: {choice.words}; `catalyst-ray doctor` tells what it needs"


def _cards() -> bool:
    with NvmlProbe() as probe:
        return bool(probe.sample(full=False))
