"""Discord webhooks: one multipart message an alert, edited when it is revised, paced by Discord's own headers.

Owns the exchange with Discord and what its answers mean. Does not lay out messages (``core/message_discord``)
nor decide about retries: it says what is known and how long to wait. The webhook's address is a password;
only its numeric id is ever shown. Facts: Discord's pages on webhooks and on rate limits.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from catalyst_ray import __version__
from catalyst_ray.core.message import card
from catalyst_ray.core.message_discord import (
    CHART_NAME,
    GAUGE_NAME,
    discord_edit,
    discord_fallback,
    discord_payload,
)
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.errors import ConfigError, DeliveryError
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalyst_ray.models import Alert

_PATH = re.compile(r"/(?:.*/)?webhooks/(\d+)/[\w-]+/?")  # a path before it may be a proxy's
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_MAX_ANSWER_BYTES = 256 * 1024
_MAX_WAIT_S = 3.0  # longer waits are the outbox's business: the alert is durable there
_MAX_RETRY_AFTER_S = 3600.0
_BLOCKED_RETRY_S = 60.0  # a 429 without a word on when: Cloudflare's, which counts by the minute
_NEW_WEBHOOK = (
    "make a new one in Discord (channel settings, Integrations, Webhooks) and set DISCORD_WEBHOOK_URL"
)
_GONE = frozenset({10015, 50027})  # Unknown Webhook, Invalid Webhook Token: never comes back
_UNKNOWN_MESSAGE = 10008
_NEEDS_THREAD = 220001
_LINK_FILTERED = 240000
_TOO_LARGE = 413
# A gateway gave up waiting for Discord, which may have posted the message all the same.
_UNKNOWN_STATUSES = frozenset({504, 524})


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    """Empty when it was no JSON object."""

    @property
    def code(self) -> int | None:
        code = self.body.get("code")
        return code if isinstance(code, int) else None

    @property
    def complaint(self) -> str:
        said = clip(plain(str(self.body.get("message", ""))), 120)
        code = f"code {self.code}" if self.code else ""
        return ", ".join(filter(None, (f"HTTP {self.status}", code, said)))


class _Pace:
    """Requests left in a bucket of the webhook; before Discord's first word, 5 in 2 s as it allows today."""

    def __init__(self) -> None:
        self._limit = 5
        self._left = self._limit
        self._resets_s = 0.0
        self._blocked_until_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """Return how long to wait before a request."""
        empty_s = self._resets_s - now_s if self._left <= 0 else 0.0
        return max(0.0, empty_s, self._blocked_until_s - now_s)

    def take(self, now_s: float) -> None:
        """Count a request."""
        if now_s >= self._resets_s:
            self._left, self._resets_s = self._limit, now_s + 2.0
        self._left -= 1

    def learn(self, headers: Mapping[str, str], now_s: float) -> None:
        """Take over what an answer's headers say; none of them means no limit is kept there."""
        left, limit, after_s = (
            _seconds(headers.get(f"X-RateLimit-{name}")) for name in ("Remaining", "Limit", "Reset-After")
        )
        if left is None or after_s is None:
            self._left = self._limit
            return
        self._limit = max(1, int(limit or self._limit))
        # Answers to requests that overlapped may come in any order: within a window the lowest count holds.
        self._left = min(self._left, int(left))
        self._resets_s = now_s + min(after_s, _MAX_RETRY_AFTER_S)

    def block(self, seconds: float, now_s: float) -> None:
        """Send nothing for that long."""
        self._blocked_until_s = max(self._blocked_until_s, now_s + seconds)


class DiscordWebhook:
    """Posts alerts to one Discord channel.

    Args:
        url: The webhook's full address, a secret; ``?thread_id=`` is kept. Plain http only on loopback.
        session: Makes the HTTP session when it is first needed; it is closed here.
        timeout_s: For one exchange in all; reaching Discord may take half of it.

    Raises:
        ConfigError: The address is no webhook's.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "discord",
        timeout_s: float = 10.0,
        session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> None:
        self.name = name
        self._url = _webhook_url(url)
        self._id = self._url.path.rpartition("/webhooks/")[2].split("/")[0]
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._make_session = session
        self._session: aiohttp.ClientSession | None = None
        # Discord keeps a bucket a route: edits must not use up what alerts need, nor wait for them.
        self._paces = {"POST": _Pace(), "PATCH": _Pace()}
        self._gone: str | None = None

    def __repr__(self) -> str:
        return f"DiscordWebhook(name={self.name!r}, id={self._id})"

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:
        """Post one alert; a message that Discord refuses for its form is sent once more as plain text.

        Raises:
            DeliveryError: Refused, not reached, told to wait, or the outcome is unknown.
        """
        answer = await self._tell("POST", self._url.update_query(wait="true"), alert, chart, gauge)
        return Receipt(str(answer.body["id"]) if "id" in answer.body else None)

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        """Replace an alert's message whole, pictures too; in plain text if Discord refuses its form.

        Raises:
            DeliveryError: As ``send``; permanent when the message was deleted, or its id is not known.
        """
        if message_id is None or not message_id.isdecimal():
            raise self._error("the message's id is not known", permanent=True)
        url = self._url.joinpath("messages", message_id).with_query(self._url.query)
        await self._tell("PATCH", url, alert, chart, gauge)
        return Receipt(message_id)

    async def check(self) -> str:
        """Ask Discord for the webhook and return what it is, in words.

        Raises:
            DeliveryError: It does not exist or Discord did not answer.
        """
        answer = await self._exchange("GET", self._url, None)
        if answer.status >= 300:
            raise self._refusal(answer)
        called = clip(plain(str(answer.body.get("name") or "without name")), 80)
        return (
            f"webhook {self._id} “{called}” in channel {plain(str(answer.body.get('channel_id', 'unknown')))}"
        )

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _tell(
        self, method: str, url: URL, alert: Alert, chart: bytes | None, gauge: bytes | None
    ) -> _Answer:
        shown = card(alert)
        payload = discord_payload(shown, has_chart=chart is not None, has_gauge=gauge is not None)
        pictures = {CHART_NAME: chart, GAUGE_NAME: gauge}
        files = [(one["filename"], pictures[one["filename"]] or b"") for one in payload["attachments"]]
        answer = await self._say(method, url, payload, files)
        if answer.status in {400, _TOO_LARGE} and answer.code != _NEEDS_THREAD:
            if answer.code == _LINK_FILTERED:
                shown = replace(shown, link="")
            answer = await self._say(method, url, discord_fallback(shown), [])
        if answer.status >= 300:
            raise self._refusal(answer)
        return answer

    async def _say(
        self, method: str, url: URL, payload: dict[str, Any], files: list[tuple[str, bytes]]
    ) -> _Answer:
        if self._gone:
            raise self._error(self._gone, permanent=True, hint=_NEW_WEBHOOK)
        pace = self._paces[method]
        await self._take_turn(pace)
        if method == "PATCH":
            payload = discord_edit(payload)
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field(
            "payload_json", json.dumps(payload, ensure_ascii=False), content_type="application/json"
        )
        for place, (filename, png) in enumerate(files):
            form.add_field(f"files[{place}]", png, filename=filename, content_type="image/png")
        answer = await self._exchange(method, url, form)
        now_s = asyncio.get_running_loop().time()
        pace.learn(answer.headers, now_s)
        if answer.status == 429:
            for one in self._paces.values() if _is_of_all_routes(answer) else (pace,):
                one.block(_retry_after_s(answer), now_s)
        if answer.code in _GONE:
            self._gone = f"the webhook is dead ({answer.complaint})"
        return answer

    async def _take_turn(self, pace: _Pace) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _MAX_WAIT_S
        while wait_s := pace.wait_s(loop.time()):
            if loop.time() + wait_s > give_up_s:
                raise self._error("waiting for Discord's rate limit", retry_after_s=wait_s)
            # In short steps: the answer to another request may open the bucket earlier.
            await asyncio.sleep(min(wait_s, 0.02))
        pace.take(loop.time())

    async def _exchange(self, method: str, url: URL, form: aiohttp.FormData | None) -> _Answer:
        outcome = await self._attempt(method, url, form)
        # Raised here, outside any ``except``: aiohttp's own errors hold the address, and a traceback
        # or an error tracker that follows ``__context__`` would show it.
        if isinstance(outcome, DeliveryError):
            raise outcome
        return outcome

    async def _attempt(self, method: str, url: URL, form: aiohttp.FormData | None) -> _Answer | DeliveryError:
        if self._session is None:
            self._session = self._make_session()
        headers = {"User-Agent": f"DiscordBot (catalyst_ray, {__version__})"}
        asked = self._session.request(
            method, url, data=form, headers=headers, timeout=self._timeout, allow_redirects=False
        )
        status = 0
        try:
            async with asked as response:
                status = response.status
                return _Answer(status, response.headers, await _read_object(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return self._error(f"cannot reach Discord ({_kind(error)})", hint="check the network and DNS")
        except TimeoutError:
            said = "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            said = f"connection lost ({_kind(error)})"
        # A cut answer whose status was a refusal is a refusal; anything else may have been posted.
        return _Answer(status, {}, {}) if status >= 300 else self._error(said, outcome_known=False)

    def _refusal(self, answer: _Answer) -> DeliveryError:
        said = answer.complaint
        if answer.status == 429:
            whole = "this address" if _is_of_all_routes(answer) else "this webhook"
            return self._error(f"Discord slows {whole} down ({said})", retry_after_s=_retry_after_s(answer))
        if answer.status >= 500:
            known = answer.status not in _UNKNOWN_STATUSES
            wait_s = _seconds(answer.headers.get("Retry-After"))
            return self._error(f"Discord is in trouble ({said})", outcome_known=known, retry_after_s=wait_s)
        if answer.code == _UNKNOWN_MESSAGE:
            return self._error(f"the message was deleted ({said})", permanent=True)
        if answer.status in {401, 403, 404}:
            return self._error(f"the webhook is dead ({said})", permanent=True, hint=_NEW_WEBHOOK)
        if answer.code == _NEEDS_THREAD:
            hint = "add ?thread_id=<id> to DISCORD_WEBHOOK_URL"
            return self._error(f"a forum channel needs a thread ({said})", permanent=True, hint=hint)
        return self._error(f"Discord refused the message ({said})", permanent=True)

    def _error(
        self,
        message: str,
        *,
        permanent: bool = False,
        outcome_known: bool = True,
        retry_after_s: float | None = None,
        hint: str | None = None,
    ) -> DeliveryError:
        return DeliveryError(
            message,
            permanent=permanent,
            outcome_known=outcome_known,
            retry_after_s=retry_after_s,
            key=self.name,
            hint=hint,
        )


def _webhook_url(text: str) -> URL:
    try:
        url = URL(text.strip())
        known = _PATH.fullmatch(url.path) and (
            url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)
        )
    except ValueError:
        known = None
    if not known:  # raised outside ``except``: yarl's error, which holds the address, must not be its context
        raise ConfigError(
            "this is no webhook address, was expected like https://discord.com/api/webhooks/<id>/<token>",
            key="DISCORD_WEBHOOK_URL",
            hint="copy it from Discord: channel settings, Integrations, Webhooks",
        )
    return url


async def _read_object(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    body = bytearray()
    async for chunk in response.content.iter_chunked(16 * 1024):
        body += chunk
        if len(body) > _MAX_ANSWER_BYTES:
            return {}
    try:
        answer = json.loads(body)
    except ValueError:  # Cloudflare's HTML, or an empty 204
        return {}
    return answer if isinstance(answer, dict) else {}


def _is_of_all_routes(answer: _Answer) -> bool:
    # Without a body it is Cloudflare's, which counts by address.
    return bool(answer.body.get("global")) or not answer.body


def _retry_after_s(answer: _Answer) -> float:
    said = (
        answer.body.get("retry_after"),
        answer.headers.get("X-RateLimit-Reset-After"),
        answer.headers.get("Retry-After"),
    )
    waits = (wait for wait in map(_seconds, said) if wait is not None)
    return min(next(waits, _BLOCKED_RETRY_S), _MAX_RETRY_AFTER_S)


def _seconds(said: object) -> float | None:
    try:
        value = float(str(said))
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _kind(error: Exception) -> str:
    # The type only: the text of some of aiohttp's errors holds the address.
    return type(error).__name__
