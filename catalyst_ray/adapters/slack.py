"""Slack's incoming webhooks, and those of Mattermost, Rocket.Chat and others that take the same JSON.

Owns pace, exchange and the words in which these services refuse. Does not lay out messages (``core/message_slack``).
An incoming webhook gives no id and cannot change what it posted: a revised alert is a short message of its own,
which names the alert. Facts: Slack's pages on incoming webhooks and on rate limits (one message a second).
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

from catalyst_ray.adapters.hook_exchange import Answer, HookExchange
from catalyst_ray.core.message import card
from catalyst_ray.core.message_lines import list_room, list_text
from catalyst_ray.core.message_slack import (
    MAX_TEXT,
    slack_fallback,
    slack_message,
    slack_payload,
    slack_update,
)
from catalyst_ray.core.message_update import Told, is_news
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.errors import DeliveryError
    from catalyst_ray.models import Alert
    from catalyst_ray.ports import Clock

SETTING = "SLACK_WEBHOOK_URL"
_NEW_WEBHOOK = f"make a new incoming webhook and set {SETTING}"
_MENDS = {
    "no_service": _NEW_WEBHOOK,
    "no_service_id": _NEW_WEBHOOK,
    "no_active_hooks": _NEW_WEBHOOK,
    "no_team": _NEW_WEBHOOK,
    "team_disabled": _NEW_WEBHOOK,
    "invalid_token": _NEW_WEBHOOK,
    "channel_not_found": _NEW_WEBHOOK,
    "channel_is_archived": "bring the channel back, or make a webhook of another one",
    "action_prohibited": "an administrator forbids posting there: make a webhook of another channel",
    "posting_to_general_channel_denied": "make a webhook of a channel that is not the workspace's general one",
}
# Slack's own webhooks answer a message without text, and post nothing.
_OF_SLACK = re.compile(r"/services/T\w+/B\w+/\w+")
_EMPTY = b'{"text":""}'
_FORM = frozenset({400, 413, 422})


class SlackWebhook:
    """Posts alerts to one channel.

    Args:
        url: The webhook's address, a secret.
        page_url: Where readers find our page.
        timeout_s: For one exchange in all.
        pace_s: Seconds from one message to the next.

    Raises:
        ConfigError: The address is none of http or https.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        name: str = "slack",
        page_url: str | None = None,
        timeout_s: float = 10.0,
        pace_s: float = 1.0,
    ) -> None:
        self.name = name
        self._hook = HookExchange(url, sink=name, setting=SETTING, clock=clock, timeout_s=timeout_s)
        self._clock = clock
        self._page_url = page_url
        self._pace_s = pace_s
        self._next_s = 0.0
        self._turn = asyncio.Lock()
        self._told = Told()

    def __repr__(self) -> str:
        return f"SlackWebhook(name={self.name!r}, host={self._hook.host!r})"

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (an incoming webhook takes no files)
        """Post one alert; a message that is refused for its form is sent once more as plain text.

        Raises:
            DeliveryError: Refused, not reached, told to wait, or the outcome is unknown.
        """
        shown = card(alert, page_url=self._page_url)
        answer = await self._post(slack_payload(shown))
        if answer.status in _FORM:
            answer = await self._post(slack_fallback(shown))
        self._must_be_taken(answer)
        self._told.keep(shown)
        return Receipt()

    async def edit(
        self,
        alert: Alert,
        *,
        message_id: str | None,  # noqa: ARG002  (there is none)
        chart: bytes | None,  # noqa: ARG002  (as in ``send``)
        gauge: bytes | None,  # noqa: ARG002  (as in ``send``)
    ) -> Receipt:
        """Say in one short message what became of an alert; nothing where its verdict stays the same.

        Raises:
            DeliveryError: As ``send``.
        """
        shown = card(alert, page_url=self._page_url)
        before = self._told.before(shown.alert_id)
        if is_news(shown, before):
            self._must_be_taken(await self._post(slack_update(shown, before)))
            self._told.keep(shown)
        return Receipt()

    def digest_room(self, alerts: Sequence[Alert], *, now_utc: datetime) -> int:
        """Return how many of the alerts, from the first, one message can tell of."""
        return list_room(alerts, now_utc=now_utc, limit=MAX_TEXT)

    async def send_digest(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        """Post one message with a line an alert, for those that waited too long, or news of such.

        Raises:
            DeliveryError: As ``send``.
        """
        text = list_text(alerts, now_utc=now_utc, is_news=is_news)
        self._must_be_taken(await self._post(slack_message(text)))
        return Receipt()

    async def check(self) -> str:
        """Ask whether the webhook lives, and post nothing; return it in words.

        Raises:
            DeliveryError: It does not, or nobody answered.
        """
        if not _OF_SLACK.fullmatch(self._hook.url.path):
            answer = await self._hook.reach()
            return f"{self._hook.host} answers (HTTP {answer.status} to GET); `catalyst-ray notify-test` posts to it"
        answer = await self._hook.post(_EMPTY)
        if answer.status >= 300 and answer.status not in _FORM:
            raise self._refusal(answer)
        return f"the webhook lives ({answer.text or answer.status} to an empty message)"

    async def close(self) -> None:
        """Close connections."""
        await self._hook.close()

    async def _post(self, payload: dict[str, Any]) -> Answer:
        async with self._turn:
            await self._clock.sleep(self._next_s - self._clock.monotonic())
            self._next_s = self._clock.monotonic() + self._pace_s
            return await self._hook.post(json.dumps(payload).encode("ascii"))

    def _must_be_taken(self, answer: Answer) -> None:
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)

    def _refusal(self, answer: Answer) -> DeliveryError:
        return self._hook.refusal(answer, hint=_MENDS.get(answer.text.casefold()))
