"""What a profile is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.models import CycleReport

Kind = Literal["cycle", "full", "gpu"]
Load = Literal["demo", "live"]
EXTRA = 4
"""Cycles that an instrument which costs time gets for itself, after those that are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileWish:
    """What to measure, over which load.

    Args:
        kind: ``cycle``: where a cycle's time goes; ``full``: memory and Ray's own cost too; ``gpu``: as full, for the
            cards.
        cycles: That are counted, the cold first one included; one more closes the run, and the instruments have
            their own.
        load: ``demo``: the invented market on loopback, a new batch a cycle; ``live``: the feeds, prices and engine
            of the settings, dry and with a store of its own.
        own_model: The demo's news is judged by the engine of the settings rather than the scripted one.
        cprofile: Functions of the driver's event loop, in ``EXTRA`` cycles of their own.
        tracemalloc: What grows in the driver, in as many others.
        world: Further options of ``python -m catalyst_ray.demo``.
        fake_gpus: GPUs that a local cluster pretends to have; None counts the real ones.
        tell: Told of every counted cycle, in a thread.
    """

    kind: Kind = "cycle"
    cycles: int = 20
    load: Load = "demo"
    own_model: bool = False
    cprofile: bool = False
    tracemalloc: bool = False
    world: tuple[str, ...] = ()
    fake_gpus: int | None = None
    tell: Callable[[CycleReport], None] = lambda _: None

    @property
    def total(self) -> int:
        """Return the cycles to run."""
        return self.cycles + EXTRA * (self.cprofile + self.tracemalloc) + 1
