"""The signed webhook against a loopback receiver that fails in every way HTTP knows."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.webhook import Webhook
from catalyst_ray.errors import ConfigError, DeliveryError
from tests.adapters.hook_server import PATH, Hook, cut, hook_server
from tests.unit.core.factories import make_alert

pytestmark = pytest.mark.anyio

KEY = b"k" * 32
TOKEN = PATH.rpartition("/")[2]


class FrozenClock(SystemClock):
    """Stands still, so that dates can be compared."""

    def now_utc(self) -> datetime:
        """Return one moment."""
        return datetime(2026, 3, 17, 13, 42, 7, tzinfo=UTC)


def sink(hook: Hook, **changes: Any) -> Webhook:
    """Return a webhook that posts to the server."""
    return Webhook(hook.url, **{"clock": FrozenClock(), "keys": (KEY,), "timeout_s": 2.0, **changes})


async def failure(webhook: Webhook) -> DeliveryError:
    """Return the error that posting raises, after looking for the secret in all of it."""
    with pytest.raises(DeliveryError) as caught:
        await webhook.send(make_alert(), chart=None, gauge=None)
    await webhook.close()
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(error.__dict__) + repr(webhook)
    assert TOKEN not in told
    assert error.__context__ is None
    return error


async def test_an_event_is_posted_with_a_signature_that_a_receiver_can_check() -> None:
    """The way docs/alerts.md says: over id, time and the raw body; the id comes back as the message's."""
    async with hook_server() as hook:
        webhook = sink(hook, page_url="https://alerts.example.org")
        receipt = await webhook.send(make_alert(), chart=b"png", gauge=b"png")
        await webhook.close()
    headers, body = hook.headers[0], hook.bodies[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == str(int(FrozenClock().now_utc().timestamp()))
    assert headers["Content-Type"] == "application/json"
    assert receipt.message_id == headers["webhook-id"] == "alert_a1b2c3d4e5_0"
    event = json.loads(body)
    assert event["type"] == "alert.created"
    assert event["data"]["page"] == "https://alerts.example.org/alerts/a1b2c3d4e5"


async def test_a_retry_has_the_same_id_and_a_revision_another() -> None:
    """So a receiver drops doubles by it, and takes a revision as news."""
    async with hook_server() as hook:
        webhook = sink(hook)
        for _ in range(2):
            await webhook.send(make_alert(), chart=None, gauge=None)
        await webhook.edit(make_alert(revision=1), message_id=None, chart=None, gauge=None)
        await webhook.close()
    ids = [headers["webhook-id"] for headers in hook.headers]
    assert ids == ["alert_a1b2c3d4e5_0", "alert_a1b2c3d4e5_0", "alert_a1b2c3d4e5_1"]
    assert [hook.json(n)["type"] for n in range(3)] == ["alert.created"] * 2 + ["alert.revised"]


async def test_each_event_has_a_connection_of_its_own() -> None:
    """One that is kept may be closed by the receiver just then: whether the event arrived would be unknown."""
    async with hook_server() as hook:
        webhook = sink(hook)
        for _ in range(3):
            await webhook.send(make_alert(), chart=None, gauge=None)
        await webhook.close()
    assert len(set(hook.peers)) == 3


async def test_without_a_secret_events_are_unsigned() -> None:
    """No header of a signature is better than one that proves nothing."""
    async with hook_server() as hook:
        webhook = sink(hook, keys=())
        await webhook.send(make_alert(), chart=None, gauge=None)
        await webhook.close()
    assert "webhook-signature" not in hook.headers[0]


LATER = format_datetime(FrozenClock().now_utc() + timedelta(seconds=90), usegmt=True)


@pytest.mark.parametrize(
    ("step", "meaning", "known", "wait_s"),
    [
        (400, "refused", True, None),
        (401, "dead", True, None),
        (403, "dead", True, None),
        (404, "dead", True, None),
        (405, "dead", True, None),
        (410, "dead", True, None),
        (413, "refused", True, None),
        (408, "passes", True, None),
        ((429, "slow down", {"Retry-After": "7"}), "passes", True, 7.0),
        ((503, "", {"Retry-After": LATER}), "passes", True, 90.0),
        ((503, "", {"Retry-After": "soon"}), "passes", True, None),
        (500, "passes", True, None),
        (502, "passes", False, None),
        (504, "passes", False, None),
        ((307, "", {"Location": "/elsewhere"}), "dead", True, None),
        (cut, "passes", False, None),
    ],
    ids=str,
)
async def test_what_each_failure_means(step: Any, meaning: str, known: bool, wait_s: float | None) -> None:
    """Whether it is of the alert, of the address or passes; whether it may have arrived; how long to rest."""
    async with hook_server(step) as hook:
        error = await failure(sink(hook))
    assert (error.permanent, error.sink_dead) == (meaning == "refused", meaning == "dead")
    assert (error.outcome_known, error.retry_after_s) == (known, wait_s)
    assert len(hook.bodies) == 1, "no redirect is followed, nothing is posted twice"


@pytest.mark.parametrize(("status", "words"), [(301, "has moved"), (404, "check WEBHOOK_URL")])
async def test_what_mends_a_failure(status: int, words: str) -> None:
    """A new address, or the right one."""
    async with hook_server(status) as hook:
        error = await failure(sink(hook))
    assert words in (error.hint or "")


async def test_a_receiver_that_says_nothing_is_an_unknown_outcome() -> None:
    """It may have taken the alert before the time ran out."""

    async def stand_still(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    async with hook_server(stand_still) as hook:
        error = await failure(sink(hook, timeout_s=0.2))
    assert (error.message, error.outcome_known) == ("no answer in time", False)


async def test_nobody_there_is_a_known_outcome() -> None:
    """Nothing was sent, so nothing can be doubled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        error = await failure(sink(Hook(base=f"http://127.0.0.1:{probe.getsockname()[1]}")))
    assert (error.permanent, error.outcome_known) == (False, True)
    assert "cannot reach 127.0.0.1" in error.message


async def test_of_an_endless_answer_the_beginning_is_read() -> None:
    """A receiver that answers with a flood, or with terminal codes, harms nobody."""
    async with hook_server((500, "\x1b[5m" + "x" * 1_000_000, {})) as hook:
        error = await failure(sink(hook))
    assert len(error.message) < 250
    assert "\x1b" not in error.message


async def test_a_check_delivers_nothing() -> None:
    """Whoever answers is there, whatever the status: receivers take POST only."""
    async with hook_server(405) as hook:
        webhook = sink(hook)
        words = await webhook.check()
        await webhook.close()
    assert "answers (HTTP 405 to GET)" in words
    assert hook.methods == ["GET"]


@pytest.mark.parametrize("url", ["ftp://x.example/", "nonsense", "http:///x1y2", "http://[::1"])
def test_an_address_that_is_none(url: str) -> None:
    """The setting is named, the address is not shown."""
    with pytest.raises(ConfigError) as caught:
        Webhook(url, clock=SystemClock())
    assert caught.value.key == "WEBHOOK_URL"
    assert url not in str(caught.value)
    assert caught.value.__context__ is None
