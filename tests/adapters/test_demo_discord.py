"""Discord's double keeps Discord's rules: limits, files, rate, unknown webhooks; and fails as planned."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest

from catalyst_ray.demo.server import DemoServer
from catalyst_ray.demo.world import World

pytestmark = pytest.mark.anyio
WORLD = World(7, datetime(2026, 11, 23, 14, tzinfo=UTC))
PNG = b"\x89PNG not really"


@pytest.fixture
async def server():
    """Serve a Discord without rate limit."""
    async with DemoServer(WORLD, discord_window_s=0) as running:
        yield running


@pytest.fixture
async def session():
    """Give a client session."""
    async with aiohttp.ClientSession() as made:
        yield made


def form(payload, files):
    """Return a multipart body as Discord takes it."""
    data = aiohttp.FormData()
    data.add_field("payload_json", json.dumps(payload), content_type="application/json")
    for number, (name, body) in enumerate(files.items()):
        data.add_field(f"files[{number}]", body, filename=name, content_type="image/png")
    return data


async def test_a_message_with_a_picture_is_kept_and_edited(server, session):
    """wait=true gives the message with a snowflake; an edit keeps files unless its list leaves them out."""
    payload = {"embeds": [{"title": "HLVT", "image": {"url": "attachment://chart.png"}}]}
    url = server.webhook_url
    async with session.post(url + "?wait=true", data=form(payload, {"chart.png": PNG})) as answer:
        message = await answer.json()
    assert int(message["id"]) >> 22 > 0
    assert message["embeds"][0]["image"]["url"].startswith(server.base_url)
    assert message["attachments"][0]["filename"] == "chart.png"
    async with session.get(message["attachments"][0]["url"]) as answer:
        assert await answer.read() == PNG
    one = f"{url}/messages/{message['id']}"
    async with session.patch(
        one, json={"embeds": [*payload["embeds"], {"description": "model: +0.8"}]}
    ) as answer:
        assert (await answer.json())["edited_timestamp"]
    (kept,) = server.discord.messages
    assert (kept.files, len(kept.edits), len(kept.payload["embeds"])) == ({"chart.png": PNG}, 1, 2)
    async with session.patch(one, json={"embeds": [], "content": "gone", "attachments": []}) as answer:
        assert answer.status == 200
    assert server.discord.messages[0].files == {}
    async with session.patch(f"{url}/messages/1", json={"content": "x"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 10008)


async def test_an_edit_replaces_the_files_that_it_does_not_list(server, session):
    """Old files stay if their id is listed, uploads if their place is; a list of neither empties the message."""
    url = server.webhook_url
    two = {"chart.png": PNG, "gauge.png": PNG}
    async with session.post(url + "?wait=true", data=form({"content": "x"}, two)) as answer:
        message = await answer.json()
    one = f"{url}/messages/{message['id']}"
    chart, _ = (row["id"] for row in message["attachments"])
    listed = {"attachments": [{"id": chart}, {"id": 0, "filename": "gauge.png"}]}
    async with session.patch(
        one, data=form(listed, {"gauge.png": b"new", "extra.png": b"unlisted"})
    ) as answer:
        assert answer.status == 200
    assert server.discord.messages[0].files == {"chart.png": PNG, "gauge.png": b"new"}
    async with session.patch(one, data=form({}, {"more.png": PNG})) as answer:
        assert answer.status == 200
    assert list(server.discord.messages[0].files) == ["chart.png", "gauge.png", "more.png"]
    async with session.patch(one, json={"content": "", "attachments": []}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, 50006)
    lost = {"embeds": [{"image": {"url": "attachment://chart.png"}}], "attachments": []}
    async with session.patch(one, json=lost) as answer:
        assert (await answer.json())["code"] == 50035, "an embed cannot show a file that goes"


async def test_edits_have_a_rate_limit_of_their_own(session):
    """Five posts leave room for an edit."""
    async with DemoServer(WORLD, discord_window_s=60) as server:
        for _ in range(5):
            async with session.post(server.webhook_url + "?wait=true", json={"content": "x"}) as answer:
                message = await answer.json()
        async with session.post(server.webhook_url, json={"content": "x"}) as answer:
            assert answer.status == 429
        one = f"{server.webhook_url}/messages/{message['id']}"
        async with session.patch(one, json={"content": "y"}) as answer:
            assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "4")


async def test_the_webhook_says_what_it_is(server, session):
    """A GET names the webhook and its channel as Discord does; a foreign address is refused."""
    async with session.get(server.webhook_url) as answer:
        found = await answer.json()
    assert server.webhook_url.split("/")[-2] == found["id"]
    assert (found["name"], found["channel_id"].isdecimal()) == ("demo", True)
    async with session.get(f"{server.base_url}/api/webhooks/1/x") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 10015)
    assert server.discord.requests == 0


async def test_without_wait_there_is_no_body(server, session):
    """A post without wait=true is answered 204 and kept all the same."""
    async with session.post(server.webhook_url, json={"content": "hello"}) as answer:
        assert answer.status == 204
    assert server.discord.messages[0].payload == {"content": "hello"}


def embed(**values):
    """Return a payload with one embed."""
    return {"embeds": [values]}


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"content": "x" * 2001}, ["content"]),
        (embed(title="x" * 257), ["embeds", "0", "title"]),
        (embed(description="x" * 4097), ["embeds", "0", "description"]),
        (embed(footer={"text": "x" * 2049}), ["embeds", "0", "footer", "text"]),
        (embed(author={"name": "x" * 257}), ["embeds", "0", "author", "name"]),
        (embed(fields=[{"name": "a", "value": "x" * 1025}]), ["embeds", "0", "fields", "0", "value"]),
        (embed(fields=[{"name": " ", "value": "x"}]), ["embeds", "0", "fields", "0", "name"]),
        (embed(fields=[{"name": "a", "value": "b"}] * 26), ["embeds", "0", "fields"]),
        ({"embeds": [{"description": "x" * 3001}] * 2}, ["embeds"]),
        ({"embeds": [{"title": "x"}] * 11}, ["embeds"]),
        (embed(title="x", color=0x1000000), ["embeds", "0", "color"]),
        (embed(title="x", url="javascript:1"), ["embeds", "0", "url"]),
        (embed(image={"url": "attachment://missing.png"}), ["embeds", "0", "image", "url"]),
        ({"content": "x", "attachments": [{"id": 0, "filename": "a.png"}]}, ["attachments", "0", "filename"]),
        ({"content": "x", "username": "My Discord bot"}, ["username"]),
    ],
)
async def test_what_discord_refuses_is_refused(server, session, payload, place):
    """Each limit gives 400 with code 50035 and the place of the fault, nested by key; nothing is kept."""
    async with session.post(server.webhook_url, json=payload) as answer:
        body = await answer.json()
    assert (answer.status, body["code"]) == (400, 50035)
    errors = body["errors"]
    for key in place:
        errors = errors[key]
    assert errors["_errors"][0]["message"]
    assert server.discord.messages == []


async def test_limits_are_inclusive_and_trimmed(server, session):
    """A text of exactly the limit is taken, and white space around it does not count."""
    payload = embed(title="  " + "x" * 256 + " ", description="y" * 4096, footer={"text": "z" * 1648})
    async with session.post(server.webhook_url, json=payload) as answer:
        assert answer.status == 204


async def test_other_refusals(server, session):
    """An empty message, no JSON, a foreign webhook and a wrong token each give Discord's own code."""
    for url, body, status, code in (
        (server.webhook_url, b"{}", 400, 50006),
        (server.webhook_url, b"{", 400, 50109),
        (f"{server.base_url}/api/webhooks/1/x", b'{"content":"x"}', 404, 10015),
        (server.webhook_url + "x", b'{"content":"x"}', 401, 50027),
    ):
        async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (status, code)


async def test_five_posts_in_a_window(session):
    """The sixth post of a window is told to wait, in float seconds in the body and whole ones in the header."""
    async with DemoServer(WORLD, discord_window_s=30) as server:
        left = []
        for _ in range(5):
            async with session.post(server.webhook_url, json={"content": "x"}) as answer:
                left.append(answer.headers["X-RateLimit-Remaining"])
        async with session.post(server.webhook_url, json={"content": "x"}) as answer:
            body = await answer.json()
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) >= body["retry_after"] > 0
            assert float(answer.headers["X-RateLimit-Reset-After"]) == body["retry_after"]
    assert left == ["4", "3", "2", "1", "0"]
    assert isinstance(body["retry_after"], float)
    assert len(server.discord.messages) == 5


async def test_planned_faults_come_in_order(server, session):
    """A fault plan is used up one request at a time; only accept_then_hang stores its message."""
    server.discord.faults = ["500", "429", "hang", "accept_then_hang", None]
    short = aiohttp.ClientTimeout(total=0.2)
    outcomes = []
    for number in range(5):
        try:
            url = server.webhook_url
            async with session.post(url, json={"content": str(number)}, timeout=short) as answer:
                outcomes.append(answer.status)
        except TimeoutError:
            outcomes.append(0)
    assert outcomes == [500, 429, 0, 0, 204]
    assert [message.payload["content"] for message in server.discord.messages] == ["3", "4"]
    with pytest.raises(ValueError, match="unknown faults"):
        server.discord.faults = ["boom"]


async def test_answers_by_plan(server, session):
    """Each fault is what a caller meets: a status, Discord's or Cloudflare's 429, or no answer, stored or not."""
    wanted = {
        "502": (502, False),
        "503": (503, False),
        "429": (429, False),
        "429_global": (429, False),
        "429_cloudflare": (429, False),
        "cut": (0, False),
        "accept_then_cut": (0, True),
        "accept_then_504": (504, True),
        "400": (400, False),
        "413": (413, False),
    }
    for fault, (status, stored) in wanted.items():
        before = len(server.discord.messages)
        server.discord.faults = [fault]
        try:
            data = form({"content": fault}, {"a.png": PNG})
            async with session.post(server.webhook_url, data=data) as answer:
                met = answer.status
        except aiohttp.ServerDisconnectedError:
            met = 0
        assert (fault, met, len(server.discord.messages) > before) == (fault, status, stored)
        assert server.discord.met[f"POST {fault}"] == 1


async def test_whose_429_it_is(server, session):
    """The global one says so three times; Cloudflare's has neither JSON nor headers of a bucket."""
    server.discord.faults = ["429_global", "429_cloudflare"]
    async with session.post(server.webhook_url, json={"content": "x"}) as answer:
        body = await answer.json()
        assert body["global"] is True
        assert (answer.headers["X-RateLimit-Global"], answer.headers["X-RateLimit-Scope"]) == (
            "true",
            "global",
        )
        assert "X-RateLimit-Remaining" not in answer.headers
    async with session.post(server.webhook_url, json={"content": "x"}) as answer:
        assert (answer.status, await answer.text()) == (429, "error code: 1015")
        assert not [name for name in answer.headers if name.startswith("X-RateLimit")]
    assert server.discord.traffic.invalid == 2


async def test_a_plan_lets_the_smaller_message_pass(server, session):
    """A refusal for its form is for a message with files."""
    server.discord.faults = ["400", "413"]
    for _ in range(2):
        async with session.post(server.webhook_url, json={"content": "x"}) as answer:
            assert answer.status == 204


async def test_a_channel_takes_thirty_messages_a_minute(session):
    """The thirty-first waits, though its bucket has room; windows shrink together."""
    async with DemoServer(WORLD, discord_window_s=0.1) as server:  # the channel's is 3 s
        statuses = []
        for number in range(31):
            if number and number % 5 == 0:
                await asyncio.sleep(0.1)
            async with session.post(server.webhook_url, json={"content": "x"}) as answer:
                statuses.append(answer.status)
                body = await answer.json() if answer.status == 429 else {}
        assert statuses == [204] * 30 + [429]
        assert 1 < body["retry_after"] < 3
        assert answer.headers["X-RateLimit-Scope"] == "shared"
        assert server.discord.traffic.violations == {"channel": 1}
        await asyncio.sleep(0.1)
        one = f"{server.webhook_url}/messages/{server.discord.messages[0].id}"
        async with session.patch(one, json={"content": "y"}) as answer:
            assert answer.status == 200, "an edit is no message"


async def test_who_does_not_wait_is_counted(session):
    """A planned 429 is nobody's fault; a request within its wait is."""
    async with DemoServer(WORLD, discord_window_s=30) as server:
        server.discord.faults = ["429"]
        for violations in ({}, {"impatient": 1}):
            async with session.post(server.webhook_url, json={"content": "x"}) as answer:
                assert answer.status == 429
            assert server.discord.traffic.violations == violations


async def test_a_deleted_message_and_a_deleted_webhook(server, session):
    """A moderator's work: 10008 for the edit, 10015 for everything."""
    async with session.post(server.webhook_url + "?wait=true", json={"content": "x"}) as answer:
        message = (await answer.json())["id"]
    server.discord.forget(message)
    async with session.patch(f"{server.webhook_url}/messages/{message}", json={"content": "y"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 10008)
    server.discord.is_deleted = True
    async with session.post(server.webhook_url, json={"content": "x"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 10015)


async def test_many_posts_at_once_are_all_kept(server, session):
    """Concurrent posts get distinct ids, in the order in which they are kept."""

    async def post(number):
        async with session.post(server.webhook_url, json={"content": str(number)}) as answer:
            return answer.status

    assert set(await asyncio.gather(*map(post, range(40)))) == {204}
    ids = [int(message.id) for message in server.discord.messages]
    assert len(set(ids)) == 40


async def test_only_so_many_messages_are_remembered(session):
    """With a bound on its memory the oldest message is gone, and an edit of it meets Unknown Message."""
    async with DemoServer(WORLD, discord_window_s=0, discord_keep=2) as running:
        ids = []
        for number in range(3):
            async with session.post(
                f"{running.webhook_url}?wait=true", json={"content": f"{number}"}
            ) as answer:
                ids.append((await answer.json())["id"])
        assert [message.id for message in running.discord.messages] == ids[1:]
        async with session.patch(
            f"{running.webhook_url}/messages/{ids[0]}", json={"content": "late"}
        ) as answer:
            assert answer.status == 404
