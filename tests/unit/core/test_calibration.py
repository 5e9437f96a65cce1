"""What the confidence of the fast tier says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.calibration import default_calibration, load_calibration
from catalyst_ray.core.policy import default_policy
from catalyst_ray.errors import ConfigError
from catalyst_ray.settings import Settings

CURVES = default_calibration()
CLEAR = default_policy().clear_sentiment
THRESHOLD = Settings.model_fields["llm_confidence_threshold"].default
shares = st.floats(0, 1)


def sure(*weights: float, sentiment: float = 0.0, has_text: bool = True) -> float:
    """Return the confidence of events of these weights beside a sentiment."""
    return CURVES.confidence(weights, sentiment, clear=CLEAR, has_text=has_text)


@given(shares, shares, st.sampled_from((-1, 1)))
def test_the_stronger_what_speaks_for_the_sign_the_surer(one, other, sign):
    """A stronger event, a sentiment further along and a clearer sentiment never lower the confidence."""
    less, more = sorted((one, other))
    assert sure(sign * less, sentiment=0.3) <= sure(sign * more, sentiment=0.3)
    assert sure(0.5 * sign, sentiment=sign * less) <= sure(0.5 * sign, sentiment=sign * more)
    assert sure(sign * less, has_text=False) <= sure(sign * more, has_text=False)
    assert sure(sentiment=CLEAR + (1 - CLEAR) * less) <= sure(sentiment=CLEAR + (1 - CLEAR) * more)


@given(shares, shares)
def test_the_nearer_to_a_sign_the_less_sure_is_none(one, other):
    """Where no sign is meant, a stronger reading makes that less sure."""
    less, more = sorted((0.99 * CLEAR * one, 0.99 * CLEAR * other))
    assert sure(sentiment=less) >= sure(sentiment=more)
    assert sure(sentiment=-less) == sure(sentiment=less)


def test_an_event_against_the_strongest_makes_its_sign_less_sure():
    """Good and bad news in one text are less sure than either."""
    assert sure(0.6, -0.5, sentiment=0.4) < sure(0.6, sentiment=0.4)


def test_silence_counts_only_where_there_is_text():
    """A filing that has no words is as sure as its code; a text whose words stay neutral is less sure."""
    assert sure(-0.9, has_text=False) > sure(-0.9) + 0.1


def test_the_threshold_of_the_fallback_divides_strong_from_weak():
    """The model re-judges weak and contradicted signs by the setting's default, and no strong one."""
    assert min(sure(-0.7, sentiment=-0.5), sure(0.5, sentiment=0.5), sure(sentiment=0.8)) > THRESHOLD
    assert max(sure(0.15), sure(0.5, sentiment=-0.5), sure(sentiment=CLEAR), sure(sentiment=0.35)) < THRESHOLD


@pytest.mark.parametrize(
    "text", ["not = [toml", "[quiet]\nbias = 1.0\n", "[quiet]\nslope = 1.0\n", "quiet = 1"]
)
def test_broken_curves_are_a_configuration_error(text):
    """A table that holds no such curves is refused with the file's name."""
    with pytest.raises(ConfigError) as caught:
        load_calibration(text)
    assert caught.value.key == "confidence.toml"
