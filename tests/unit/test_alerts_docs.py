"""docs/alerts.md is true: its example has the record's keys, its code verifies a signature, its text is the card's."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from catalyst_ray.core.message import card
from catalyst_ray.core.message_event import CREATED, alert_event
from catalyst_ray.core.message_plain import plain_text
from catalyst_ray.core.signing import signature, signing_keys
from tests.unit.core.factories import make_alert

TEXT = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")
PAGE = "https://alerts.example.org"
SECRET = "whsec_" + "QUJD" * 8


def block(language: str) -> str:
    """Return the code block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return str(found)


def keys(value: Any) -> Any:
    """Return the keys of an object, and of the objects in it; of a list, those of its first."""
    if isinstance(value, dict):
        return {key: keys(one) for key, one in value.items()}
    return keys(value[0]) if isinstance(value, list) and value else None


def test_the_example_is_what_is_sent() -> None:
    """The same keys at every depth, in the same order; ``trace`` has the steps of the day."""
    shown = json.loads(block("json"))
    sent = json.loads(alert_event(make_alert(), kind=CREATED, page_url=PAGE))
    for one in (shown, sent):
        one["data"].pop("trace")
    assert keys(shown) == keys(sent)
    assert list(shown["data"]) == list(sent["data"])


def test_the_code_verifies_what_is_sent() -> None:
    """An event of now is ours; a changed, an old and a stranger's one are not."""
    names: dict[str, Any] = {}
    exec(block("python"), names)
    now_s = int(time.time())

    def headers(body: bytes, sent_s: int, secret: str) -> dict[str, str]:
        made = signature(signing_keys(secret), event_id="alert_a_0", timestamp_s=sent_s, body=body)
        return {"webhook-id": "alert_a_0", "webhook-timestamp": str(sent_s), "webhook-signature": made}

    other = "whsec_" + "REVG" * 8
    is_ours = names["is_ours"]
    assert is_ours(headers(b"{}", now_s, SECRET), b"{}", SECRET)
    assert is_ours(headers(b"{}", now_s, f"{other} {SECRET}"), b"{}", SECRET), "while the secret is replaced"
    assert not is_ours(headers(b"{}", now_s, SECRET), b"{ }", SECRET)
    assert not is_ours(headers(b"{}", now_s - 301, SECRET), b"{}", SECRET)
    assert not is_ours(headers(b"{}", now_s, other), b"{}", SECRET)


def test_the_text_is_the_cards() -> None:
    """Line by line."""
    shown = "\n".join(f"    {line}" for line in plain_text(card(make_alert(), page_url=PAGE)).splitlines())
    assert shown in TEXT
