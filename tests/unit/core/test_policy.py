"""What becomes of a scored item, why, and when the language model is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.policy import (
    combine,
    decide,
    default_policy,
    load_policy,
    priority_of,
    triage,
    wants_llm,
)
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Action, Judgement, Link, LlmUse, Reason, Score, Verdict
from tests.unit.core.judged import LINK, NO_MODEL, NOW_UTC, POLICY, filing, news, scored

ON = {"classifier": True, "fallback": True, "filings": True, "confidence_threshold": 0.6}
OFF = {**ON, "classifier": False, "fallback": False, "filings": False}


def made(value: float, **changes) -> Score:
    """Return a score of a given value."""
    return Score(**{"value": value, "sentiment": 0.0, "confidence": 0.8, **changes})


def verdict(direction: float, confidence: float, **changes) -> Verdict:
    """Return what a language model answered."""
    said = Judgement(direction=direction, confidence=confidence, summary="so", model="mistral", **changes)
    return Verdict(said, Reason("llm_answered"))


def codes(decision) -> list[str]:
    """Return the codes of a decision's reasons, in order."""
    return [reason.code for reason in decision.reasons]


def test_no_ticker_is_dropped_with_what_was_refused():
    """Without a US ticker the item is dropped, and the linker's reasons say why."""
    link = Link(reasons=(Reason("foreign_venue", "TSX: ABC"),))
    decision = triage(news("Norvane Wins Contract"), link, made(0.5), policy=POLICY)
    assert decision.action is Action.DROP
    assert codes(decision) == ["no_ticker", "foreign_venue"]


def test_a_stale_item_is_dropped_with_its_age():
    """An item past its maximum age is dropped; the reason carries the age in seconds and in words."""
    old = news("Norvane Files for Bankruptcy", published_utc=NOW_UTC - timedelta(hours=9))
    decision = triage(old, LINK, scored(old), policy=POLICY)
    assert decision.action is Action.DROP
    assert decision.reasons[0] == Reason("stale", "9 h old, over 6 h (NEWS_MAX_AGE_SECONDS)", 32400.0)


def test_every_decision_keeps_the_parts_of_its_score():
    """What was dropped, suppressed or alerted can be explained by the same arithmetic."""
    old = news("Norvane Files for Bankruptcy", published_utc=NOW_UTC - timedelta(hours=9))
    new = news("Norvane Files for Bankruptcy")
    dropped = triage(old, LINK, scored(old), policy=POLICY)
    alerted = decide(LINK, scored(new), NO_MODEL, policy=POLICY)
    assert dropped is not None
    assert dropped.parts == scored(old).parts != ()
    assert alerted.parts == scored(new).parts != ()


def test_another_language_is_dropped():
    """A translation is dropped; English of any country is not."""
    assert codes(triage(news("Norvane gagne", language="fr-ca"), LINK, made(0.5), policy=POLICY)) == [
        "not_english"
    ]
    assert triage(news("Norvane wins", language="en-GB"), LINK, made(0.5), policy=POLICY) is None


def test_a_weak_item_is_left_to_the_decision():
    """Triage lets a weak item pass: a model may still see more in it."""
    assert triage(news("Norvane Update"), LINK, made(0.0), policy=POLICY) is None


@pytest.mark.parametrize(
    ("value", "action"), [(0.35, "alert"), (-0.35, "alert"), (0.34, "suppress"), (0, "suppress")]
)
def test_the_threshold_divides_alerts_from_weak_items(value, action):
    """From the threshold on it is an alert, in both directions; below it is suppressed as weak."""
    decision = decide(LINK, made(value), NO_MODEL, policy=POLICY)
    assert decision.action == action
    assert decision.reasons[0].code == ("strong" if action == "alert" else "weak")
    assert "llm_off" in codes(decision)


def test_the_watch_list_lowers_the_threshold_and_goes_first():
    """A watched ticker alerts sooner, is more urgent, and the reason says so."""
    watching = replace(POLICY, watch_list=frozenset({"NRV"}))
    plain, watched = (decide(LINK, made(0.25), NO_MODEL, policy=policy) for policy in (POLICY, watching))
    assert (plain.action, watched.action) == (Action.SUPPRESS, Action.ALERT)
    assert watched.priority < plain.priority
    assert "watch_list" in codes(watched)


def test_the_watch_list_never_raises_the_threshold():
    """Where everything is alerted from less than the watch list's own threshold, so are its tickers."""
    watching = replace(POLICY, alert_min_value=0.1, watch_list=frozenset({"NRV"}))
    assert decide(LINK, made(0.15), NO_MODEL, policy=watching).action is Action.ALERT


def test_a_near_duplicate_is_suppressed_with_its_key():
    """A story told before is suppressed, naming the item that told it."""
    decision = decide(LINK, made(0.9), NO_MODEL, policy=POLICY, near_duplicate_of="url:9")
    assert decision.action is Action.SUPPRESS
    assert decision.reasons[0] == Reason("near_duplicate", "url:9")


def test_a_model_without_weight_changes_nothing():
    """The small model's verdict is kept as a reason and moves no figure."""
    decision = decide(LINK, made(0.5), verdict(-1.0, 1.0, has_weight=False), policy=POLICY)
    assert decision.value == 0.5
    assert {"llm_answered", "llm_no_weight"} <= set(codes(decision))


def test_an_agreeing_model_pulls_towards_its_strength():
    """Agreement moves the value by share towards the model's direction."""
    value, reasons = combine(made(0.4), verdict(0.9, 0.8), policy=POLICY)
    assert value == pytest.approx(0.6 * 0.4 + 0.4 * 0.9)
    assert reasons[-1].code == "llm_agrees"


def test_only_a_sure_model_turns_the_sign():
    """Disagreement weakens, at most to zero; a sure and decided model turns the sign."""
    unsure, reasons = combine(made(0.2), verdict(-0.9, 0.7), policy=POLICY)
    sure, sure_reasons = combine(made(0.2), verdict(-0.9, 0.9), policy=POLICY)
    vague, _ = combine(made(0.2), verdict(-0.2, 0.9), policy=POLICY)
    assert unsure == 0
    assert reasons[-1].code == "llm_disagrees"
    assert sure == pytest.approx(-0.81)
    assert sure_reasons[-1].code == "llm_flips"
    assert vague >= 0


def test_the_model_cannot_make_old_news_new():
    """The model's direction is scaled by freshness like everything else."""
    fresh, _ = combine(made(0.0), verdict(1.0, 1.0), policy=POLICY)
    old, _ = combine(made(0.0, freshness=0.5), verdict(1.0, 1.0), policy=POLICY)
    assert old == pytest.approx(fresh / 2)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_combined_value_stays_within_bounds(value, direction, confidence, freshness):
    """Whatever the two say, the value lies within −1 and 1 and the priority within 0 and 9."""
    decision = decide(LINK, made(value, freshness=freshness), verdict(direction, confidence), policy=POLICY)
    assert -1 <= decision.value <= 1
    assert 0 <= decision.priority <= 9


def test_strength_is_urgency():
    """The stronger, the more urgent; the ends are 0 and 9."""
    assert [priority_of(value) for value in (0.0, 0.35, -0.7, 1.0)] == [9, 6, 2, 0]


def test_the_model_is_asked_behind_a_cheap_gate():
    """Each switch asks for its own kind of item; what is weak, stale or without ticker is not asked about."""
    story, paper = news("Norvane Update"), filing("8-K", "NORVANE INC", "8.01")
    strong, unsure, weak = made(0.5), made(0.3, confidence=0.2), made(0.14, confidence=0.2)

    def asked(item, score, link=LINK, policy=POLICY, **changes):
        return wants_llm(item, link, score, policy=policy, **{**OFF, **changes})

    assert asked(story, strong) is None
    assert asked(story, strong, classifier=True) is LlmUse.HEADLINE
    assert asked(story, unsure, classifier=True) is LlmUse.HEADLINE
    assert asked(story, unsure, **ON) is LlmUse.REJUDGE
    assert asked(story, strong, fallback=True) is None
    assert asked(story, weak, **ON) is None
    assert asked(paper, strong, classifier=True, fallback=True) is None
    assert asked(paper, weak, filings=True) is LlmUse.FILING
    assert asked(filing("8-K", "NORVANE INC", "5.07"), weak, **ON) is None
    assert asked(filing("8-K", "NORVANE INC", "5.07"), strong, **ON) is LlmUse.FILING
    assert asked(filing("424B5/A", "NORVANE INC"), weak, **ON) is LlmUse.FILING
    assert asked(story, strong, link=Link(), **ON) is None
    assert asked(story, made(0.5, freshness=0.0), **ON) is None
    watching = default_policy(watch_list=frozenset({"NRV"}))
    assert asked(story, weak, policy=watching, **ON) is LlmUse.REJUDGE


def test_what_the_model_lifts_and_sinks_is_said():
    """A decision that the model turned carries the reason, with the value that it turned."""
    lifted = decide(LINK, made(0.3), verdict(1.0, 1.0), policy=POLICY)
    assert lifted.action is Action.ALERT
    assert Reason("llm_lifts", "from below 0.35", 0.3) in lifted.reasons
    sunk = decide(LINK, made(0.4), verdict(-0.5, 0.5), policy=POLICY)
    assert sunk.action is Action.SUPPRESS
    assert Reason("llm_sinks", "from above 0.35", 0.4) in sunk.reasons
    agreed = decide(LINK, made(0.6), verdict(0.9, 0.9), policy=POLICY)
    assert not {"llm_lifts", "llm_sinks"} & {reason.code for reason in agreed.reasons}


def test_thresholds_can_be_overridden_by_name():
    """A given threshold replaces the shipped one; an unknown name is refused."""
    assert default_policy(alert_min_value=0.5).alert_min_value == 0.5
    with pytest.raises(ConfigError, match="alert_minimum"):
        default_policy(alert_minimum=0.5)


@pytest.mark.parametrize("text", ["[", "alert_min_value = 0.3", "[freshness]\nnews = 3"])
def test_a_broken_policy_is_a_configuration_error(text):
    """A table that is no policy is refused with the file's name and a hint."""
    with pytest.raises(ConfigError) as caught:
        load_policy(text)
    assert caught.value.key == "policy.toml"
