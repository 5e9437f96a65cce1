"""Decisions and alerts: what was decided stands, an item alerts once, and nothing held is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, ClaimOutcome
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
    from catalyst_ray.adapters.store import SqlStore

pytest_plugins = ["tests.adapters.store_fixtures"]


def test_a_decision_is_kept_with_its_reasons(store: SqlStore) -> None:
    """A decided item is no longer undecided, and says when and why it was decided."""
    store.claim([news("a"), news("b")], now_utc=NOW)
    store.decide([(news("a"), decision()), (news("b"), decision(Action.DROP, "stale"))], now_utc=NOW + MINUTE)
    assert store.undecided(limit=10) == []
    (record,) = store.explain("url:b", limit=1)
    assert (record.decision, record.decided_utc) == (decision(Action.DROP, "stale"), NOW + MINUTE)


@pytest.mark.parametrize("action", [Action.ALERT, Action.HOLD])
def test_nothing_overwrites_an_alert_or_a_hold(store: SqlStore, action: Action) -> None:
    """A decision that comes late never takes back what was, or will be, posted."""
    store.claim([news("a")], now_utc=NOW)
    if action is Action.ALERT:
        store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    else:
        store.hold_alert(alert_on(news("a")), now_utc=NOW)
    store.decide([(news("a"), decision())], now_utc=NOW)
    kept = stored_decision(store, news("a"))
    assert kept is not None
    assert kept.action is action


def test_a_hold_says_whether_it_was_in_time(store: SqlStore) -> None:
    """A held alert can be replaced and withdrawn; one that was released meanwhile can be neither."""
    first, newer = alert_on(news("a")), alert_on(news("a"), priority=2)
    assert store.alert_of("url:a") is None
    assert store.hold_alert(first, now_utc=NOW)
    assert store.hold_alert(newer, now_utc=NOW)
    found = store.alert_of("url:a")
    assert found is not None
    assert found.decision.priority == 2
    store.commit_alert(newer, SINKS, now_utc=NOW)
    assert not store.hold_alert(first, now_utc=NOW)
    assert not store.withdraw_hold(first, decision(), now_utc=NOW)
    assert store.alert_of("url:a") == newer


def test_a_withdrawn_hold_is_gone_with_its_reason(store: SqlStore) -> None:
    """It is released by no later cycle, and the item says what became of it."""
    store.hold_alert(alert_on(news("a")), now_utc=NOW)
    assert store.withdraw_hold(alert_on(news("a")), decision(), now_utc=NOW)
    assert store.held_alerts(limit=5) == []
    assert store.alert_of("url:a") is None
    assert stored_decision(store, news("a")) == decision()
    assert not store.withdraw_hold(alert_on(news("a")), decision(), now_utc=NOW)


@pytest.mark.parametrize("action", [Action.ALERT, Action.HOLD])
def test_decide_takes_no_alerts(store: SqlStore, action: Action) -> None:
    """An alert's decision without its alert would be an alert lost: it is refused as a bug."""
    store.claim([news("a")], now_utc=NOW)
    with pytest.raises(ValueError, match="url:a"):
        store.decide([(news("a"), decision(action))], now_utc=NOW)
    assert store.undecided(limit=1) == [news("a")]


def test_an_older_versions_decision_does_not_decide_the_extended_item(store: SqlStore) -> None:
    """While the merged filing is being judged, the verdict on its first entry leaves it undecided."""
    store.claim([filing(FILER)], now_utc=NOW)
    store.claim([filing(SUBJECT)], now_utc=NOW)
    store.decide([(filing(FILER), decision(Action.DROP, "older"))], now_utc=NOW)
    assert store.undecided(limit=10) == [filing(FILER, SUBJECT)]


def test_an_older_versions_decision_does_not_replace_the_newer_ones(store: SqlStore) -> None:
    """Verdicts may arrive out of order: the one on the merged filing stands."""
    store.claim([filing(FILER)], now_utc=NOW)
    (merged,) = store.claim([filing(SUBJECT)], now_utc=NOW)
    store.decide([(merged.item, decision(code="newer"))], now_utc=NOW)
    store.decide([(filing(FILER), decision(code="older"))], now_utc=NOW)
    assert stored_decision(store, merged.item) == decision(code="newer")


def test_a_stale_hold_does_not_replace_the_newer_decision(store: SqlStore) -> None:
    """A hold made on the first entry comes too late once the merged filing is decided."""
    store.claim([filing(FILER)], now_utc=NOW)
    (merged,) = store.claim([filing(SUBJECT)], now_utc=NOW)
    store.decide([(merged.item, decision())], now_utc=NOW)
    store.hold_alert(alert_on(filing(FILER)), now_utc=NOW)
    assert store.held_alerts(limit=10) == []
    assert stored_decision(store, merged.item) == decision()


def test_an_item_that_is_gone_is_not_decided(store: SqlStore) -> None:
    """A decision on an item that was purged meanwhile brings no half of it back."""
    store.decide([(news("a"), decision())], now_utc=NOW)
    assert store.explain("url:a", limit=1) == []


def test_an_alert_comes_with_decision_and_deliveries(store: SqlStore) -> None:
    """One call writes all three, a delivery per sink, each sink once."""
    store.claim([news("a")], now_utc=NOW)
    assert store.commit_alert(alert_on(news("a")), (*SINKS, "files"), now_utc=NOW)
    (record,) = store.explain("url:a", limit=1)
    assert record.decision == alert_on(news("a")).decision
    assert [delivery.sink for delivery in record.deliveries] == ["discord", "files"]
    assert store.recent_alerts(limit=5) == [alert_on(news("a"))]


def test_an_item_alerts_once(store: SqlStore, url: str) -> None:
    """A second alert on an item, under the same id or another, is refused and changes nothing."""
    store.claim([news("a")], now_utc=NOW)
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    assert not store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    assert not store.commit_alert(alert_on(news("a"), id="other"), ("third",), now_utc=NOW)
    assert len(rows(url, "outbox")) == 2


def test_an_alert_on_an_item_never_claimed_is_kept(store: SqlStore) -> None:
    """An alert whose item was purged meanwhile is delivered all the same."""
    assert store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    assert [claim.outcome for claim in store.claim([news("a")], now_utc=NOW)] == [ClaimOutcome.SEEN]


def test_an_id_taken_by_another_item_is_an_error(store: SqlStore) -> None:
    """Two items never share an alert id, and the refused one leaves no trace."""
    store.claim([news("a"), news("b")], now_utc=NOW)
    store.commit_alert(alert_on(news("a"), id="same"), SINKS, now_utc=NOW)
    with pytest.raises(StoreError):
        store.commit_alert(alert_on(news("b"), id="same"), SINKS, now_utc=NOW)
    assert store.undecided(limit=10) == [news("b")]


def test_held_alerts_wait_for_their_turn(store: SqlStore) -> None:
    """The most urgent comes first, among equals the oldest, and no more than asked for."""
    for name, priority, minutes in (("late", 3, 2), ("low", 9, 0), ("early", 3, 1)):
        item = news(name)
        store.claim([item], now_utc=NOW)
        store.hold_alert(alert_on(item, priority=priority, created_utc=NOW + minutes * MINUTE), now_utc=NOW)
    assert [alert.item.key for alert in store.held_alerts(limit=10)] == ["url:early", "url:late", "url:low"]
    assert len(store.held_alerts(limit=1)) == 1
    kept = stored_decision(store, news("low"))
    assert kept is not None
    assert kept.action is Action.HOLD


def test_a_held_alert_is_released_by_its_commit(store: SqlStore, url: str) -> None:
    """Held yesterday, alerted today: the same row and id, now with deliveries and the alert's decision."""
    store.claim([news("a")], now_utc=NOW)
    store.hold_alert(alert_on(news("a")), now_utc=NOW)
    assert store.recent_alerts(limit=5) == []
    assert store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW + DAY)
    assert store.held_alerts(limit=5) == []
    assert [row.id for row in rows(url, "alerts")] == ["id-url:a"]
    assert [delivery.sink for delivery in store.due_deliveries("files", now_utc=NOW + DAY, limit=5)] == [
        "files"
    ]
    kept = stored_decision(store, news("a"))
    assert kept is not None
    assert kept.action is Action.ALERT


def test_a_released_alert_is_not_held_again(store: SqlStore) -> None:
    """A late hold cannot make a posted alert be posted a second time."""
    store.claim([news("a")], now_utc=NOW)
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    store.hold_alert(alert_on(news("a")), now_utc=NOW)
    assert store.held_alerts(limit=5) == []


def test_recent_alerts_are_newest_first(store: SqlStore) -> None:
    """The page shows the last alerts made, not the last ones written."""
    for name, minutes in (("a", 1), ("c", 3), ("b", 2)):
        store.commit_alert(alert_on(news(name), created_utc=NOW + minutes * MINUTE), SINKS, now_utc=NOW)
    assert [alert.item.key for alert in store.recent_alerts(limit=2)] == ["url:c", "url:b"]


def test_alerts_since_are_of_one_ticker_or_of_all(store: SqlStore) -> None:
    """Held alerts count, old ones do not, and the newest come first."""
    store.commit_alert(alert_on(news("old"), created_utc=NOW - DAY), SINKS, now_utc=NOW)
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    store.commit_alert(alert_on(news("other"), ticker="MRPK"), SINKS, now_utc=NOW - MINUTE)
    held = alert_on(news("b"), created_utc=NOW + MINUTE)
    store.hold_alert(held, now_utc=NOW)
    one = store.alerts_since(NOW - MINUTE, ticker="QLLN", limit=10)
    assert [alert.item.key for alert in one] == ["url:b", "url:a"]
    found = store.alerts_since(NOW - MINUTE, limit=10)
    assert {alert.item.key for alert in found} == {"url:b", "url:a", "url:other"}
    assert store.alerts_since(NOW - MINUTE, limit=1)[0].item == held.item
