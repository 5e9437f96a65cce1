"""Claiming: every item is new once, whoever offers it and however often."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.adapters.store.claims import Batch
from catalyst_ray.models import Action, Claim, ClaimOutcome, Decision, Item, Party, Reason
from tests.adapters.store_world import (
    DAY,
    FILER,
    MINUTE,
    NOW,
    SINKS,
    SUBJECT,
    alert_on,
    decision,
    filing,
    news,
    rows,
    stored_decision,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest_plugins = ["tests.adapters.store_fixtures"]

NEW, SEEN, EXTENDED, DUPLICATE = (
    ClaimOutcome.NEW,
    ClaimOutcome.SEEN,
    ClaimOutcome.EXTENDED,
    ClaimOutcome.DUPLICATE,
)


def _outcomes(claims: Sequence[Claim]) -> list[ClaimOutcome]:
    return [claim.outcome for claim in claims]


def test_items_are_new_once(store: SqlStore) -> None:
    """What one cycle claimed is seen in the next, and the answers keep the order of the offer."""
    first, second, third = news("a"), news("b"), filing(FILER)
    assert _outcomes(store.claim([first, third], now_utc=NOW)) == [NEW, NEW]
    again = store.claim([second, third, first], now_utc=NOW + MINUTE)
    assert _outcomes(again) == [NEW, SEEN, SEEN]
    assert [claim.item for claim in again] == [second, third, first]


def test_an_item_twice_in_one_batch_is_seen_the_second_time(store: SqlStore) -> None:
    """A feed that lists an item twice does not get it judged twice."""
    assert _outcomes(store.claim([news("a"), news("a")], now_utc=NOW)) == [NEW, SEEN]


def test_claims_survive_a_restart(url: str) -> None:
    """A store that is closed and opened again still knows its items, undecided ones as such."""
    item = news("a", "title:a", summary="Text with \N{EURO SIGN} and an emoji \N{ROCKET}.")
    with SqlStore.open(url) as store:
        store.claim([item], now_utc=NOW)
    with SqlStore.open(url) as store:
        assert _outcomes(store.claim([item], now_utc=NOW)) == [SEEN]
        assert store.undecided(limit=10) == [item]


def test_new_parties_extend_a_filing(store: SqlStore) -> None:
    """A known filing that names another party comes back merged and undecided, to be judged anew."""
    store.claim([filing(FILER)], now_utc=NOW)
    store.decide([(filing(FILER), decision())], now_utc=NOW)
    (claim,) = store.claim([filing(SUBJECT)], now_utc=NOW + MINUTE)
    assert claim == Claim(filing(FILER, SUBJECT), EXTENDED)
    assert store.undecided(limit=10) == [filing(FILER, SUBJECT)]
    assert stored_decision(store, claim.item) is None


def test_one_party_in_another_role_extends(store: SqlStore) -> None:
    """A party is told by CIK and role; another spelling of its name is nothing new."""
    store.claim([filing(FILER)], now_utc=NOW)
    assert _outcomes(store.claim([filing(replace(FILER, name="QUILLON"))], now_utc=NOW)) == [SEEN]
    assert _outcomes(store.claim([filing(replace(FILER, role="Issuer"))], now_utc=NOW)) == [EXTENDED]


def test_parties_within_one_batch_are_merged_into_one_claim(store: SqlStore) -> None:
    """Entries of one filing in one batch are judged once, with all parties, not once an entry."""
    claims = store.claim([filing(FILER), filing(SUBJECT)], now_utc=NOW)
    assert _outcomes(claims) == [NEW, SEEN]
    assert {claim.item for claim in claims} == {filing(FILER, SUBJECT)}
    assert store.undecided(limit=10) == [filing(FILER, SUBJECT)]


@pytest.mark.parametrize("released", [True, False])
def test_an_alerted_filing_is_merged_but_not_judged_again(store: SqlStore, released: bool) -> None:
    """After an alert or a hold, new parties are kept and cause no second alert."""
    store.claim([filing(FILER)], now_utc=NOW)
    alert = alert_on(filing(FILER))
    if released:
        store.commit_alert(alert, SINKS, now_utc=NOW)
    else:
        store.hold_alert(alert, now_utc=NOW)
    (claim,) = store.claim([filing(SUBJECT)], now_utc=NOW + MINUTE)
    assert claim == Claim(filing(FILER, SUBJECT), SEEN)
    assert store.undecided(limit=10) == []


def test_a_shared_alias_makes_a_duplicate(store: SqlStore) -> None:
    """The same title from a second source is stored as dropped, with what it duplicates as the reason."""
    store.claim([news("a", "title:x")], now_utc=NOW)
    (claim,) = store.claim([news("b", "title:x")], now_utc=NOW + MINUTE)
    assert (claim.outcome, claim.of) == (DUPLICATE, "url:a")
    (record,) = store.explain("url:b", limit=1)
    assert record.decision == Decision(action=Action.DROP, reasons=(Reason("duplicate", "url:a"),))
    assert (record.duplicate_of, record.decided_utc) == ("url:a", NOW + MINUTE)
    assert store.undecided(limit=10) == [news("a", "title:x")]


def test_duplicates_are_found_within_one_batch(store: SqlStore) -> None:
    """Two copies in one feed's answer are one story."""
    claims = store.claim([news("a", "title:x"), news("b", "title:x")], now_utc=NOW)
    assert [(claim.outcome, claim.of) for claim in claims] == [(NEW, None), (DUPLICATE, "url:a")]


def test_an_alias_may_be_another_items_key(store: SqlStore) -> None:
    """An aggregator's copy that links to the original is its duplicate, whichever comes first."""
    store.claim([news("a"), news("copy", "url:b")], now_utc=NOW)
    claims = store.claim([news("late", "url:a"), news("b")], now_utc=NOW)
    assert [(claim.outcome, claim.of) for claim in claims] == [(DUPLICATE, "url:a"), (DUPLICATE, "url:copy")]


def test_copies_of_copies_name_the_original(store: SqlStore) -> None:
    """A copy's own aliases lead to the first of the chain."""
    store.claim([news("a", "title:x")], now_utc=NOW)
    store.claim([news("b", "title:x", "title:y")], now_utc=NOW)
    (third,) = store.claim([news("c", "title:y")], now_utc=NOW)
    (fourth,) = store.claim([news("d", "url:b")], now_utc=NOW)
    assert (third.of, fourth.of) == ("url:a", "url:a")


def test_aliases_count_only_within_their_window(url: str) -> None:
    """A headline that comes again after the window is a new story, and from then on the one copied."""
    with SqlStore.open(url, alias_window=timedelta(days=2)) as store:
        store.claim([news("a", "title:x")], now_utc=NOW)
        assert _outcomes(store.claim([news("b", "title:x")], now_utc=NOW + 2 * DAY)) == [DUPLICATE]
        later = NOW + 2 * DAY + MINUTE
        assert _outcomes(store.claim([news("c", "title:x")], now_utc=later)) == [NEW]
        (claim,) = store.claim([news("d", "title:x")], now_utc=later)
        assert claim.of == "url:c"
        assert _outcomes(store.claim([news("e", "url:a")], now_utc=later)) == [NEW]


def test_undecided_items_come_oldest_first_and_bounded(store: SqlStore) -> None:
    """Recovery starts with what waited longest and takes no more than it asked for."""
    store.claim([news("z")], now_utc=NOW)
    store.claim([news("a"), news("b")], now_utc=NOW + MINUTE)
    assert [item.key for item in store.undecided(limit=2)] == ["url:z", "url:a"]


def test_nothing_offered_is_nothing_claimed(store: SqlStore) -> None:
    """An empty feed is no error."""
    assert store.claim([], now_utc=NOW) == []


def test_a_thousand_items_at_once(store: SqlStore) -> None:
    """A batch larger than any list of SQL parameters is claimed whole."""
    items = [news(str(number), f"title:{number}", f"url:x{number}") for number in range(1_000)]
    assert set(_outcomes(store.claim(items, now_utc=NOW))) == {NEW}
    assert set(_outcomes(store.claim(items, now_utc=NOW))) == {SEEN}


def test_hostile_text_is_stored(store: SqlStore) -> None:
    """NUL, lone surrogates, quotes and SQL in a title are text like any other."""
    item = news("odd", title="a\0b \ud83d '; DROP TABLE items; -- %_\\", feed="f\0")
    assert _outcomes(store.claim([item], now_utc=NOW)) == [NEW]
    assert _outcomes(store.claim([item], now_utc=NOW)) == [SEEN]
    (record,) = store.explain("url:odd", limit=1)
    assert record.item.title == "a\0b ? '; DROP TABLE items; -- %_\\"


@pytest.mark.parametrize("stores", [1, 2])
def test_two_threads_get_an_item_once(url: str, stores: int) -> None:
    """Two feeds, or two processes, that claim the same items at once share them without overlap."""
    opened = [SqlStore.open(url) for _ in range(stores)]
    items = [news(str(number), f"title:{number % 20}") for number in range(40)]
    start = threading.Barrier(2)
    claims: list[Claim] = []

    def offer(store: SqlStore, order: int) -> None:
        start.wait()
        for first in range(0, 40, 4):
            claims.extend(store.claim(items[::order][first : first + 4], now_utc=NOW))

    threads = [threading.Thread(target=offer, args=(opened[n % stores], (1, -1)[n])) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    new = [claim.item.aliases for claim in claims if claim.outcome is NEW]
    assert len(claims) == 80
    assert sorted(new) == sorted({item.aliases for item in items})
    assert len(rows(url, "items")) == 40
    for store in opened:
        store.close()


_NAMES = st.sampled_from("abcd")
_OFFERS = st.builds(
    lambda key, aliases, ciks: Item(
        key=key,
        aliases=tuple(aliases),
        feed="demo_wire",
        title=key,
        received_utc=NOW,
        parties=tuple(Party(cik, "P", "Filer") for cik in ciks),
    ),
    _NAMES,
    st.sets(st.sampled_from("abcdxy"), max_size=2),
    st.sets(st.integers(1, 3), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_OFFERS, max_size=12))
def test_any_batch_keeps_the_books(offers: list[Item]) -> None:
    """Whatever is offered: one verdict an offer, a key new at most once, no copy of a copy, no party lost."""
    batch = Batch({}, {}, now_utc=NOW)
    for item in offers:
        batch.offer(item)
    claims = batch.claims()
    first = {item.key: claim.outcome for item, claim in reversed(list(zip(offers, claims, strict=True)))}
    duplicates = {claim.item.key: claim.of for claim in claims if claim.of is not None}
    assert [claim.item.key for claim in claims] == [item.key for item in offers]
    assert set(first.values()) <= {NEW, DUPLICATE}
    assert sum(claim.outcome in {NEW, DUPLICATE} for claim in claims) == len(first)
    assert all(first[of] is NEW for of in duplicates.values())
    for item, claim in zip(offers, claims, strict=True):
        assert {party.cik for party in item.parties} <= {party.cik for party in claim.item.parties}
