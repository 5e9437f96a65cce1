"""The card for Slack: its limits, and that strangers' text stays text."""

from __future__ import annotations

import json
import re

from hypothesis import example, given, settings

from catalyst_ray.core.message import card
from catalyst_ray.core.message_slack import slack_fallback, slack_payload, slack_text, slack_update
from catalyst_ray.core.message_text import units
from catalyst_ray.models import Reason
from tests.unit.core.any_alerts import HOSTILE, alerts
from tests.unit.core.factories import make_alert

PAGE = "https://alerts.example.org"
LINKS = re.compile(r"<https?://[^<>|\s]*\|(?:Source|Evidence and timeline)>")


def texts(payload: dict[str, object]) -> list[dict[str, str]]:
    """Return every text object of a message."""
    found, rest = [], [payload["blocks"]]
    while rest:
        one = rest.pop()
        if isinstance(one, dict) and one.get("type") in {"plain_text", "mrkdwn"}:
            found.append(one)
        rest += one if isinstance(one, list) else one.values() if isinstance(one, dict) else []
    return found


@settings(max_examples=40)
@given(alerts())
@example(make_alert(item={"title": HOSTILE * 3, "summary": "&<>" * 300}))
def test_any_text_makes_a_message_within_slacks_limits(alert) -> None:
    """Whatever stands in an alert, every limit holds, nobody is called, and no link but ours has a name."""
    shown = card(alert, page_url=PAGE)
    payload = slack_payload(shown)
    json.dumps(payload, ensure_ascii=False).encode()
    assert len(payload["blocks"]) <= 50
    assert 0 < len(payload["text"]) <= 16_383, "Mattermost's limit, the lowest"
    header, *rest = payload["blocks"]
    assert 0 < units(header["text"]["text"]) <= 150
    for block in rest:
        assert len(block.get("fields", ())) <= 8
        assert all(0 < units(field["text"]) <= 2000 for field in block.get("fields", ()))
        assert len(block.get("elements", ())) <= 10
        if "text" in block:
            assert 0 < units(block["text"]["text"]) <= 3000
    for one in texts(payload):
        bare = LINKS.sub("", one["text"]) if one["type"] == "mrkdwn" else one["text"]
        assert not re.search(r"[<>]|@\w|&(?!amp;|lt;|gt;)", bare)
    for message in (payload, slack_fallback(shown), slack_update(shown, None)):
        assert not re.search(r"[<>]|@\w|\]\(|&(?!amp;|lt;|gt;)", str(message["text"]))
        assert message["mrkdwn"] is False


def test_strangers_words_stand_in_plain_text_only() -> None:
    """The one element with markup holds our links and the id; stars, emoji and links elsewhere are shown as they are."""
    payload = slack_payload(card(make_alert(item={"title": HOSTILE, "source": HOSTILE}), page_url=PAGE))
    (ours,) = [one for one in texts(payload) if one["type"] == "mrkdwn"]
    assert ours["text"] == (
        "<https://wire.example.com/releases/2026/quillon-prices-offering|Source>"
        f" · <{PAGE}/alerts/a1b2c3d4e5|Evidence and timeline> · alert a1b2c3d4e5 · catalyst_ray"
    )
    assert all(one["emoji"] is False for one in texts(payload) if one["type"] == "plain_text")


def test_the_message_tells_all_that_a_card_tells() -> None:
    """Verdict as header; company, headline and summary; reasons and quotes; the fields of every sink; links."""
    payload = slack_payload(card(make_alert(chart_reason=Reason("no_prices", "none")), page_url=PAGE))
    header, what, why, fields, no_chart, links = payload["blocks"]
    assert header["text"]["text"] == "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced"
    assert what["text"]["text"].splitlines()[0] == "QLLN · Quillon Therapeutics Inc. · NASDAQ"
    assert "Holders are diluted." in what["text"]["text"]
    assert why["text"]["text"].splitlines()[-1] == "“10,000,000 shares at $2.50”"
    told = [field["text"] for field in fields["fields"]]
    assert told[:3] == ["Verdict: ▼ Strongly bearish −0.72", "Confidence: 90 %", "Price: $2.61 (−14.4 %)"]
    assert no_chart["elements"][0]["text"].startswith("no chart · ")
    assert links["type"] == "context"
    assert payload["text"].splitlines()[0] == header["text"]["text"], "services without blocks show the text"
    assert payload["text"].splitlines()[-1] == "alert a1b2c3d4e5"


def test_an_address_with_ampersands_is_escaped_as_slack_asks() -> None:
    """Within a named link too."""
    payload = slack_payload(card(make_alert(item={"url": "https://x.example/?a=1&b=2"})))
    assert "<https://x.example/?a=1&amp;b=2|Source>" in payload["blocks"][-1]["elements"][0]["text"]
    assert slack_text("a & b < c > d") == "a &amp; b &lt; c &gt; d"


def test_an_update_names_the_alert_and_its_page() -> None:
    """The first message cannot be changed, so the second says which alert it is about."""
    message = slack_update(card(make_alert(revision=1), page_url=PAGE), None)
    first, link = message["text"].splitlines()
    assert first.startswith("↻ QLLN −0.72, strongly bearish · ")
    assert first.endswith(" · alert a1b2c3d4e5")
    assert link == f"{PAGE}/alerts/a1b2c3d4e5"
    assert "blocks" not in message
