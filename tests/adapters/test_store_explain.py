"""``explain`` finds an item by whatever the person has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.models import Action, Decision, Reason
from tests.adapters.store_world import FILER, MINUTE, NOW, SINKS, SUBJECT, alert_on, filing, news, rows

if TYPE_CHECKING:
    from pathlib import Path

pytest_plugins = ["tests.adapters.store_fixtures"]

PERCENT = news("percent", title="Marrow & Pike 100% owned by Élan_Group, QLLN says")


@pytest.fixture(autouse=True)
def _filled(store: SqlStore) -> None:
    """Put a filing, an alerted release and one more headline into the store."""
    store.claim([filing(FILER), filing(FILER, number=2)], now_utc=NOW)
    store.claim([news("offering", "title:one offering"), PERCENT], now_utc=NOW + MINUTE)
    store.commit_alert(alert_on(news("offering")), SINKS, now_utc=NOW + MINUTE)


@pytest.mark.parametrize(
    "query",
    [
        "sec:0001234567-26-000001",
        "0001234567-26-000001",
        "000123456726000001",
        " https://www.sec.example/Archives/000123456726000001/index.htm ",
        "https://other.example/edgar/data/1234567/0001234567-26-000001.txt?x=1",
    ],
)
def test_a_filing_is_found_by_key_accession_or_url(store: SqlStore, query: str) -> None:
    """Every way to write an accession number leads to that one filing."""
    assert [record.item for record in store.explain(query, limit=5)] == [filing(FILER)]


@pytest.mark.parametrize(
    "query",
    [
        "url:offering",
        "title:one offering",
        "https://wire.example.com/offering",
        "http://WIRE.example.com/offering/?utm_source=rss#top",
        "id-url:offering",
    ],
)
def test_news_is_found_by_key_alias_url_or_alert(store: SqlStore, query: str) -> None:
    """An address is compared in its canonical form, as a person would copy it from a browser."""
    (record,) = store.explain(query, limit=5)
    assert record.item == news("offering", "title:one offering")
    assert [delivery.alert.id for delivery in record.deliveries] == ["id-url:offering"] * 2


@pytest.mark.parametrize("query", ["QLLN", "$qlln", "qlln"])
def test_a_ticker_finds_its_alerts_first(store: SqlStore, query: str) -> None:
    """A ticker leads to alerts on it; items that only name it in the title follow."""
    found = [record.item.key for record in store.explain(query, limit=5)]
    assert found[0] == "url:offering"
    assert len(store.explain(query, limit=1)) == 1


def test_a_ticker_finds_titles_too(store: SqlStore) -> None:
    """An item that was never alerted is found by the ticker in its headline."""
    assert [record.item.key for record in store.explain("QLLN", limit=5)] == ["url:offering", "url:percent"]


def _naming(*details: str) -> Decision:
    reasons = (Reason("weak", "BWGH"), *(Reason("ticker", detail) for detail in details))
    return Decision(action=Action.SUPPRESS, reasons=reasons)


@pytest.mark.parametrize("query", ["BWGH", "$bwgh", "MRPK-PA", "mrpk.pa"])
def test_a_ticker_finds_what_was_never_alerted(store: SqlStore, query: str) -> None:
    """A suppressed filing is found by each ticker that its decision names, in any spelling."""
    decision = _naming("BWGH by cik 1234567", "MRPK-PA by exchange_tag", "")
    store.decide([(filing(FILER), decision)], now_utc=NOW)
    assert [record.decision for record in store.explain(query, limit=5)] == [decision]


def test_a_new_decision_brings_its_own_tickers(store: SqlStore) -> None:
    """An extended filing is found by what it names now; a hold and an alert add their own ticker."""
    store.decide([(filing(FILER), _naming("BWGH by cik 1"))], now_utc=NOW)
    (claim,) = store.claim([filing(SUBJECT)], now_utc=NOW)
    store.decide([(claim.item, _naming("OSTL by cik 2"))], now_utc=NOW)
    assert store.explain("BWGH", limit=5) == []
    assert [record.item for record in store.explain("OSTL", limit=5)] == [claim.item]
    store.hold_alert(alert_on(filing(FILER, number=2), ticker="VONA"), now_utc=NOW)
    assert [record.item for record in store.explain("VONA", limit=5)] == [filing(FILER, number=2)]


def test_the_tickers_of_a_forgotten_item_go_with_it(store: SqlStore, url: str) -> None:
    """Purging leaves no row behind for an item that is gone."""
    store.decide([(filing(FILER), _naming("BWGH by cik 1"))], now_utc=NOW)
    store.purge(before_utc=NOW + 2 * MINUTE)
    assert {row.ticker for row in rows(url, "item_tickers")} == {"QLLN"}


@pytest.mark.parametrize("query", ["PIKE 100%", "lan_GROUP", "owned marrow"])
def test_words_of_a_title_are_found_in_any_order_and_case(store: SqlStore, query: str) -> None:
    """All words must occur; per cent and underscore are themselves, not wildcards."""
    assert [record.item for record in store.explain(query, limit=5)] == [PERCENT]


def test_words_with_other_letters_are_found_in_any_case(tmp_path: Path) -> None:
    """SQLite by itself folds ASCII alone; PostgreSQL folds what its database's locale says."""
    with SqlStore.open(f"sqlite:///{tmp_path}/store.db") as store:
        item = news("a", title="SOCIÉTÉ GÉNÉRALE to buy müller")
        store.claim([item], now_utc=NOW)
        for query in ("société générale", "MÜLLER"):
            assert [record.item for record in store.explain(query, limit=5)] == [item]


@pytest.mark.parametrize("query", ["", "   ", "1_0", "marrow nothing", "0009999999-26-000001", "'; --"])
def test_what_is_not_there_is_not_found(store: SqlStore, query: str) -> None:
    """An empty or foreign query gives nothing rather than everything."""
    assert store.explain(query, limit=5) == []


def test_an_endless_address_is_stored_and_found(store: SqlStore) -> None:
    """An address longer than a database can index costs no claim."""
    url = "https://wire.example.com/?q=" + "".join(
        chr(0x4E00 + number * 7919 % 20_000) for number in range(9_000)
    )
    store.claim([news("endless", url=url)], now_utc=NOW)
    assert [record.item.url for record in store.explain(url, limit=5)] == [url]


def test_decisions_are_counted_by_their_first_reason(store: SqlStore) -> None:
    """The first reason decided; what was decided before the time, and what is undecided, is not counted."""
    first, second = filing(FILER), filing(FILER, number=2)
    reasons = (Reason("weak"), Reason("llm_off"))
    store.decide([(first, Decision(action=Action.SUPPRESS, reasons=reasons))], now_utc=NOW + 3 * MINUTE)
    store.decide([(second, Decision(action=Action.DROP, reasons=()))], now_utc=NOW + 3 * MINUTE)
    counts = {("suppress", "weak"): 1, ("drop", ""): 1}
    assert store.decision_counts(since_utc=NOW + 3 * MINUTE) == counts
    assert store.decision_counts(since_utc=NOW) == counts | {("alert", "strong"): 1}
    assert store.decision_counts(since_utc=NOW + 4 * MINUTE) == {}


def test_the_newest_comes_first_and_the_limit_holds(store: SqlStore) -> None:
    """Of many matches the last claimed are shown."""
    store.claim([news("again", title="Marrow & Pike again")], now_utc=NOW + 2 * MINUTE)
    found = [record.item.key for record in store.explain("marrow & pike", limit=2)]
    assert found == ["url:again", "url:percent"]
