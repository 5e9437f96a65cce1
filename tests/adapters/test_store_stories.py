"""Items that join an alert's story: one transaction, edits that wait for more, and copies told once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.models import Action, DeliveryState, Reason
from tests.adapters.store_world import (
    DAY,
    MINUTE,
    NOW,
    SINKS,
    alert_on,
    decision,
    news,
    rows,
    stored_decision,
)

if TYPE_CHECKING:
    from catalyst_ray.adapters.store import SqlStore
    from catalyst_ray.models import Alert, Item

pytest_plugins = ["tests.adapters.store_fixtures"]

TOLD = decision(code="near_duplicate")


def alerted(store: SqlStore, name: str = "a") -> Alert:
    """Claim an item, commit its alert and have both sinks take it."""
    store.claim([news(name)], now_utc=NOW)
    alert = alert_on(news(name))
    store.commit_alert(alert, SINKS, now_utc=NOW)
    for sink in SINKS:
        for row in store.due_deliveries(sink, now_utc=NOW, limit=9):
            store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
    return alert


def join(store: SqlStore, item: Item, alert: Alert | None, *, minutes: int = 1) -> None:
    """Let an item join the story of item ``a``, edits due a minute later."""
    now = NOW + minutes * MINUTE
    store.join_story(item, "url:a", decision=TOLD, alert=alert, edit_utc=now + MINUTE, now_utc=now)


def due(store: SqlStore, *, minutes: int) -> list[int]:
    """Return the revisions of edits that are due so many minutes after the start."""
    return [row.alert.revision for row in store.due_edits("discord", now_utc=NOW + minutes * MINUTE, limit=9)]


def test_an_item_joins_and_the_alert_is_due_for_an_edit_later(store: SqlStore) -> None:
    """Decision, membership and revision are there; the edit waits until its time and brings the newest."""
    alert = alerted(store)
    store.claim([news("b"), news("c")], now_utc=NOW)
    join(store, news("b"), replace(alert, revision=1, also=("B",)))
    assert stored_decision(store, news("b")) == TOLD
    assert due(store, minutes=1) == []
    join(store, news("c"), replace(alert, revision=2, also=("B", "C")), minutes=2)
    assert due(store, minutes=2) == [2]
    stored = store.alert_of("url:a")
    assert stored is not None
    assert stored.also == ("B", "C")
    assert store.undecided(limit=5) == []


def test_a_copy_that_changes_nothing_leaves_the_alert_alone(store: SqlStore) -> None:
    """Its decision and membership are written, no edit is due; twice is once."""
    alerted(store)
    store.claim([news("b")], now_utc=NOW)
    for _ in range(2):
        join(store, news("b"), None)
    assert stored_decision(store, news("b")) == TOLD
    assert due(store, minutes=9) == []


def test_an_older_revision_is_not_written_over_a_newer(store: SqlStore) -> None:
    """A change made from an old state loses; the item is decided all the same."""
    alert = alerted(store)
    store.claim([news("b")], now_utc=NOW)
    assert store.revise_alert(replace(alert, revision=2), now_utc=NOW)
    join(store, news("b"), replace(alert, revision=1, also=("B",)))
    stored = store.alert_of("url:a")
    assert stored is not None
    assert (stored.revision, stored.also) == (2, ())
    assert stored_decision(store, news("b")) == TOLD


def test_a_held_alert_is_changed_as_it_is(store: SqlStore) -> None:
    """It stays held and of its first revision."""
    store.claim([news("a"), news("b")], now_utc=NOW)
    held = alert_on(news("a"), decision=decision(Action.HOLD, "cap"))
    store.hold_alert(held, now_utc=NOW)
    join(store, news("b"), replace(held, also=("B",)))
    (stored,) = store.held_alerts(limit=5)
    assert (stored.also, stored.revision) == (("B",), 0)


def test_untold_copies_are_those_of_recent_alerts_that_joined_none(store: SqlStore) -> None:
    """Copies of items that made no alert are nobody's; one that joined is not told again."""
    store.claim(
        [news("a", "title:1"), news("b", "title:1"), news("x", "title:2"), news("y", "title:2")], now_utc=NOW
    )
    store.commit_alert(alert_on(news("a", "title:1")), SINKS, now_utc=NOW)
    assert [(item.key, key) for item, key in store.untold_copies(since_utc=NOW, limit=5)] == [
        ("url:b", "url:a")
    ]
    assert store.untold_copies(since_utc=NOW + MINUTE, limit=5) == []
    store.join_story(news("b", "title:1"), "url:a", decision=None, alert=None, edit_utc=NOW, now_utc=NOW)
    assert store.untold_copies(since_utc=NOW, limit=5) == []
    dropped = stored_decision(store, news("b"))
    assert dropped is not None
    assert dropped.reasons == (Reason("duplicate", "url:a"),)


def test_what_is_purged_leaves_its_story(store: SqlStore, url: str) -> None:
    """Membership goes with the item; nothing grows without end."""
    alert = alerted(store)
    store.claim([news("b")], now_utc=NOW)
    join(store, news("b"), replace(alert, revision=1))
    assert [row.item_key for row in rows(url, "stories")] == ["url:b"]
    store.retire_deliveries(SINKS, before_utc=NOW + 3 * DAY, now_utc=NOW + 3 * DAY)
    store.purge(before_utc=NOW + 3 * DAY)
    assert rows(url, "stories") == []
