"""What the language of phrases promises: whole words, bounded gaps, clear errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.phrases import PhraseIndex, located_words, split_words
from catalyst_ray.errors import ConfigError


def matches(phrase: str, text: str, **sets: str) -> list[str]:
    """Return the words that one phrase finds in a text."""
    index = PhraseIndex.build([(phrase, "tag")], sets)
    return [found.words for found in index.find(split_words(text))]


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("warrant", "Extended warranty", []),
        ("warrant", "Each WARRANT, priced", ["warrant"]),
        ("prices|priced ~3 offering", "prices its public offering", ["prices its public offering"]),
        ("prices|priced ~1 offering", "prices its public offering", []),
        ("prices ~6 offering", "Prices rose. An offering came", []),
        ("prices ~6 offering", "prices $13.9 million offering", ["prices $13.9 million offering"]),
        ("at the market", "At-The-Market programme", ["at the market"]),
        ("common? stock", "stock and common stock", ["stock", "common stock"]),
        ("up #", "up 12% or up a lot", ["up 12%"]),
        ("up a_lot|#", "up 12% or up a lot", ["up 12%", "up a lot"]),
        ("loss of ~2 #|million", "a loss of about $3", ["loss of about $3"]),
        ("^ why", "Why it fell, and why it rose", ["why"]),
        ("cuts price_target|pt", "cuts price target", ["cuts price target"]),
        ("5635 c 4", "Rule 5635(c)(4)", ["5635 c 4"]),
        (
            "buys ~6 for",
            "Buys Belisle Corp. and Kestrel Inc. for $3",
            ["buys belisle corp and kestrel inc for"],
        ),
        ("eps ~3 est", "EPS $0.40 vs. est. $0.33", ["eps $0.40 vs est"]),
        ("buys ~6 for", "Buys a rest. It asks for", []),
    ],
)
def test_a_phrase_matches_whole_words(phrase, text, found):
    """A phrase matches whole words within one sentence, whatever their case, and nothing else."""
    assert matches(phrase, text) == found


def test_a_name_of_the_text_is_an_element_too():
    """An at sign matches the name of a company that the text is about, and no other word."""
    index = PhraseIndex.build([("awards @ #", "tag")], {})
    text = split_words("Jury awards Grave Loss $5; awards Kestrel $6")
    assert [found.start for found in index.find(text.without(["Grave Loss"]))] == [1]
    assert not index.find(text)


def test_a_named_set_stands_for_its_words():
    """An element in angle brackets matches any word of its set, joined words included."""
    assert matches("<go> up", "gone up, went far up", go="gone went_far") == ["gone up", "went far up"]


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("<nowhere> up", "no word set"),
        ("up ~99 down", "up to 10"),
        ("up ~", "gap at the end"),
        ("# up?", "at least one word"),
        ("up||down here", "empty"),
    ],
)
def test_a_bad_phrase_is_named(phrase, words):
    """A phrase that cannot be read is refused by name, with a hint."""
    with pytest.raises(ConfigError, match=words) as caught:
        matches(phrase, "up")
    assert caught.value.key == phrase
    assert caught.value.hint


def test_negative_figures_months_and_sentences_are_told_apart():
    """A figure in brackets is a loss, May with a day is no doubt, and a full stop ends a sentence, but not U.S."""
    assert split_words("EPS $(0.78). May 5 may come; U.S. AT&T.").tokens == (
        "eps", "-0.78", ".", "month_5", "5", "may", "come", ".", "us", "at&t", ".",
    )  # fmt: skip


def test_words_are_placed_in_the_text_they_came_from():
    """Each token's characters are known, also behind a name made one word and a letter that grows when small."""
    text = "İnan Grave Loss wins. FDA nods"
    words, spans = located_words(text)
    merged = words.without(["Grave Loss"])
    assert [text[slice(*span)] for span in spans] == ["İnan", "Grave", "Loss", "wins", ".", "FDA", "nods"]
    assert merged.place(merged.tokens.index("fda"), len(merged.tokens)) == (5, 7)
    assert merged.place(1, 2) == (1, 3)


@given(st.text(max_size=300))
def test_any_text_can_be_split(text):
    """Whatever the text, its tokens hold no space and rebuild the joined form."""
    words = split_words(text)
    assert words.joined.split() == list(words.tokens)
    located, spans = located_words(text)
    assert located == words
    assert len(spans) == len(words.tokens)
