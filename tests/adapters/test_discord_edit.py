"""Editing a message: the whole of it is replaced, under Discord's own rules (its double) and its refusals."""

from __future__ import annotations

import traceback
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.demo.discord import TOKEN
from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Alert, Decision, Reason
from tests.unit.core.factories import NOW_UTC, make_alert

pytestmark = pytest.mark.anyio
WORLD = World(7, datetime(2026, 11, 23, 14, tzinfo=UTC))
CHART, GAUGE, NEW_GAUGE = b"\x89PNG chart", b"\x89PNG gauge", b"\x89PNG other"


def revised(**changes: Any) -> Alert:
    """Return the sample alert as it is after its revision."""
    return replace(make_alert(**changes), revision=1, revised_utc=NOW_UTC + timedelta(seconds=9))


@asynccontextmanager
async def world(*, window_s: float = 0.0, query: str = ""):
    """Serve Discord's double and give it with a webhook that talks to it."""
    async with DemoServer(WORLD, discord_window_s=window_s) as server:
        webhook = DiscordWebhook(server.webhook_url + query, timeout_s=2.0)
        try:
            yield server.discord, webhook
        finally:
            await webhook.close()


async def post(webhook: DiscordWebhook) -> str:
    """Post the sample alert with both pictures and return its message's id."""
    receipt = await webhook.send(make_alert(), chart=CHART, gauge=GAUGE)
    assert receipt.message_id
    return receipt.message_id


async def failure(webhook: DiscordWebhook, message_id: str | None) -> DeliveryError:
    """Return the error that an edit raises, after looking for the secret in all of it."""
    with pytest.raises(DeliveryError) as caught:
        await webhook.edit(revised(), message_id=message_id, chart=CHART, gauge=GAUGE)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert TOKEN not in told
    assert caught.value.__context__ is None
    return caught.value


async def test_an_edit_replaces_embed_and_pictures() -> None:
    """No second message: the first one has the new verdict line, embed, chart and gauge, and pings nobody."""
    async with world() as (discord, webhook):
        message_id = await post(webhook)
        receipt = await webhook.edit(
            revised(decision=Decision(action="alert", reasons=(), value=0.31)),
            message_id=message_id,
            chart=b"\x89PNG chart again",
            gauge=NEW_GAUGE,
        )
    assert receipt.message_id == message_id
    (message,) = discord.messages
    assert message.files == {"chart.png": b"\x89PNG chart again", "gauge.png": NEW_GAUGE}
    assert "+0.31" in message.payload["content"]
    (embed,) = message.payload["embeds"]
    assert embed["footer"]["text"].endswith("updated 09:42:16 ET")
    assert embed["thumbnail"] == {"url": "attachment://gauge.png"}
    assert message.payload["allowed_mentions"] == {"parse": []}
    assert message.edited_utc


async def test_the_same_edit_twice_does_no_harm() -> None:
    """As after a crash between the edit and its mark in the outbox."""
    async with world() as (discord, webhook):
        message_id = await post(webhook)
        for _ in range(2):
            await webhook.edit(revised(), message_id=message_id, chart=CHART, gauge=GAUGE)
    (message,) = discord.messages
    assert len(message.edits) == 2
    assert message.payload == message.edits[1]
    assert list(message.files) == ["chart.png", "gauge.png"]


async def test_a_picture_that_is_no_more_goes() -> None:
    """An edit without chart leaves neither the file nor a reference to it."""
    async with world() as (discord, webhook):
        message_id = await post(webhook)
        await webhook.edit(revised(), message_id=message_id, chart=None, gauge=NEW_GAUGE)
    (message,) = discord.messages
    assert message.files == {"gauge.png": NEW_GAUGE}
    assert "image" not in message.payload["embeds"][0]


async def test_a_deleted_message_is_permanent_and_the_webhook_lives() -> None:
    """Someone deleted the message: nothing is left to edit, and the next alert is posted as ever."""
    async with world() as (discord, webhook):
        await post(webhook)
        error = await failure(webhook, "1180000000000000099")
        await post(webhook)
    assert (error.permanent, error.outcome_known, error.hint) == (True, True, None)
    assert "deleted" in error.message
    assert len(discord.messages) == 2


@pytest.mark.parametrize("message_id", [None, "a1b2", "1/../.."])
async def test_a_message_whose_id_nobody_knows_cannot_be_edited(message_id: str | None) -> None:
    """The answer to its post was lost, or held no id: permanent, and Discord is not asked."""
    async with world() as (discord, webhook):
        error = await failure(webhook, message_id)
    assert error.permanent
    assert "not known" in error.message
    assert discord.requests == 0


async def test_edits_are_paced_apart_from_posts() -> None:
    """Five posts empty their bucket, and an edit still goes through at once; a sixth post waits."""
    async with world(window_s=60.0) as (discord, webhook):
        ids = [await post(webhook) for _ in range(5)]
        await webhook.edit(revised(), message_id=ids[0], chart=None, gauge=None)
        with pytest.raises(DeliveryError, match="rate limit"):
            await post(webhook)
    assert len(discord.messages[0].edits) == 1
    assert discord.refused == 0


async def test_a_limit_on_edits_stops_no_post() -> None:
    """A 429 of the edits' bucket gives the wait back; alerts go on."""
    async with world(window_s=30.0) as (discord, webhook):
        message_id = await post(webhook)
        discord.faults = ["429"]
        error = await failure(webhook, message_id)
        again = await failure(webhook, message_id)
        await post(webhook)
    assert (error.permanent, error.outcome_known) == (False, True)
    assert error.retry_after_s == pytest.approx(30.0, abs=1)
    assert again.retry_after_s == pytest.approx(30.0, abs=1)
    assert len(discord.messages) == 2
    assert discord.requests == 3, "the second edit waits without asking"


@pytest.mark.parametrize(
    ("fault", "known"), [("500", True), ("accept_then_hang", False)], ids=["trouble", "no answer"]
)
async def test_trouble_is_temporary(fault: str, known: bool) -> None:
    """A server error, and an answer that never came, are to be tried again."""
    async with DemoServer(WORLD, discord_window_s=0) as server:
        webhook = DiscordWebhook(server.webhook_url, timeout_s=0.3)
        message_id = await post(webhook)
        server.discord.faults = [fault]
        error = await failure(webhook, message_id)
        await webhook.close()
    assert (error.permanent, error.outcome_known) == (False, known)


@asynccontextmanager
async def scripted(*script: tuple[int, Any], query: str = ""):
    """Serve the given answers, one a request, and give what was asked with a webhook."""
    asked: list[tuple[str, str, dict[str, Any]]] = []
    answers = list(script)

    async def answer(request: web.Request) -> web.Response:
        parts = {}
        async for part in await request.multipart():
            is_json = part.name == "payload_json"
            parts[part.name] = await part.json() if is_json else bytes(await part.read())
        asked.append((request.method, request.path_qs, parts))
        status, body = answers.pop(0)
        return web.json_response(body, status=status) if body is not None else web.Response(status=status)

    app = web.Application()
    app.router.add_route("*", "/api/webhooks/42/{rest:.+}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    webhook = DiscordWebhook(f"http://127.0.0.1:{runner.addresses[0][1]}/api/webhooks/42/{TOKEN}{query}")
    try:
        yield asked, webhook
    finally:
        await webhook.close()
        await runner.cleanup()


async def test_an_edit_in_a_thread_names_the_thread() -> None:
    """The thread's id stands behind the message's address; there is nothing to wait for."""
    async with scripted((200, {"id": "7"}), query="?thread_id=5") as (asked, webhook):
        await webhook.edit(revised(), message_id="7", chart=CHART, gauge=GAUGE)
    (one,) = asked
    assert one[:2] == ("PATCH", f"/api/webhooks/42/{TOKEN}/messages/7?thread_id=5")
    assert list(one[2]) == ["payload_json", "files[0]", "files[1]"]


async def test_a_refused_form_is_edited_to_text() -> None:
    """The plain text replaces embed and files of before, which would else contradict it."""
    refusal = (400, {"message": "Invalid Form Body", "code": 50035})
    async with scripted(refusal, (200, {"id": "7"})) as (asked, webhook):
        await webhook.edit(revised(), message_id="7", chart=CHART, gauge=GAUGE)
    small = asked[1][2]["payload_json"]
    assert (small["embeds"], small["attachments"]) == ([], [])
    assert "updated 09:42:16 ET" in small["content"]


async def test_an_address_that_is_blocked_is_blocked_for_posts_too() -> None:
    """A 429 without a body is Cloudflare's, which counts everything: nothing more is sent, of either kind."""
    async with scripted((429, None)) as (asked, webhook):
        error = await failure(webhook, "7")
        with pytest.raises(DeliveryError, match="rate limit"):
            await post(webhook)
    assert error.retry_after_s == 60.0
    assert len(asked) == 1


async def test_a_dead_webhook_is_not_asked_for_edits_either() -> None:
    """After code 10015 neither posts nor edits are sent."""
    async with scripted((404, {"message": "Unknown Webhook", "code": 10015})) as (asked, webhook):
        assert (await failure(webhook, "7")).hint
        assert (await failure(webhook, "7")).sink_dead
    assert len(asked) == 1


async def test_a_withdrawn_alert_says_so_in_its_first_line() -> None:
    """The line that a channel shows first, and the colour, say that the alert is none any more."""
    sunk = Decision(action="alert", reasons=(Reason("llm_sinks"),), value=-0.12)
    async with world() as (discord, webhook):
        await webhook.edit(
            revised(decision=sunk), message_id=await post(webhook), chart=CHART, gauge=NEW_GAUGE
        )
    (message,) = discord.messages
    assert message.payload["content"].startswith("✕ **QLLN** withdrawn by the LLM: now below the threshold")
    assert message.payload["embeds"][0]["color"] == 0x8A94A6
