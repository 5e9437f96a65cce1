"""What goes wrong between a program and Discord: a plan, listed or by seeded chance, one entry a request."""

from __future__ import annotations

import random
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNANSWERED = frozenset({"hang", "cut"})
"""Nothing was stored, and the caller cannot know."""
FORCED: Mapping[str, str] = {"429": "user", "429_global": "global", "429_cloudflare": "cloudflare"}
"""Refusals for the rate, by whose they are."""
STORED = frozenset({"accept_then_hang", "accept_then_cut", "accept_then_504"})
"""The message is there, and the caller cannot know."""
FORM = frozenset({"400", "413"})
"""Refusals of a message with files; one without is small enough."""
FAULTS = UNANSWERED | STORED | FORM | FORCED.keys() | {"500", "502", "503"}


class FaultPlan:
    """Says what each request meets.

    Args:
        listed: Names of faults, or None for an honest answer; one a request.
        shares: What each request meets after those, by its share of all requests.
        seed: Equal seeds give equal plans.

    Raises:
        ValueError: A name that there is not, or shares above 1.
    """

    def __init__(
        self,
        listed: Iterable[str | None] = (),
        *,
        shares: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> None:
        self._listed = deque(listed)
        self._shares = dict(shares or {})
        unknown = {fault for fault in self._listed if fault is not None} | self._shares.keys()
        if unknown - FAULTS:
            raise ValueError(f"unknown faults: {', '.join(sorted(unknown - FAULTS))}")
        if sum(self._shares.values()) > 1:
            raise ValueError("the shares of faults are above 1")
        self._random = random.Random(seed)  # noqa: S311  (a plan, no secret)

    @property
    def listed(self) -> tuple[str | None, ...]:
        """Return what is listed for the next requests."""
        return tuple(self._listed)

    def next(self) -> str | None:
        """Return what the next request meets."""
        if self._listed:
            return self._listed.popleft()
        place = self._random.random()
        for fault, share in self._shares.items():
            place -= share
            if place < 0:
                return fault
        return None
