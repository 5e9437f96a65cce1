"""What the signed lexicon reads in a sentence."""

from __future__ import annotations

import pytest

from catalyst_ray.core.lexicon import default_lexicon, load_lexicon
from catalyst_ray.core.phrases import split_words
from catalyst_ray.errors import ConfigError


def read_text(text: str) -> float:
    """Return what the shipped lexicon reads in one sentence."""
    return default_lexicon().read(split_words(text))


@pytest.mark.parametrize(
    "text",
    [
        "Operating profit rose to EUR 9.1 mn from EUR 7.4 mn",
        "Net loss narrowed in the third quarter",
        "Costs fell by a tenth",
        "EPS was $0.38 vs $0.33 expected by analysts",
        "The half-year brought a profit of USD 3 mn compared with a loss of USD 1 mn",
        "Norvane beats third-quarter estimates",
        "Norvane raises full-year revenue outlook",
        "Total income up 134 %",
        "EPS of $(0.10) vs $(0.30) a year ago",
        "The worth of its orders has gone up to USD 3 mn",
        "Norvane narrowed its net loss",
        "Norvane raised to buy from hold at Vole",
        "Turnover totaled EUR1.9m , compared to EUR1.7m",
        "Fund managers have never been more bullish about Norvane",
        "Norvane shares reach a two-year high",
    ],
)
def test_good_news_reads_positive(text):
    """Rising good measures, falling bad ones, better figures and good phrases are positive."""
    assert read_text(text) > 0.3


@pytest.mark.parametrize(
    "text",
    [
        "Net sales fell to EUR 12 mn",
        "Net loss widened on higher costs",
        "Operating costs rose",
        "EPS was $0.22 vs $0.31 expected by analysts",
        "Guidance lowered for the full year",
        "Norvane misses estimates",
        "Norvane files for bankruptcy",
        "The board warned of layoffs",
        "The quarter brought a loss of EUR 3 mn",
        "Vole downgraded Norvane to peer perform from outperform",
        "Norvane receives a complete response letter",
        "Norvane must pay damages of $4 million",
        "Norvane shares near a 52-week low",
    ],
)
def test_bad_news_reads_negative(text):
    """Falling good measures, rising bad ones, worse figures and bad phrases are negative."""
    assert read_text(text) < -0.3


@pytest.mark.parametrize(
    "text",
    [
        "Norvane sells up to 40 units",
        "They set up a shop",
        "The plant is in Tampere",
        "Rooms 2008 vs 2009 sales",
        "Norvane hopes to increase",
        "A trial in weight loss begins",
    ],
)
def test_plain_statements_read_nothing(text):
    """Particles, years and plain statements carry no sign."""
    assert read_text(text) == 0


def test_profit_leads_where_measures_differ():
    """Of a profit that fell and sales that rose the profit decides, in either order."""
    assert read_text("Operating profit fell while net sales rose") < -0.3
    assert read_text("Net sales fell, but operating profit rose") > 0.3
    assert read_text("Net sales fell and orders rose") == 0


def test_a_measure_is_heard_once():
    """A loss whose direction is told adds nothing to that; a loss alone counts itself."""
    assert read_text("loss narrowed") == -read_text("profit narrowed") == read_text("costs narrowed")
    assert read_text("a loss") < 0


def test_the_longest_phrase_is_read():
    """What a longer phrase says is not what the shorter one inside it says."""
    assert read_text("complete responses in most") > 0 > read_text("complete response letter")


def test_negation_turns_a_word_round_and_weakens_it():
    """A word after "not" counts the other way, less."""
    plain, negated = read_text("a profitable year"), read_text("not a profitable year")
    assert plain > 0 > negated
    assert abs(negated) < plain


def test_a_range_counts_as_its_middle():
    """Guidance around the estimate is not better than it because its upper end is."""
    assert read_text("sees EPS of $3.00-$3.20 vs $3.15 est") < 0


def test_the_weights_are_signed_shares():
    """Every weight shipped lies within −1 and 1."""
    assert all(-1 <= weight <= 1 for weight in default_lexicon().terms.values())


@pytest.mark.parametrize("text", ["not = [toml", "[words]\nup = 'rise'\n"])
def test_a_broken_lexicon_is_a_configuration_error(text):
    """A table that is no lexicon is refused with the file's name and a hint."""
    with pytest.raises(ConfigError) as caught:
        load_lexicon(text)
    assert caught.value.key == "lexicon.toml"
