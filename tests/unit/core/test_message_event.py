"""The webhook's event and its signature."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings

from catalyst_ray.core.message_event import CREATED, MAX_EVENT_BYTES, REVISED, alert_event, event_id
from catalyst_ray.core.message_record import alert_record
from catalyst_ray.core.signing import signature, signing_keys
from catalyst_ray.models import EventHit
from tests.unit.core.any_alerts import alerts
from tests.unit.core.factories import NOW_UTC, make_alert

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR = {
    "event_id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "timestamp_s": 1614265330,
    "body": b'{"test": 2432232314}',
}
"""The reference vector of Standard Webhooks."""


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The published vector comes out, so any receiver's library takes our events."""
    assert signature(signing_keys(SECRET), **VECTOR) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_two_secrets_give_two_signatures() -> None:
    """While a secret is replaced, receivers with either one are served."""
    other = "whsec_" + base64.b64encode(b"k" * 32).decode()
    both = signature(signing_keys(f"{other} {SECRET}"), **VECTOR).split(" ")
    assert len(both) == 2
    assert both[1] == signature(signing_keys(SECRET), **VECTOR)


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_abc",
        "whsec_!!!!",
        "whsec_QUJD",
        "whsec_" + "QUJD" * 22,
    ],
)
def test_a_secret_of_another_form_is_refused(secret: str) -> None:
    """Without its prefix, too short, too long or no base64: a library would make another key of it."""
    with pytest.raises(ValueError, match="24 to 64"):
        signing_keys(secret)


def test_an_event_holds_the_record() -> None:
    """Type and time in the envelope; the picture's path on this machine is not told."""
    alert = make_alert(chart_path="/home/me/charts/a.png")
    event = json.loads(alert_event(alert, kind=CREATED, page_url="https://alerts.example.org"))
    assert (event["type"], event["timestamp"]) == ("alert.created", NOW_UTC.isoformat())
    assert event["data"].pop("chart") is None
    record = alert_record(alert, page_url="https://alerts.example.org")
    assert event["data"] == {key: value for key, value in record.items() if key != "chart"}


def test_a_revision_is_an_event_of_its_own() -> None:
    """Its type, time and id differ; the alert's id stays."""
    later = NOW_UTC + timedelta(minutes=2)
    alert = make_alert(revision=1, revised_utc=later)
    event = json.loads(alert_event(alert, kind=REVISED, page_url=None))
    assert (event["type"], event["timestamp"]) == ("alert.revised", later.isoformat())
    assert event["data"]["id"] == "a1b2c3d4e5"
    assert (event_id(make_alert()), event_id(alert)) == ("alert_a1b2c3d4e5_0", "alert_a1b2c3d4e5_1")
    assert event_id(make_alert(id="a.b\r\nc/")) == "alert_abc_0", "no full stop, which divides what is signed"


@settings(max_examples=40)
@given(alerts())
def test_any_text_makes_an_event(alert) -> None:
    """ASCII, JSON, within its size; the id fits into a header."""
    body = alert_event(alert, kind=CREATED, page_url=None)
    assert len(body) <= MAX_EVENT_BYTES
    assert json.loads(body.decode("ascii"))["data"]["schema"] == 1
    assert event_id(alert).isascii()


def test_a_record_beyond_the_limit_is_cut_and_says_so() -> None:
    """The figures that matter stay, lists go."""
    hit = EventHit(code="x", label="y", weight=0.1, span="words " * 100)
    alert = make_alert()
    alert = replace(alert, score=replace(alert.score, events=(hit,) * 2_000))
    body = alert_event(alert, kind=CREATED, page_url=None)
    data = json.loads(body)["data"]
    assert len(body) <= MAX_EVENT_BYTES
    assert data["cut"] is True
    assert (data["ticker"], data["value"], "events" in data) == ("QLLN", -0.72, False)
