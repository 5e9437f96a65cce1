"""What the doctor says of each sink: alive, dead, unsigned, silent, or without its extra."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.adapters import notify
from catalyst_ray.doctor.sinks import check_sinks
from catalyst_ray.settings import NAMES, Settings
from tests.adapters.hook_server import hook_server

if TYPE_CHECKING:
    from catalyst_ray.models import Finding

pytestmark = pytest.mark.anyio

SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


async def findings(**settings: Any) -> dict[str, Finding]:
    """Return the findings by name."""
    return {one.name: one async for one in check_sinks(Settings(**settings))}


async def test_sinks_that_answer_are_ok_and_get_nothing() -> None:
    """Slack is asked with an empty message, a webhook with GET, apprise not at all."""
    async with hook_server((400, "no_text", {})) as slack, hook_server(405) as own:
        found = await findings(
            slack_webhook_url=slack.url,
            webhook_url=own.url,
            webhook_secret=SECRET,
            apprise_urls="json://127.0.0.1:1",
        )
    assert {name: one.status for name, one in found.items()} == dict.fromkeys(
        ("slack", "webhook", "apprise-1-json"), "ok"
    )
    assert (own.methods, slack.bodies) == (["GET"], [b'{"text":""}'])
    assert "notify-test" in found["apprise-1-json"].words


async def test_a_dead_sink_is_a_failure_with_its_mend_and_hides_no_other() -> None:
    """The others are still asked; an unsigned webhook is worth a word."""
    async with hook_server((404, "no_service", {})) as slack, hook_server() as own:
        found = await findings(slack_webhook_url=slack.url, webhook_url=own.url)
    assert (found["slack"].status, found["webhook"].status) == ("fail", "ok")
    assert "make a new incoming webhook" in found["slack"].mend
    assert found["webhook secret"].status == "warn"
    assert "WEBHOOK_SECRET" in found["webhook secret"].mend


async def test_a_dry_run_says_so_at_each_sink() -> None:
    """It lives, and gets nothing while DRY_RUN is set."""
    async with hook_server() as own:
        found = await findings(webhook_url=own.url, webhook_secret=SECRET, dry_run=True)
    assert found["webhook"].status == "warn"
    assert found["webhook"].words.endswith("; dry run")
    assert found["webhook"].mend == "unset DRY_RUN to post alerts"


async def test_without_a_sink_the_settings_that_make_one_are_named() -> None:
    """All four."""
    (found,) = (await findings()).values()
    assert (found.name, found.status) == ("sinks", "warn")
    for name in ("DISCORD_WEBHOOK_URL", "SLACK_WEBHOOK_URL", "WEBHOOK_URL", "APPRISE_URLS"):
        assert name in found.mend


async def test_a_missing_extra_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the line that installs it; the others are still asked."""
    monkeypatch.setattr(notify, "find_spec", lambda _: None)
    async with hook_server() as own:
        found = await findings(apprise_urls="json://127.0.0.1:1", webhook_url=own.url, webhook_secret=SECRET)
    assert {name: one.status for name, one in found.items()} == {"apprise": "fail", "webhook": "ok"}
    assert found["apprise"].mend == f"{sys.executable} -m pip install 'catalyst-ray[notify]'"


async def test_a_check_that_breaks_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is a failure of its own line."""

    async def broken(_: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("catalyst_ray.adapters.slack.SlackWebhook.check", broken)
    async with hook_server() as own:
        found = await findings(slack_webhook_url=own.url, webhook_url=own.url, webhook_secret=SECRET)
    assert found["slack"].words == "broke off: RuntimeError"
    assert found["webhook"].status == "ok"
