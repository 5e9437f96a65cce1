"""Hygiene and grounding on texts that nobody here wrote: honest news is neither cut nor doubted."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.grounding import ground, sentences_of
from catalyst_ray.core.hygiene import as_shown, clean
from catalyst_ray.models import FeedKind
from tests.real_data.feed_files import parse_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.real_data
LABELLED = {
    "phrasebank_all-data.csv": "news",
    "phrasebank_AllAgree.csv": "sentence",
    "twitter_financial_news_train.csv": "text",
    "stockemotions_val.csv": "original",
}


def labelled_texts(data_dir: Path) -> Iterator[str]:
    """Yield headlines, sentences and posts of the labelled sets."""
    for name, column in LABELLED.items():
        with (data_dir / "03_sentiment" / name).open(encoding="utf-8") as file:
            yield from (row[column] for row in csv.DictReader(file))
    for path in (
        "03_sentiment/semeval2017_task5_headlines_train.json",
        "04_events/pr_financing_fresh15.json",
    ):
        for row in json.loads((data_dir / path).read_text("utf-8")):
            yield row.get("title") or row["rawText"]
    for path, column in (
        ("03_sentiment/sentivent_implicit_dev.tsv", "sentence"),
        ("04_events/sentivent_dataset_event_type.tsv", "text"),
    ):
        with (data_dir / path).open(encoding="utf-8") as file:
            yield from (row[column] for row in csv.DictReader(file, delimiter="\t"))
    for path in sorted((data_dir / "04_events/offerings_articles").glob("*.md")):
        yield from path.read_text("utf-8").splitlines()


def feed_texts(data_dir: Path) -> Iterator[str]:
    """Yield titles and summaries of the publishers' and wires' feeds and of EDGAR's pages."""
    folder = data_dir / "01_feeds_finance"
    paths = [*folder.glob("publishers/*.rss"), *folder.glob("polls_wsj/*.xml"), *folder.glob("wires/*.xml")]
    paths += [path for path in folder.glob("publishers/*.xml") if "pasted_dailyfx" not in path.name]
    feeds = [parse_file(path) for path in sorted(paths)]
    feeds += [parse_file(path, FeedKind.EDGAR) for path in sorted(folder.glob("edgar_getcurrent/*/*.atom"))]
    for feed in feeds:
        for item in feed.items:
            yield from (item.title, item.summary)


def test_no_honest_text_is_taken_for_an_order(data_dir):
    """Of thousands of real headlines, sentences and leads, not one is cut."""
    texts = [text for text in (*labelled_texts(data_dir), *feed_texts(data_dir)) if text.strip()]
    assert len(texts) > 9_000
    assert [text for text in texts if clean(text, 4_000).removed] == []


def test_a_real_sentence_is_borne_out_by_itself(data_dir):
    """Figures, dates, names and quotes of a text stand in that text, whatever it is."""
    for text in labelled_texts(data_dir):
        shown = as_shown(text)
        assert ground(shown, (), shown).cut == 0, shown


def test_another_texts_sentence_is_doubted(data_dir):
    """Sentences about other companies and figures are mostly cut: few have nothing that can be checked."""
    with (data_dir / "03_sentiment/phrasebank_AllAgree.csv").open(encoding="utf-8") as file:
        shown = [as_shown(row["sentence"]) for row in csv.DictReader(file)]
    pairs = list(pairwise(shown))
    kept = sum(bool(sentences_of(ground(one, (), other).summary)) for one, other in pairs)
    assert kept / len(pairs) < 0.3
