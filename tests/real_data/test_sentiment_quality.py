"""Sentiment and events of the fast tier on labelled texts that nobody here wrote."""

from __future__ import annotations

import json
import re

import pytest

from catalyst_ray.core.calibration import Curve, default_calibration
from catalyst_ray.core.events import find_events
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.sentiment import sentiment
from tests.real_data.fit_confidence import fit
from tests.unit.core.judged import news

pytestmark = pytest.mark.real_data


@pytest.fixture(scope="module")
def figures(data_dir):
    """Return the measured figures of sentiment by key."""
    return {figure.key: figure for figure in sentiment(DataFolder(data_dir))}


@pytest.mark.parametrize(
    ("key", "floor"),
    [
        ("phrasebank_macro_f1", 0.75),
        ("phrasebank_agreed_macro_f1", 0.86),
        ("twitter_macro_f1", 0.68),
        ("semeval_cosine", 0.66),
        ("sentivent_macro_f1", 0.41),
        ("stockemotions_macro_f1", 0.44),
    ],
)
def test_the_sentiment_agrees_with_people(figures, key, floor):
    """Each figure stays above its floor, and that of the aimed ones above VADER's and the bar."""
    figure = figures[key]
    assert figure.value > floor
    assert figure.is_met is not False
    assert figure.aim is None or figure.value > 1.3 * figure.baselines["VADER alone"]


def test_the_confidence_is_how_often_the_sign_is_right(figures):
    """On the half that the curves did not see, confidence and truth differ by few hundredths."""
    assert figures["sentiment_ece"].value < 0.06


def test_the_shipped_curves_are_the_fitted_ones(data_dir):
    """Fitting anew gives the confidence that ships, within what other data may change."""
    shipped = default_calibration()
    fitted = {name: Curve(**row) for name, row in fit(DataFolder(data_dir)).items()}
    for name, strength, along in (
        ("quiet", 0, 0), ("quiet", 0, 0.35), ("sentiment", 0, 0.4), ("sentiment", 0, 0.9),
        ("event", 0.3, 0), ("event", 0.7, 0.6), ("code", 0.3, 0), ("code", 0.7, 0),
    ):  # fmt: skip
        assert getattr(shipped, name).at(strength, along) == pytest.approx(
            fitted[name].at(strength, along), abs=0.12
        ), f"{name}: run python -m tests.real_data.fit_confidence"


def test_financings_are_known_and_negative(data_dir):
    """Every real financing headline is found, and none is good news."""
    rows = json.loads((data_dir / "04_events/pr_financing_fresh15.json").read_text("utf-8"))
    for row in rows:
        hits = find_events(news(row["rawText"]))
        assert hits, row["rawText"]
        assert all(hit.weight < 0 for hit in hits), row["rawText"]


def test_the_stage_of_an_offering_is_told(data_dir):
    """Proposed, priced, upsized and closed offerings of the notes are told apart by their headlines."""
    stages = {"proposed": "offering_announced", "upsized": "offering_upsized", "pricing": "offering_priced"}
    right = wrong = 0
    for path in sorted((data_dir / "04_events/offerings_articles").glob("*.md")):
        headline = re.search(r"Headline: (.*)", path.read_text("utf-8"))
        assert headline
        title = headline.group(1)
        stage = next(
            (word for word in stages if re.search(rf"\b{word}\b.*offering", title, re.IGNORECASE)), None
        )
        if stage and "preferred" not in title.lower():
            found = {hit.code for hit in find_events(news(title))}
            right, wrong = right + (stages[stage] in found), wrong + (stages[stage] not in found)
    assert right >= 10
    assert wrong <= 1
