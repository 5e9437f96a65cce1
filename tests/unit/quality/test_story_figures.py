"""The adjusted Rand index against cases computed by hand, and the figure's shape."""

from __future__ import annotations

import json

import numpy as np
import pytest

from catalyst_ray.quality import stories as module
from catalyst_ray.quality.clusters import adjusted_rand, index_rows
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.measures import KEYS, MEASURES


def index(true: str, found: str) -> float:
    """Return the adjusted Rand index of two labellings, a letter an item."""
    rows = index_rows(list(zip(true, found, strict=True)))
    return float(adjusted_rand(rows.sum(axis=0)[None, :])[0])


@pytest.mark.parametrize(
    ("true", "found", "value"),
    [
        ("aabb", "xxyy", 1.0),
        ("aabb", "xyzw", 0.0),
        ("abcd", "xyzw", 1.0),
        # Pairs: both 1, truth 2, found 3, of 6: (1 - 2*3/6) / (2.5 - 1) = 0.
        ("aabb", "xxxy", 0.0),
        # Pairs: both 2, truth 6, found 3, of 15: (2 - 6*3/15) / (4.5 - 1.2).
        ("aaabbb", "xxyyzz", 0.8 / 3.3),
        # Both 4, truth 6, found 7, of 15: (4 - 42/15) / (6.5 - 42/15).
        ("aaabbb", "xxxxyy", 1.2 / 3.7),
    ],
)
def test_the_adjusted_rand_index(true, found, value):
    """As Hubert and Arabie have it, whatever the labels are called, and both ways alike."""
    assert index(true, found) == pytest.approx(value)
    assert index(found, true) == pytest.approx(value)


def test_parts_hang_together_by_either_side():
    """Items are grouped so that no story of one part shares an item with another part's."""
    pairs = [("a", "1"), ("a", "2"), ("b", "2"), ("c", "3"), ("c", "3"), ("d", "4")]
    rows = index_rows(pairs)
    assert sorted(int(row[0]) for row in rows) == [1, 2, 3]
    assert rows.sum(axis=0).tolist() == [6.0, 1.0, 2.0, 2.0]


def test_sums_of_nothing_to_tell_apart_are_right():
    """A part of single items counts as found."""
    assert adjusted_rand(np.asarray([[1.0, 0.0, 0.0, 0.0]])).tolist() == [1.0]


def test_the_figure_and_its_baselines(tmp_path, monkeypatch):
    """One day is measured: stories beat exact titles and addresses; feeds and headlines of a folder are counted."""
    monkeypatch.setattr(module, "SEEDS", range(101, 102))
    monkeypatch.setattr(module, "LIMIT", 500)
    feeds = tmp_path / "01_feeds_finance" / "publishers"
    feeds.mkdir(parents=True)
    entries = "".join(
        f"<item><title>{title}</title><link>https://a.example/{number}</link></item>"
        for number, title in enumerate(
            ("Harbour bridge deal wins final approval", "UPDATE 1-Harbour bridge deal wins final approval")
        )
    )
    (feeds / "a.xml").write_text(f"<rss version='2.0'><channel><title>A</title>{entries}</channel></rss>")
    labelled = tmp_path / "05_tickers" / "labelled"
    labelled.mkdir(parents=True)
    rows = ("n,title,date,stock", "1,Quillon wins deal with Norland,2026-01-05,QLLN", "2,No date,,QLLN")
    (labelled / "headlines.csv").write_text("\n".join(rows))
    ari, lookup = module.stories(DataFolder(tmp_path))
    assert ari.key in KEYS
    assert ari.value is not None
    assert ari.value > 0.9
    assert ari.low is not None
    assert ari.low <= ari.value <= (ari.high or 0.0)
    assert max(ari.baselines.values()) < ari.value
    words = json.dumps(ari.details)
    assert "joined across addresses: 1, 0 of them word for word" in words
    assert "0 of 1 joined" in words
    assert (lookup.key, lookup.unit) == ("story_lookup_ms", "ms")
    assert module.stories in MEASURES


def test_a_folder_without_data_still_has_the_demo_figure(tmp_path, monkeypatch):
    """Days are made, not read; only the lines on real feeds are missing."""
    monkeypatch.setattr(module, "SEEDS", range(101, 102))
    monkeypatch.setattr(module, "LIMIT", 100)
    ari, _ = module.stories(DataFolder(tmp_path))
    assert ari.value is not None
    assert not any(line.startswith("real") for line in ari.details)
