"""What the items of one cycle share: its sums and its alert slots."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalyst_ray.pipeline.tally import Tally

IN_HAND = 512
"""Items between score and decision at once; the rest of a burst waits its turn."""


@dataclass(slots=True)
class Round:
    """What the items of one cycle share: sums, alert slots, and how many may be in hand."""

    tally: Tally
    slots: int
    early: int = 0
    drawn: set[str] = field(default_factory=set)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_HAND))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take_slot(self) -> bool:
        """Take one of the cycle's alerts, if any is left."""
        if self.slots <= 0:
            return False
        self.slots -= 1
        return True
