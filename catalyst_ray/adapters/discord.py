"""Discord webhooks: one multipart message an alert, edited when it is revised, paced by Discord's own headers.

Owns the exchange with Discord. Does not lay out messages (``core/message_discord``), keep count of what Discord
allows (``core/discord_pace``), read its answers (``core/discord_answers``) nor decide about retries: it says what is
known and how long to wait. The webhook's address is a password; only its numeric id is ever shown.
"""

from __future__ import annotations

import asyncio
import functools
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from catalyst_ray import __version__
from catalyst_ray.core.discord_answers import Answer, dead_webhook
from catalyst_ray.core.discord_pace import AddressPace, DiscordLimits, WebhookPace
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.core.message import card
from catalyst_ray.core.message_digest import digest_lines, digest_payload, digest_room, news_payload
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
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from catalyst_ray.core.message import Card
    from catalyst_ray.models import Alert

    Files = list[tuple[str, bytes]]

_PATH = re.compile(r"/(?:.*/)?webhooks/(\d+)/[\w-]+/?")  # a path before it may be a proxy's
_MAX_ANSWER_BYTES = 256 * 1024
_MAX_WAIT_S = 3.0  # longer waits are the outbox's business: the alert is durable there
_ADDRESSES: dict[str, AddressPace] = {}
"""By origin, for all webhooks of this process: Discord's global limit and its bans are for the address."""


class DiscordWebhook:
    """Posts alerts to one Discord channel.

    Args:
        url: The webhook's full address, a secret; ``?thread_id=`` is kept. Plain http only on loopback.
        session: Makes the HTTP session when it is first needed; it is closed here.
        timeout_s: For one exchange in all; reaching Discord may take half of it.
        limits: What Discord allows, as long as it does not say otherwise.
        page_url: Where readers find our page.

    Raises:
        ConfigError: The address is no webhook's.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "discord",
        timeout_s: float = 10.0,
        limits: DiscordLimits | None = None,
        session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
        page_url: str | None = None,
    ) -> None:
        self.name = name
        self._error = functools.partial(DeliveryError, key=name)
        self._url = _webhook_url(url)
        self._id = self._url.path.rpartition("/webhooks/")[2].split("/")[0]
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._make_session = session
        self._session: aiohttp.ClientSession | None = None
        limits = limits or DiscordLimits()
        self._address = _ADDRESSES.setdefault(str(self._url.origin()), AddressPace(limits))
        self._pace = WebhookPace(limits, self._address)
        self._gone: str | None = None
        self._page_url = page_url

    def __repr__(self) -> str:
        return f"DiscordWebhook(name={self.name!r}, id={self._id})"

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:
        """Post one alert; a message that Discord refuses for its form is sent once more as plain text.

        Raises:
            DeliveryError: Refused, not reached, told to wait, or the outcome is unknown.
        """
        return _receipt(await self._tell("POST", self._posts, alert, chart, gauge))

    def free_in_s(self) -> float:
        """Return how long the next alert would have to wait for Discord's limits."""
        return 0.0 if self._gone else self._pace.wait_s("POST", asyncio.get_running_loop().time())

    def recall(self, ages_s: Sequence[float]) -> None:
        """Count calls of an earlier process against the limits, by how long ago they ended.

        Each may have been two posts: one that was refused for its form, and the smaller one.
        """
        self._pace.recall([*ages_s, *ages_s], asyncio.get_running_loop().time())

    def digest_room(self, alerts: Sequence[Alert], *, now_utc: datetime) -> int:
        """Return how many of the alerts, from the first, one message can tell of."""
        return digest_room(digest_lines(alerts, now_utc=now_utc))

    async def send_digest(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        """Post one message with a line an alert, for those that waited too long.

        With ``is_news`` it says what became of alerts that an earlier one told of. Where Discord refuses a link, none
        is shown.

        Raises:
            DeliveryError: As ``send``.
        """
        for has_links in (True, False):
            lines = digest_lines(alerts, now_utc=now_utc, has_links=has_links)
            payload = news_payload(lines) if is_news else digest_payload(alerts, lines, now_utc=now_utc)
            answer = await self._say("POST", self._posts, payload, [])
            if not answer.minds_links:
                break
        if answer.status >= 300:
            raise answer.refusal(self.name)
        return _receipt(answer)

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
        self._address.take()
        answer: Answer | None = None
        try:
            answer = await self._exchange("GET", self._url, None)
        finally:
            self._address.end(answer, asyncio.get_running_loop().time())
        if answer.status >= 300:
            raise answer.refusal(self.name)
        called = clip(plain(str(answer.body.get("name") or "without name")), 80)
        return (
            f"webhook {self._id} “{called}” in channel {plain(str(answer.body.get('channel_id', 'unknown')))}"
        )

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @property
    def _posts(self) -> URL:
        return self._url.update_query(wait="true")

    async def _tell(
        self, method: str, url: URL, alert: Alert, chart: bytes | None, gauge: bytes | None
    ) -> Answer:
        shown = card(alert, page_url=self._page_url)
        answer = await self._say(method, url, *_whole(shown, chart, gauge))
        if answer.asks_for_less:
            answer = await self._say(method, url, _smaller(shown, answer), [])
        if answer.status >= 300:
            raise answer.refusal(self.name)
        return answer

    async def _say(self, method: str, url: URL, payload: dict[str, Any], files: Files) -> Answer:
        if self._gone:
            raise dead_webhook(self._gone, self.name)
        await self._wait_turn(method)
        form = aiohttp.FormData(default_to_multipart=True)
        words = json.dumps(discord_edit(payload) if method == "PATCH" else payload, ensure_ascii=False)
        form.add_field("payload_json", words, content_type="application/json")
        for place, (filename, png) in enumerate(files):
            form.add_field(f"files[{place}]", png, filename=filename, content_type="image/png")
        loop = asyncio.get_running_loop()
        self._pace.take(method, loop.time())
        answer: Answer | None = None
        try:
            answer = await self._exchange(method, url, form)
        finally:  # also when cancelled: Discord may have counted it
            self._pace.end(method, answer, loop.time())
        if answer.is_gone:
            self._gone = answer.complaint
        return answer

    async def _wait_turn(self, method: str) -> None:
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _MAX_WAIT_S
        while wait_s := self._pace.wait_s(method, loop.time()):
            if loop.time() + wait_s > give_up_s:
                raise self._error("waiting for Discord's rate limit", retry_after_s=wait_s)
            # In short steps: the answer to another request may open the bucket earlier.
            await asyncio.sleep(min(wait_s, 0.02))

    async def _exchange(self, method: str, url: URL, form: aiohttp.FormData | None) -> Answer:
        outcome = await self._attempt(method, url, form)
        # Raised here, outside any ``except``: aiohttp's own errors hold the address, and a traceback
        # or an error tracker that follows ``__context__`` would show it.
        if isinstance(outcome, DeliveryError):
            raise outcome
        return outcome

    async def _attempt(self, method: str, url: URL, form: aiohttp.FormData | None) -> Answer | DeliveryError:
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
                return Answer(status, response.headers, await _read_object(response))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return self._error(f"cannot reach Discord ({_kind(error)})", hint="check the network and DNS")
        except TimeoutError:
            said = "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            said = f"connection lost ({_kind(error)})"
        # A cut answer whose status was a refusal is a refusal; anything else may have been posted.
        return Answer(status, {}, {}) if status >= 300 else self._error(said, outcome_known=False)


def _webhook_url(text: str) -> URL:
    try:
        url = URL(text.strip())
        known = _PATH.fullmatch(url.path) and (
            url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host or ""))
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


def _whole(shown: Card, chart: bytes | None, gauge: bytes | None) -> tuple[dict[str, Any], Files]:
    payload = discord_payload(shown, has_chart=chart is not None, has_gauge=gauge is not None)
    pictures = {CHART_NAME: chart, GAUGE_NAME: gauge}
    return payload, [(one["filename"], pictures[one["filename"]] or b"") for one in payload["attachments"]]


def _smaller(shown: Card, refused: Answer) -> dict[str, Any]:
    """Return the message without what was refused: its pictures, its link, or else its whole embed."""
    if refused.minds_files:
        return discord_payload(shown, has_chart=False, has_gauge=False)
    return discord_fallback(replace(shown, link="") if refused.minds_links else shown)


def _receipt(answer: Answer) -> Receipt:
    return Receipt(str(answer.body["id"]) if "id" in answer.body else None)


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


def _kind(error: Exception) -> str:
    # The type only: the text of some of aiohttp's errors holds the address.
    return type(error).__name__
