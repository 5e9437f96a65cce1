"""VADER in linear time gives what the package gives."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import BOOSTER_DICT, NEGATE, SPECIAL_CASES, SentimentIntensityAnalyzer

from catalyst_ray.core.vader import Vader

PACKAGE = SentimentIntensityAnalyzer()
VADER = Vader()
PIECES = (
    *NEGATE,
    *(word for phrase in (*BOOSTER_DICT, *SPECIAL_CASES) for word in phrase.split()),
    *("but", "no", "or", "least", "at", "never", "this", "doubt", "profit", "norvane", "e.g."),
    *(
        "!",
        "???",
        ":)",
        ":D",
        "\N{GRINNING FACE}",
        "a\N{FACE WITH MEDICAL MASK}b",
        "\N{PILE OF POO}",
        "\u3000",
    ),
)


@st.composite
def sentences(draw: st.DrawFn) -> str:
    """Return words of VADER's list among negations, boosters, idioms, faces and others, some in capitals."""
    known = st.sampled_from(sorted(PACKAGE.lexicon))
    few = st.sampled_from(draw(st.lists(known, min_size=1, max_size=4)))  # equal values: the "but" rule's own
    words = draw(st.lists(st.one_of(few, known, st.sampled_from(PIECES)), max_size=40))
    capitals = draw(st.sets(st.integers(0, 40)))
    shown = [word.upper() if index in capitals else word for index, word in enumerate(words)]
    return draw(st.sampled_from((" ", "  ", ", "))).join(shown) + draw(st.sampled_from(("", ".", "!!", "??")))


@settings(max_examples=400)
@given(sentences())
@example("good bad good but good bad bad good")
@example("not good but kind of bad, never so bad")
def test_sentences_score_as_in_the_package(text):
    """On any mix of what its rules read, the compound is the package's, to the last digit."""
    assert VADER.compound(text) == PACKAGE.polarity_scores(text)["compound"]


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_any_text_scores_as_in_the_package(text):
    """Spaces, letters and signs of any script are split as the package splits them."""
    assert VADER.compound(text) == PACKAGE.polarity_scores(text)["compound"]


def test_words_taken_out_say_nothing():
    """A word of ``without`` is unknown, and others keep their value."""
    without = Vader(frozenset({"horrible"}))
    assert without.compound("a horrible day") == 0
    assert without.compound("a wonderful day") == VADER.compound("a wonderful day") > 0


def steps(text: str) -> int:
    """Return how many functions, those of C included, run to score a text."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        VADER.compound(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("sentence", ["profits were good yet costs are bad ", "not good but never so bad! "])
def test_the_work_grows_with_the_words(sentence):
    """Ten times the text takes ten times the steps (the package: seventy times)."""
    assert 0 < steps(sentence * 200) < 11 * steps(sentence * 20)
