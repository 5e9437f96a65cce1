"""A circuit breaker: what keeps failing is left alone for a while, then tried by exactly one request.

closed: every request may go. open: none. half-open, when the rest is over: one probe; its success closes the
breaker, its failure opens it again. Pure: time is an argument, of a clock that never goes back.

One breaker stands for one outside system (a price source, a sink's host, a replica). Whoever asks that system does::

    breaker.admit(clock.monotonic())  # raises CircuitOpen at once while it rests; nothing was sent
    try:
        answer = await ask()
    except RateLimited as error:
        breaker.failed(clock.monotonic(), retry_after_s=error.retry_after_s)  # rests as long as the host asked for
        raise
    except TransportError:
        breaker.failed(clock.monotonic())
        raise
    except BaseException:
        breaker.gave_up()  # cancelled, or a fault of ours: says nothing of the host, and the next one may probe
        raise
    breaker.succeeded()

Only what says that the system is down is a failure: a refusal of one request (a 404, a 400) is an answer.
"""

from __future__ import annotations

import math

from catalyst_ray.errors import CircuitOpen


class Breaker:
    """Rests what keeps failing, then lets exactly one request probe it.

    A request that was sent before the breaker opened and ends later counts as the probe's.

    Args:
        failures: Failures in a row that open it.
        rest_s: How long it is open.
        longest_rest_s: The rest doubles with each probe that fails, up to this; unset, it stays the same.
        name: What rests, in words, for ``CircuitOpen``.
    """

    def __init__(
        self,
        *,
        failures: int = 3,
        rest_s: float = 10.0,
        longest_rest_s: float | None = None,
        name: str = "the other side",
    ) -> None:
        self._limit = failures
        self._rest_s = rest_s
        self._longest_rest_s = max(rest_s, longest_rest_s or 0.0)
        self._name = name
        self._failures = 0
        self._failed_probes = 0
        self._open_until_s: float | None = None
        self._probing = False

    def room(self, now_s: float) -> int | None:
        """Return how many requests may go now; None is no limit."""
        if self._open_until_s is None:
            return None
        return 1 if now_s >= self._open_until_s and not self._probing else 0

    def admit(self, now_s: float) -> None:
        """Note that a request goes, if it may.

        Raises:
            CircuitOpen: It may not; ``retry_after_s`` says when, and is None while a probe is under way.
        """
        if self.room(now_s) == 0:
            wait_s = self.retry_at_s() - now_s
            raise CircuitOpen(
                f"{self._name} failed and is left alone for a while",
                retry_after_s=wait_s if math.isfinite(wait_s) else None,
            )
        self.sent()

    def sent(self) -> None:
        """Note that a request goes, for those who asked ``room``; in half-open it is the probe."""
        self._probing = self._open_until_s is not None

    def succeeded(self) -> None:
        """Note an answer, good or bad: the other side works."""
        self._failures, self._failed_probes = 0, 0
        self._open_until_s, self._probing = None, False

    def failed(self, now_s: float, *, retry_after_s: float | None = None) -> None:
        """Note that no answer came, or that the host named a wait: that opens it at once, and for so long."""
        self._failures += 1
        if self._probing:
            self._failed_probes += 1
        if retry_after_s is not None or self._probing or self._failures >= self._limit:
            doubled_s = self._rest_s * 2.0 ** min(self._failed_probes, 30)
            rest_s = min(doubled_s, self._longest_rest_s) if retry_after_s is None else retry_after_s
            self._open_until_s = max(now_s + rest_s, self._open_until_s or 0.0)
        self._probing = False

    def gave_up(self) -> None:
        """Note that a request ended without saying anything of the other side: another may probe at once."""
        self._probing = False

    def retry_at_s(self) -> float:
        """Return when the next probe may go; infinite while closed or probing."""
        return math.inf if self._open_until_s is None or self._probing else self._open_until_s
