"""What the sentiment of a text is, and what it does not hear."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.core.sentiment import MAX_SENTENCES, SentimentModel

MODEL = SentimentModel()


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("8-K - H&R BLOCK INC (0000012659) (Filer)", ()),
        ("ADVANCED MICRO DEVICES", ("ADVANCED MICRO DEVICES INC",)),
        ("Best Buy Co. Holds a Meeting", ()),
        ("Perfect Moment Ltd. (NYSE American: PMNT) Opens an Office", ()),
        ("Gain Therapeutics (NASDAQ: GANX) Moves to Leiden", ()),
        ("Marvel and Progressive meet", ("Progressive Corp", "Marvel Ltd")),
        ("Update for holders of $GAIN", ()),
        ("Lovely Sack (LOVE) Moves to Leiden", ()),
        ("Best Win moves", ("BEST WIN GAINS HOLDINGS INC",)),
        ("Hope Great moves", ("The Hope Great Company",)),
        ("FWP - GREAT GAINS MASTER OWNER TRUST A (0000012659) (Filer)", ()),
        ("Cancer and gross block trust securities of third parties", ()),
    ],
)
def test_names_and_terms_of_the_trade_say_nothing(title, names):
    """Company names, tickers and neutral terms do not move the sentiment."""
    assert MODEL.sentiment(title, names=names) == 0


def test_what_stands_beside_a_name_is_heard():
    """Masking takes the name and leaves the news."""
    assert MODEL.sentiment("Strong Growth Lifts Best Buy Co. Above Estimates") > 0.4
    assert MODEL.sentiment("Gain Therapeutics, Inc. Files for Bankruptcy") < -0.4
    assert MODEL.sentiment("Norvane Posts Record Revenue (NYSE: NRV)") > 0.4


def test_what_was_measured_is_no_ticker():
    """A measure in brackets stays, and so does what is said before it."""
    assert MODEL.sentiment("Adjusted Earnings Per Share (EPS) Rose") > 0.4


def test_a_signed_percentage_is_a_move():
    """A plus or minus before a percentage is heard as a rise or fall; a range is none."""
    assert MODEL.sentiment("Norvane +9% after hours") > 0.4
    assert MODEL.sentiment("Norvane -9% after hours") < -0.4
    assert MODEL.sentiment("Total income +12%") > 0.6
    assert MODEL.sentiment("Norvane sees 5%-9% of homes") == 0


def test_figures_written_otherwise_are_read_whole():
    """A space inside a figure, as tokenised texts have it, or a late minus do not change the comparison."""
    assert MODEL.sentiment("Norvane EPS $-0.04 vs $-0.09 a year ago") > 0.4
    assert MODEL.sentiment("Earnings came to EUR7 .2 m , compared with EUR6 .1 m") > 0.4


def test_sentences_of_a_summary_are_read_apart():
    """Negation ends with its sentence, and more sentences of a kind make the summary no stronger."""
    assert MODEL.sentiment("Norvane", "It did not. Profit rose.") > 0
    once, thrice = (MODEL.sentiment("Norvane", "Profit rose. " * times) for times in (1, 3))
    assert once == pytest.approx(thrice)


def test_gross_is_not_negative():
    """A rise of income beside "gross" is good news."""
    assert MODEL.sentiment("Reports Q2 Results: Total Income Up 134 %, Gross Margin 44 %") > 0.4


def test_vader_hears_what_the_lexicon_does_not_know():
    """Words that only VADER knows still count."""
    assert MODEL.sentiment("A horrible day for Norvane") < 0 < MODEL.sentiment("A wonderful day for Norvane")


def test_the_summary_counts_less_than_the_title():
    """The same words weigh less below the title than in it."""
    title, summary = MODEL.sentiment("Norvane wins"), MODEL.sentiment("Norvane", "Norvane wins")
    assert title > summary > 0


def test_a_question_or_a_doubt_weakens():
    """Asking whether it is so says less than saying so."""
    plain = MODEL.sentiment("Norvane wins approval")
    assert 0 < MODEL.sentiment("Norvane wins approval?") < plain
    assert 0 < MODEL.sentiment("Norvane may win approval") < plain


def test_a_long_summary_is_read_only_so_far():
    """What stands beyond the bound changes nothing, so time stays bounded."""
    head = "Norvane moved office. " * MAX_SENTENCES
    assert MODEL.sentiment("Norvane", head + "It went bankrupt. " * 5000) == MODEL.sentiment("Norvane", head)


@settings(max_examples=60)
@given(st.text(max_size=400), st.text(max_size=400), st.lists(st.text(max_size=30), max_size=3))
def test_any_text_has_a_sentiment_within_bounds(title, summary, names):
    """No text breaks the model or leaves −1 to 1."""
    assert -1 <= MODEL.sentiment(title, summary, names) <= 1


def test_vader_is_loaded_only_by_the_model():
    """Importing the module does not import VADER."""
    code = "import sys, catalyst_ray.core.sentiment; sys.exit('vaderSentiment' in ' '.join(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
