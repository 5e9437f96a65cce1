"""What Discord's answers mean: codes, rate limits, and how a refusal is told.

Pure; asks nobody. Facts: Discord's pages on webhooks, rate limits and opcodes. What stands between it and us
(Cloudflare, a proxy) answers without its body and headers, so that nothing is relied on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRY_AFTER_S = 3600.0
_BLOCKED_RETRY_S = 60.0  # a 429 without a word on when: Cloudflare's, which counts by the minute
_NEW_WEBHOOK = (
    "make a new one in Discord (channel settings, Integrations, Webhooks) and set DISCORD_WEBHOOK_URL"
)
_GONE = frozenset({10015, 50027})  # Unknown Webhook, Invalid Webhook Token: never comes back
_UNKNOWN_MESSAGE = 10008
_NEEDS_THREAD = 220001
_LINK_FILTERED = 240000
_BAD_FILES = frozenset({40005, 50045, 50046})  # too large a request, too large a file, no picture
_TOO_LARGE = 413
# A gateway gave up waiting for Discord, which may have posted the message all the same.
_UNKNOWN_STATUSES = frozenset({504, 524})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a request. ``body`` is empty when it was no JSON object."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def code(self) -> int | None:
        """Return Discord's own code for what is wrong."""
        code = self.body.get("code")
        return code if isinstance(code, int) else None

    @property
    def complaint(self) -> str:
        """Return what is wrong, in words."""
        said = clip(plain(str(self.body.get("message", ""))), 120)
        code = f"code {self.code}" if self.code else ""
        return ", ".join(filter(None, (f"HTTP {self.status}", code, said)))

    @property
    def bucket(self) -> tuple[int, int, float] | None:
        """Return limit (0 where it is not said), requests left and seconds to the reset; None if nothing is said."""
        limit, left, after_s = (
            _number(self.headers.get(f"X-RateLimit-{name}")) for name in ("Limit", "Remaining", "Reset-After")
        )
        if left is None or after_s is None:
            return None
        return int(limit or 0), int(left), min(after_s, MAX_RETRY_AFTER_S)

    @property
    def knows_no_limits(self) -> bool:
        """Return whether whoever answered keeps none: Discord names its bucket with every success, a relay may not."""
        return self.status < 300 and self.bucket is None

    @property
    def is_invalid(self) -> bool:
        """Return whether it counts towards the 10,000 refusals in ten minutes for which Discord bans an address."""
        return (
            self.status in {401, 403, 429}
            and str(self.headers.get("X-RateLimit-Scope", "")).lower() != "shared"
        )

    @property
    def is_of_all_routes(self) -> bool:
        """Return whether a 429 is for the address: Discord's global limit, or Cloudflare, which says nothing of routes."""
        scope = str(self.headers.get("X-RateLimit-Scope", "")).lower()
        if self.body.get("global") is True or scope == "global":
            return True
        if str(self.headers.get("X-RateLimit-Global", "")).lower() == "true":
            return True
        return not self.body and not scope and self.bucket is None

    @property
    def retry_after_s(self) -> float:
        """Return the wait that a 429 asks for: the body's float seconds first, then the headers."""
        said = (
            self.body.get("retry_after"),
            self.headers.get("X-RateLimit-Reset-After"),
            self.headers.get("Retry-After"),
        )
        waits = (wait for wait in map(_number, said) if wait is not None)
        return min(next(waits, _BLOCKED_RETRY_S), MAX_RETRY_AFTER_S)

    @property
    def is_gone(self) -> bool:
        """Return whether the webhook is dead for good: asking on would only get the address banned."""
        return self.code in _GONE

    @property
    def asks_for_less(self) -> bool:
        """Return whether a smaller message may be taken where this one was refused."""
        return self.status in {400, _TOO_LARGE} and self.code != _NEEDS_THREAD

    @property
    def minds_files(self) -> bool:
        """Return whether it was the files that were refused."""
        return self.status == _TOO_LARGE or self.code in _BAD_FILES

    @property
    def minds_links(self) -> bool:
        """Return whether it was a link that was refused."""
        return self.code == _LINK_FILTERED

    def refusal(self, sink: str) -> DeliveryError:
        """Return how a refusal is told, and what to do about it."""
        said = self.complaint
        if self.status == 429:
            whole = "this address" if self.is_of_all_routes else "this webhook"
            return DeliveryError(
                f"Discord slows {whole} down ({said})", key=sink, retry_after_s=self.retry_after_s
            )
        if self.status >= 500:
            known = self.status not in _UNKNOWN_STATUSES
            wait_s = _number(self.headers.get("Retry-After"))
            return DeliveryError(
                f"Discord is in trouble ({said})", key=sink, outcome_known=known, retry_after_s=wait_s
            )
        if self.code == _UNKNOWN_MESSAGE:
            return DeliveryError(f"the message was deleted ({said})", key=sink, permanent=True)
        if self.status in {401, 403, 404}:
            return dead_webhook(said, sink)
        if self.code == _NEEDS_THREAD:
            hint = "add ?thread_id=<id> to DISCORD_WEBHOOK_URL"
            return DeliveryError(
                f"a forum channel needs a thread ({said})", key=sink, sink_dead=True, hint=hint
            )
        return DeliveryError(f"Discord refused the message ({said})", key=sink, permanent=True)


def dead_webhook(said: str, sink: str) -> DeliveryError:
    """Return the error of a webhook that takes nothing any more: every alert waits until it is mended."""
    return DeliveryError(f"the webhook is dead ({said})", key=sink, sink_dead=True, hint=_NEW_WEBHOOK)


def _number(said: object) -> float | None:
    try:
        value = float(str(said))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
