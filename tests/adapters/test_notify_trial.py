"""``notify-test``: one invented alert through the real outbox and sinks, and what is said of each."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from click.testing import CliRunner

from catalyst_ray.cli.notify_test import command
from catalyst_ray.core.gauge import GaugeBook
from catalyst_ray.errors import ConfigError
from catalyst_ray.notify_trial import Outcome, send_test
from catalyst_ray.pipeline import lane
from catalyst_ray.settings import NAMES, Settings
from tests.adapters.hook_server import Hook, hook_server, silent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

SECRET = "whsec_" + "QUJD" * 8


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


async def posted(_: web.Request) -> web.StreamResponse:
    """Answer as Discord does."""
    return web.json_response({"id": "9001"})


def names_in(folder: Path) -> list[str]:
    """Return what stands in a folder."""
    return [path.name for path in folder.iterdir()]


async def trial(
    *names: str, wait_s: float = 5.0, out: io.StringIO | None = None, **settings: Any
) -> dict[str, Outcome]:
    """Send a test alert and return the outcomes by sink."""
    found = await send_test(
        Settings(**settings), names, wait_s=wait_s, out=out or io.StringIO(), is_terminal=True
    )
    return {one.sink: one for one in found}


async def test_every_sink_that_is_set_gets_a_real_card(tmp_path: Path) -> None:
    """With pictures where they are taken, marked as a test; nothing is left of it on this machine."""
    async with (
        hook_server(posted) as discord,
        hook_server() as slack,
        hook_server() as own,
        hook_server() as app,
    ):
        found = await trial(
            discord_webhook_url=f"{discord.base}/api/webhooks/42/t0ken",
            slack_webhook_url=slack.url,
            webhook_url=own.url,
            webhook_secret=SECRET,
            apprise_urls=app.base.replace("http", "json"),
            chart_colour_blind=True,
        )
    assert {name: (one.state, one.attempts) for name, one in found.items()} == dict.fromkeys(
        ("discord", "slack", "webhook", "apprise-1-json"), ("sent", 1)
    )
    assert found["discord"].message_id == "9001"
    data = own.json(0)["data"]
    assert found["webhook"].message_id == f"alert_{data['id']}_0"
    assert (data["ticker"], data["feed"], data["id"][:5]) == ("TEST", "notify_test", "test-")
    assert data["headline"].startswith("Test alert, all of it invented")
    assert "webhook-signature" in own.headers[0]
    assert discord.bodies[0].count(b"\x89PNG") == 2, "chart and gauge"
    assert GaugeBook(theme="dark-colour-blind").get(data["value"]) in discord.bodies[0]
    assert b"bullish" in discord.bodies[0]
    assert "▲ TEST" in slack.json(0)["text"]
    assert app.json(0)["attachments"][0]["filename"] == "chart.png"
    assert names_in(tmp_path) == []


async def test_a_sink_that_fails_is_told_with_its_mend_and_doubles_nothing_elsewhere() -> None:
    """A dead sink is not waited for, what may pass is tried until the time is up; the others have it once."""
    async with (
        hook_server((404, "no_service", {})) as slack,
        hook_server() as good,
        hook_server(*[500] * 9) as bad,
    ):
        urls = f"{good.base} {bad.base}".replace("http", "json")
        found = await trial(slack_webhook_url=slack.url, apprise_urls=urls, wait_s=2.5)
    assert (found["slack"].state, found["slack"].attempts) == ("pending", 1)
    assert "no_service" in found["slack"].error
    assert "make a new incoming webhook" in found["slack"].mend
    assert (found["apprise-1-json"].state, len(good.bodies)) == ("sent", 1)
    assert found["apprise-2-json"].state == "unknown"
    assert found["apprise-2-json"].attempts == len(bad.bodies) == 2
    assert found["apprise-2-json"].mend


async def test_a_sink_that_asks_for_a_pause_is_tried_again() -> None:
    """The courier's own rules apply."""
    async with hook_server((429, "", {"Retry-After": "0"})) as own:
        found = await trial(webhook_url=own.url)
    assert (found["webhook"].state, found["webhook"].attempts) == ("sent", 2)


async def test_a_sink_that_never_answers_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows whether it arrived, and the reason is the missing answer, not that nothing was tried."""
    monkeypatch.setattr(lane, "LAST_WAIT_S", 0.1)
    async with hook_server(silent) as own:
        found = await trial(webhook_url=own.url, wait_s=0.2)
    assert (found["webhook"].state, found["webhook"].attempts) == ("unknown", 1)
    assert found["webhook"].error == "no answer while it was waited for"


async def test_a_refusal_is_not_to_be_tried_again() -> None:
    """What was refused for its form is refused again: the mend does not ask for patience."""
    async with hook_server(*[(400, "invalid_blocks", {})] * 2) as slack:
        found = await trial(slack_webhook_url=slack.url)
    assert (found["slack"].state, "try again" in found["slack"].mend) == ("dead", False)


async def test_nobody_there_is_said_when_the_time_is_up() -> None:
    """Not an error of the program: the sink's line says it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found = await trial(webhook_url=f"http://127.0.0.1:{probe.getsockname()[1]}/", wait_s=1.0)
    assert (found["webhook"].state, found["webhook"].mend) == ("pending", "check the network and DNS")
    assert "cannot reach 127.0.0.1" in found["webhook"].error


async def test_a_sink_may_be_named(tmp_path: Path) -> None:
    """Only that one; the console and the file too, which a test leaves alone otherwise."""
    out = io.StringIO()
    async with hook_server() as own:
        found = await trial("console", "file", webhook_url=own.url, out=out, out_dir=tmp_path)
    assert own.bodies == []
    assert {name: one.state for name, one in found.items()} == {"console": "sent", "file": "sent"}
    assert "TEST" in out.getvalue()
    assert json.loads((tmp_path / "alerts.ndjson").read_text())["feed"] == "notify_test"


@pytest.mark.parametrize(
    ("names", "settings", "words"),
    [
        ((), {}, "set DISCORD_WEBHOOK_URL"),
        ((), {"webhook_url": "http://127.0.0.1:1", "dry_run": True}, "unset DRY_RUN"),
        (("webhook",), {"webhook_url": "http://127.0.0.1:1", "dry_run": True}, "unset DRY_RUN"),
        (("slak",), {"webhook_url": "http://127.0.0.1:1"}, "there are console, file, webhook"),
    ],
)
async def test_nothing_to_send_to_is_a_wrong_setting(
    names: tuple[str, ...], settings: dict[str, Any], words: str
) -> None:
    """None is set, DRY_RUN keeps all silent, or there is none of that name."""
    with pytest.raises(ConfigError) as caught:
        await trial(*names, **settings)
    assert words in str(caught.value)


async def invoke(monkeypatch: pytest.MonkeyPatch, hook: Hook, *args: str) -> Any:
    """Run the command against the server, in a thread: it has an event loop of its own."""
    monkeypatch.setenv("WEBHOOK_URL", hook.url)
    monkeypatch.setattr("catalyst_ray.cli.notify_test.set_up_logs", lambda *_, **__: None)
    return await asyncio.to_thread(CliRunner().invoke, command, [*args, "--wait", "1"])


async def test_the_command_says_what_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line a sink for people, JSON for programs; 3 where one did not take it."""
    async with hook_server(200, 200, 404) as hook:
        people = await invoke(monkeypatch, hook)
        programs = await invoke(monkeypatch, hook, "--json")
        refused = await invoke(monkeypatch, hook)
    assert people.exit_code == programs.exit_code == 0
    assert people.output.startswith("✓ webhook")
    (row,) = json.loads(programs.stdout)
    assert (row["sink"], row["state"], row["attempts"]) == ("webhook", "sent", 1)
    assert refused.exit_code == 3
    assert "✗ webhook" in refused.output
    assert "HTTP 404" in refused.output
    assert "→ check WEBHOOK_URL" in refused.output


def test_no_ray_is_loaded() -> None:
    """A test of the sinks takes a second, not Ray's ten."""
    code = "import sys, catalyst_ray.notify_trial as t; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
