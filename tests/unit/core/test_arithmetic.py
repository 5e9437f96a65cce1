"""The parts of a score make its value, and read as one line."""

from __future__ import annotations

import math
import re
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.arithmetic import FACTORS, TERMS, line, value_of
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.score import _base
from catalyst_ray.models import EventHit, Reason
from tests.unit.core.judged import NOW_UTC, POLICY, filing, news, scored

TITLES = (
    "Norvane Announces Pricing of Public Offering",
    "Norvane Q2 EPS $0.40 Beats $0.33 Estimate, Sales $79M Miss $85M Estimate",
    "Norvane Wins $30 Million Contract and Raises Guidance",
    "Norvane May Be Acquired by Belisle, Report Says",
    "Norvane had a wonderful and profitable year",
    "Norvane Update",
    "Rosen Law Firm Reminds Norvane Investors of Deadline in Securities Fraud Class Action",
    "Norvane Receives FDA Approval, Then Files for Bankruptcy",
)
hits = st.builds(
    EventHit, code=st.just("deal"), label=st.just("Deal"), weight=st.floats(-1, 1).map(lambda w: round(w, 3))
)


@pytest.mark.parametrize("title", TITLES)
@settings(deadline=None)  # the first one builds the tables
@given(weight=st.floats(0, 1), age_s=st.floats(0, 30_000), dated=st.booleans())
def test_the_parts_make_the_value(title, weight, age_s, dated) -> None:
    """Sum of the terms times product of the factors is the value, whatever the text, its age and its source."""
    published = NOW_UTC - timedelta(seconds=age_s) if dated else None
    made = scored(news(title, source_weight=weight, published_utc=published))
    assert value_of(made.parts) == pytest.approx(made.value, abs=0.0006)
    assert line(made.parts, made.value)


@given(st.lists(hits, max_size=5), st.floats(-1, 1).map(lambda s: round(s, 3)))
def test_the_terms_make_the_base(found, sentiment) -> None:
    """The base of the documented formula is what the terms make, and lies within −1 and 1."""
    signed = sorted((hit for hit in found if hit.weight), key=lambda hit: -abs(hit.weight))
    made = value_of(_base(signed, sentiment, POLICY))
    assert made == pytest.approx(base(signed, sentiment), abs=0.0005)
    assert -1.001 <= made <= 1.001


def base(signed, sentiment: float) -> float:
    """Return the base as ``core.score`` writes it down, made in another way."""
    if not signed:
        return POLICY.sentiment_alone * sentiment
    first = signed[0].weight
    against = next((hit.weight for hit in signed if hit.weight * first < 0), 0.0)
    along = min(1.0, abs(sum(hit.weight for hit in signed[1:] if hit.weight * first > 0))) * math.copysign(
        1, first
    )
    together = min(1.0, max(-1.0, first + POLICY.opposite_event * against + POLICY.other_events * along))
    lean = POLICY.sentiment_share * (1 - abs(together)) * abs(sentiment)
    return (1 - lean) * together + lean * sentiment


def test_the_line_reads_as_arithmetic() -> None:
    """One event is a plain product; several terms stand in brackets; every factor has its name."""
    parts = (
        Reason("event", "Offering priced", -0.7),
        Reason("freshness", "42 s", 1.0),
        Reason("source", "Harbour Newswire", 1.0),
        Reason("age", "seconds", 42.0),
    )
    assert line(parts, -0.7) == "Offering priced −0.70 × fresh 1.00 × source 1.00 = −0.70"
    more = (parts[0], Reason("wording", "beside events", -0.05), Reason("freshness", "2 h", 0.5), parts[2])
    assert line(more, -0.375) == "(Offering priced −0.70 + wording −0.05) × fresh 0.50 × source 1.00 = −0.38"


def test_a_term_that_shows_as_nothing_is_left_out() -> None:
    """The wording's last thousandths are no figure that anybody can read, unless there is no other."""
    parts = (Reason("event", "Deal", 0.5), Reason("wording", "", 0.004), Reason("freshness", "", 1.0))
    assert line(parts, 0.504) == "Deal +0.50 × fresh 1.00 = +0.50"
    assert line(parts[1:], 0.004) == "Wording +0.00 × fresh 1.00 = +0.00"


def test_the_line_of_text_without_an_event() -> None:
    """The wording and the share of it that counts are shown."""
    made = scored(news("Norvane had a wonderful and profitable year"))
    assert re.fullmatch(
        r"Wording \+0\.\d\d × no event 0\.50 × fresh 1\.00 × source 1\.00 = \+0\.\d\d",
        line(made.parts, made.value),
    )


def test_every_factor_is_shown() -> None:
    """An undated advertisement from a doubtful source shows all four factors."""
    made = scored(
        news("Norvane Investors: Class Action Lawsuit Filed", published_utc=None, source_weight=0.5)
    )
    shown = line(made.parts, made.value)
    assert all(f"× {name} " in shown for name in ("fresh", "undated", "source 0.50", "noise"))


def test_parts_that_do_not_make_the_value_are_not_shown() -> None:
    """An alert of an older version kept other parts: no line rather than a wrong one."""
    old = (Reason("event", "offering_priced", -0.55), Reason("sentiment", "beside events", -0.3))
    assert line(old, -0.6) == ""
    assert line((), 0.5) == ""


def test_a_doubtful_event_says_so() -> None:
    """The line tells how sure the text is of the event, since its weight is less for it."""
    plain = scored(filing("8-K", "NORVANE INC", "1.03"))
    doubtful = scored(news("Could Norvane File for Bankruptcy?"))
    assert "certain" not in line(plain.parts, plain.value)
    assert " % certain)" in line(doubtful.parts, doubtful.value)


def test_terms_and_factors_are_apart() -> None:
    """No part is both added and multiplied."""
    assert not TERMS.keys() & FACTORS.keys()
    assert default_policy().noise_factor < 1
