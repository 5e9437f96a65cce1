"""What a model says must stand in its source: figures with unit and scale, codes and quotes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_ray.core.grounding import figures, ground
from catalyst_ray.core.grounding_dates import Date, take_dates
from catalyst_ray.core.grounding_figures import plain

SOURCE = (
    "Zeta Corp. prices $10 million registered direct offering of 1,500,000 shares at $1.50, a 12% discount, "
    "files Form 8-K; Q2 revenue was €3.4bn, “the best quarter ever”, says its chief. Phase 3 data due June 5, 2026."
)


@pytest.mark.parametrize(
    "text",
    [
        "$10 million",
        "$10,000,000",
        "$10M",
        "$10-million",
        "US$10 mn",
        "USD 10 million",
        "10 million dollars",
        "$0.01bn",
        "$10.0M",
        "ten million dollars",
    ],
)
def test_one_amount_written_in_many_ways_is_one_figure(text):
    """Unit and scale are read, not the spelling."""
    assert figures(text) == {(Decimal(10_000_000), "$")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$10 million", "10 million"),
        ("$10 million", "€10 million"),
        ("$10 million", "$10 billion"),
        ("12%", "$12"),
        ("C$5", "$5"),
        ("25 basis points", "25%"),
    ],
)
def test_units_and_scales_are_kept_apart(one, other):
    """Ten million dollars are neither ten million shares, nor euros, nor ten billion."""
    assert figures(one) != figures(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("five percent", "5%"),
        ("twenty-five million", "25m"),
        ("one billion dollars", "$1bn"),
        ("5 cents", "$0.05"),
        ("three-year", "3 year"),
        ("$1.50", "$1.5"),
    ],
)
def test_words_cents_and_trailing_zeros_are_understood(one, other):
    """Spellings of the same value agree."""
    assert figures(one) == figures(other)


@pytest.mark.parametrize(
    "sentence",
    [
        "Zeta raises $10M.",
        "It sells 1.5 million shares at $1.50.",
        "The discount is 12 percent.",
        "An 8-K was filed.",
        'The chief calls Q2 "the best quarter ever".',
        "Revenue was EUR 3.4 billion.",
        'Holders of "Q2" are diluted.',
    ],
)
def test_a_true_sentence_stays(sentence):
    """Every figure, code and quote of it stands in the source."""
    assert ground(sentence, (), SOURCE).summary == sentence


@pytest.mark.parametrize(
    "sentence",
    [
        "Zeta raises $10 billion.",
        "Zeta raises 10 million.",
        "The discount is $12.",
        "It sells 1.5 million shares at $1.49.",
        "Q3 revenue rose.",
        "Rule 10b5-1 applies.",
        'The chief calls it "a disaster".',
        "It pays 3.5% for three years.",
    ],
)
def test_an_invented_figure_code_or_quote_costs_the_sentence(sentence):
    """What is not in the source is cut and counted, and its true neighbour stays."""
    grounded = ground(f"{sentence} Zeta raises $10M.", (), SOURCE)
    assert grounded.summary == "Zeta raises $10M."
    assert grounded.cut == 1


def test_quotes_must_stand_in_the_source_as_whole_words():
    """Case, typography and a closing full stop do not matter; half a word and a single letter do."""
    quotes = ('"The best quarter ever".', "PRICES $10 million", "gistered direct", "a", "zeta corp raises")
    grounded = ground("", quotes, SOURCE)
    assert grounded.evidence == quotes[:2]
    assert grounded.cut == 3


def test_abbreviations_end_no_sentence():
    """A company's "Inc." must not tear its sentence in two."""
    summary = "Zeta Inc. Files a Form. It raises $9M."
    assert ground(summary, (), SOURCE).summary == "Zeta Inc. Files a Form."


@given(st.integers(1, 10**9), st.sampled_from(["$", "€", "£", "C$"]))
def test_an_amount_agrees_with_itself_however_it_is_grouped(value, unit):
    """Thousands separators and decimals change nothing, for any amount."""
    plain = figures(f"{unit}{value}")
    assert plain == figures(f"{unit}{value:,}.00")
    assert plain == figures(f"{unit}{Decimal(value) / 1_000_000:f} million")
    assert ground(f"It is {unit}{value:,}.", (), f"about {unit}{value} or so").cut == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_breaks_it(summary, source):
    """Any two texts give a summary that is part of what came, and a quote of the source's own is found."""
    grounded = ground(summary, (summary,), source)
    assert grounded.cut >= 0
    assert len(grounded.summary) <= len(summary)


DATED = (
    "Harbour Bank N.A. and Goldwin Sands & Co. LLC advise Zeta, the Food and Drug Administration decides on March 3,"
    " 2026; the meeting is on 5 June. Second quarter sales rose."
)


@pytest.mark.parametrize(
    "text",
    [
        "March 3, 2026",
        "3 March 2026",
        "2026-03-03",
        "03/03/2026",
        "Mar. 3, 2026",
        "march 3rd 2026",
        "3rd of March 2026",
    ],
)
def test_one_date_written_in_many_ways_is_one_date(text):
    """The day is read, not the spelling, and its numbers count as no figures."""
    undated, dates = take_dates(plain(text))
    assert dates == {Date(2026, 3, 3)}
    assert not undated.strip()


@pytest.mark.parametrize(
    ("sentence", "stays"),
    [
        ("It decides on March 3.", True),
        ("It decides on 2026-03-03.", True),
        ("It decides in March 2026.", True),
        ("It decides in March.", True),
        ("It decides by 2026.", True),
        ("The meeting is on June 5.", True),
        ("The meeting is on June 5, 2026.", True),
        ("It decides on March 4.", False),
        ("It decides on March 3, 2027.", False),
        ("It decides in April.", False),
        ("It decides in 3 days.", False),
        ("The meeting is on June 5, 2027.", False),
        ("Q2 sales rose.", True),
        ("Q3 sales rose.", False),
    ],
)
def test_a_date_must_stand_in_the_source(sentence, stays):
    """A date may say less than the source does, never more, and its parts are no loose numbers."""
    assert bool(ground(sentence, (), DATED).summary) is stays


def test_numbers_beside_a_month_word_are_no_date():
    """May is a verb as well."""
    assert take_dates("it may 10 million shares")[1] == frozenset()
    assert take_dates("on 31/12/2025 or 2026-13-45")[1] == {Date(2025, 12, 31)}


@pytest.mark.parametrize(
    ("sentence", "stays"),
    [
        ("Goldwin Sands advises Zeta.", True),
        ("The adviser is Goldwin Sands.", True),
        ("Shareholders of Zeta Inc. gain.", True),
        ("Goldwin's advice helps.", True),
        ("The FDA decides.", True),
        ("The Zeta-Harbour deal is on.", True),
        ("The company expects dilution.", True),
        ("The CEO of Zeta is pleased.", True),
        ("Zeta Prices Dilutive Offering With Warrants.", True),
        ("The adviser is Morgan Pike.", False),
        ("Morgan Pike advises Zeta.", False),
        ("The adviser is Goldwin Pike.", False),
        ("The EMA decides.", False),
        ("Zeta sells to NorthBay.", False),
        ("Zeta Prices Offering Through Morgan Pike Partners.", False),
        ("It was told on Monday.", False),
    ],
)
def test_a_name_must_stand_in_the_source(sentence, stays):
    """People, companies and bodies that the source does not know cost the sentence; forms of companies do not."""
    assert bool(ground(sentence, (), DATED, ("Zeta Corporation", "ZETA")).summary) is stays


def test_a_name_spelled_out_is_borne_out_by_its_initials():
    """Source and answer may differ in which of the two they use."""
    assert ground("The Food and Drug Administration agrees.", (), "The FDA agrees.").cut == 0
    assert ground("The Fuel and Drug Bureau agrees.", (), "The FDA agrees.").cut == 1


def test_known_names_are_always_allowed():
    """The company's own name needs no source."""
    assert ground("Holders of Omega gain.", (), "Holders gain.").cut == 1
    assert ground("Holders of Omega gain.", (), "Holders gain.", ("Omega Holdings, Inc.",)).cut == 0


@pytest.mark.parametrize(
    ("summary", "rests"),
    [
        ("Costs fell.", False),
        ("It is so good.", False),
        ("The meeting decides sales.", True),
        ("It is 2026.", True),
    ],
)
def test_a_sentence_rests_on_the_source_when_it_states_something_of_it(summary, rests):
    """Words that stand under any news bear nothing out."""
    assert ground(summary, (), DATED).rests_on_source is rests
    assert ground(summary, ("Food and Drug",), DATED).rests_on_source
