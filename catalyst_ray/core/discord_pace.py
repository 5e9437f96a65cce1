"""When a Discord webhook may be asked: its buckets, its channel's limit, and what holds for the whole address.

Pure: time is an argument, of a clock that never goes back. Nothing here is sent. What Discord says of a bucket rules;
what it does not say is kept by counting. Every request is counted until a window after its end: Discord may have
counted it at any moment before that. Facts: Discord's page on rate limits, and what is known of channels.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.core.discord_answers import Answer

_ROUNDING_S = 0.005  # Discord rounds its waits to the millisecond


@dataclass(frozen=True, slots=True)
class DiscordLimits:
    """What Discord allows, as counts and the seconds of their windows.

    Args:
        route: Requests of one kind to one webhook, before Discord's first word on them.
        channel: Messages to one channel.
        address: Requests from one address in all.
        invalid: Refusals (401, 403, 429) to one address. Discord bans it for ten times as many.
    """

    route: int = 5
    route_s: float = 2.0
    channel: int = 30
    channel_s: float = 60.0
    address: int = 50
    address_s: float = 1.0
    invalid: int = 1_000
    invalid_s: float = 600.0


class Window:
    """At most ``limit`` requests in any ``seconds``, each counted from its start to that long after its end."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._under_way = 0
        self._ended: deque[float] = deque(maxlen=limit)

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before a request."""
        while self._ended and self._ended[0] + self._seconds <= now_s:
            self._ended.popleft()
        if self._under_way + len(self._ended) < self._limit:
            return 0.0
        return (self._ended[0] if self._ended else now_s) + self._seconds - now_s

    def take(self) -> None:
        """Count a request that starts."""
        self._under_way += 1

    def end(self, now_s: float) -> None:
        """Note that one ended, in whatever way."""
        self._under_way = max(0, self._under_way - 1)
        self._ended.append(now_s)

    def clear(self) -> None:
        """Forget those that ended."""
        self._ended.clear()


class Bucket:
    """Requests left on one route of a webhook, as Discord's headers say."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._left = limit
        self._resets_s = 0.0
        self._blocked_until_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before a request."""
        empty_s = self._resets_s - now_s if self._left <= 0 else 0.0
        return max(0.0, empty_s, self._blocked_until_s - now_s)

    def take(self, now_s: float) -> None:
        """Count a request."""
        if now_s >= self._resets_s:
            self._left, self._resets_s = self._limit, now_s + self._seconds
        self._left -= 1

    def learn(self, answer: Answer, now_s: float) -> None:
        """Take over what an answer's headers say."""
        if answer.knows_no_limits:
            self._left = self._limit
        if answer.bucket is None:
            self.lost(now_s)  # a gateway's answer, which knows nothing of buckets
            return
        limit, left, after_s = answer.bucket
        self._limit = max(1, limit or self._limit)
        # Answers to requests that overlapped may come in any order: within a window the lowest count holds.
        self._left = min(self._left, left)
        self._resets_s = now_s + after_s + _ROUNDING_S

    def lost(self, now_s: float) -> None:
        """Note that no answer came: Discord's window may have begun as late as now."""
        self._resets_s = max(self._resets_s, now_s + self._seconds)

    def block(self, seconds: float, now_s: float) -> None:
        """Send nothing for that long."""
        self._blocked_until_s = max(self._blocked_until_s, now_s + seconds + _ROUNDING_S)


class AddressPace:
    """What all webhooks of this process share: the global limit, its pauses, and refusals, for which Discord bans."""

    def __init__(self, limits: DiscordLimits) -> None:
        self._all = Window(limits.address, limits.address_s)
        self._invalid = Window(limits.invalid, limits.invalid_s)
        self._blocked_until_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before a request."""
        return max(0.0, self._blocked_until_s - now_s, self._all.wait_s(now_s), self._invalid.wait_s(now_s))

    def take(self) -> None:
        """Count a request that starts."""
        self._all.take()

    def end(self, answer: Answer | None, now_s: float) -> None:
        """Note what came of one: None is no answer."""
        self._all.end(now_s)
        if answer is None:
            return
        if answer.knows_no_limits:
            self._all.clear()
        if answer.is_invalid:
            self._invalid.end(now_s)
        if answer.status == 429 and answer.is_of_all_routes:
            self._blocked_until_s = max(self._blocked_until_s, now_s + answer.retry_after_s + _ROUNDING_S)


class WebhookPace:
    """When one webhook may be posted to and its messages edited; each kind has a bucket of its own."""

    def __init__(self, limits: DiscordLimits, address: AddressPace) -> None:
        self._limits = limits
        self._address = address
        self._channel = Window(limits.channel, limits.channel_s)
        self._buckets = {method: Bucket(limits.route, limits.route_s) for method in ("POST", "PATCH")}

    def wait_s(self, method: str, now_s: float) -> float:
        """Return how long to wait before a request."""
        channel_s = self._channel.wait_s(now_s) if method == "POST" else 0.0
        return max(self._buckets[method].wait_s(now_s), channel_s, self._address.wait_s(now_s))

    def take(self, method: str, now_s: float) -> None:
        """Count a request that starts."""
        self._buckets[method].take(now_s)
        self._address.take()
        if method == "POST":
            self._channel.take()

    def end(self, method: str, answer: Answer | None, now_s: float) -> None:
        """Note what came of one: None is no answer."""
        if method == "POST":
            self._channel.end(now_s)
        self._address.end(answer, now_s)
        bucket = self._buckets[method]
        if answer is None:
            bucket.lost(now_s)
            return
        if answer.knows_no_limits:
            self._channel.clear()
        bucket.learn(answer, now_s)
        if answer.status == 429 and not answer.is_of_all_routes:
            bucket.block(answer.retry_after_s, now_s)

    def recall(self, ages_s: Sequence[float], now_s: float) -> None:
        """Count posts of an earlier process, by how long ago they were."""
        for age_s in sorted(ages_s, reverse=True):
            self._channel.take()
            self._channel.end(now_s - age_s)
        if ages_s:
            self._buckets["POST"].block(self._limits.route_s - min(ages_s), now_s)
