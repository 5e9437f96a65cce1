"""What a driver keeps between cycles: its lease, feed states, cached answers; and what it forgets."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from catalyst_ray.adapters.store import SqlStore, purge
from catalyst_ray.adapters.store import store as store_module
from catalyst_ray.models import ClaimOutcome, DeliveryState, FeedState
from tests.adapters.store_world import DAY, MINUTE, NOW, SINKS, alert_on, decision, news, rows

if TYPE_CHECKING:
    import pytest

    from catalyst_ray.models import Item

pytest_plugins = ["tests.adapters.store_fixtures"]

CUT = NOW + 30 * DAY


def _decided(store: SqlStore, *items: Item) -> None:
    store.claim(items, now_utc=NOW)
    store.decide([(item, decision()) for item in items], now_utc=NOW)


def test_a_second_driver_is_refused_until_the_lease_ends(store: SqlStore) -> None:
    """Two drivers never post from one store; the lease of one that died runs out."""
    assert store.acquire_lease("first", now_utc=NOW, ttl=MINUTE)
    assert not store.acquire_lease("second", now_utc=NOW + MINUTE / 2, ttl=MINUTE)
    assert store.acquire_lease("second", now_utc=NOW + MINUTE, ttl=MINUTE)
    assert not store.acquire_lease("first", now_utc=NOW + MINUTE, ttl=MINUTE)


def test_a_lease_is_renewed_by_its_owner(store: SqlStore) -> None:
    """Renewing moves the end, so that a driver at work is never taken for dead."""
    store.acquire_lease("first", now_utc=NOW, ttl=MINUTE)
    assert store.acquire_lease("first", now_utc=NOW + MINUTE / 2, ttl=MINUTE)
    assert not store.acquire_lease("second", now_utc=NOW + MINUTE, ttl=MINUTE)


def test_a_lease_is_given_back_only_by_its_owner(store: SqlStore) -> None:
    """A driver that ends cleanly lets the next start at once; nobody else can do that for it."""
    store.acquire_lease("first", now_utc=NOW, ttl=MINUTE)
    store.release_lease("second")
    assert not store.acquire_lease("second", now_utc=NOW, ttl=MINUTE)
    store.release_lease("first")
    assert store.acquire_lease("second", now_utc=NOW, ttl=MINUTE)


def test_of_many_drivers_one_gets_the_lease(url: str) -> None:
    """Drivers that start in the same moment do not both believe that they hold it."""
    stores = [SqlStore.open(url) for _ in range(4)]
    start = threading.Barrier(4)
    answers: list[bool] = []

    def take(number: int) -> None:
        start.wait()
        answers.append(stores[number].acquire_lease(f"driver-{number}", now_utc=NOW, ttl=MINUTE))

    threads = [threading.Thread(target=take, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(answers) == [False, False, False, True]


def test_feed_states_are_remembered(store: SqlStore) -> None:
    """The last state of each feed comes back whole, by name."""
    first = FeedState(feed="wire", etag='"x"', failures=2, next_fetch_utc=NOW + MINUTE, last_error="HTTP 503")
    store.save_feed_state(FeedState(feed="wire", etag="old"))
    store.save_feed_state(first)
    store.save_feed_state(FeedState(feed="sec_8k"))
    assert store.feed_states() == {"wire": first, "sec_8k": FeedState(feed="sec_8k")}


def test_answers_are_cached_until_they_expire(store: SqlStore) -> None:
    """An answer is given until its time, not after, and a newer one replaces it."""
    store.cache("k", "old", expires_utc=NOW)
    store.cache("k", '{"direction": 1}', expires_utc=NOW + MINUTE)
    assert store.cached("k", now_utc=NOW) == '{"direction": 1}'
    assert store.cached("k", now_utc=NOW + MINUTE) is None
    assert store.cached("other", now_utc=NOW) is None


def test_the_cache_is_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many answers come, the table stays small and keeps the youngest."""
    monkeypatch.setattr(store_module, "_TRIM_EVERY", 10)
    with SqlStore.open(url, cache_rows=20) as store:
        for number in range(60):
            store.cache(f"k{number}", "text", expires_utc=NOW + number * MINUTE)
        assert len(rows(url, "llm_cache")) < 30
        store.purge(before_utc=NOW - DAY)
        assert {row.key for row in rows(url, "llm_cache")} == {f"k{number}" for number in range(40, 60)}


def test_what_is_old_and_decided_goes(store: SqlStore, url: str) -> None:
    """Old items go with their aliases, alerts and sent deliveries, expired answers too; all are counted."""
    _decided(store, news("old", "title:old"), news("sent"))
    store.commit_alert(alert_on(news("sent")), SINKS, now_utc=NOW)
    for sink in SINKS:
        (delivery,) = store.due_deliveries(sink, now_utc=NOW, limit=5)
        store.finish_delivery(delivery.id, DeliveryState.SENT, now_utc=NOW)
    store.cache("k", "text", expires_utc=NOW)
    assert store.purge(before_utc=NOW) == 0
    assert store.purge(before_utc=CUT) == 5
    for table in ("items", "aliases", "alerts", "outbox", "llm_cache"):
        assert rows(url, table) == []


def test_what_is_not_finished_stays(store: SqlStore) -> None:
    """However old: undecided items, held alerts and alerts that a sink has yet to take, with their items."""
    store.claim([news("undecided"), news("held"), news("pending"), news("unknown")], now_utc=NOW)
    store.hold_alert(alert_on(news("held")), now_utc=NOW)
    for name in ("pending", "unknown"):
        store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW)
    (_, delivery) = store.due_deliveries("files", now_utc=NOW, limit=5)
    store.begin_delivery(delivery.id, now_utc=NOW)
    assert store.purge(before_utc=CUT) == 0
    assert store.undecided(limit=5) == [news("undecided")]
    assert store.held_alerts(limit=5) == [alert_on(news("held"))]
    assert len(store.due_deliveries("discord", now_utc=CUT, limit=5)) == 2


def test_an_item_that_a_feed_still_lists_stays(store: SqlStore) -> None:
    """A slow feed shows an item for months: forgetting it would make it new again."""
    _decided(store, news("listed"), news("gone"))
    for days in range(1, 31):
        store.claim([news("listed")], now_utc=NOW + days * DAY + MINUTE)
    assert store.purge(before_utc=NOW + 29 * DAY) == 1
    (claim,) = store.claim([news("listed")], now_utc=CUT)
    assert claim.outcome is ClaimOutcome.SEEN


def test_young_items_stay(store: SqlStore) -> None:
    """Only what is older than the cut goes."""
    _decided(store, news("a"))
    store.claim([news("b")], now_utc=CUT)
    store.decide([(news("b"), decision())], now_utc=CUT)
    assert store.purge(before_utc=CUT) == 1
    assert store.explain("url:a", limit=1) == []
    assert len(store.explain("url:b", limit=1)) == 1


def test_purging_takes_many_batches(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than one transaction's worth goes in one call, and unfinished rows in between do not stop it."""
    monkeypatch.setattr(purge, "BATCH_ITEMS", 10)
    store.commit_alert(alert_on(news("first")), SINKS, now_utc=NOW - DAY)
    _decided(store, *(news(str(number)) for number in range(35)))
    assert store.purge(before_utc=CUT) == 35
    assert len(store.explain("url:first", limit=1)) == 1


def test_times_come_back_aware_and_exact(store: SqlStore) -> None:
    """Microseconds and the zone survive, wherever the caller's clock stood."""
    eastern = NOW.astimezone(tz=None)
    store.claim([news("a")], now_utc=eastern)
    (record,) = store.explain("url:a", limit=1)
    assert record.claimed_utc == NOW
    assert record.claimed_utc.utcoffset() == timedelta(0)


def test_a_purged_original_leaves_its_copies_alone(store: SqlStore) -> None:
    """A copy of a copy whose original is forgotten is claimed without fault."""
    _decided(store, news("a", "title:x"))
    store.claim([news("b", "title:x", "title:y")], now_utc=NOW + 2 * DAY)
    store.purge(before_utc=NOW + DAY)
    (claim,) = store.claim(
        [replace(news("c", "title:y"), aliases=("title:y", "url:b"))], now_utc=NOW + 2 * DAY
    )
    assert claim.outcome is ClaimOutcome.DUPLICATE
