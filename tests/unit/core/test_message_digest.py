"""Many alerts in one message: each with all that a glance needs, no line lost, no limit exceeded, nobody mentioned."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.message_digest import digest_lines, digest_payload, digest_room, news_payload
from catalyst_ray.core.message_text import units
from catalyst_ray.demo.discord_rules import problems
from catalyst_ray.models import Decision, Link, Reason, Symbol
from tests.unit.core.factories import NOW_UTC, make_alert

LATER = NOW_UTC + timedelta(hours=3)
HOSTILE = (
    "@everyone <@&123> **x** [y](https://evil.example) ||z|| `c` \u202egnp.exe\u200b ]( https://evil.example"
)
any_text = st.text(max_size=300) | st.sampled_from([HOSTILE, "𝕏" * 300, "\ud800", "`" * 200])


@st.composite
def alerts(draw):
    """Make an alert with any text where a line shows some."""
    symbol = Symbol(ticker=draw(any_text), reason=Reason("exchange_tag"), name=draw(any_text))
    return make_alert(
        id=draw(any_text),
        link=Link(symbols=(symbol,)),
        item={"title": draw(any_text), "url": draw(any_text | st.just("https://a.example/" + "x)" * 900))},
        also=tuple(draw(st.lists(any_text, max_size=3))),
        notices=tuple(draw(st.lists(st.builds(Reason, st.just("corrected"), any_text), max_size=1))),
        is_repeat=draw(st.booleans()),
    )


def test_a_line_says_who_which_way_what_how_old_where_and_which() -> None:
    """All in one line; the age is that of the news now, not when the alert was made."""
    (line,) = digest_lines([make_alert()], now_utc=LATER)
    assert line == (
        "▼ **QLLN** strongly bearish **−0.72** · Offering priced · 3 h old · "
        "[read](https://wire.example.com/releases/2026/quillon-prices-offering) · alert a1b2c3d4e5"
    )


def test_a_line_says_what_became_of_its_alert() -> None:
    """Corrected, retracted, withdrawn, told by others too: news of an alert shows what is new."""
    corrected = make_alert(notices=(Reason("corrected", "$5M, not $50M"),), also=("PressLine",))
    sunk = make_alert(decision=Decision(action="alert", reasons=(Reason("llm_sinks"),), value=-0.1))
    first, second = digest_lines([corrected, sunk], now_utc=LATER)
    assert "· corrected · $5M, not $50M · also PressLine ·" in first
    assert second.startswith("✕ **QLLN** withdrawn by the LLM")
    assert news_payload([first, second])["content"] == "**News of 2 alerts** that were told of in a list"
    assert news_payload([first])["content"] == "**News of an alert** that was told of in a list"


def test_a_repeat_says_so() -> None:
    """Nobody knows whether its reader saw it before."""
    (line,) = digest_lines([make_alert(is_repeat=True)], now_utc=LATER)
    assert line.endswith(" · possible repeat of alert a1b2c3d4e5")


def test_links_can_be_left_out() -> None:
    """Where Discord refuses one of them, nobody says which."""
    (line,) = digest_lines([make_alert()], now_utc=LATER, has_links=False)
    assert "https" not in line


def test_a_digest_says_how_many_and_how_old() -> None:
    """The line that a phone shows."""
    some = [make_alert(), make_alert(id="0123456789")]
    payload = digest_payload(some, digest_lines(some, now_utc=LATER), now_utc=LATER)
    assert payload["content"] == ("**2 alerts that could not be delivered in time**; the oldest is 3 h old")


def test_a_message_holds_as_many_lines_as_discord_lets_it() -> None:
    """More than 4,096 units in two embeds; what does not fit is left for the next message."""
    many = [make_alert(id=f"{number:010x}") for number in range(100)]
    lines = digest_lines(many, now_utc=LATER)
    room = digest_room(lines)
    payload = digest_payload(many[:room], lines[:room], now_utc=LATER)
    shown = "\n".join(embed["description"] for embed in payload["embeds"])
    assert shown.splitlines() == lines[:room]
    assert len(payload["embeds"]) == 2
    assert 5_700 < sum(units(embed["description"]) for embed in payload["embeds"]) <= 6_000
    assert problems(payload, ()) == []


@settings(max_examples=60)
@given(st.lists(alerts(), min_size=1, max_size=30))
def test_any_text_keeps_every_limit_and_mentions_nobody(some) -> None:
    """Each line is one line and whole, Discord refuses none of the messages, and together they tell of all alerts."""
    lines = digest_lines(some, now_utc=LATER)
    assert all(len(line.splitlines()) == 1 for line in lines)
    told: list[str] = []
    while len(told) < len(lines):
        left = lines[len(told) :]
        room = digest_room(left)
        payload = digest_payload(some, left[:room], now_utc=LATER)
        assert problems(payload, ()) == []
        json.dumps(payload, ensure_ascii=False).encode()
        everything = json.dumps(payload, ensure_ascii=False)
        assert not re.search(r"@everyone|@here|<@[!&]?\d", everything, re.IGNORECASE)
        assert payload["allowed_mentions"] == {"parse": []}
        told += "\n".join(embed["description"] for embed in payload["embeds"]).split("\n")
    assert told == lines


def test_hostile_text_links_nowhere_but_to_the_news() -> None:
    """A headline's own link, and an address with brackets in it, make no second link."""
    alert = make_alert(
        item={"url": "https://a.example/x)[z](https://evil.example)"},
        also=(HOSTILE,),
        notices=(Reason("corrected", HOSTILE),),
    )
    (line,) = digest_lines([alert], now_utc=LATER)
    unescaped = re.findall(r"(?<!\\)\[([^\]]*)\]\(([^)]*)\)", line)
    assert unescaped == [("read", "https://a.example/x%29%5Bz%5D%28https://evil.example%29")]
