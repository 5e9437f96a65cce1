"""The card as plain text, the short line on a revised alert, and the link to our page."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings

from catalyst_ray.core.message import card
from catalyst_ray.core.message_discord import discord_payload
from catalyst_ray.core.message_plain import MAX_TEXT, MIN_TEXT, one_line, plain_text, title_line
from catalyst_ray.core.message_record import alert_record
from catalyst_ray.core.message_text import quiet, units
from catalyst_ray.core.message_update import Told, is_news, update
from catalyst_ray.models import Action, Decision, Reason, Verdict
from tests.unit.core.any_alerts import HOSTILE, alerts
from tests.unit.core.factories import make_alert

PAGE = "https://alerts.example.org"
PINGS = re.compile(r"@\w|<[!@#]|\]\(")


def test_the_text_has_all_that_a_card_tells() -> None:
    """What, who, which way, how sure, why: each element stands on its line, the verdict first, the id last."""
    assert plain_text(card(make_alert(), page_url=PAGE)).splitlines() == [
        "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced",
        "QLLN · Quillon Therapeutics Inc. · NASDAQ",
        "Quillon Therapeutics prices $25 million public offering of common stock and warrants",
        "$2.61 (−14.4 %) · judged by LLM mistral, 0.9 s",
        "Harbour Newswire · 42 s old · Tue 17 Mar 2026, 09:41:25 ET, market open",
        "Quillon sells new shares with warrants well below the market. Holders are diluted.",
        "• (Offering priced −0.70 + Warrants −0.02 + wording +0.02) × fresh 1.00 × source 1.00 = −0.70",
        "• LLM says −0.80, 90 % sure, and agrees",
        "• QLLN from the exchange tag: (NASDAQ: QLLN)",
        "“10,000,000 shares at $2.50”",
        "https://wire.example.com/releases/2026/quillon-prices-offering",
        "https://alerts.example.org/alerts/a1b2c3d4e5",
        "alert a1b2c3d4e5",
    ]


@settings(max_examples=40)
@given(alerts())
@example(
    make_alert(item={"title": HOSTILE * 5, "summary": HOSTILE * 8, "url": "https://x.example/" + "a" * 2000})
)
def test_any_text_stays_within_the_limit_and_calls_nobody(alert) -> None:
    """Whatever stands in an alert: the limit holds, the id is the last line, and no service finds a mention."""
    shown = card(alert, page_url=PAGE)
    for limit in (MIN_TEXT, MAX_TEXT):
        text = plain_text(shown, limit=limit)
        assert units(text) <= limit
        assert not PINGS.search(text)
        assert shown.alert_id == "" or shown.alert_id[:9] in text.splitlines()[-1].replace("\u200b", "")
    for limit in (150, 1_000):
        line = one_line(shown, limit=limit)
        assert units(line) <= limit
        assert line.endswith(f"· {shown.repeat or f'alert {shown.alert_id}'}")
        assert "\n" not in line
    assert units(title_line(shown)) <= 200


def test_what_does_not_fit_goes_from_the_middle() -> None:
    """Quotes first, then reasons; the links stay."""
    long = replace(card(make_alert(), page_url=PAGE), evidence=("e" * 190,) * 3, reasons=("r" * 200,) * 5)
    text = plain_text(long, limit=MIN_TEXT)
    assert "“" not in text
    assert 0 < text.count("• ") < 5
    assert long.page in text
    assert long.link in text


def test_one_line_for_a_service_that_takes_no_more() -> None:
    """A text message has the verdict, the beginning of the headline, and the id."""
    assert one_line(card(make_alert()), limit=150) == (
        "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced · Quillon Therapeutics prices $25 million"
        " public offering of common… · alert a1b2c3d4e5"
    )


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("@channel @all @u12", "@\u200bchannel @\u200ball @\u200bu12"),
        ("<!here> <#C1> <@U2>", "<\u200b!here> <\u200b#C1> <@\u200bU2>"),
        ("[a](https://b.example)", "[a]\u200b(https://b.example)"),
        ("a @ b < c ] (d)", "a @ b < c ] (d)"),
    ],
)
def test_mentions_commands_and_named_links_are_broken(text: str, broken: str) -> None:
    """As Slack, Mattermost, Rocket.Chat and Telegram know them; ordinary marks stay as they are."""
    assert not PINGS.search(quiet(text))
    assert quiet(text) == broken or quiet(text) == broken.replace("<@", "<\u200b@")


def test_a_possible_repeat_says_so() -> None:
    """Where nobody knows whether it arrived the first time, the id stands with that."""
    shown = card(replace(make_alert(), is_repeat=True))
    assert plain_text(shown).splitlines()[-1] == "possible repeat of alert a1b2c3d4e5"
    assert one_line(shown, limit=150).endswith(" · possible repeat of alert a1b2c3d4e5")


def test_a_summary_begins_with_the_news() -> None:
    """Two sentences without the place and date of a release, about two lines at most."""
    lede = "BOSTON, March 17, 2026 (Harbour Newswire) -- Quillon priced its offering. It closes soon. More."
    judged = make_alert(item={"summary": lede}, verdict=Verdict(None, Reason("llm_off")))
    assert card(judged).summary == "Quillon priced its offering. It closes soon."
    assert units(card(replace(judged, item=replace(judged.item, summary="word " * 200))).summary) <= 240


def test_an_update_says_what_changed_and_of_which_alert() -> None:
    """Score before and now, who judged, one sentence, the id; the score before only where it is known."""
    before = card(make_alert(decision=Decision(action=Action.ALERT, reasons=(), value=-0.5)))
    now = card(make_alert(revision=1))
    assert update(now, before).line == (
        "↻ QLLN −0.50 → −0.72, strongly bearish · LLM mistral, 0.9 s"
        " · Quillon sells new shares with warrants well below the market. · alert a1b2c3d4e5"
    )
    assert update(now, None).line.startswith("↻ QLLN −0.72, strongly bearish · ")
    assert update(now, before).within(80) == "↻ QLLN −0.50 → −0.72, strongly bearish · alert a1b2c3d4e5"


def valued(value: float) -> Decision:
    """Return a decision that came to a strength."""
    return Decision(action=Action.ALERT, reasons=(), value=value)


def test_what_leaves_the_verdict_alone_is_no_news() -> None:
    """Readers who cannot be shown an edit hear of a new verdict, correction or retraction, not of each copy."""
    before = card(make_alert())
    assert not is_news(card(make_alert(revision=1, also=("Meridian",))), before)
    agreed = make_alert(revision=1, verdict=Verdict(None, Reason("llm_off")), decision=valued(-0.8))
    assert not is_news(card(agreed), before)
    assert is_news(card(make_alert(revision=1, decision=valued(-0.85))), before), "stronger by more than 0.1"
    assert is_news(
        card(make_alert(revision=1, decision=valued(-0.55))), card(make_alert(decision=valued(-0.62)))
    )
    assert is_news(card(make_alert(revision=1, notices=(Reason("corrected", "$52 million"),))), before)
    assert is_news(card(make_alert(revision=1, notices=(Reason("retracted", "Meridian"),))), before)
    assert is_news(before, None), "after a restart nobody knows what they have"


def test_what_was_told_is_remembered_within_bounds() -> None:
    """The last two thousand alerts; the oldest goes first."""
    told, shown = Told(), card(make_alert())
    for number in range(2_001):
        told.keep(replace(shown, alert_id=str(number)))
    assert told.before("0") is None
    assert told.before("1") is not None


def test_the_link_to_our_page_is_on_card_record_and_discord() -> None:
    """A masked link of its own in the embed's text; nothing where readers have no page."""
    alert = make_alert()
    assert card(alert).page == ""
    assert alert_record(alert)["page"] is None
    assert alert_record(alert, page_url=PAGE)["page"] == f"{PAGE}/alerts/a1b2c3d4e5"
    (embed,) = discord_payload(card(alert, page_url=PAGE), has_chart=False, has_gauge=False)["embeds"]
    assert embed["description"].endswith(f"\n[Evidence and timeline]({PAGE}/alerts/a1b2c3d4e5)")
    (bare,) = discord_payload(card(alert), has_chart=False, has_gauge=False)["embeds"]
    assert "Evidence and timeline" not in bare["description"]


@settings(max_examples=40)
@given(alerts())
def test_no_text_breaks_the_masked_link(alert) -> None:
    """The link stands whole on the last line, and no bracket before it is left open to markdown."""
    shown = card(alert, page_url=PAGE)
    (embed,) = discord_payload(shown, has_chart=True, has_gauge=True)["embeds"]
    *before, last = embed["description"].split("\n")
    if shown.page:  # no id of ours makes an address too long
        assert re.fullmatch(
            r"\[Evidence and timeline\]\(https://alerts\.example\.org/alerts/[\w.~%-]*\)", last
        )
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]`]", "\n".join(before))
    assert units(embed["description"]) <= 4096
    json.dumps(embed, ensure_ascii=False).encode()
