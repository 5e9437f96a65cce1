"""The figures of financings and of 8-K items, on a folder of invented texts."""

from __future__ import annotations

import json

import pytest

from catalyst_ray.models import OfferingKind, OfferingStage
from catalyst_ray.quality import offerings as measured
from catalyst_ray.quality.filings import filings
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.offerings import offerings

RIGHT = "OSTR - Ostrava Bio Announces Pricing of $5 Million Public Offering"
WRONG = "OSTR - Ostrava Bio Announces $7 Million Private Placement"
COVER = b"<DOCUMENT>\n<TYPE>424B5\n<TEXT>\nOstrava Bio, Inc.\n\nWe are offering 400,000 shares directly to investors.\n</TEXT>\n</DOCUMENT>\n"
ARTICLE = "# OSTR\n\nHeadline: Ostrava Bio Announces Registered Direct Offering\n\n## Article\n\nGross proceeds of $2 million."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with two labelled headlines, an article, a prospectus and rows of no use."""
    (tmp_path / "04_events/offerings_articles").mkdir(parents=True)
    (tmp_path / "07_filings").mkdir()
    rows = [{"rawText": RIGHT}, {"rawText": WRONG}, {"rawText": 3}, "odd", {"other": "x"}]
    (tmp_path / "04_events/some_financing_set.json").write_text(json.dumps(rows))
    (tmp_path / "04_events/offerings_articles/OSTR-registered-direct-offering.md").write_text(ARTICLE)
    (tmp_path / "04_events/offerings_articles/empty.md").write_text("nothing")
    (tmp_path / "07_filings/full_424B5_1.txt").write_bytes(COVER)
    labels = {
        "headlines": {
            measured._id(RIGHT.encode()): {
                "kind": "public_offering",
                "stage": "priced",
                "amount_usd": 5_000_000,
            },
            measured._id(WRONG.encode()): {
                "kind": "private_placement",
                "stage": "announced",
                "amount_usd": 8_000_000,
            },
        },
        "articles": {measured._id(ARTICLE.encode()): {"kind": "registered_direct", "stage": "announced"}},
        "filings": {measured._id(COVER): {"kind": "registered_direct", "stage": "announced"}},
    }
    monkeypatch.setattr(measured, "_labels", lambda: labels)
    return DataFolder(tmp_path)


def test_only_labelled_texts_count_and_both_must_be_exact(folder) -> None:
    """Of two headlines and a prospectus one has another amount than its label; articles are told apart."""
    (figure,) = offerings(folder)
    assert (figure.key, figure.n) == ("offering_exact", 3)
    assert figure.value == pytest.approx(2 / 3)
    details = "\n".join(figure.details)
    assert "headlines, of 2 labelled: exact 1, kind 2, amount 1, stage 2" in details
    assert "articles, of 1 labelled: exact 0, kind 1, amount 0, stage 1" in details
    assert "without a label of ours: 1 texts, a kind found in 1, an amount in 0" in details
    assert "headline alone: 1 of 1" in details


def test_every_shipped_label_is_a_kind_and_a_stage() -> None:
    """The labels name kinds and stages that exist, under keys of 16 digits."""
    groups = measured._labels()
    assert set(groups) == {"headlines", "articles", "filings"}
    for labels in groups.values():
        for key, label in labels.items():
            assert len(key) == 16
            assert OfferingKind(label["kind"])
            assert OfferingStage(label["stage"])


def test_items_count_where_the_set_is_exact(tmp_path) -> None:
    """A report whose heading cannot be read counts as wrong; lines without items do not count."""
    (tmp_path / "07_filings").mkdir()
    rows = [
        {
            "filename": "a",
            "item_8.01": "Item 8.01 Other Events\nThe board met.",
            "item_9.01": "Item 9.01 Exhibits\nNone.",
        },
        {
            "filename": "b",
            "item_1.01": "Something else was agreed.",
            "item_8.01": "Item 8.01 Other Events\nThe board met.",
        },
        {"filename": "c", "item_8.01": ""},
    ]
    lines = "\n".join([*(json.dumps(row) for row in rows), "no json", "[]"])
    (tmp_path / "07_filings/more_8k_items_2.jsonl").write_text(lines)
    (tmp_path / "07_filings/full_8-K_1.txt").write_text(
        "<DOCUMENT>\n<TYPE>8-K\n<TEXT>\nItem 8.01 Other Events\n\nThe board met today.\n</TEXT>\n</DOCUMENT>\n"
    )
    (figure,) = filings(DataFolder(tmp_path))
    assert (figure.key, figure.value, figure.n) == ("items_8k_exact", 0.5, 2)
    assert "items missed: 1.01 (1)" in figure.details
    assert any("items of the main text in 1, EX-99.1 as filed in 1 of 1" in line for line in figure.details)


def test_a_folder_without_the_data_gives_no_value(tmp_path) -> None:
    """Both figures are there, with their aims and no value."""
    empty = DataFolder(tmp_path)
    assert [(figure.value, figure.aim) for figure in (*offerings(empty), *filings(empty))] == [
        (None, 0.95),
        (None, 0.98),
    ]
