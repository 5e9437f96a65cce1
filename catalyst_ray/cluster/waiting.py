"""How long a replica's start is waited for: without limit for a place that may come, up to a limit for its engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.errors import NoPlace, TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalyst_ray.cluster.growth import Pending
    from catalyst_ray.ports import Clock

VAIN_S = 60.0
"""How long a replica waits that nothing can hold: an autoscaler answers within seconds."""


class Wait:
    """A start that takes its time.

    Args:
        name: Whose start it is.
        limit_s: How long an engine may say the same.
        tell: Told in words what it waits for, when that is new.
    """

    def __init__(self, name: str, limit_s: float, clock: Clock, tell: Callable[[str], None]) -> None:
        self._name = name
        self._limit_s = limit_s
        self._clock = clock
        self._tell_of = tell
        self._told = ""
        self._placed_s: float | None = None
        self._vain_s: float | None = None

    def placed(self, state: str) -> None:
        """Note that its process is there, and what its engine says.

        Raises:
            TransportError: The engine says the same for too long.
        """
        now_s = self._clock.monotonic()
        self._vain_s = None
        self._placed_s = self._placed_s or now_s
        if self._tell(state):
            self._placed_s = now_s  # a download that goes on takes its time
        if now_s - self._placed_s > self._limit_s:
            words = f"its engine did not start within {self._limit_s:g} s: {state}"
            hint = "raise LLM_START_TIMEOUT_SECS if it only takes long"
            raise TransportError(words, key=self._name, hint=hint)

    def unplaced(self, pending: Pending) -> None:
        """Note that it has no process, and what it waits for.

        Raises:
            NoPlace: For too long nothing showed that it might get one.
        """
        now_s = self._clock.monotonic()
        self._placed_s = None
        self._tell(pending.words)
        self._vain_s = (self._vain_s or now_s) if pending.is_vain else None
        if self._vain_s is not None and now_s - self._vain_s > VAIN_S:
            words = f"given up after {VAIN_S:g} s: {pending.words}"
            hint = "see LLM_GPUS_PER_REPLICA, LLM_LABEL_SELECTOR and the kinds of nodes of cluster.yaml"
            raise NoPlace(words, key=self._name, hint=hint)

    def _tell(self, words: str) -> bool:
        if words == self._told:
            return False
        self._told = words
        self._tell_of(f"{self._name} {words}")
        return True
