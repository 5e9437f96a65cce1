"""Event types, false alerts and the old bot's wrong judgements, measured on small made folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.events import default_taxonomy
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.quality.events import CODES_OF_TYPE, events, types_said
from catalyst_ray.quality.false_alerts import Bench, false_alerts
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.peer import CASES, is_right, peer
from catalyst_ray.quality.routine import is_routine_filing, routine_items, routine_title
from catalyst_ray.quality.texts import news
from tests.unit.core.judged import filing

if TYPE_CHECKING:
    from pathlib import Path

SENTENCES = """text\ttypes_event_unq\tdataset
Norvane pays a dividend of 3 %\t['Dividend']\tsilver
Norvane names a new chief executive\t['Employment']\tsilver
Norvane shares sank on Monday\t['SecurityValue']\tsilver
The sun shone on Norvane\t[]\tgold
Norvane cuts its dividend\t['Merger/Acquisition']\tgold
An odd row\tno list\tgold
"""


def folder_of(root: Path, files: dict[str, str]) -> DataFolder:
    """Return a data folder that holds these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return DataFolder(root)


def test_event_types_are_counted_by_sentence(tmp_path: Path) -> None:
    """F1 of each type from found, false and missed; rows without a readable label are left out."""
    (figure,) = events(folder_of(tmp_path, {"04_events/a_event_type.tsv": SENTENCES}))
    # Dividend: 1 found, 1 false; Employment: 1 found; SecurityValue: 1 found; Merger/Acquisition: 1 missed.
    assert figure.value == pytest.approx((2 / 3 + 1 + 1 + 0) / 4)
    assert figure.n == 5
    assert figure.low is not None
    assert figure.low <= figure.value
    assert "Dividend: n 1, precision 0.50, recall 1.00, F1 0.67" in figure.details
    assert 0 < figure.baselines["keywords"] < figure.value


def test_a_folder_without_sentences_gives_no_event_figure(tmp_path: Path) -> None:
    """No file, no value."""
    assert events(DataFolder(tmp_path))[0].value is None


def test_every_code_of_a_type_exists() -> None:
    """The table of types names codes of the taxonomy only, each once."""
    named = [code for codes in CODES_OF_TYPE.values() for code in codes.split()]
    assert set(named) <= {rule.code for rule in default_taxonomy().rules}
    assert len(named) == len(set(named))
    assert types_said("Norvane to Be Acquired by Belisle") == {"Merger/Acquisition"}


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("INVESTOR ALERT: Dorrit LLP Investigates Norvane", "law firm"),
        ("41 Biggest Movers From Yesterday", "list"),
        ("Why Norvane Stock Fell Today", "recap"),
        ("Norvane to Present at the Spring Conference", "conference"),
        ("Norvane to Report Second Quarter Results on August 4", "date"),
        ("Norvane Reports Inducement Grants", "grants"),
        ("Norvane Declares Quarterly Cash Dividend", "dividend"),
        ("Norvane Holds Annual General Meeting", "meeting"),
        ("Belisle Maintains Buy on Norvane", "repeated rating"),
        ("Norvane Wins FDA Approval", None),
    ],
)
def test_routine_titles_are_told_by_plain_patterns(title: str, kind: str | None) -> None:
    """Each kind of routine title is found by its pattern, and a catalyst by none."""
    assert routine_title(title) == kind


def test_routine_filings_are_told_by_form_and_items() -> None:
    """Insiders' forms and 8-Ks with nothing but votes and exhibits are routine; others are not."""
    assert is_routine_filing(filing("4", "NORVANE INC"))
    assert is_routine_filing(filing("8-K", "NORVANE INC", "5.07", "9.01"))
    assert not is_routine_filing(filing("8-K", "NORVANE INC", "1.03", "9.01"))
    assert not is_routine_filing(filing("8-K", "NORVANE INC"))
    assert not is_routine_filing(filing("424B5", "NORVANE INC"))


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry>
<title>4 - NORVANE INC (0000012659) (Issuer)</title>
<link href="https://www.sec.gov/Archives/edgar/data/12659/000001265926000001/0000012659-26-000001-index.htm"/>
<summary type="html">Filed</summary><updated>2020-01-12T10:00:00-05:00</updated>
<category term="4"/><id>urn:tag:sec.gov,2008:accession-number=0000012659-26-000001</id></entry></feed>"""
TITLES = "title,stock\n31 Biggest Movers From Yesterday,NRV\n31 Biggest Movers From Yesterday,BLL\nNorvane Hires,NRV\n"


def test_routine_items_come_from_pages_feeds_and_headlines(tmp_path: Path) -> None:
    """Each routine filing and title comes once, as if published now; what is no feed is passed over."""
    folder = folder_of(
        tmp_path,
        {
            "01_feeds_finance/edgar_getcurrent/day/start0.atom": ATOM,
            "01_feeds_finance/publishers/broken.xml": "<html>503</html>",
            "05_tickers/labelled/some_headlines.csv": TITLES,
        },
    )
    found = list(routine_items(folder))
    assert [kind for kind, _ in found] == ["form 4", "list"]
    assert all(item.published_utc == item.received_utc for _, item in found)
    rate, recall = false_alerts(folder)
    assert (rate.value, rate.is_met) == (0.0, True)
    assert rate.high is not None
    assert 0 < rate.high < 0.01
    assert rate.n > 500
    assert recall.is_met


def test_without_real_pages_only_the_demo_is_measured(tmp_path: Path) -> None:
    """The rate has no value where the folder holds no page; the demo's recall needs none."""
    rate, recall = false_alerts(DataFolder(tmp_path))
    assert rate.value is None
    assert recall.n > 100


def test_an_item_without_a_ticker_gets_one_unless_it_is_foreign(tmp_path: Path) -> None:
    """A catalyst of an unknown company can alert; one that names a foreign venue cannot."""
    bench = Bench(DataFolder(tmp_path).directory, SentimentModel())
    assert bench.alerts(news("Norvane Files for Chapter 11 Bankruptcy"))
    assert not bench.alerts(news("Norvane (TSX: NRV) Files for Chapter 11 Bankruptcy"))


def test_the_old_bots_wrong_judgements_are_right(tmp_path: Path) -> None:
    """Every case of every kind is judged as it must be."""
    (figure,) = peer(DataFolder(tmp_path))
    assert figure.value == 1.0, figure.details
    assert figure.n == len(CASES.strip().splitlines())


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("good", "Norvane Inc. Files for Chapter 11 Bankruptcy"),
        ("quiet", "Norvane Inc. (NASDAQ: QVNR) Files for Chapter 11 Bankruptcy"),
        ("plain", "8-K: NORVANE INC; 1.03"),
        ("elsewhere", "Norvane Inc. (NASDAQ: QVNR) Declares Dividend"),
    ],
)
def test_a_wrong_judgement_would_be_told(expected: str, text: str) -> None:
    """A case that is not judged as expected counts as wrong."""
    listed = Listing(ticker="QVNR", cik=9_100_001, name="Quarrivane Inc.")
    tier = FastTier(
        directory=TickerDirectory.from_listings([listed]),
        sentiment=SentimentModel(),
        policy=default_policy(),
        uses=ModelUses(),
    )
    assert not is_right(tier, expected, text)
