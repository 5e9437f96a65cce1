"""Sentiment and events of the fast tier on labelled texts that nobody here wrote."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter

import pytest

from catalyst_ray.core.events import find_events
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from tests.unit.core.judged import news

pytestmark = pytest.mark.real_data

CLEAR = default_policy().clear_sentiment


def macro_f1(rows: list[tuple[str, int]], clear: float) -> float:
    """Return the mean F1 of negative, neutral and positive; ``clear`` divides neutral from the rest."""
    model = SentimentModel()
    seen: Counter[tuple[int, int]] = Counter()
    for text, truth in rows:
        value = model.sentiment(text)
        seen[truth, (value > clear) - (value < -clear)] += 1
    shares = []
    for sign in (-1, 0, 1):
        told = sum(seen[truth, sign] for truth in (-1, 0, 1))
        true = sum(seen[sign, guess] for guess in (-1, 0, 1))
        shares.append(2 * seen[sign, sign] / (told + true))
    return sum(shares) / 3


@pytest.mark.parametrize(
    ("name", "columns", "signs", "floor"),
    [
        ("phrasebank_all-data.csv", ("news", "label"), {"negative": -1, "neutral": 0, "positive": 1}, 0.7),
        ("phrasebank_AllAgree.csv", ("sentence", "label"), {"0": -1, "1": 0, "2": 1}, 0.8),
        ("twitter_financial_news_train.csv", ("text", "label"), {"0": -1, "2": 0, "1": 1}, 0.6),
    ],
)
def test_the_sign_agrees_with_people(data_dir, name, columns, signs, floor):
    """Macro-F1 of the sentiment's sign stays above its floor (VADER alone: 0.48 on PhraseBank)."""
    text, label = columns
    with (data_dir / "03_sentiment" / name).open(encoding="utf-8") as file:
        rows = [(row[text], signs[row[label]]) for row in csv.DictReader(file)]
    assert macro_f1(rows, CLEAR) > floor


def test_the_sign_agrees_with_traders(data_dir):
    """Of headlines scored clearly by people, at least two in three get the same sign, and few the other."""
    rows = json.loads((data_dir / "03_sentiment/semeval2017_task5_headlines_train.json").read_text("utf-8"))
    model = SentimentModel()
    clear = [row for row in rows if abs(row["sentiment"]) >= 0.3]
    products = [model.sentiment(row["title"], names=[row["company"]]) * row["sentiment"] for row in clear]
    assert sum(product > 0 for product in products) / len(products) > 0.6
    assert sum(product < 0 for product in products) / len(products) < 0.15


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
