"""Edits: whatever a sink has, it is due for the newest revision, once, and for a day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.errors import StoreError
from catalyst_ray.models import Action, DeliveryState, Reason
from tests.adapters.store_world import (
    DAY,
    MINUTE,
    NOW,
    SINKS,
    alert_on,
    news,
    rows,
    stored_decision,
)

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.models import Alert, Delivery

pytest_plugins = ["tests.adapters.store_fixtures"]


def _revised(revision: int = 1, name: str = "a", *, value: float = 0.42, priority: int = 2) -> Alert:
    alert = alert_on(news(name))
    decision = replace(
        alert.decision, reasons=(Reason("llm_judged", "mistral"),), value=value, priority=priority
    )
    return replace(alert, decision=decision, revision=revision, revised_utc=NOW + revision * MINUTE)


def _sent(store: SqlStore, name: str = "a", *, now_utc: datetime = NOW) -> Delivery:
    store.commit_alert(alert_on(news(name)), SINKS, now_utc=now_utc)
    (row,) = store.due_deliveries("discord", now_utc=now_utc, limit=5)
    store.begin_delivery(row.id, now_utc=now_utc)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=now_utc, message_id=f"m-{name}", revision=0)
    return row


def _edits(store: SqlStore, *, sink: str = "discord", now_utc: datetime = NOW + MINUTE) -> list[Delivery]:
    return store.due_edits(sink, now_utc=now_utc, limit=10)


def test_a_revision_replaces_alert_and_decision(store: SqlStore, url: str) -> None:
    """The page, ``explain`` and the columns that are sorted by show the newest; it is still an alert."""
    _sent(store)
    sunk = replace(_revised(), decision=replace(_revised().decision, action=Action.SUPPRESS))
    assert store.revise_alert(sunk, now_utc=NOW + MINUTE)
    assert store.recent_alerts(limit=5) == [sunk]
    (row,) = rows(url, "alerts")
    assert (row.value, row.priority, row.revision, row.state) == (0.42, 2, 1, "released")
    decided = stored_decision(store, news("a"))
    assert decided is not None
    assert (decided.action, decided.reasons) == (Action.ALERT, (Reason("llm_judged", "mistral"),))


def test_only_a_newer_revision_of_a_released_alert_counts(store: SqlStore) -> None:
    """The same one again, an older one, one of no alert, and one of a held alert change nothing."""
    assert not store.revise_alert(_revised(), now_utc=NOW)
    assert store.explain("url:a", limit=1) == []
    store.hold_alert(alert_on(news("held")), now_utc=NOW)
    assert not store.revise_alert(_revised(name="held"), now_utc=NOW)
    assert store.held_alerts(limit=5) == [alert_on(news("held"))]
    _sent(store)
    assert store.revise_alert(_revised(2), now_utc=NOW)
    assert not store.revise_alert(_revised(2, value=0.1), now_utc=NOW)
    assert not store.revise_alert(_revised(1), now_utc=NOW)
    assert store.recent_alerts(limit=5) == [_revised(2)]


def test_a_sink_that_has_the_older_one_is_due_for_an_edit(store: SqlStore) -> None:
    """The row comes with its message's id and the new alert; one that is not sent yet is no edit."""
    _sent(store)
    assert _edits(store) == []
    store.revise_alert(_revised(), now_utc=NOW)
    (row,) = _edits(store)
    assert (row.alert, row.message_id, row.revision, row.state) == (
        _revised(),
        "m-a",
        0,
        DeliveryState.SENT,
    )
    assert _edits(store, sink="files") == []
    assert store.due_deliveries("discord", now_utc=NOW, limit=5) == []
    (pending,) = store.due_deliveries("files", now_utc=NOW, limit=5)
    assert pending.alert == _revised(), "what was not sent yet is sent as it is now"


def test_an_edit_is_done_once(store: SqlStore) -> None:
    """When the sink has the newest revision nothing is due, and the row says which one it has."""
    row = _sent(store)
    store.revise_alert(_revised(), now_utc=NOW)
    store.finish_edit(row.id, 1, now_utc=NOW)
    assert _edits(store) == []
    (record,) = store.explain("url:a", limit=1)
    assert (record.deliveries[0].revision, record.deliveries[0].attempts) == (1, 2)


def test_a_revision_that_comes_while_the_alert_is_being_sent_is_an_edit(store: SqlStore) -> None:
    """Between the read of a row and the sink's answer the alert changed: what the sink got is old."""
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
    store.begin_delivery(row.id, now_utc=NOW)
    store.revise_alert(_revised(), now_utc=NOW)
    assert _edits(store) == [], "the sink has not answered yet"
    store.finish_delivery(
        row.id, DeliveryState.SENT, now_utc=NOW, message_id="m", revision=row.alert.revision
    )
    assert [edit.alert.revision for edit in _edits(store)] == [1]


def test_a_first_delivery_of_the_newest_revision_needs_no_edit(store: SqlStore) -> None:
    """Revised before it was sent, as after a retry: the sink has it all."""
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    store.revise_alert(_revised(), now_utc=NOW)
    (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
    store.begin_delivery(row.id, now_utc=NOW)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW, revision=row.alert.revision)
    assert _edits(store) == []


def test_a_revision_that_comes_during_an_edit_is_one_more(store: SqlStore) -> None:
    """The sink took the second while the third was written: it is due again, for the third."""
    row = _sent(store)
    store.revise_alert(_revised(1), now_utc=NOW)
    store.revise_alert(_revised(2), now_utc=NOW)
    (edit,) = _edits(store)
    assert edit.alert == _revised(2), "an edit of an edit is one edit"
    store.revise_alert(_revised(3), now_utc=NOW)
    store.finish_edit(row.id, 2, now_utc=NOW)
    assert [(edit.revision, edit.alert.revision) for edit in _edits(store)] == [(2, 3)]


def test_a_failed_edit_waits_for_its_next_attempt(store: SqlStore) -> None:
    """It is due again at its time, with the attempts counted, and is no possible double."""
    row = _sent(store)
    store.revise_alert(_revised(), now_utc=NOW)
    store.finish_edit(row.id, 1, now_utc=NOW, error="HTTP 500", next_attempt_utc=NOW + 2 * MINUTE)
    assert _edits(store, now_utc=NOW + MINUTE) == []
    (again,) = _edits(store, now_utc=NOW + 2 * MINUTE)
    assert (again.revision, again.attempts, again.last_error) == (0, 2, "HTTP 500")
    assert store.delivery_counts() == {
        "discord/sent": 1,
        "discord/editing": 1,
        "files/pending": 1,
        "possible_doubles": 0,
    }


def test_edits_come_oldest_first_and_no_more_than_asked_for(store: SqlStore) -> None:
    """By when they were revised, not by when they were sent."""
    for name in ("first", "second"):
        _sent(store, name)
    store.revise_alert(_revised(name="second"), now_utc=NOW)
    store.revise_alert(_revised(name="first"), now_utc=NOW + MINUTE)
    assert [row.message_id for row in _edits(store)] == ["m-second", "m-first"]
    assert len(store.due_edits("discord", now_utc=NOW, limit=1)) == 1


def test_a_dead_delivery_gets_no_edit(store: SqlStore) -> None:
    """There is no message to edit."""
    store.commit_alert(alert_on(news("a")), SINKS, now_utc=NOW)
    (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
    store.finish_delivery(row.id, DeliveryState.DEAD, now_utc=NOW, error="refused")
    store.revise_alert(_revised(), now_utc=NOW)
    assert _edits(store) == []


def test_a_sent_row_that_is_given_up_after_all_needs_no_edit(store: SqlStore) -> None:
    """Edits are of messages that stand."""
    row = _sent(store)
    store.revise_alert(_revised(), now_utc=NOW)
    store.finish_delivery(row.id, DeliveryState.DEAD, now_utc=NOW, error="gone")
    assert _edits(store) == []


def test_an_edit_that_nobody_took_for_a_day_is_given_up(store: SqlStore) -> None:
    """The row stays sent and says why; a young edit stays due, however old its alert."""
    for name in ("old", "young"):
        _sent(store, name)
    store.revise_alert(_revised(name="old"), now_utc=NOW)
    store.revise_alert(_revised(name="young"), now_utc=NOW + DAY)
    (row,) = (row for row in _edits(store, now_utc=NOW + DAY) if row.message_id == "m-old")
    store.finish_edit(row.id, 1, now_utc=NOW, error="HTTP 500", next_attempt_utc=NOW + DAY)
    gone = store.retire_deliveries(["discord"], before_utc=NOW + MINUTE, now_utc=NOW + DAY)
    assert gone == {"discord": 1, "files": 2}
    assert [row.message_id for row in _edits(store, now_utc=NOW + DAY)] == ["m-young"]
    (record,) = store.explain("url:old", limit=1)
    given_up = record.deliveries[0]
    assert (given_up.state, given_up.revision) == (DeliveryState.SENT, 0)
    assert given_up.last_error == "given up: not taken in time"


def test_charts_are_needed_until_every_edit_is_done(store: SqlStore) -> None:
    """An edit uploads the picture anew, so that it must not be swept away meanwhile."""
    drawn = replace(_revised(), chart_path="a.png")
    store.commit_alert(replace(drawn, revision=0), ["discord"], now_utc=NOW)
    (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
    assert store.needed_files() == set()
    store.revise_alert(drawn, now_utc=NOW)
    assert store.needed_files() == {"a.png"}
    store.finish_edit(row.id, 1, now_utc=NOW)
    assert store.needed_files() == set()


def test_what_waits_for_an_edit_is_not_purged(store: SqlStore, url: str) -> None:
    """However short the retention; it goes when the edit is done."""
    store.commit_alert(alert_on(news("a")), ["discord"], now_utc=NOW)
    (row,) = store.due_deliveries("discord", now_utc=NOW, limit=5)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
    store.revise_alert(_revised(), now_utc=NOW)
    assert store.purge(before_utc=NOW + DAY) == 0
    store.finish_edit(row.id, 1, now_utc=NOW)
    assert store.purge(before_utc=NOW + DAY) == 2
    assert rows(url, "alerts") == []


def test_a_revision_survives_the_process(url: str) -> None:
    """What was revised before a crash is due after it."""
    with SqlStore.open(url) as store:
        _sent(store)
        store.revise_alert(_revised(), now_utc=NOW)
    with SqlStore.open(url) as store:
        assert [row.alert for row in _edits(store)] == [_revised()]


def test_an_edit_of_no_delivery_is_an_error(store: SqlStore) -> None:
    """A wrong id is not passed over in silence."""
    with pytest.raises(StoreError, match="delivery 77"):
        store.finish_edit(77, 1, now_utc=NOW)


def test_looking_for_edits_reads_no_sent_row(tmp_path: Path) -> None:
    """The question is asked twice a second: an index of the due rows alone answers it."""
    asked: list[tuple[str, Any]] = []
    with SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        engine = store._database._engine
        event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2:4]))
        _edits(store)
        statement, values = asked[-1]
        with engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "USING INDEX ix_outbox_edits" in str(plan)
