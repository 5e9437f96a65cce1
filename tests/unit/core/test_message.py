"""What a card says, and that no text from outside can break a Discord message."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalyst_ray.core.message import Tone, card
from catalyst_ray.core.message_discord import (
    discord_edit,
    discord_fallback,
    discord_payload,
    embed_fields,
    embed_units,
)
from catalyst_ray.core.message_plain import plain_text
from catalyst_ray.core.message_record import alert_line
from catalyst_ray.core.message_text import clip, markdown, plain, safe_link, sentences, units
from catalyst_ray.models import (
    Action,
    Deal,
    Decision,
    EventHit,
    LlmUse,
    Reason,
    Score,
    Stage,
    Symbol,
    Verdict,
    Where,
)
from tests.unit.core.any_alerts import HOSTILE, alerts
from tests.unit.core.factories import NOW_UTC, make_alert


@given(alerts(), st.booleans(), st.booleans())
@example(make_alert(item={"title": HOSTILE, "summary": HOSTILE * 8}), True, True)
def test_any_text_makes_a_message_within_discords_limits(alert, has_chart, has_gauge) -> None:
    """Whatever stands in an alert, both messages keep every limit, are valid JSON and mention nobody."""
    shown = card(alert)
    payload = discord_payload(shown, has_chart=has_chart, has_gauge=has_gauge)
    fallback = discord_fallback(shown)
    json.loads(json.dumps(payload, allow_nan=False).encode())
    json.dumps(payload, ensure_ascii=False).encode()  # refuses lone surrogates
    (embed,) = payload["embeds"]
    assert 0 < units(payload["content"]) <= 2000
    assert 0 < units(fallback["content"]) <= 2000
    assert units(embed["title"]) <= 256
    assert units(embed["description"]) <= 4096
    assert units(embed["author"]["name"]) <= 256
    assert units(embed["footer"]["text"]) <= 2048
    assert len(embed["fields"]) <= 8
    for field in embed["fields"]:
        assert 0 < units(field["name"].strip()) <= 256
        assert 0 < units(field["value"].strip()) <= 1024
    assert embed_units(embed) <= 6000
    assert payload["allowed_mentions"] == fallback["allowed_mentions"] == {"parse": []}
    everything = json.dumps([payload, fallback], ensure_ascii=False)
    assert not re.search(r"@everyone|@here|<@[!&]?\d", everything, re.IGNORECASE)


@given(alerts())
def test_any_text_makes_a_record(alert) -> None:
    """The JSON line exists for any alert, is one line, and parses."""
    line = alert_line(alert)
    assert "\n" not in line
    assert json.loads(line)["schema"] == 1


def test_the_longest_card_fits() -> None:
    """When everything is long and every character escaped, lines of the description give way to the limits."""
    stars = "*" * 400
    lines = {"summary": stars, "reasons": (stars,) * 5, "evidence": (stars,) * 3}
    shown = replace(card(make_alert()), **lines, tier=stars, source=stars, published=stars)
    (embed,) = discord_payload(shown, has_chart=True, has_gauge=True)["embeds"]
    assert 3000 < units(embed["description"]) <= 4096
    assert 5000 < embed_units(embed) <= 6000


def test_a_card_tells_what_who_which_way_how_sure_and_why() -> None:
    """The first line of the text carries the verdict, and the reasons show the factors of the score."""
    shown = card(make_alert())
    assert plain_text(shown).splitlines()[:2] == [
        "▼ QLLN strongly bearish −0.72, 90 % sure · Offering priced",
        "QLLN · Quillon Therapeutics Inc. · NASDAQ",
    ]
    assert shown.tone is Tone.BEARISH
    assert shown.tier == "LLM mistral, 0.9 s"
    assert shown.quote == "$2.61 (−14.4 %)"
    assert shown.age == "42 s old"
    assert shown.published == "Tue 17 Mar 2026, 09:41:25 ET, market open"
    assert shown.reasons == (
        "(Offering priced −0.70 + Warrants −0.02 + wording +0.02) × fresh 1.00 × source 1.00 = −0.70",
        "LLM says −0.80, 90 % sure, and agrees",
        "QLLN from the exchange tag: (NASDAQ: QLLN)",
    )
    assert shown.evidence == ("10,000,000 shares at $2.50",), "words of the headline are not shown twice"


def test_words_that_weigh_next_to_nothing_are_not_quoted() -> None:
    """Only the words of events that count are evidence."""
    alert = make_alert()
    faint = EventHit(code="product", label="Product", weight=0.07, span="launch of something")
    known = EventHit(code="contract_won", label="Contract", weight=0.5, span="an order worth $3 million")
    score = replace(alert.score, events=(known, faint))
    shown = card(replace(alert, score=score, verdict=Verdict(None, Reason("llm_off"))))
    assert shown.evidence == ("an order worth $3 million",)


@pytest.mark.parametrize(
    ("verdict", "tier", "confidence"),
    [
        (Verdict(None, Reason("llm_off")), "fast tier · LLM off", "86 %"),
        (Verdict(None, Reason("llm_not_needed")), "fast tier", "86 %"),
        (Verdict(None, Reason("llm_pending")), "fast tier · LLM not in yet", "86 %"),
        (Verdict(None, Reason("llm_deadline")), "fast tier · LLM was late", "86 %"),
        (Verdict(None, Reason("llm_failed", "HTTP 500")), "fast tier · LLM failed: HTTP 500", "86 %"),
        (Verdict(None, Reason("llm_refused", "queue full")), "fast tier · LLM refused: queue full", "86 %"),
    ],
)
def test_the_card_says_which_tier_judged(verdict, tier, confidence) -> None:
    """Without a judgement the fast tier's confidence is shown, and why the LLM is silent."""
    shown = card(make_alert(verdict=verdict))
    assert (shown.tier, shown.confidence) == (tier, confidence)


def test_a_model_without_weight_is_shown_and_does_not_count() -> None:
    """Its name and verdict are on the card; summary and confidence stay the fast tier's."""
    judgement = make_alert().verdict.judgement
    weightless = replace(judgement, has_weight=False, model="tiny", summary="Nonsense.")
    said = Reason("llm_judged", "tiny", -0.8)
    decision = Decision(action=Action.ALERT, reasons=(said,), value=-0.7)
    shown = card(make_alert(verdict=Verdict(weightless, said), decision=decision))
    assert shown.tier == "LLM tiny: shown, no weight"
    assert shown.confidence == "86 %"
    assert "Nonsense" not in shown.summary
    assert "LLM says −0.80, 90 % sure, which does not count" in shown.reasons


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.9, "Strongly bullish"),
        (0.4, "Bullish"),
        (0.1, "Slightly bullish"),
        (0.01, "Neutral"),
        (-0.3, "Bearish"),
    ],
)
def test_direction_in_words(value: float, words: str) -> None:
    """Strength of the decided value turns into words, and near zero is neutral."""
    decision = Decision(action=Action.ALERT, reasons=(), value=value)
    assert card(make_alert(decision=decision)).direction == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-3), "0 s old"),
        (timedelta(seconds=61), "61 s old"),
        (timedelta(minutes=42), "42 min old"),
        (timedelta(hours=5), "5 h old"),
        (timedelta(days=3), "3 days old"),
    ],
)
def test_age_in_words(ago: timedelta, words: str) -> None:
    """Age is counted from publication to the alert, never negative."""
    assert card(make_alert(item={"published_utc": NOW_UTC - ago})).age == words


def test_reasons_that_the_decision_adds_are_told() -> None:
    """What the factors do not say already (the watch list) is among the reasons, in people's words."""
    decision = Decision(
        action=Action.ALERT, reasons=(Reason("strong"), Reason("watch_list", value=0.2)), value=0.3
    )
    score = Score(value=0.3, sentiment=0.4, confidence=0.5)
    verdict = Verdict(None, Reason("llm_off"))
    assert card(make_alert(decision=decision, score=score, verdict=verdict)).reasons == (
        "QLLN from the exchange tag: (NASDAQ: QLLN)",
        "On the watch list: an alert from 0.20",
    )


def test_an_undated_item_says_so() -> None:
    """No publication time gives no invented one."""
    shown = card(make_alert(item={"published_utc": None}))
    assert (shown.published, shown.age) == ("", "age unknown")


def test_eastern_time_follows_daylight_saving() -> None:
    """A winter time is five hours behind UTC, a summer time four."""
    winter = card(make_alert(item={"published_utc": datetime(2026, 1, 12, 21, 5, 0, tzinfo=UTC)}))
    assert winter.published == "Mon 12 Jan 2026, 16:05:00 ET, after hours"


@pytest.mark.parametrize(
    ("when_utc", "said"),
    [
        (datetime(2026, 11, 23, 9, 37, tzinfo=UTC), "Mon 23 Nov 2026, 04:37:00 ET, pre-market"),
        (datetime(2026, 11, 23, 15, 0, tzinfo=UTC), "Mon 23 Nov 2026, 10:00:00 ET, market open"),
        (datetime(2026, 11, 23, 22, 0, tzinfo=UTC), "Mon 23 Nov 2026, 17:00:00 ET, after hours"),
        (datetime(2026, 11, 26, 15, 0, tzinfo=UTC), "Thu 26 Nov 2026, 10:00:00 ET, market closed"),
    ],
)
def test_the_published_line_names_the_session(when_utc, said) -> None:
    """Whether one can trade on the news at once stands beside its time, holidays included."""
    assert card(make_alert(item={"published_utc": when_utc})).published == said


def test_a_ticker_is_told_once() -> None:
    """The link's evidence that ``explain`` keeps among the decision's reasons is no second line of the card."""
    reasons = (Reason("strong"), Reason("ticker", "QLLN by exchange_tag (NASDAQ: QLLN)"))
    shown = card(make_alert(decision=Decision(action=Action.ALERT, reasons=reasons, value=-0.7)))
    assert [line for line in shown.reasons if "QLLN" in line] == [
        "QLLN from the exchange tag: (NASDAQ: QLLN)"
    ]


def test_a_routine_event_is_named_and_not_counted() -> None:
    """An event of weight 0 gives the card its name; its zero stands in no line."""
    routine = EventHit(code="earnings_report", label="Results reported", weight=0.0)
    score = Score(value=-0.3, sentiment=-0.6, confidence=0.5, events=(routine,))
    decision = Decision(action=Action.ALERT, reasons=(Reason("earnings_report", "", 0.0),), value=-0.3)
    shown = card(make_alert(score=score, decision=decision, verdict=Verdict(None, Reason("llm_off"))))
    assert shown.event == "Results reported"
    assert shown.reasons == ("QLLN from the exchange tag: (NASDAQ: QLLN)",)


def test_an_event_that_is_only_possible_says_so() -> None:
    """The card's event names a doubt, and no stage that the label tells anyway; the record has all of it."""
    hit = EventHit(code="fda_approval", label="Regulator approves", weight=0.28, certainty=0.35)
    for stage, shown in (
        (Stage.RUMOURED, "Regulator approves (rumoured)"),
        (Stage.APPROVED, "Regulator approves"),
    ):
        told = replace(hit, stage=stage, where=Where.SUMMARY, start=3, end=15)
        alert = make_alert(score=Score(value=0.4, sentiment=0.0, confidence=0.5, events=(told,)))
        assert card(alert).event == shown
        (event,) = json.loads(alert_line(alert))["events"]
        assert (event["stage"], event["sign"], event["strength"], event["certainty"]) == (stage, 1, 0.8, 0.35)
        assert (event["where"], event["start"], event["end"]) == ("summary", 3, 15)


def test_an_event_without_a_label_is_called_by_its_code() -> None:
    """A taxonomy row that lacks a label still gives words, in the event's place."""
    hit = EventHit(code="stock_split", label="", weight=0.4)
    shown = card(make_alert(score=Score(value=0.4, sentiment=0.0, confidence=0.5, events=(hit,))))
    assert shown.event == "Stock split"


def test_a_card_without_a_chart_says_why() -> None:
    """Text and Discord name the reason in a small last line; with a chart there is none."""
    reason = Reason("no_prices", "the price source has none for QLLN")
    shown = card(make_alert(chart_reason=reason))
    line = "no chart · No prices: the price source has none for QLLN"
    assert line in plain_text(shown).splitlines()
    (embed,) = discord_payload(shown, has_chart=False, has_gauge=False)["embeds"]
    assert embed["description"].splitlines()[-1] == f"-# {line}"
    assert "no chart" not in plain_text(card(make_alert(chart_reason=reason, chart_path="chart.png")))


@pytest.mark.parametrize(
    ("price_usd", "change_pct", "words"),
    [
        (1234.5, 0.04, "$1,234.50 (+0.0 %)"),
        (0.0432, None, "$0.0432"),
        (None, -3.0, "−3.0 %"),
        (float("nan"), float("inf"), ""),
        (5.0, -0.04, "$5.00 (+0.0 %)"),
    ],
)
def test_price_in_words(price_usd, change_pct, words: str) -> None:
    """Pennies keep four digits, a change has its sign, nonsense is left out."""
    assert card(make_alert(price_usd=price_usd, change_pct=change_pct)).quote == words


def test_pictures_are_referred_to_and_listed_in_order() -> None:
    """The embed shows the attached files, and their ids are the places of the multipart's files."""
    shown = card(make_alert())
    both = discord_payload(shown, has_chart=True, has_gauge=True)
    assert both["embeds"][0]["image"] == {"url": "attachment://chart.png"}
    assert both["embeds"][0]["thumbnail"] == {"url": "attachment://gauge.png"}
    assert [(one["id"], one["filename"]) for one in both["attachments"]] == [
        (0, "chart.png"),
        (1, "gauge.png"),
    ]
    gauge = discord_payload(shown, has_chart=False, has_gauge=True)
    assert [(one["id"], one["filename"]) for one in gauge["attachments"]] == [(0, "gauge.png")]
    assert "image" not in gauge["embeds"][0]


def test_colour_follows_direction() -> None:
    """Bullish, bearish and neutral have three different colours."""
    values = (0.5, -0.5, 0.01)
    decisions = [Decision(action=Action.ALERT, reasons=(), value=value) for value in values]
    payloads = [
        discord_payload(card(make_alert(decision=one)), has_chart=False, has_gauge=False) for one in decisions
    ]
    assert len({payload["embeds"][0]["color"] for payload in payloads}) == 3


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (
            "**bold** _it_ `code` ~~gone~~ ||spoiler||",
            r"\*\*bold\*\* \_it\_ \`code\` \~\~gone\~\~ \|\|spoiler\|\|",
        ),
        ("# heading", r"\# heading"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("> quote", r"\> quote"),
        ("[x](https://evil.example)", r"\[x\](https\://evil.example)"),
        ("<@123> and <#5>", "\\<@\u200b123\\> and \\<#5\\>"),
        ("@Everyone", "@\u200bEveryone"),
        (":fire: at 9:30", r"\:fire: at 9:30"),
        ("ir@corp.example, up 5%: Q&A (final)", "ir@corp.example, up 5%: Q&A (final)"),
    ],
)
def test_markdown_is_shown_as_it_is(text: str, escaped: str) -> None:
    """Every construct that Discord would render is escaped, and ordinary words are left alone."""
    assert markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("pay \u202egnp.exe\u2066!", "pay gnp.exe!"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("two\r\nlines\u2028three", "two lines three"),
        ("\u3164\u2800", ""),
        ("\ud83d", ""),
        ("Z" + "\u0301" * 40, "Ź" + "\u0301" * 2),
        ("naïve 日本 +5 %", "naïve 日本 +5 %"),
    ],
)
def test_only_visible_text_passes(text: str, seen: str) -> None:
    """Control, bidirectional and invisible characters go; letters of any script stay."""
    assert plain(text) == seen


@given(st.text(max_size=300), st.integers(1, 80))
def test_clipping_never_tears_an_escape(text: str, limit: int) -> None:
    """Cut text fits, and never ends in a backslash that would escape what follows it."""
    short = clip(plain(text), limit, written=markdown)
    assert units(short) <= limit
    assert not re.search(r"(?<!\\)(\\\\)*\\$", short)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/x?y=1&z=2#f", "https://a.example/x?y=1&z=2#f"),
        ("http://127.0.0.1:8080/item/1", "http://127.0.0.1:8080/item/1"),
        ("https://a.example/ä b>(c)", "https://a.example/%C3%A4%20b%3E%28c%29"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("data:text/html,x", ""),
        ("https://user:secret@a.example/", ""),
        ("//a.example/x", ""),
        ("https://a.example:99999/", ""),
        ("https://[::1", ""),
        ("https://a.example/" + "x" * 3000, ""),
        ("", ""),
    ],
)
def test_only_web_links_pass(url: str, link: str) -> None:
    """A link leads to the web over http or https in plain ASCII, or there is none."""
    assert safe_link(url) == link


@pytest.mark.parametrize(
    ("text", "two"),
    [
        ("One. Two. Three.", "One. Two."),
        ("Quillon Inc. rose 3.5 percent. It fell. More.", "Quillon Inc. rose 3.5 percent. It fell."),
        ("The U.S. agency said yes. Shares rose! Then", "The U.S. agency said yes. Shares rose!"),
        ("No end", "No end"),
    ],
)
def test_two_sentences(text: str, two: str) -> None:
    """A summary ends after its second sentence, and abbreviations end none."""
    assert sentences(text, 2) == two


REVISED_UTC = NOW_UTC + timedelta(minutes=2)
DEAL = Deal(size_usd=1e7, price_usd=2.5, discount_pct=18.2, warrants=4e6, dilution_pct=21.4)


def judged(**changes):
    """Return an alert judged by a model that answered as the sample's did, but for some changes."""
    answer = make_alert().verdict.judgement
    return make_alert(verdict=Verdict(replace(answer, **changes), Reason("llm_judged", "mistral")))


@pytest.mark.parametrize(
    ("use", "tier"),
    [
        (LlmUse.HEADLINE, "LLM mistral, 0.9 s"),
        (LlmUse.REJUDGE, "LLM mistral judged again, 0.9 s"),
        (LlmUse.FILING, "LLM mistral read the filing, 0.9 s"),
    ],
)
def test_the_card_says_what_the_model_was_asked(use: LlmUse, tier: str) -> None:
    """A filing that was read weighs more than a headline that was glanced at."""
    assert card(judged(use=use)).tier == tier


def test_a_long_model_name_hides_neither_use_nor_time() -> None:
    """The name gives way."""
    tier = card(judged(model="m" * 300, use=LlmUse.FILING)).tier
    assert tier.endswith("…, 0.9 s")
    assert units(tier) <= 100


def test_a_revised_card_says_when() -> None:
    """Eastern time in the footer, for the fallback too; by whom, for the page; nothing before a revision."""
    shown = card(replace(make_alert(), revision=1, revised_utc=REVISED_UTC))
    assert (shown.updated, shown.updated_by) == ("09:44:07 ET", "LLM mistral, 09:44:07 ET")
    payload = discord_payload(shown, has_chart=False, has_gauge=False)
    assert payload["embeds"][0]["footer"]["text"] == "alert a1b2c3d4e5 · catalyst_ray · updated 09:44:07 ET"
    assert "updated 09:44:07 ET" in discord_fallback(shown)["content"]
    assert plain_text(shown).endswith("alert a1b2c3d4e5, updated 09:44:07 ET")
    late = make_alert(verdict=Verdict(None, Reason("llm_deadline")), revision=1, revised_utc=REVISED_UTC)
    assert card(late).updated_by == "09:44:07 ET"
    assert card(replace(late, revision=0)).updated == "", "revised while it was held: nobody saw it before"
    assert (card(make_alert()).updated, card(make_alert()).updated_by) == ("", "")


def test_a_withdrawn_alert_says_so_at_one_glance() -> None:
    """The first line, the verdict and the colour say it; the strength that is left is still told."""
    reasons = (Reason("llm_judged", "mistral", 0.1), Reason("llm_disagrees"), Reason("llm_sinks"))
    sunk = make_alert(decision=Decision(action=Action.ALERT, reasons=reasons, value=-0.12))
    shown = card(sunk)
    payload = discord_payload(shown, has_chart=False, has_gauge=False)
    assert shown.verdict == "✕ Withdrawn by the LLM: now below the threshold (−0.12)"
    assert plain_text(shown).splitlines()[0] == (
        "✕ QLLN withdrawn by the LLM: now below the threshold (−0.12) · Offering priced"
    )
    assert payload["content"] == (
        "✕ **QLLN** withdrawn by the LLM: now below the threshold (**−0.12**) · Offering priced"
    )
    assert payload["content"] in discord_fallback(shown)["content"]
    assert payload["embeds"][0]["color"] == 0x8A94A6
    assert embed_fields(shown)[0] == ("Verdict", "✕ Withdrawn −0.12")
    assert not any("sinks" in reason for reason in shown.reasons)
    assert json.loads(alert_line(sunk))["withdrawn"] is True


def test_a_corrected_alert_says_what_changed_and_who_told_it_too() -> None:
    """The push line is marked, the first reason has the figures, and the source line names the others."""
    notices = (Reason("corrected", "$52 million, was $25 million"),)
    decision = Decision(action=Action.ALERT, reasons=(Reason("strong"), *notices), value=-0.7)
    told = make_alert(also=("Meridian", "PressLine"), notices=notices, decision=decision)
    shown = card(told)
    assert shown.reasons[0] == "Corrected by its source: $52 million, was $25 million"
    assert len([reason for reason in shown.reasons if "Corrected" in reason]) == 1
    assert shown.source.endswith(" · also Meridian, PressLine")
    payload = discord_payload(shown, has_chart=False, has_gauge=False)
    assert payload["content"].endswith(" · corrected")
    record = json.loads(alert_line(told))
    assert record["also"] == ["Meridian", "PressLine"]
    assert record["notices"] == [
        {"code": "corrected", "detail": "$52 million, was $25 million", "value": None}
    ]
    assert record["withdrawn"] is False


def test_a_retracted_alert_says_so_at_one_glance() -> None:
    """It is withdrawn, whatever its score, and by whom stands first among the reasons."""
    told = make_alert(notices=(Reason("retracted", "Meridian"),))
    shown = card(told)
    payload = discord_payload(shown, has_chart=False, has_gauge=False)
    assert payload["content"].startswith("✕ **QLLN** retracted by its source (**")
    assert embed_fields(shown)[0][1].startswith("✕ Retracted ")
    assert shown.reasons[0] == "Retracted by its source: Meridian"
    assert json.loads(alert_line(told))["withdrawn"] is True


def test_a_lifted_alert_says_that_the_model_lifted_it() -> None:
    """An item that the fast tier would have passed over."""
    reasons = (Reason("llm_judged", "mistral", 0.9), Reason("llm_weighed"), Reason("llm_lifts", value=0.4))
    shown = card(make_alert(decision=Decision(action=Action.ALERT, reasons=reasons, value=0.4)))
    assert "LLM says −0.80, 90 % sure, and lifts it above the threshold" in shown.reasons
    assert not any("lifts (" in reason for reason in shown.reasons)


@pytest.mark.parametrize(
    ("deal", "words"),
    [
        (DEAL, "$10.0M at $2.50, 18 % below market, 4.0M warrants, dilution 21 %"),
        (Deal(size_usd=999_960), "$1.0M"),
        (Deal(size_usd=1.25e9, discount_pct=-3.0), "$1.2B, 3 % above market"),
        (Deal(price_usd=0.42, warrants=750), "at $0.4200, 750 warrants"),
        (Deal(size_usd=250_000), "$250.0K"),
        (Deal(size_usd=float("nan"), dilution_pct=float("inf")), ""),
        (Deal(), ""),
    ],
)
def test_a_deal_in_words(deal: Deal, words: str) -> None:
    """What is not known is left out; units are for reading, not for adding up."""
    assert card(judged(deal=deal)).deal == words


def test_a_deal_is_one_field_and_the_least_field_gives_way() -> None:
    """Eight fields are a glance: with a deal, the others that are named are left to the record."""
    alert = judged(deal=DEAL)
    named = replace(alert.link, symbols=(*alert.link.symbols, Symbol(ticker="MRPK", reason=Reason("cik"))))
    fields = embed_fields(card(replace(alert, link=named)))
    assert [name for name, _ in fields] == [
        "Verdict",
        "Confidence",
        "Price",
        "Deal",
        "Event",
        "Judged by",
        "Source",
        "Published",
    ]
    assert embed_fields(card(replace(make_alert(), link=named)))[-1] == ("Also named", "MRPK")
    assert f"Deal: {card(alert).deal}" in plain_text(card(alert))
    rows = discord_payload(card(alert), has_chart=False, has_gauge=False)["embeds"][0]["fields"]
    assert [row["name"] for row in rows if not row["inline"]] == ["Deal"], "its terms need the whole width"


def test_a_deal_of_a_model_without_weight_is_not_shown() -> None:
    """Its verdict does not count, so its figures do not either; programs get them, marked."""
    alert = judged(deal=DEAL, has_weight=False)
    assert card(alert).deal == ""
    assert json.loads(alert_line(alert))["llm"]["deal"]["size_usd"] == 1e7


def test_a_possible_repeat_says_so_with_the_alerts_id() -> None:
    """Whole and in plain text; an alert that comes the first time says nothing of it."""
    again = card(make_alert(is_repeat=True))
    payload = discord_payload(again, has_chart=False, has_gauge=False)
    assert payload["content"].splitlines()[1] == "-# possible repeat of alert a1b2c3d4e5"
    assert "possible repeat of alert a1b2c3d4e5" in discord_fallback(again)["content"]
    assert "repeat" not in str(discord_payload(card(make_alert()), has_chart=False, has_gauge=False))


def test_an_edit_names_all_that_a_message_may_have() -> None:
    """What a PATCH leaves out stays as it was: text alone must take embed and files away."""
    shown = card(make_alert())
    assert discord_edit(discord_fallback(shown)) == {
        **discord_fallback(shown),
        "embeds": [],
        "attachments": [],
    }
    whole = discord_payload(shown, has_chart=True, has_gauge=True)
    assert discord_edit(whole) == whole


def test_the_record_of_a_revision_and_a_filing() -> None:
    """Programs tell revisions apart and get the deal as figures."""
    alert = replace(judged(deal=DEAL, use=LlmUse.FILING, cut=2), revision=3, revised_utc=REVISED_UTC)
    record = json.loads(alert_line(alert))
    assert (record["revision"], record["revised_utc"]) == (3, "2026-03-17T13:44:07+00:00")
    assert (record["llm"]["use"], record["llm"]["cut"]) == ("filing", 2)
    assert record["llm"]["deal"] == {
        "size_usd": 1e7,
        "price_usd": 2.5,
        "discount_pct": 18.2,
        "warrants": 4e6,
        "dilution_pct": 21.4,
    }
    first = json.loads(alert_line(make_alert()))
    assert (first["revision"], first["revised_utc"], first["withdrawn"]) == (0, None, False)
    assert (first["llm"]["deal"], first["llm"]["use"]) == (None, "headline")


def test_the_record_holds_the_facts() -> None:
    """Programs get ids, figures and the LLM's part without having to parse words."""
    record = json.loads(alert_line(make_alert(change_pct=float("nan"))))
    assert (record["type"], record["schema"]) == ("alert", 1)
    assert record["ticker"] == "QLLN"
    assert record["direction"] == "bearish"
    assert record["value"] == -0.72
    assert record["llm"]["model"] == "mistral"
    assert record["change_pct"] is None
    assert record["published_utc"] == "2026-03-17T13:41:25+00:00"
