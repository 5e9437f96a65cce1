"""Alerts as signed JSON events to an address of your own (Standard Webhooks 1.0).

Owns headers and exchange. Does not own the event (``core/message_event``), its signature (``core/signing``) nor what
an answer means (``hook_exchange``). A receiver drops doubles by ``webhook-id``, the same at every attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.adapters.hook_exchange import HookExchange
from catalyst_ray.core.message_event import CREATED, REVISED, alert_event, event_id
from catalyst_ray.core.signing import signature
from catalyst_ray.models import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import Alert
    from catalyst_ray.ports import Clock

SETTING = "WEBHOOK_URL"


class Webhook:
    """Posts each alert and each revision to one address.

    Args:
        url: The receiver's address, a secret.
        keys: What is signed with, the newest first; none leaves events unsigned.
        page_url: Where readers find our page.
        timeout_s: For one exchange in all.

    Raises:
        ConfigError: The address is none of http or https.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        keys: Sequence[bytes] = (),
        name: str = "webhook",
        page_url: str | None = None,
        timeout_s: float = 15.0,
    ) -> None:
        self.name = name
        self._hook = HookExchange(url, sink=name, setting=SETTING, clock=clock, timeout_s=timeout_s)
        self._clock = clock
        self._keys = keys
        self._page_url = page_url

    def __repr__(self) -> str:
        return f"Webhook(name={self.name!r}, host={self._hook.host!r})"

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:  # noqa: ARG002  (events are small: the page has the pictures)
        """Post one alert as ``alert.created``; the receipt holds the event's id.

        Raises:
            DeliveryError: Refused, not reached, told to wait, or the outcome is unknown.
        """
        return await self._tell(alert, CREATED)

    async def edit(
        self,
        alert: Alert,
        *,
        message_id: str | None,  # noqa: ARG002  (the receiver knows the alert by its own id)
        chart: bytes | None,  # noqa: ARG002  (as in ``send``)
        gauge: bytes | None,  # noqa: ARG002  (as in ``send``)
    ) -> Receipt:
        """Post a revision as ``alert.revised``: the whole record, which replaces the one before.

        Raises:
            DeliveryError: As ``send``.
        """
        return await self._tell(alert, REVISED)

    async def check(self) -> str:
        """Ask whether somebody answers at the address, without an event; return it in words.

        Raises:
            DeliveryError: Nobody does.
        """
        answer = await self._hook.reach()
        return (
            f"{self._hook.host} answers (HTTP {answer.status} to GET); `catalyst-ray notify-test` posts to it"
        )

    async def close(self) -> None:
        """Close connections."""
        await self._hook.close()

    async def _tell(self, alert: Alert, kind: str) -> Receipt:
        body = alert_event(alert, kind=kind, page_url=self._page_url)
        told = event_id(alert)
        sent_s = int(self._clock.now_utc().timestamp())
        headers = {"webhook-id": told, "webhook-timestamp": str(sent_s)}
        if self._keys:
            headers["webhook-signature"] = signature(self._keys, event_id=told, timestamp_s=sent_s, body=body)
        answer = await self._hook.post(body, headers)
        if not 200 <= answer.status < 300:
            raise self._hook.refusal(answer)
        return Receipt(told)
