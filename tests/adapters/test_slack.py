"""Slack's incoming webhook against a loopback server that refuses in Slack's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.slack import SlackWebhook
from catalyst_ray.errors import DeliveryError
from catalyst_ray.models import Action, Decision
from tests.adapters.hook_server import Hook, cut, hook_server
from tests.unit.core.factories import NOW_UTC, make_alert

pytestmark = pytest.mark.anyio


class Waits(SystemClock):
    """Notes how long was waited, and does not wait."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Note it."""
        self.waited.append(seconds)


def sink(hook: Hook, url: str = "", **changes: Any) -> SlackWebhook:
    """Return a webhook that posts to the server."""
    return SlackWebhook(
        url or hook.url, **{"clock": SystemClock(), "timeout_s": 2.0, "pace_s": 0.0, **changes}
    )


async def post(slack: SlackWebhook, **changes: Any) -> None:
    """Send the sample alert."""
    await slack.send(make_alert(**changes), chart=b"png", gauge=b"png")


async def edit(slack: SlackWebhook, **changes: Any) -> None:
    """Tell of a revision of the sample alert."""
    await slack.edit(make_alert(revision=1, **changes), message_id=None, chart=None, gauge=None)


async def test_one_message_with_blocks_and_text() -> None:
    """An incoming webhook gives no id."""
    async with hook_server() as hook:
        slack = sink(hook, page_url="https://alerts.example.org")
        receipt = await slack.send(make_alert(), chart=b"png", gauge=b"png")
        await slack.close()
    message = hook.json(0)
    assert receipt.message_id is None
    assert message["blocks"][0]["type"] == "header"
    assert "https://alerts.example.org/alerts/a1b2c3d4e5" in message["text"]


@pytest.mark.parametrize("status", [400, 413])
async def test_a_message_refused_for_its_form_goes_as_text(status: int) -> None:
    """Once; what tells is better than nothing."""
    async with hook_server((status, "invalid_blocks", {})) as hook:
        slack = sink(hook)
        await post(slack)
        await slack.close()
    assert "blocks" in hook.json(0)
    assert "blocks" not in hook.json(1)
    assert hook.json(1)["text"] == hook.json(0)["text"]


@pytest.mark.parametrize(
    ("steps", "meaning", "known", "wait_s", "words"),
    [
        ([(400, "invalid_payload", {})] * 2, "refused", True, None, "invalid_payload"),
        ([(403, "action_prohibited", {})], "dead", True, None, "an administrator forbids"),
        ([(404, "no_service", {})], "dead", True, None, "make a new incoming webhook"),
        ([(404, "channel_not_found", {})], "dead", True, None, "make a new incoming webhook"),
        ([(410, "channel_is_archived", {})], "dead", True, None, "bring the channel back"),
        ([(429, "rate_limited", {"Retry-After": "30"})], "passes", True, 30.0, "slows us down"),
        ([(500, "rollup_error", {})], "passes", True, None, "in trouble"),
        ([(504, "", {})], "passes", False, None, "in trouble"),
        ([(302, "", {"Location": "/x"})], "dead", True, None, "set SLACK_WEBHOOK_URL to the new one"),
        ([cut], "passes", False, None, "connection lost"),
    ],
    ids=lambda value: str(value[0])[:30] if isinstance(value, list) else "",
)
async def test_what_each_refusal_means(
    steps: list[Any], meaning: str, known: bool, wait_s: float | None, words: str
) -> None:
    """Slack's own word is told, with what mends it; only what passes is tried again."""
    async with hook_server(*steps) as hook:
        slack = sink(hook)
        with pytest.raises(DeliveryError) as caught:
            await post(slack)
        await slack.close()
    error = caught.value
    assert (error.permanent, error.sink_dead) == (meaning == "refused", meaning == "dead")
    assert (error.outcome_known, error.retry_after_s) == (known, wait_s)
    assert words in str(error)
    assert "s3cr3t" not in str(error) + repr(slack)


async def test_a_revision_is_a_short_message_that_names_the_alert() -> None:
    """With the score before where it is known; after a restart without."""
    async with hook_server() as hook:
        slack = sink(hook)
        await post(slack, decision=Decision(action=Action.ALERT, reasons=(), value=-0.5))
        await edit(slack)
        await edit(slack, id="from-before-the-restart")
        await slack.close()
    assert hook.json(1)["text"].startswith("↻ QLLN −0.50 → −0.72, strongly bearish · ")
    assert hook.json(1)["text"].endswith(" · alert a1b2c3d4e5")
    assert hook.json(2)["text"].startswith("↻ QLLN −0.72, strongly bearish · ")


async def test_a_further_source_alone_makes_no_message() -> None:
    """A channel is not to be filled with what it knows."""
    async with hook_server() as hook:
        slack = sink(hook)
        await post(slack)
        await edit(slack, also=("Meridian",))
        await slack.close()
    assert len(hook.bodies) == 1


async def test_a_revision_that_failed_is_told_again() -> None:
    """Only what was taken is remembered as told."""
    async with hook_server(200, 500) as hook:
        slack = sink(hook)
        await post(slack, decision=Decision(action=Action.ALERT, reasons=(), value=-0.5))
        with pytest.raises(DeliveryError):
            await edit(slack)
        await edit(slack)
        await slack.close()
    assert hook.bodies[1] == hook.bodies[2]


async def test_messages_keep_slacks_pace() -> None:
    """One a second: the next one waits for what is left of it."""
    clock = Waits()
    async with hook_server() as hook:
        slack = sink(hook, clock=clock, pace_s=1.0)
        await post(slack)
        await post(slack)
        await slack.close()
    assert clock.waited[0] <= 0 < clock.waited[1] <= 1.0


async def test_late_alerts_go_as_one_message() -> None:
    """A line each, as many as fit; a flood after an outage does not fill the channel."""
    late = [make_alert(id=f"late{number:04}") for number in range(60)]
    now = NOW_UTC + timedelta(hours=2)
    async with hook_server() as hook:
        slack = sink(hook)
        room = slack.digest_room(late, now_utc=now)
        await slack.send_digest(late[:room], now_utc=now, is_news=False)
        await slack.send_digest(late[:1], now_utc=now, is_news=True)
        await slack.close()
    heading, *lines = hook.json(0)["text"].splitlines()
    assert heading == f"{room} alerts that could not be delivered in time; the oldest is 2 h old"
    assert len(lines) == room < 60
    assert lines[0] == "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced · 2 h old · alert late0000"
    assert hook.json(1)["text"].startswith("News of an alert that")


@pytest.mark.parametrize("said", [(400, "no_text", {}), 200])
async def test_a_check_of_slacks_own_webhook_posts_nothing(said: Any) -> None:
    """Slack answers a message without text, and shows none."""
    async with hook_server(said) as hook:
        slack = sink(hook)
        words = await slack.check()
        await slack.close()
    assert "the webhook lives" in words
    assert hook.json(0) == {"text": ""}


async def test_a_check_finds_a_dead_webhook() -> None:
    """With Slack's word for it and the mend."""
    async with hook_server((404, "no_service", {})) as hook:
        slack = sink(hook)
        with pytest.raises(DeliveryError, match="no_service") as caught:
            await slack.check()
        await slack.close()
    assert "make a new incoming webhook" in (caught.value.hint or "")


async def test_a_check_of_another_service_is_a_get() -> None:
    """What Mattermost or Rocket.Chat make of an empty message is not known."""
    async with hook_server(405) as hook:
        slack = sink(hook, f"{hook.base}/hooks/abcdef123")
        words = await slack.check()
        await slack.close()
    assert "answers (HTTP 405 to GET)" in words
    assert hook.methods == ["GET"]
