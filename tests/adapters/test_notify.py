"""apprise against loopback targets of its own ``json://``: what is sent, and what a failure means."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import sys
import threading
from typing import Any

import pytest

from catalyst_ray.adapters import notify
from catalyst_ray.adapters.notify import AppriseService, addresses
from catalyst_ray.errors import ConfigError, DeliveryError
from catalyst_ray.models import Action, Decision
from tests.adapters.hook_server import Hook, hook_server
from tests.unit.core.factories import NOW_UTC, make_alert

pytestmark = pytest.mark.anyio

CHART = b"\x89PNG chart"


@pytest.fixture(autouse=True)
def _has_apprise() -> None:
    pytest.importorskip("apprise", reason="needs the extra notify")


def target(hook: Hook) -> str:
    """Return the server as apprise writes it."""
    return hook.base.replace("http://", "json://") + "/t0ken"


async def test_one_message_with_title_text_and_chart() -> None:
    """The verdict is the title, the rest of the card the body, the chart the one picture."""
    async with hook_server() as hook:
        service = AppriseService(target(hook), page_url="https://alerts.example.org")
        receipt = await service.send(make_alert(), chart=CHART, gauge=b"png")
        await service.close()
    sent = hook.json(0)
    assert receipt.message_id is None
    assert sent["title"] == "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced"
    first, *_, page, last = sent["message"].splitlines()
    assert first == "QLLN · Quillon Therapeutics Inc. · NASDAQ"
    assert (page, last) == ("https://alerts.example.org/alerts/a1b2c3d4e5", "alert a1b2c3d4e5")
    (picture,) = sent["attachments"]
    assert (picture["filename"], base64.b64decode(picture["base64"])) == ("chart.png", CHART)
    assert len(hook.bodies) == 1


async def test_without_a_chart_no_picture_is_sent() -> None:
    """Nor an empty one."""
    async with hook_server() as hook:
        await AppriseService(target(hook)).send(make_alert(), chart=None, gauge=b"png")
    assert hook.json(0)["attachments"] == []


async def test_a_service_for_short_texts_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text message of 160 characters has verdict, headline and id, and no file where none is taken."""
    async with hook_server() as hook:
        service = AppriseService(target(hook))
        monkeypatch.setattr(service._service, "body_maxlen", 160)
        monkeypatch.setattr(service._service, "attachment_support", False)
        await service.send(make_alert(), chart=CHART, gauge=None)
    sent = hook.json(0)
    assert len(sent["message"]) <= 100
    assert sent["message"].endswith("· alert a1b2c3d4e5")
    assert (sent["title"], sent["attachments"]) == ("", [])


async def test_a_service_for_short_texts_gets_late_alerts_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list would be longer than it takes."""
    async with hook_server() as hook:
        service = AppriseService(target(hook))
        monkeypatch.setattr(service._service, "body_maxlen", 160)
        assert service.digest_room([make_alert()] * 3, now_utc=NOW_UTC) == 1
        await service.send_digest([make_alert()], now_utc=NOW_UTC, is_news=False)
    assert len(hook.json(0)["message"]) <= 100
    assert hook.json(0)["message"].endswith("· alert a1b2c3d4e5")


async def test_a_failure_is_an_unknown_outcome() -> None:
    """Apprise says yes or no: part of it may have arrived, so the next try is a possible double."""
    async with hook_server(500) as hook:
        service = AppriseService(target(hook))
        with pytest.raises(DeliveryError, match="did not take it") as caught:
            await service.send(make_alert(), chart=None, gauge=None)
    error = caught.value
    assert (error.permanent, error.outcome_known, error.key) == (False, False, "apprise-1-json")
    assert "t0ken" not in str(error) + repr(service)


async def test_a_revision_is_a_short_message() -> None:
    """A further source alone is none."""
    async with hook_server() as hook:
        service = AppriseService(target(hook))
        await service.send(
            make_alert(decision=Decision(action=Action.ALERT, reasons=(), value=-0.5)), chart=None, gauge=None
        )
        for changes in ({}, {"also": ("Meridian",)}):
            await service.edit(make_alert(revision=1, **changes), message_id=None, chart=CHART, gauge=None)
    assert len(hook.bodies) == 2
    assert hook.json(1)["message"].startswith("↻ QLLN −0.50 → −0.72, strongly bearish · ")
    assert hook.json(1)["message"].endswith(" · alert a1b2c3d4e5")


async def test_nobody_is_called_by_a_headline() -> None:
    """Some of apprise's services make mentions of what looks like one."""
    async with hook_server() as hook:
        await AppriseService(target(hook)).send(
            make_alert(item={"title": "@channel <!here> up"}), chart=None, gauge=None
        )
    assert "@channel" not in hook.json(0)["message"]
    assert "<!" not in hook.json(0)["message"]


async def test_a_service_that_hangs_holds_up_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be ended: the next message is tried later, the outcome of that one is known."""
    go_on = threading.Event()
    service = AppriseService("json://127.0.0.1:1")
    monkeypatch.setattr(service, "_notify", lambda *_: go_on.wait(5))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await service.send(make_alert(), chart=None, gauge=None)
    with pytest.raises(DeliveryError, match="still on its way") as caught:
        await service.send(make_alert(id="second"), chart=None, gauge=None)
    assert (caught.value.permanent, caught.value.outcome_known) == (False, True)
    go_on.set()
    assert service._working is not None
    await service._working
    await service.send(make_alert(id="second"), chart=None, gauge=None)


async def test_late_alerts_go_as_one_message() -> None:
    """As many as the service takes in one."""
    late = [make_alert(id=f"late{number}") for number in range(5)]
    async with hook_server() as hook:
        service = AppriseService(target(hook))
        assert service.digest_room(late, now_utc=NOW_UTC) == 5
        await service.send_digest(late, now_utc=NOW_UTC, is_news=False)
    assert hook.json(0)["message"].splitlines()[0].startswith("5 alerts that could not be delivered in time")
    assert hook.json(0)["message"].count("\n") == 5


@pytest.mark.parametrize(
    "urls",
    [
        "json://a.example ntfy://topic?x=1,2",
        "json://a.example, ntfy://topic?x=1,2,",
        "\n json://a.example\nntfy://topic?x=1,2 \n",
    ],
)
def test_addresses_are_divided_by_spaces_or_commas(urls: str) -> None:
    """A comma within an address is its own."""
    assert addresses(urls) == ["json://a.example", "ntfy://topic?x=1,2"]


def test_a_sinks_name_has_place_and_kind_and_no_secret() -> None:
    """It is a key of the outbox and stands in reports."""
    service = AppriseService("ntfys://s3cr3t-topic", number=3)
    assert service.name == "apprise-3-ntfys"
    assert "s3cr3t" not in repr(service)


@pytest.mark.parametrize("url", ["nosuch://token1234", "discord://"])
def test_an_address_that_apprise_does_not_know(url: str) -> None:
    """Its place and kind are named, not the address."""
    with pytest.raises(ConfigError, match="address 2") as caught:
        AppriseService(url, number=2)
    assert caught.value.key == "APPRISE_URLS"
    assert "token1234" not in str(caught.value)


def test_without_the_extra_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """At start, not at the first alert."""
    find: Any = importlib.util.find_spec
    monkeypatch.setattr(notify, "find_spec", lambda name: None if name == "apprise" else find(name))
    with pytest.raises(ConfigError) as caught:
        AppriseService("json://127.0.0.1")
    assert caught.value.hint == f"{sys.executable} -m pip install 'catalyst-ray[notify]'"
