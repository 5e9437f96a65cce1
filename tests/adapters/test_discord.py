"""The Discord webhook against a loopback server that answers as Discord's documentation says."""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.core.discord_pace import DiscordLimits
from catalyst_ray.errors import ConfigError, DeliveryError
from tests.unit.core.factories import NOW_UTC, make_alert

pytestmark = pytest.mark.anyio

TOKEN = "s3cr3t-T0ken_of-the-webhook"
CHART, GAUGE = b"\x89PNG chart", b"\x89PNG gauge"
SLOW_DOWN = {"message": "You are being rate limited.", "retry_after": 64.57, "global": False}


@dataclass
class Discord:
    """Answers posts by a script, then with 200; remembers what it got."""

    script: list[Any] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take a multipart message apart, then answer as told."""
        parts: dict[str, Any] = {}
        async for part in await request.multipart():
            assert part.name
            parts[part.name] = (part.filename, part.headers.get("Content-Type"), bytes(await part.read()))
        self.posts.append(parts)
        self.queries.append(dict(request.query))
        step = self.script.pop(0) if self.script else 200
        if callable(step):
            return await step(request)
        if isinstance(step, int):
            step = (step, {"id": str(9000 + len(self.posts))}, {})
        status, body, headers = step
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html", headers=headers)
        return web.json_response(body, status=status, headers=headers)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Describe the webhook."""
        if self.script:
            status, body, headers = self.script.pop(0)
            return web.json_response(body, status=status, headers=headers)
        return web.json_response({"id": "42", "name": "alerts \u202e", "channel_id": "777", "token": TOKEN})

    def payload(self, place: int) -> dict[str, Any]:
        """Return the JSON of one post."""
        return json.loads(self.posts[place]["payload_json"][2])


@asynccontextmanager
async def discord(*script: Any, timeout_s: float = 5.0, query: str = "", limits: DiscordLimits | None = None):
    """Start a server with a script and a webhook that talks to it."""
    double = Discord(list(script))
    app = web.Application()
    app.router.add_post("/api/webhooks/42/{token}", double.post)
    app.router.add_get("/api/webhooks/42/{token}", double.get)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    double.url = f"http://127.0.0.1:{port}/api/webhooks/42/{TOKEN}{query}"
    webhook = DiscordWebhook(double.url, timeout_s=timeout_s, limits=limits)
    try:
        yield double, webhook
    finally:
        await webhook.close()
        await runner.cleanup()


async def send(webhook: DiscordWebhook, **changes: Any):
    """Post the sample alert with both pictures."""
    return await webhook.send(make_alert(**changes), chart=CHART, gauge=GAUGE)


async def failure(webhook: DiscordWebhook) -> DeliveryError:
    """Return the error that posting raises, after looking for the secret in all of it."""
    with pytest.raises(DeliveryError) as caught:
        await send(webhook)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__dict__) + repr(webhook)
    assert TOKEN not in told
    assert error.__context__ is None
    return error


async def test_one_multipart_message_with_both_pictures() -> None:
    """Embed and pictures travel in one post, in the parts that Discord expects, and the id comes back."""
    async with discord() as (double, webhook):
        receipt = await send(webhook)
    assert receipt.message_id == "9001"
    (parts,) = double.posts
    assert double.queries == [{"wait": "true"}]
    assert parts["payload_json"][1] == "application/json"
    assert parts["files[0]"] == ("chart.png", "image/png", CHART)
    assert parts["files[1]"] == ("gauge.png", "image/png", GAUGE)
    assert double.payload(0)["embeds"][0]["image"] == {"url": "attachment://chart.png"}


async def test_without_chart_the_gauge_is_the_first_file() -> None:
    """The number of a file part is the id under ``attachments``, whichever pictures there are."""
    async with discord() as (double, webhook):
        await webhook.send(make_alert(), chart=None, gauge=GAUGE)
        await webhook.send(make_alert(), chart=None, gauge=None)
    assert double.posts[0]["files[0]"][0] == "gauge.png"
    assert double.payload(0)["attachments"][0]["filename"] == "gauge.png"
    assert list(double.posts[1]) == ["payload_json"]


async def test_a_threads_id_is_kept() -> None:
    """A webhook of a forum channel carries its thread in the address."""
    async with discord(query="?thread_id=5") as (double, webhook):
        await send(webhook)
    assert double.queries == [{"thread_id": "5", "wait": "true"}]


@pytest.mark.parametrize(
    ("body", "headers", "wait_s"),
    [
        (SLOW_DOWN, {"Retry-After": "65"}, 64.57),
        ({}, {"X-RateLimit-Reset-After": "12.5", "Retry-After": "13"}, 12.5),
        ({"retry_after": "soon"}, {"Retry-After": "9"}, 9.0),
        ("<html>Cloudflare</html>", {"Retry-After": "300"}, 300.0),
        ("<html>Cloudflare</html>", {}, 60.0),
        ({"retry_after": 1e12, "global": True}, {}, 3600.0),
        ({"retry_after": float("nan")}, {"Retry-After": "4"}, 4.0),
    ],
)
async def test_429_is_a_known_outcome_with_a_wait(body, headers, wait_s: float) -> None:
    """The body's float seconds count first, then the headers; the next alert is not even sent."""
    async with discord((429, body, headers)) as (double, webhook):
        error = await failure(webhook)
        assert (error.permanent, error.outcome_known, error.retry_after_s) == (False, True, wait_s)
        later = await failure(webhook)
    assert len(double.posts) == 1
    assert later.retry_after_s == pytest.approx(wait_s, abs=2)
    assert later.outcome_known


async def test_an_empty_bucket_is_respected_without_a_429() -> None:
    """After ``Remaining: 0`` nothing is posted until the reset, and a long wait is handed back."""
    headers = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "30"}
    async with discord((200, {"id": "1"}, headers)) as (double, webhook):
        await send(webhook)
        error = await failure(webhook)
    assert len(double.posts) == 1
    assert error.retry_after_s is not None
    assert 25 < error.retry_after_s <= 30.01


async def test_a_short_wait_is_sat_out() -> None:
    """A bucket that refills within seconds only delays the post."""
    headers = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "0.2"}
    async with discord((200, {"id": "1"}, headers)) as (double, webhook):
        await send(webhook)
        await send(webhook)
    assert len(double.posts) == 2


async def test_a_burst_stays_within_discords_first_five() -> None:
    """Before any header is known no more than five posts are under way at once."""
    under_way, most = 0, 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.05)
        under_way -= 1
        return web.json_response({"id": "1"})

    async with discord(*[answer] * 8) as (double, webhook):
        await asyncio.gather(*(send(webhook) for _ in range(8)))
    assert (len(double.posts), most) == (8, 5)


async def test_a_refused_form_is_sent_once_more_as_text() -> None:
    """A 400 costs the look, not the alert: no embed, no files, ticker and id still there."""
    async with discord((400, {"message": "Invalid Form Body", "code": 50035}, {})) as (double, webhook):
        receipt = await send(webhook)
    assert receipt.message_id == "9002"
    assert list(double.posts[1]) == ["payload_json"]
    small = double.payload(1)
    assert "embeds" not in small
    assert "QLLN" in small["content"]
    assert "a1b2c3d4e5" in small["content"]


@pytest.mark.parametrize(("status", "code"), [(400, 50045), (400, 50046), (413, 40005)])
async def test_refused_files_are_left_out_and_the_embed_stays(status: int, code: int) -> None:
    """The pictures were too large or none: the words lose nothing."""
    async with discord((status, {"message": "no", "code": code}, {})) as (double, webhook):
        await send(webhook)
    assert list(double.posts[1]) == ["payload_json"]
    small = double.payload(1)
    assert (small["attachments"], len(small["embeds"])) == ([], 1)
    assert "image" not in small["embeds"][0]


async def test_a_filtered_link_is_left_out() -> None:
    """Discord's link filter refuses the message as long as the link is in it."""
    async with discord((400, {"message": "blocked", "code": 240000}, {})) as (double, webhook):
        await send(webhook)
    assert "https" not in double.payload(1)["content"]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_form_refused_twice_is_permanent(status: int) -> None:
    """There is one smaller message, not an endless row of them."""
    refusal = (status, {"message": "Invalid Form Body", "code": 50035}, {})
    async with discord(refusal, refusal) as (double, webhook):
        error = await failure(webhook)
    assert len(double.posts) == 2
    assert error.permanent
    assert "50035" in str(error)


@pytest.mark.parametrize(
    ("status", "code"), [(404, 10015), (401, 50027), (403, 0)], ids=["deleted", "token", "forbidden"]
)
async def test_a_dead_webhook_lets_alerts_wait_and_says_the_mend(status: int, code: int) -> None:
    """It is the sink that is dead, not the alert; the operator is told how to make a new one."""
    async with discord((status, {"message": "Unknown Webhook", "code": code}, {})) as (_, webhook):
        error = await failure(webhook)
    assert (error.sink_dead, error.permanent, error.outcome_known) == (True, False, True)
    assert error.key == "discord"
    assert "dead" in error.message
    assert "DISCORD_WEBHOOK_URL" in (error.hint or "")


async def test_a_deleted_webhook_is_not_asked_again() -> None:
    """Discord bans addresses that go on asking: after code 10015 nothing is sent."""
    async with discord((404, {"message": "Unknown Webhook", "code": 10015}, {})) as (double, webhook):
        await failure(webhook)
        assert (await failure(webhook)).sink_dead
    assert len(double.posts) == 1


async def test_a_forum_channel_asks_for_a_thread() -> None:
    """The one 400 that a smaller message cannot mend names its own mend."""
    async with discord((400, {"message": "needs a thread", "code": 220001}, {})) as (double, webhook):
        error = await failure(webhook)
    assert len(double.posts) == 1
    assert "thread_id" in (error.hint or "")


@pytest.mark.parametrize(("status", "known"), [(500, True), (502, True), (503, True), (504, False)])
async def test_discord_in_trouble_is_temporary(status: int, known: bool) -> None:
    """A server error may pass; a gateway's time-out may even have posted."""
    async with discord((status, "<html>bad</html>", {})) as (_, webhook):
        error = await failure(webhook)
    assert (error.permanent, error.outcome_known) == (False, known)


async def test_a_refused_connection_is_known_and_temporary() -> None:
    """Nobody listened, so nothing was posted."""
    async with discord() as (double, _):
        url = double.url
    webhook = DiscordWebhook(url)
    error = await failure(webhook)
    await webhook.close()
    assert (error.permanent, error.outcome_known) == (False, True)


async def test_no_answer_in_time_leaves_the_outcome_unknown() -> None:
    """The message was sent and may have been posted."""

    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.json_response({})

    async with discord(hang, timeout_s=0.3) as (_, webhook):
        error = await failure(webhook)
    assert (error.permanent, error.outcome_known) == (False, False)


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"], ids=["before", "within"]
)
async def test_a_cut_connection_leaves_the_outcome_unknown(sent: bytes) -> None:
    """A connection cut before or within the answer does not say whether the message was posted."""

    async def cut(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.write(sent)
        await asyncio.sleep(0.02)
        request.transport.abort()
        return web.Response()

    async with discord(cut) as (_, webhook):
        error = await failure(webhook)
    assert (error.permanent, error.outcome_known) == (False, False)


async def test_an_accepted_message_without_a_body_is_sent() -> None:
    """A 204 has no message id and is a success all the same."""

    async def no_content(request: web.Request) -> web.Response:
        return web.Response(status=204)

    async with discord(no_content) as (_, webhook):
        assert (await send(webhook)).message_id is None


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    """A few hundred kilobytes are enough to learn a message's id."""

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for written in range(2_000):  # noqa: B007  (counted for the test)
                await response.write(b"x" * 65536)
        return response

    written = 0
    async with discord(flood) as (_, webhook):
        assert (await send(webhook)).message_id is None
    assert written < 1_000


ROOM = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "0.01"}


async def test_a_channel_gets_no_more_than_its_limit_though_the_bucket_allows_it() -> None:
    """Thirty messages a minute, here three; the sink says how long it must wait, and does not ask before."""
    limits = DiscordLimits(channel=3)
    async with discord(*[(200, {"id": "1"}, ROOM)] * 9, limits=limits) as (double, webhook):
        for _ in range(3):
            assert webhook.free_in_s() < 0.1
            await send(webhook)
        waits_s = webhook.free_in_s()
        error = await failure(webhook)
    assert len(double.posts) == 3
    assert waits_s == pytest.approx(60, abs=2)
    assert error.retry_after_s == pytest.approx(60, abs=2)
    assert (error.permanent, error.outcome_known) == (False, True)


async def test_a_global_limit_pauses_the_other_webhooks_of_the_process() -> None:
    """One at the same address waits too, without having asked."""
    slow_down = {"message": "slow", "retry_after": 30.5, "global": True}
    async with discord((429, slow_down, {"X-RateLimit-Global": "true"})) as (double, webhook):
        await failure(webhook)
        other = DiscordWebhook(double.url)
        error = await failure(other)
        await other.close()
    assert len(double.posts) == 1
    assert error.retry_after_s == pytest.approx(30.5, abs=1)


async def test_posts_of_an_earlier_process_count() -> None:
    """A new process goes on where the one before ended; each call may have been two posts."""
    async with discord(limits=DiscordLimits(channel=4)) as (double, webhook):
        webhook.recall([10.0, 20.0])
        assert webhook.free_in_s() == pytest.approx(40, abs=1)
        await failure(webhook)
    assert double.posts == []


async def test_a_dead_webhook_needs_no_wait() -> None:
    """It refuses at once, and asks nobody."""
    async with discord((404, {"code": 10015}, {})) as (_, webhook):
        await failure(webhook)
        webhook.recall([1.0] * 30)
        assert webhook.free_in_s() == 0


LATE = NOW_UTC + timedelta(hours=2)


async def test_a_digest_is_one_message_with_a_line_an_alert() -> None:
    """It comes back with its id, without files, and pings nobody."""
    some = [make_alert(), make_alert(id="0123456789")]
    async with discord() as (double, webhook):
        assert webhook.digest_room(some, now_utc=LATE) == 2
        receipt = await webhook.send_digest(some, now_utc=LATE, is_news=False)
    assert receipt.message_id == "9001"
    assert double.queries == [{"wait": "true"}]
    payload = double.payload(0)
    assert [line.rpartition(" ")[2] for line in payload["embeds"][0]["description"].splitlines()] == [
        "a1b2c3d4e5",
        "0123456789",
    ]
    assert payload["allowed_mentions"] == {"parse": []}


async def test_a_digest_goes_without_links_where_discord_minds_one() -> None:
    """Nobody says which of them it was."""
    refusal = (400, {"message": "blocked", "code": 240000}, {})
    async with discord(refusal) as (double, webhook):
        await webhook.send_digest([make_alert()], now_utc=LATE, is_news=True)
    assert "https" in double.payload(0)["embeds"][0]["description"]
    assert "https" not in double.payload(1)["embeds"][0]["description"]


async def test_a_refused_digest_is_permanent() -> None:
    """The courier posts its alerts one by one then."""
    refusal = (400, {"message": "Invalid Form Body", "code": 50035}, {})
    async with discord(refusal) as (_, webhook):
        with pytest.raises(DeliveryError) as caught:
            await webhook.send_digest([make_alert()], now_utc=LATE, is_news=False)
    assert caught.value.permanent


async def test_a_redirect_is_not_followed() -> None:
    """An alert goes where the operator said, nowhere else."""
    async with discord((302, {}, {"Location": "http://127.0.0.1:1/"})) as (_, webhook):
        assert (await failure(webhook)).permanent


async def test_check_names_the_webhook() -> None:
    """The doctor learns name and channel, without the token."""
    async with discord() as (_, webhook):
        words = await webhook.check()
    assert words == "webhook 42 “alerts” in channel 777"


async def test_check_of_a_dead_webhook_raises() -> None:
    """The doctor sees the same error as an alert would."""
    async with discord((404, {"message": "Unknown Webhook", "code": 10015}, {})) as (_, webhook):
        with pytest.raises(DeliveryError, match="dead"):
            await webhook.check()


async def test_the_token_is_never_logged(caplog) -> None:
    """Even with every logger at debug the secret stays in the process."""
    caplog.set_level(logging.DEBUG)
    async with discord(200, (500, {}, {})) as (_, webhook):
        await send(webhook)
        await failure(webhook)
    logged = [record for record in caplog.records if record.name != "aiohttp.access"]  # the double's own
    assert TOKEN not in " ".join(record.getMessage() for record in logged)


@pytest.mark.parametrize(
    "url",
    [
        f"http://discord.com/api/webhooks/1/{TOKEN}",
        f"https://discord.com/channels/1/{TOKEN}",
        f"https://discord.com/api/webhooks/one/{TOKEN}",
        f"https://discord.com:port/api/webhooks/1/{TOKEN}",
        "",
    ],
)
def test_an_address_that_is_no_webhook_is_refused(url: str) -> None:
    """A mistyped setting is told at once, without repeating the secret; plain http is for loopback only."""
    with pytest.raises(ConfigError, match="DISCORD_WEBHOOK_URL") as caught:
        DiscordWebhook(url)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


async def test_the_session_can_be_given() -> None:
    """A caller's session settings (a proxy) are used, and the session is closed with the sink."""
    made: list[aiohttp.ClientSession] = []

    def factory() -> aiohttp.ClientSession:
        made.append(aiohttp.ClientSession(trust_env=True))
        return made[0]

    async with discord() as (double, _):
        webhook = DiscordWebhook(double.url, session=factory)
        await send(webhook)
        await webhook.close()
    assert made[0].closed
