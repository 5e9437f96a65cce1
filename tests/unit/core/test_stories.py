"""The index of a window: first seen wins, texts age out, and nothing in it grows without end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.stories import StoryIndex
from tests.unit.core.tellings import NOW, tell

HOUR = timedelta(hours=1)
PRICED = "Quillon prices $25.4 million public offering"
AGAIN = "Quillon Announces Pricing of $25.4M Underwritten Public Offering"


def placed(*tellings, **options) -> list[str]:
    """Return the stories of texts in a new index."""
    index = StoryIndex(**options)
    return [index.place(one, now_utc=NOW) for one in tellings]


def test_the_first_seen_names_the_story():
    """Later copies join it, whatever joined before; other news begins a story."""
    texts = [tell(PRICED, key="a"), tell(AGAIN, key="b"), tell("Quillon hires Ada Lind as adviser", key="c")]
    assert placed(*texts, tell("BRIEF-" + PRICED, key="d")) == ["a", "a", "c", "a"]


def test_the_first_seen_of_two_equal_stories_wins():
    """A text that two stories would take goes to the older one."""
    index = StoryIndex()
    for key in ("a", "b"):
        index.add(tell(PRICED, key=key), story=key, now_utc=NOW)
    match = index.find(tell(AGAIN, key="c"))
    assert match
    assert match.story == "a"
    besides = index.find(tell(AGAIN, key="c"), besides="a")
    assert besides
    assert besides.story == "b"


def test_a_figure_sets_a_text_apart_from_every_text_of_a_story():
    """A copy without an amount does not bridge two amounts."""
    texts = [tell(PRICED, key="a"), tell("Quillon prices public offering of stock", key="b")]
    other = tell("Quillon prices $31.8 million public offering of stock", key="c")
    assert placed(*texts, other) == ["a", "a", "c"]


def test_a_text_is_compared_within_the_window_only():
    """News of another day is another story, by its own date and by when it was seen."""
    index = StoryIndex(window=24 * HOUR)
    index.add(tell(PRICED, key="a"), story="a", now_utc=NOW)
    assert index.find(tell(AGAIN, key="b", published_utc=NOW - 30 * HOUR)) is None
    assert index.find(tell(AGAIN, key="b", published_utc=NOW - 20 * HOUR))
    index.add(tell("Quillon hires Ada Lind", key="c"), story="c", now_utc=NOW + 25 * HOUR)
    assert (len(index), index.find(tell(AGAIN, key="b"))) == (1, None)


def test_the_oldest_go_over_the_limit():
    """An index holds so many texts, and looks nothing up that is gone."""
    index = StoryIndex(limit=3)
    for number in range(5):
        text = tell(f"Quillon opens plant in town number {number}00", key=f"{number}")
        index.add(text, story=f"{number}", now_utc=NOW)
    assert len(index) == 3
    assert index.find(tell("Quillon opens plant in town number 000", key="x")) is None
    assert index.find(tell("Quillon opens plant in town number 400", key="x"))


def test_a_story_of_many_copies_ages_out_whole():
    """More copies than are compared leave nothing behind."""
    index = StoryIndex()
    for number in range(40):
        index.add(tell(PRICED, key=f"{number}"), story="0", now_utc=NOW)
    index.add(tell("Quillon hires Ada Lind", key="c"), story="c", now_utc=NOW + 48 * HOUR)
    assert (len(index), index.ticker_of("0"), index.find(tell(AGAIN, key="x"))) == (1, "", None)
    index.forget("c")
    assert (len(index), index._blocks, index._words, index._stories) == (0, {}, {}, {})


def test_a_text_without_a_ticker_finds_the_story_by_its_words():
    """And one with a ticker finds a story that had none."""
    title = "Harlow and partners win approval for new harbour bridge"
    index = StoryIndex()
    index.add(tell(title, key="a"), story="a", now_utc=NOW)
    index.add(
        tell("Sturgeon Bend strikes copper near old quarry", ticker="", key="b"), story="b", now_utc=NOW
    )
    untold = index.find(tell("UPDATE 1-" + title, ticker="", key="c"))
    assert untold
    assert untold.story == "a"
    found = index.find(tell("Sturgeon Bend strikes copper near old quarry", ticker="MRPK", key="d"))
    assert found
    assert found.story == "b"


@pytest.mark.parametrize(
    ("title", "story"),
    [
        ("CORRECTION: Quillon prices $52.4 million public offering", "priced"),
        ("RETRACTION: Quillon hires Ada Lind as its chief scientist", "hired"),
        ("Correction: Quillon names three new directors to its board", None),
    ],
)
def test_a_correction_finds_its_story_though_figures_differ(title, story):
    """The story most like it on the ticker, or none where nothing is."""
    index = StoryIndex()
    index.add(tell(PRICED, key="priced"), story="priced", now_utc=NOW)
    index.add(tell("Quillon hires Ada Lind as its chief scientist", key="hired"), story="hired", now_utc=NOW)
    assert index.mended(tell(title, key="x")) == story
    assert index.mended(tell(title, ticker="MRPK", key="x")) is None


STORIES = [
    ("Quillon prices $25.4 million public offering", AGAIN, "BRIEF-Quillon prices $25.4 mln public offering"),
    ("Quillon files for Chapter 11 bankruptcy", "UPDATE 1-Quillon files for Chapter 11 bankruptcy"),
    ("Quillon wins $12.5 million order from Norland", "$QLLN Quillon wins $12.5M order from Norland"),
    (
        "Quillon wins $31.5 million order from Norland",
        "Press Release: Quillon wins $31.5 million order from Norland",
    ),
]
TEXTS = [(number, title) for number, titles in enumerate(STORIES) for title in titles]


@given(st.permutations(TEXTS))
def test_clusters_do_not_depend_on_the_order(order):
    """Where copies are like each other and unlike the rest, every order gives the same groups, each named by its first."""
    stories = placed(*(tell(title, key=title) for _, title in order))
    first = {}
    for (number, title), story in zip(order, stories, strict=True):
        assert story == first.setdefault(number, title)
