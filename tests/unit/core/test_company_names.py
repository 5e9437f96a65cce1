"""Companies found by their names in running text; all of them are invented."""

from __future__ import annotations

import pickle
from time import perf_counter

import pytest

from catalyst_ray.core.company_names import CompanyNames
from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.name_words import known_names, name_key, name_words

COMPANIES = {
    1: "QUILLON THERAPEUTICS INC",
    2: "VELDRIN & MARSK Co",
    3: "The Brannock Company, Inc. /DE/",
    4: "Harbor Corp",  # an ordinary word
    5: "WESTON Q P INC",  # a person's name, turned round
    6: "Zorvane Energy Ltd",
    7: "ZORVANE FOODS PLC",
    8: "Aldoro's, Inc.",
    9: "Norvik Acquisition Corp. II",
    10: "Lumidex Municipal Income Fund",
    11: "Summit Clear Water Inc",  # ordinary words, all of them
    12: "Drellmont Group, Inc.",
    13: "TQV INDUSTRIES INC",
    14: "Global Health Group Inc",  # nothing but kinds of business
    15: "QRX Corp",
    16: "Samsung Quillers Inc",
    17: "Golden Orchard Group Ltd",
    18: "22nd Street Corp",
    19: "Orrin Inc",
    20: "Tarn Corp",
    21: "Larkdale Pharma Inc",
    22: "Larkdale Inc",
    23: "Zeta.ai Inc",
    24: "7Q Quarries Inc",
    1326801: "Meta Platforms, Inc.",
}
INDEX = CompanyNames.of(COMPANIES.items())


def sure(text: str) -> list[int]:
    """Return the companies that a text surely names, in its order."""
    return [hit.ciks[0] for hit in INDEX.find(text) if hit.is_sure and len(hit.ciks) == 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("QUILLON THERAPEUTICS INC", "quillon therapeutics"),
        ("The Brannock Company, Inc. /DE/", "brannock"),
        ("VELDRIN & MARSK Co", "veldrin marsk"),
        ("WESTON Q P INC", "qp weston"),
        ("WESTON Q P TRANSPORT INC", "qp weston transport"),
        ("Q P WESTON INC \\DE\\", "qp weston"),
        ("Zorvane A/S", "zorvane"),
        ("Zorvane S.A./ADR", "zorvane"),
        ("ZORVANE COM INC", "zorvane"),
        ("Zorvane Pharmaceuticals N.V.", "zorvane pharma"),
        ("Drellmont Group, Inc.", "drellmont"),
        ("Summit Holdings Inc", "summit holdings"),  # "Summit" alone would say nothing
        ("US Bancorp", "us bancorp"),
        ("Zörvane SE", "zorvane"),
        ("Inc", "inc"),
        ("", ""),
    ],
)
def test_names_are_compared_without_their_legal_form(name, expected):
    """State marks, legal forms, "The", ampersands, accents, dots and turned-round initials do not count."""
    assert " ".join(name_key(name)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quillon Therapeutics prices an offering", [1]),
        ("QUILLON THERAPEUTICS PRICES AN OFFERING", [1]),
        ("Shares of Quillon fell", [1]),
        ("Quillon's trial fails", [1]),
        ("Veldrin & Marsk and Veldrin and Marsk", [2, 2]),
        ("Veldrin-Marsk opens a plant", [2]),
        ("Brannock cuts its outlook", [3]),
        ("Q.P. Weston buys a mill", [5]),
        ("Zorvane Energy sells to Zorvane Foods", [6, 7]),
        ("Aldoro's profit doubles; Aldoro’s too", [8, 8]),
        ("Drellmont Group and Drellmont", [12, 12]),
        ("TQV Indus said; TQV Industries said", [13, 13]),
        ("Facebook's new app", [1326801]),
        ("Golden Orchard and Golden Orchard Group", [17, 17]),
        ("Jane’s view of Orrin", [19]),
        ("Zeta.ai rises", [23]),
        ("Tarn.com opens", [20]),
        ("7Q Quarries buys 7Q Quarries’ rival for $7Q Quarries", [24, 24]),
        ("News of Lumidex Municipal Income Fund", [10]),
    ],
)
def test_names_and_their_short_forms_are_found(text, expected):
    """A whole name, its first telling word, and what a table knows, in any case."""
    assert sure(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Quillon Valley College said it opens",  # a longer name
        "Analysts at Quillon Capital said so",
        "the quillon of a sword",  # no capital letter
        "Norvik opens a shop",  # a shell's and a fund's first word say little
        "Lumidex opens a shop",
        "Zorvane opens a shop",  # two companies
        "Therapeutics Inc",
        "up $3.5M at 10:30 in 2026 on the 22nd",
        "Jane Weston and Carl Brannock met",  # persons
        "Quillon Corp",  # another company, by its legal form
        "Samsung opens a shop",  # not the one whose name only begins so
        "",
        "…",
    ],
)
def test_what_is_no_companys_name_is_none(text):
    """Longer names, small letters, amounts, and short forms that the index cannot tell apart."""
    assert sure(text) == []


def test_a_name_of_two_companies_is_shown_as_such():
    """What two companies share is a hit with both, and never one of them."""
    (hit,) = INDEX.find("Zorvane soars")
    assert set(hit.ciks) == {6, 7}


def test_a_word_is_shared_with_a_larger_company_that_begins_so():
    """In a map sorted by size, the small company's whole name may be short for the large one's, but not reversed."""
    (hit,) = INDEX.find("Larkdale soars")
    assert set(hit.ciks) == {21, 22}
    turned = CompanyNames.of([(22, COMPANIES[22]), (21, COMPANIES[21])])
    (hit,) = turned.find("Larkdale soars")
    assert hit.ciks == (22,)


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Corp said",
        "Harbor shares rise after results",
        "Shares of Harbor Fall To A Record Low",
        "Harbor Q3 EPS $0.10 Beats Estimates",
        "Harbor Reports Record Revenue",
        "Broker Upgrades Harbor To Buy",
        "Why Harbor Is Moving",
        "The Harbor Holdings Case",
        "Roe's Harbor posts a loss",
        "Broker Keeps Its Outperform On Harbor",
        "the makers sold it to Harbor for cash on Monday, sources said",
        "Summit Clear Water Reports Results",
        "the town sold it to Summit Clear Water for cash on Monday",
        "QRX shares fall",
    ],
)
def test_a_name_that_is_a_word_needs_evidence_and_has_it(text):
    """A legal form, a word of shares or of deeds beside it, or capitals that set it off."""
    assert len(sure(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Harbor Traffic Slows In The North",
        "Ships Return To Harbor After A Storm",
        "Harbor traffic slows in the north",
        "the Port Harbor Authority said it would close",
        "Upgrades Harbor Bridge And Tunnel",
        "They offer global health Group therapy",
        "New Global Health Rules Take Effect",
        "on qrx and Qrx",
        "Maintains Buy, Harbor Of Calm",
        "ALL SHIPS ARE TO LEAVE HARBOR TODAY",
    ],
)
def test_a_name_that_is_a_word_is_one_without_evidence(text):
    """In title case, at a sentence's beginning, or as part of another name a word stays a word."""
    assert sure(text) == []


def test_places_are_those_of_the_text():
    """A hit's place cuts exactly the name out of the text, a possessive left out."""
    text = "“Café” said Quillon’s chief; Aldoro’s did not"
    assert [text[hit.start : hit.end] for hit in INDEX.find(text)] == ["Quillon", "Aldoro’s"]


def test_hostile_text_takes_linear_time():
    """A long text made of nothing but names and their beginnings is read in a fraction of a second."""
    text = "Zorvane & Zorvane's Veldrin and Quillon Q.P. Summit Clear Harbor " * 2_000
    begun = perf_counter()
    assert sum(1 for _ in INDEX.find(text)) > 2_000
    assert perf_counter() - begun < 5


def test_a_hostile_name_takes_linear_time():
    """A registered name is cut before it is compared: what is repeated in it costs nothing."""
    begun = perf_counter()
    assert name_key("Zorvane" + " " * 200_000 + "Inc") == ("zorvane",)
    assert perf_counter() - begun < 5


def test_a_directory_builds_its_index_once_and_takes_it_along():
    """The index belongs to its directory, is built on demand and survives pickling."""
    directory = TickerDirectory.from_listings(
        Listing(f"T{cik}", cik, name) for cik, name in COMPANIES.items()
    )
    assert directory.names is directory.names
    again = pickle.loads(pickle.dumps(directory))
    assert [hit.ciks for hit in again.names.find("Quillon rises")] == [(1,)]
    assert not list(TickerDirectory().names.find("Quillon rises"))


def test_tables_are_sane():
    """No known name is one that never counts, and none is given to two companies."""
    seen: dict[tuple[str, ...], int] = {}
    for cik, names in known_names().items():
        for name in names:
            key = name_key(name)
            assert key, name
            assert len(key) > 1 or key[0] not in name_words().never, name
            assert seen.setdefault(key, cik) == cik, name
