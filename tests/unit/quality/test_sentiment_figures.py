"""The figures of sentiment, on a folder of invented texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.quality import sentiment_texts as texts
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.sentiment import sentiment

if TYPE_CHECKING:
    from pathlib import Path

GOOD, BAD, NONE = "Norvane profit rose", "Norvane files for bankruptcy", "Norvane moved its office"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """Return a folder with a labelled set of every kind, some rows without a usable label."""
    files = {
        "phrasebank_all-data.csv": f"\ufefflabel,news\npositive,{GOOD}\nnegative,{BAD}\nneutral,{NONE}\n,{GOOD}\n",
        "phrasebank_AllAgree.csv": f"n,sentence,label\n1,{GOOD},2\n2,{BAD},0\n3,{NONE},1\n4,{NONE},9\n",
        "twitter_financial_news_train.csv": f"text,label\n{BAD},0\n{GOOD},1\n{NONE},0\n",
        "stockemotions_val.csv": f"id,senti_label,original\n1,bearish,{BAD}\n2,bullish,{GOOD}\n",
        "sentivent_implicit_dev.tsv": f"id\tpolarity\tsentence\n1\tneutral\t{NONE}\n2\tpositive\t{GOOD}\n3\tnegative\t{BAD}\n",
        "semeval2017_task5_headlines_train.json": json.dumps(
            [
                {"title": GOOD, "company": "Norvane", "sentiment": 0.6},
                {"title": BAD, "company": "Norvane", "sentiment": -0.9},
                {"title": BAD, "sentiment": "unknown"},
            ]
        ),
    }
    (tmp_path / "03_sentiment").mkdir()
    for name, content in files.items():
        (tmp_path / "03_sentiment" / name).write_text(content, "utf-8")
    return DataFolder(tmp_path)


def test_labels_of_every_kind_are_understood(folder: DataFolder) -> None:
    """Each set's own codes become −1, 0 and 1, names are kept, and rows without a label are left out."""
    assert [one.label for one in texts.phrasebank(folder)] == [1, -1, 0]
    assert [one.label for one in texts.phrasebank(folder, "AllAgree")] == [1, -1, 0]
    assert [one.label for one in texts.twitter(folder)] == [-1, 1, -1]
    assert [one.label for one in texts.stockemotions(folder)] == [-1, 1]
    assert [one.label for one in texts.sentivent(folder)] == [0, 1, -1]
    assert [(one.label, one.names) for one in texts.semeval(folder)] == [
        (0.6, ("Norvane",)),
        (-0.9, ("Norvane",)),
    ]


def test_right_signs_score_one(folder: DataFolder) -> None:
    """Where every sign is right F1 is 1, a wrong one lowers it, and the confusion table is shown."""
    figures = {figure.key: figure for figure in sentiment(folder)}
    for key in (
        "phrasebank_macro_f1",
        "phrasebank_agreed_macro_f1",
        "sentivent_macro_f1",
        "stockemotions_macro_f1",
    ):
        assert figures[key].value == 1, key
        assert "VADER alone" in figures[key].baselines
    twitter = figures["twitter_macro_f1"]
    assert twitter.value == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert any(line.split() == ["negative", "1", "1", "0"] for line in twitter.details)


def test_the_cosine_is_of_values_and_labels(folder: DataFolder) -> None:
    """Values of the right sign and order have a cosine near 1."""
    cosine = next(figure for figure in sentiment(folder) if figure.key == "semeval_cosine")
    assert 0.9 < cosine.value <= 1
    assert cosine.n == 2


def test_an_empty_folder_has_no_figures(tmp_path: Path) -> None:
    """Without data each key is there, without a value."""
    figures = sentiment(DataFolder(tmp_path))
    assert {figure.value for figure in figures} == {None}
    assert len({figure.key for figure in figures}) == len(figures) == 7
