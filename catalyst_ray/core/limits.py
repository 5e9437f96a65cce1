"""Waiting rules: back-off, what a server asks for, pace per host. Pure: time and chance are arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from datetime import datetime

MAX_RETRY_AFTER_S = 86_400.0


def backoff_s(failures: int, *, base_s: float, cap_s: float, jitter: float) -> float:
    """Return the wait before the next try, in seconds: doubling from ``base_s``, at most ``cap_s``.

    ``jitter`` in [0, 1) is drawn by the caller and takes up to a quarter off, so that equal inputs give
    equal waits and feeds that failed together do not come back together. ``failures`` counts from 1.

    Raises:
        ValueError: ``failures`` < 1.
    """
    if failures < 1:
        raise ValueError(f"failures must be at least 1, was {failures}")
    doubled = base_s * 2.0 ** min(failures - 1, 30)
    return min(cap_s, doubled) * (1.0 - jitter / 4.0)


def retry_after_s(value: str | None, *, now_utc: datetime) -> float | None:
    """Return the wait that a Retry-After header asks for, in seconds (RFC 9110 §10.2.3), at most a day."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value), MAX_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return min(max(0.0, (when - now_utc).total_seconds()), MAX_RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class Pace:
    """A token bucket's shape: ``burst`` requests at once, then ``rate_per_s``."""

    rate_per_s: float
    burst: int


SEC_PACE = Pace(rate_per_s=7.0, burst=3)
"""SEC allows 10 requests/s in all: no window of one second can hold more than burst + rate of ours."""
PUBLIC_PACE = Pace(rate_per_s=5.0, burst=5)
"""What we ask of any other public host at most."""
MAX_HOSTS = 10_000


def pace_group(url: str) -> str:
    """Return the name under which a URL's requests are counted: SEC's hosts are one."""
    host = (urlsplit(url).hostname or "").lower()
    return "sec.gov" if host == "sec.gov" or host.endswith(".sec.gov") else host


class Turns:
    """Start times of one stream of requests that keep a pace. The algorithm is GCRA: one number, when it is free."""

    def __init__(self, pace: Pace) -> None:
        self._spacing_s = 1.0 / pace.rate_per_s
        self._lead_s = self._spacing_s * (pace.burst - 1)
        self.free_at_s = -math.inf

    def wait_s(self, now_s: float) -> float:
        """Return how many seconds a request that comes now would have to wait."""
        return max(0.0, max(self.free_at_s, now_s) - now_s - self._lead_s)

    def reserve(self, now_s: float) -> float:
        """Book a request and return how many seconds to wait before sending it; no clock's ``now_s`` goes back."""
        wait_s = self.wait_s(now_s)
        self.free_at_s = max(self.free_at_s, now_s) + self._spacing_s
        return wait_s


class Pacer:
    """Hands out start times that keep each host's pace; holds the last few thousand hosts."""

    def __init__(self) -> None:
        self._hosts: dict[str, Turns] = {}

    def reserve(self, url: str, *, now_s: float) -> float:
        """Book a request and return how many seconds to wait before sending it; see ``Turns``."""
        group = pace_group(url)
        if group not in self._hosts and len(self._hosts) >= MAX_HOSTS:
            self._hosts = {host: turns for host, turns in self._hosts.items() if turns.free_at_s > now_s}
        turns = self._hosts.setdefault(group, Turns(SEC_PACE if group == "sec.gov" else PUBLIC_PACE))
        return turns.reserve(now_s)
