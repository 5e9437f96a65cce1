"""Any of the services that apprise knows: mail, push, chat, SMS. Needs the extra ``notify``.

Owns the call of apprise. Each address is a sink of its own, so that one that fails doubles nothing in the others.
Apprise says of a message only that it was taken or not: a failure is an unknown outcome, for part of it (the text, the
picture) may have arrived. A revised alert is a short message of its own.
"""

from __future__ import annotations

import asyncio
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.extras import extra
from catalyst_ray.core.message import card
from catalyst_ray.core.message_discord import CHART_NAME
from catalyst_ray.core.message_lines import list_room, list_text
from catalyst_ray.core.message_plain import MAX_TEXT, MIN_TEXT, one_line, plain_text, title_line
from catalyst_ray.core.message_text import quiet
from catalyst_ray.core.message_update import Told, is_news, update
from catalyst_ray.errors import ConfigError, DeliveryError
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from catalyst_ray.core.message import Card
    from catalyst_ray.models import Alert

SETTING = "APPRISE_URLS"
_BETWEEN = re.compile(r"[\s,]+(?=[A-Za-z][\w+.-]*://)|[\s,]+$")
_SPARE = 60
"""What a service may add to a text before its own limit counts."""


class AppriseService:
    """Sends alerts to one address of apprise, in a thread.

    Args:
        url: The address, a secret.
        number: Its place among the addresses; with the service's kind it makes the sink's name.
        page_url: Where readers find our page.

    Raises:
        ConfigError: apprise is not installed, or does not know what the address means.
    """

    def __init__(self, url: str, *, number: int = 1, page_url: str | None = None) -> None:
        kind = url.partition("://")[0].casefold()
        self.name = f"apprise-{number}-{re.sub(r'[^a-z0-9]', '', kind)[:20]}"
        self._service = _service(url, number, kind)
        self._page_url = page_url
        self._told = Told()
        self._turn = asyncio.Lock()
        self._working: asyncio.Future[bool] | None = None

    def __repr__(self) -> str:
        return f"AppriseService(name={self.name!r})"

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (one picture is enough for a push message)
        """Send one alert as text, with the chart where the service takes files.

        Raises:
            DeliveryError: It was not taken, or in part; nobody knows.
        """
        shown = card(alert, page_url=self._page_url)
        await self._say(*self._words(shown), chart)
        self._told.keep(shown)
        return Receipt()

    async def edit(
        self,
        alert: Alert,
        *,
        message_id: str | None,  # noqa: ARG002  (there is none)
        chart: bytes | None,  # noqa: ARG002  (the first message has it)
        gauge: bytes | None,  # noqa: ARG002  (as in ``send``)
    ) -> Receipt:
        """Say in one short message what became of an alert; nothing where its verdict stays the same.

        Raises:
            DeliveryError: As ``send``.
        """
        shown = card(alert, page_url=self._page_url)
        before = self._told.before(shown.alert_id)
        if is_news(shown, before):
            await self._say("", quiet(update(shown, before).within(self._room)), None)
            self._told.keep(shown)
        return Receipt()

    def digest_room(self, alerts: Sequence[Alert], *, now_utc: datetime) -> int:
        """Return how many of the alerts, from the first, one message can tell of."""
        return 1 if self._is_short else list_room(alerts, now_utc=now_utc, limit=min(self._room, MAX_TEXT))

    async def send_digest(self, alerts: Sequence[Alert], *, now_utc: datetime, is_news: bool) -> Receipt:
        """Send one message with a line an alert, for those that waited too long, or news of such.

        Raises:
            DeliveryError: As ``send``.
        """
        if self._is_short:
            text = one_line(card(alerts[0]), limit=self._room)
        else:
            text = list_text(alerts, now_utc=now_utc, is_news=is_news)
        await self._say("", text, None)
        return Receipt()

    async def check(self) -> str:
        """Return what is known of the service in words; nothing is asked, for apprise can only send."""
        files = "with the chart" if self._service.attachment_support else "without the chart"
        return f"{self._service.service_name}, {files}; only `catalyst-ray notify-test` shows whether it takes alerts"

    async def close(self) -> None:
        """Do nothing: apprise keeps no connection."""

    @property
    def _room(self) -> int:
        return int(self._service.body_maxlen) - _SPARE

    @property
    def _is_short(self) -> bool:
        """Return whether the service takes no more than a line."""
        return self._room < MIN_TEXT

    def _words(self, shown: Card) -> tuple[str, str]:
        """Return title and body: the whole card, or one line."""
        if self._is_short:
            return "", one_line(shown, limit=self._room)
        title = title_line(shown)
        body = plain_text(shown, limit=min(self._room, MAX_TEXT))
        return title, body.partition("\n")[2]

    async def _say(self, title: str, body: str, chart: bytes | None) -> None:
        async with self._turn:
            if self._working and not self._working.done():
                raise self._error("the message before is still on its way", outcome_known=True)
            # Shielded, since a thread cannot be ended: the next message waits for it.
            self._working = asyncio.ensure_future(asyncio.to_thread(self._notify, title, body, chart))
            taken = await asyncio.shield(self._working)
        if not taken:
            raise self._error("the service did not take it; apprise's own words are in the log")

    def _notify(self, title: str, body: str, chart: bytes | None) -> bool:
        import apprise  # noqa: PLC0415  (an extra)
        from apprise.attachment import memory  # noqa: PLC0415  (as above)

        caller = apprise.Apprise(asset=self._service.asset)
        caller.add(self._service)
        attach: Any = memory.AttachMemory
        has_picture = chart and self._service.attachment_support
        picture = attach(content=chart, name=CHART_NAME, mimetype="image/png") if has_picture else None
        return bool(
            caller.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT, attach=picture)
        )

    def _error(self, message: str, *, outcome_known: bool = False) -> DeliveryError:
        return DeliveryError(message, outcome_known=outcome_known, key=self.name)


def addresses(urls: str) -> list[str]:
    """Return the addresses in a text; they are divided by spaces, line ends or commas."""
    return [url for url in _BETWEEN.split(urls.strip()) if url]


def _service(url: str, number: int, kind: str) -> Any:
    if find_spec("apprise") is None:
        raise ConfigError("apprise is not installed", key=SETTING, hint=extra("notify"))
    import apprise  # noqa: PLC0415  (an extra)

    # Without pictures of its own: they would be loaded from elsewhere.
    asset = apprise.AppriseAsset(
        app_id="catalyst_ray", app_desc="catalyst_ray", image_url_mask="", image_url_logo="", async_mode=False
    )
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None:
        raise ConfigError(
            f"apprise does not know what address {number} ({kind}://…) means",
            key=SETTING,
            hint="see https://github.com/caronc/apprise/wiki for how each service's address is written",
        )
    return service
