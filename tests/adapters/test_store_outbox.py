"""Deliveries: at least once, in order of urgency, and every possible double counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.errors import StoreError
from catalyst_ray.models import DeliveryState
from tests.adapters.store_world import MINUTE, NOW, SINKS, alert_on, news

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_ray.models import Delivery

pytest_plugins = ["tests.adapters.store_fixtures"]


def _due(store: SqlStore, *, now_utc: datetime = NOW) -> list[Delivery]:
    return store.due_deliveries("discord", now_utc=now_utc, limit=10)


def _one(store: SqlStore, name: str = "a") -> Delivery:
    store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW)
    return _due(store)[0]


def test_an_alert_is_due_at_each_sink(store: SqlStore) -> None:
    """A delivery carries the whole alert and has not been tried."""
    delivery = _one(store)
    assert delivery.alert == alert_on(news("a"))
    assert (delivery.state, delivery.attempts, delivery.next_attempt_utc) == (DeliveryState.PENDING, 0, None)
    assert [other.sink for other in store.due_deliveries("files", now_utc=NOW, limit=10)] == ["files"]
    assert store.due_deliveries("console", now_utc=NOW, limit=10) == []


def test_the_most_urgent_is_due_first(store: SqlStore) -> None:
    """Deliveries come by priority, then by age, and no more than asked for."""
    for name, priority, minutes in (("late", 3, 2), ("low", 9, 0), ("early", 3, 1)):
        store.commit_alert(alert_on(news(name), priority=priority), SINKS, now_utc=NOW + minutes * MINUTE)
    due = _due(store, now_utc=NOW + 3 * MINUTE)
    assert [delivery.alert.item.key for delivery in due] == ["url:early", "url:late", "url:low"]
    assert len(store.due_deliveries("discord", now_utc=NOW, limit=1)) == 1


def test_a_sent_delivery_is_done(store: SqlStore) -> None:
    """What a sink took is not due again at that sink, keeps the message's id, and is counted."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.finish_delivery(delivery.id, DeliveryState.SENT, now_utc=NOW, message_id="m-1")
    assert _due(store) == []
    (record,) = store.explain("url:a", limit=1)
    assert (record.deliveries[0].message_id, record.deliveries[0].attempts) == ("m-1", 1)
    assert store.delivery_counts() == {"discord/sent": 1, "files/pending": 1, "possible_doubles": 0}


def test_a_crash_while_sending_leaves_a_row_that_is_due_at_once(url: str) -> None:
    """A new process finds what the old one was sending, and trying it again counts as a possible double."""
    with SqlStore.open(url) as store:
        store.begin_delivery(_one(store).id, now_utc=NOW)
    with SqlStore.open(url) as store:
        (delivery,) = _due(store)
        assert (delivery.state, delivery.attempts) == (DeliveryState.UNKNOWN, 1)
        assert store.delivery_counts()["possible_doubles"] == 0
        store.begin_delivery(delivery.id, now_utc=NOW)
        assert store.delivery_counts()["possible_doubles"] == 1


def test_a_refusal_waits_for_its_next_attempt(store: SqlStore) -> None:
    """A sink that said "later" is left alone until then; the repeat is no possible double."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    later = NOW + MINUTE
    store.finish_delivery(
        delivery.id, DeliveryState.PENDING, now_utc=NOW, error="429", next_attempt_utc=later
    )
    assert _due(store, now_utc=later - MINUTE / 60) == []
    (again,) = _due(store, now_utc=later)
    assert (again.last_error, again.next_attempt_utc, again.attempts) == ("429", later, 1)
    store.begin_delivery(again.id, now_utc=later)
    assert store.delivery_counts()["possible_doubles"] == 0


def test_a_time_out_is_tried_again_and_counted(store: SqlStore) -> None:
    """An outcome that nobody knows is repeated after its wait, as a possible double."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.finish_delivery(
        delivery.id, DeliveryState.UNKNOWN, now_utc=NOW, error="time-out", next_attempt_utc=NOW + MINUTE
    )
    assert _due(store) == []
    (again,) = _due(store, now_utc=NOW + MINUTE)
    store.begin_delivery(again.id, now_utc=NOW + MINUTE)
    store.finish_delivery(again.id, DeliveryState.SENT, now_utc=NOW + MINUTE, message_id="m")
    assert store.delivery_counts() == {"discord/sent": 1, "files/pending": 1, "possible_doubles": 1}


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.DEAD])
def test_a_finished_delivery_cannot_begin_again(store: SqlStore, state: DeliveryState) -> None:
    """Sending what was sent, or given up, is refused before the sink is called, and nothing changes."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.finish_delivery(delivery.id, state, now_utc=NOW)
    assert not store.begin_delivery(delivery.id, now_utc=NOW)
    (record,) = store.explain("url:a", limit=1)
    assert (record.deliveries[0].state, record.deliveries[0].attempts) == (state, 1)


def test_what_nobody_took_in_time_is_given_up(store: SqlStore) -> None:
    """Old open rows of every sink are dead and say why; young, sent and dead ones stay as they are."""
    begun = _one(store)
    store.begin_delivery(begun.id, now_utc=NOW)
    for name in ("b", "c"):
        store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW)
    sent, refused = (row.id for row in _due(store) if row.id != begun.id)
    store.finish_delivery(sent, DeliveryState.SENT, now_utc=NOW)
    store.finish_delivery(refused, DeliveryState.DEAD, now_utc=NOW, error="refused")
    store.commit_alert(alert_on(news("young")), SINKS, now_utc=NOW + MINUTE)
    gone = store.retire_deliveries(["discord"], before_utc=NOW + MINUTE, now_utc=NOW + MINUTE)
    assert gone == {"discord": 1, "files": 3}
    assert [row.alert.item.key for row in _due(store, now_utc=NOW + MINUTE)] == ["url:young"]
    (record,) = store.explain("url:a", limit=1)
    assert [row.last_error for row in record.deliveries] == [
        "given up: not taken in time",
        "given up: no such sink",
    ]
    (record,) = store.explain("url:c", limit=1)
    assert record.deliveries[0].last_error == "refused"
    assert store.delivery_counts() == {
        "discord/dead": 2,
        "discord/pending": 1,
        "discord/sent": 1,
        "files/dead": 3,
        "files/pending": 1,
        "possible_doubles": 0,
    }
    assert store.retire_deliveries(["discord"], before_utc=NOW + MINUTE, now_utc=NOW + MINUTE) == {}


def test_an_answer_that_comes_after_all_is_kept(store: SqlStore) -> None:
    """A row that was being sent as it was given up is sent, if the sink says so."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.retire_deliveries(SINKS, before_utc=NOW + MINUTE, now_utc=NOW + MINUTE)
    store.finish_delivery(delivery.id, DeliveryState.SENT, now_utc=NOW + MINUTE)
    assert store.delivery_counts()["discord/sent"] == 1


def test_a_delivery_that_does_not_exist_is_an_error(store: SqlStore) -> None:
    """A wrong id is not passed over in silence."""
    with pytest.raises(StoreError, match="delivery 77"):
        store.finish_delivery(77, DeliveryState.SENT, now_utc=NOW)


def test_a_message_id_outlives_a_later_failure(store: SqlStore) -> None:
    """The id by which a posted message can be edited is not erased by an answer without one."""
    delivery = _one(store)
    store.finish_delivery(delivery.id, DeliveryState.SENT, now_utc=NOW, message_id="m-1")
    store.finish_delivery(delivery.id, DeliveryState.DEAD, now_utc=NOW, error="gone")
    (record,) = store.explain("url:a", limit=1)
    assert (record.deliveries[0].message_id, record.deliveries[0].last_error) == ("m-1", "gone")


def test_charts_are_needed_until_every_sink_is_done(store: SqlStore) -> None:
    """A chart may be deleted when its alert is sent or given up everywhere, a held one's never."""
    store.commit_alert(alert_on(news("a"), chart_path="a.png"), SINKS, now_utc=NOW)
    store.commit_alert(alert_on(news("b")), SINKS, now_utc=NOW)
    store.hold_alert(alert_on(news("c"), chart_path="c.png"), now_utc=NOW)
    assert store.needed_files() == {"a.png", "c.png"}
    sent = next(one for one in _due(store) if one.alert.item.key == "url:a")
    store.finish_delivery(sent.id, DeliveryState.SENT, now_utc=NOW)
    assert store.needed_files() == {"a.png", "c.png"}
    dead = next(
        one for one in store.due_deliveries("files", now_utc=NOW, limit=10) if one.alert.item.key == "url:a"
    )
    store.finish_delivery(dead.id, DeliveryState.DEAD, now_utc=NOW)
    assert store.needed_files() == {"c.png"}


def test_rows_can_be_asked_for_by_when_they_were_made(store: SqlStore) -> None:
    """Those that waited too long apart from those that did not; the moment between belongs to the younger."""
    for minutes, name in enumerate(("old", "edge", "new")):
        store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW + minutes * MINUTE)
    edge = NOW + MINUTE

    def keys(**when: datetime) -> list[str]:
        rows = store.due_deliveries("discord", now_utc=NOW + 5 * MINUTE, limit=10, **when)
        return [row.alert.item.key for row in rows]

    assert keys(since_utc=edge) == ["url:edge", "url:new"]
    assert keys(before_utc=edge) == ["url:old"]


def test_a_digest_begins_and_ends_as_one(store: SqlStore) -> None:
    """Its rows are unknown together, then sent with one message's id; a row that is finished is left out."""
    rows = [_one(store, name) for name in ("a", "b", "c")]
    ids = [row.id for row in sorted(_due(store), key=lambda row: row.alert.item.key)]
    store.finish_delivery(ids[1], DeliveryState.DEAD, now_utc=NOW)
    assert store.begin_digest(ids, now_utc=NOW) == [ids[0], ids[2]]
    assert [row.state for row in _due(store)] == [DeliveryState.UNKNOWN] * 2
    revisions = {ids[0]: 0, ids[2]: 0}
    store.finish_digest(revisions, DeliveryState.SENT, now_utc=NOW + MINUTE, message_id="m-1")
    assert _due(store) == []
    for name in ("a", "c"):
        (row,) = [d for d in store.explain(f"url:{name}", limit=1)[0].deliveries if d.sink == "discord"]
        assert (row.in_digest, row.message_id, row.sent_utc) == (True, "m-1", NOW + MINUTE)
    assert len(rows) == 3


def test_a_digest_that_failed_is_as_if_it_had_not_been(store: SqlStore) -> None:
    """Its rows are due again, and a row that is then sent alone is in no digest."""
    for name in ("a", "b"):
        store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW)
    ids = [row.id for row in _due(store)]
    store.begin_digest(ids, now_utc=NOW)
    store.finish_digest(dict.fromkeys(ids, 0), DeliveryState.PENDING, now_utc=NOW, error="busy")
    assert [(row.state, row.last_error) for row in _due(store)] == [(DeliveryState.PENDING, "busy")] * 2
    store.begin_delivery(ids[0], now_utc=NOW)
    store.finish_delivery(ids[0], DeliveryState.SENT, now_utc=NOW, message_id="m-2")
    (row,) = [d for d in store.explain("url:a", limit=1)[0].deliveries if d.sink == "discord"]
    assert (row.state, row.in_digest) == (DeliveryState.SENT, False)
    store.begin_digest(ids, now_utc=NOW)
    assert _due(store)[0].doubles == 0


def test_a_digest_that_is_not_known_is_not_half_written(store: SqlStore) -> None:
    """One row that is not there undoes the whole transaction."""
    delivery = _one(store)
    store.begin_digest([delivery.id], now_utc=NOW)
    with pytest.raises(StoreError):
        store.finish_digest({delivery.id: 0, 10**6: 0}, DeliveryState.SENT, now_utc=NOW)
    assert _due(store)[0].state is DeliveryState.UNKNOWN


def test_doubles_are_known_by_row(store: SqlStore) -> None:
    """Who tries again must know that an earlier try may have been taken, whatever came after it."""
    delivery = _one(store)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.begin_delivery(delivery.id, now_utc=NOW)
    store.finish_delivery(delivery.id, DeliveryState.PENDING, now_utc=NOW)
    assert [row.doubles for row in _due(store)] == [1]


def test_calls_since_a_moment(store: SqlStore) -> None:
    """By row and attempt, of one sink; rows of a digest, which changed at one moment, were one call."""
    ids = {}
    for name in ("early", "a", "b", "c", "waiting"):
        store.commit_alert(alert_on(news(name)), SINKS, now_utc=NOW)
        ids[name] = store.explain(f"url:{name}", limit=1)[0].deliveries[0].id
    store.begin_delivery(ids["early"], now_utc=NOW)
    store.finish_delivery(ids["early"], DeliveryState.SENT, now_utc=NOW)
    when = [NOW + number * MINUTE for number in range(4)]
    for at in when[1:3]:
        store.begin_delivery(ids["a"], now_utc=at)
    store.finish_delivery(ids["a"], DeliveryState.PENDING, now_utc=when[2])
    store.begin_digest([ids["b"], ids["c"]], now_utc=when[3])
    late = NOW + 4 * MINUTE
    found = store.attempts_since("discord", NOW + MINUTE / 2, now_utc=late)
    assert found == [when[2], when[2], late], "an earlier one counts as at the last; an unknown one as now"
    assert store.attempts_since("files", NOW, now_utc=late) == []
