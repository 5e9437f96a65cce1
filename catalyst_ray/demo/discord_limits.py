"""How often Discord lets itself be asked, and who asked too often: the double's counts.

Owns the limits of a webhook's routes, its channel and an address, the bodies and headers of 429s, and the counts of
what a caller did wrong by itself: a fault that was planned is not the caller's. Windows may be shrunk, all by the same
factor. Facts: Discord's page on rate limits; the channel's limit is known from use.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.ports import Clock

ROUTE_LIMIT, ROUTE_WINDOW_S = 5, 2.0
_CHANNEL_LIMIT, _CHANNEL_WINDOW_S = 30, 60.0
_ADDRESS_LIMIT, _ADDRESS_WINDOW_S = 50, 1.0
_INVALID_LIMIT, _INVALID_WINDOW_S = 10_000, 600.0
_FORCED_WAIT_S = 0.05
"""What a planned 429 asks for where there are no limits."""
_METHODS = ("POST", "PATCH")
ROUTE, CHANNEL, ADDRESS, BAN, IMPATIENT = "route", "channel", "address", "ban", "impatient"


@dataclass(slots=True)
class Limited(Exception):
    """A request has to wait."""

    wait_s: float
    scope: str
    """``user``, ``shared`` or ``global``; empty where Cloudflare says it."""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any] | None:
        """Return Discord's body; None where Cloudflare answers with its own page."""
        if not self.scope:
            return None
        return {
            "message": "You are being rate limited.",
            "retry_after": round(self.wait_s, 3),
            "global": self.scope == "global",
        }

    def all_headers(self) -> dict[str, str]:
        """Return the headers of the answer."""
        said = {"Retry-After": str(math.ceil(self.wait_s))}
        if not self.scope:
            return said
        everywhere = {"X-RateLimit-Global": "true"} if self.scope == "global" else {}
        return {**self.headers, **said, "X-RateLimit-Scope": self.scope, **everywhere}


class Bucket:
    """``limit`` requests in each window of ``window_s``, which the first one opens."""

    def __init__(self, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self._opened_s = -math.inf
        self._used = 0

    def take(self, now_s: float) -> tuple[bool, int, float]:
        """Count a request: whether it is let by, how many are left, seconds until the window ends."""
        if now_s >= self._opened_s + self.window_s:
            self._opened_s, self._used = now_s, 0
        reset_s = max(0.0, self._opened_s + self.window_s - now_s)
        if self._used >= self.limit:
            return False, 0, reset_s
        self._used += 1
        return True, self.limit - self._used, reset_s


class Log:
    """The times of the last requests: ``limit`` of them in any ``window_s``."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_s = window_s
        self._times: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """Return how long a request has to wait."""
        while self._times and self._times[0] + self._window_s <= now_s:
            self._times.popleft()
        return self._times[0] + self._window_s - now_s if len(self._times) >= self._limit else 0.0

    def note(self, now_s: float) -> None:
        """Count a request."""
        self._times.append(now_s)


class Traffic:
    """Lets requests by or not, and counts who exceeded what.

    Args:
        route_window_s: Seconds in which five requests of a kind are let by; the other windows shrink with it. 0: no
            limits, and no headers that speak of any.
    """

    def __init__(self, clock: Clock, *, route_window_s: float = ROUTE_WINDOW_S) -> None:
        self._clock = clock
        self._factor = factor = route_window_s / ROUTE_WINDOW_S
        self._routes = {method: Bucket(ROUTE_LIMIT, route_window_s) for method in _METHODS}
        self._channel = Log(_CHANNEL_LIMIT, _CHANNEL_WINDOW_S * factor)
        self._address = Log(_ADDRESS_LIMIT, _ADDRESS_WINDOW_S * factor)
        self._invalid = Log(_INVALID_LIMIT, _INVALID_WINDOW_S * factor)
        self._told_until_s = dict.fromkeys((*_METHODS, "", "channel"), 0.0)
        """Until when a caller was told to wait: on a route, at all (""), or with messages to the channel."""
        self.violations: Counter[str] = Counter()
        """Requests that the caller should not have made, by the limit; ``impatient`` ones came in a wait it was told."""
        self.invalid = 0
        """Answers that count towards the ban (401, 403, 429)."""

    def admit(self, method: str, *, forced: str | None = None) -> Mapping[str, str]:
        """Count a request and return the rate headers of its answer.

        Args:
            method: ``POST`` or ``PATCH``.
            forced: A planned refusal: ``user``, ``global`` or ``cloudflare``.

        Raises:
            Limited: It has to wait.
        """
        now_s = self._clock.monotonic()
        if self._factor:
            self._check_patience(method, now_s)
            self._check_address(now_s)
        passed, left, reset_s = self._routes[method].take(now_s)
        headers = self._headers(method, left, reset_s) if self._factor else {}
        if forced:
            self._refuse_as_planned(method, forced, now_s)
        if self._factor and not passed:
            self._refuse(ROUTE, Limited(reset_s, "user", headers), method, now_s)
        if self._factor and method == "POST":
            wait_s = self._channel.wait_s(now_s)
            if wait_s:
                self._refuse(CHANNEL, Limited(wait_s, "shared", headers), "channel", now_s)
            self._channel.note(now_s)
        return headers

    def note_invalid(self) -> None:
        """Count an answer of 401, 403 or 429."""
        self.invalid += 1
        self._invalid.note(self._clock.monotonic())

    def _check_patience(self, method: str, now_s: float) -> None:
        waits = [self._told_until_s[method], self._told_until_s[""]]
        if method == "POST":
            waits.append(self._told_until_s["channel"])
        wait_s = max(waits) - now_s
        if wait_s > 0:
            self.violations[IMPATIENT] += 1
            raise Limited(wait_s, "global" if self._told_until_s[""] > now_s else "user")

    def _check_address(self, now_s: float) -> None:
        if self._invalid.wait_s(now_s):
            self.violations[BAN] += 1
            raise Limited(_INVALID_WINDOW_S * self._factor, "")
        wait_s = self._address.wait_s(now_s)
        if wait_s:
            self._refuse(ADDRESS, Limited(wait_s, "global"), "", now_s)
        self._address.note(now_s)

    def _refuse(self, what: str, limited: Limited, told: str, now_s: float) -> None:
        self.violations[what] += 1
        self._told_until_s[told] = now_s + round(limited.wait_s, 3)
        raise limited

    def _refuse_as_planned(self, method: str, forced: str, now_s: float) -> None:
        wait_s = self._routes[method].window_s or _FORCED_WAIT_S
        self._told_until_s[method if forced == "user" else ""] = now_s + round(wait_s, 3)
        if forced == "user":
            raise Limited(wait_s, forced, self._headers(method, 0, wait_s))
        raise Limited(wait_s, "" if forced == "cloudflare" else forced)

    def _headers(self, method: str, left: int, reset_s: float) -> dict[str, str]:
        now_s = self._clock.now_utc().timestamp()
        return {
            "X-RateLimit-Limit": str(ROUTE_LIMIT),
            "X-RateLimit-Remaining": str(left),
            "X-RateLimit-Reset": f"{now_s + reset_s:.3f}",
            "X-RateLimit-Reset-After": f"{reset_s:.3f}",
            "X-RateLimit-Bucket": f"demo-webhook-{method.lower()}",
        }
