"""What a reader finds: alerts by what a list is filtered by, with their deliveries; cycles; and the mark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.models import (
    Action,
    Decision,
    DeliveryState,
    EventHit,
    GpuSample,
    Judgement,
    Reason,
    Score,
    Verdict,
)
from tests.adapters.store_world import CYCLE, DAY, MINUTE, NOW, SINKS, alert_on, decision, news, rows, run_sql

if TYPE_CHECKING:
    from catalyst_ray.models import Alert

pytest_plugins = ["tests.adapters.store_fixtures"]

APPROVED = alert_on(
    news("approval", title="Quillon gets FDA approval for 100% of its_drug"),
    score=Score(
        value=0.8,
        sentiment=0.2,
        confidence=0.9,
        events=(EventHit(code="fda_approval", label="FDA approval", weight=0.8),),
    ),
)
PRICED = alert_on(
    news("offering"),
    ticker="MRPK",
    created_utc=NOW + MINUTE,
    score=Score(
        value=-0.7,
        sentiment=-0.2,
        confidence=0.9,
        events=(
            EventHit(code="offering_priced", label="Offering priced", weight=-0.7),
            EventHit(code="recap", label="", weight=0.0, noise=True),
        ),
    ),
    verdict=Verdict(
        Judgement(direction=-0.9, confidence=0.9, summary="", events=("dilution",)), Reason("llm_agrees")
    ),
    decision=Decision(
        action=Action.ALERT, reasons=(Reason("strong"), Reason("ticker", "BRK-B by cik")), value=-0.8
    ),
)
QUIET = alert_on(
    news("quiet"), created_utc=NOW + 2 * MINUTE, score=Score(value=0.04, sentiment=0.0, confidence=0.9)
)


@pytest.fixture
def alerts(store: SqlStore) -> None:
    """Put two alerts and a held one into the store."""
    store.commit_alert(APPROVED, SINKS, now_utc=NOW)
    store.commit_alert(PRICED, SINKS, now_utc=NOW)
    store.hold_alert(QUIET, now_utc=NOW)


@pytest.mark.usefixtures("alerts")
@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({}, [QUIET, PRICED, APPROVED]),
        ({"ticker": "$mrpk"}, [PRICED]),
        ({"ticker": "brk.b"}, [PRICED]),
        ({"ticker": " "}, [QUIET, PRICED, APPROVED]),
        ({"event": "fda_approval"}, [APPROVED]),
        ({"event": "dilution"}, [PRICED]),
        ({"event": "recap"}, []),
        ({"event": "offering"}, []),
        ({"event": "%"}, []),
        ({"direction": "bullish"}, [APPROVED]),
        ({"direction": "bearish"}, [PRICED]),
        ({"direction": "neutral"}, [QUIET]),
        ({"words": "APPROVAL quillon"}, [APPROVED]),
        ({"words": "100% its_drug"}, [APPROVED]),
        ({"words": "itsXdrug"}, []),
        ({"since_utc": NOW + MINUTE}, [QUIET, PRICED]),
        ({"before_utc": NOW + MINUTE}, [APPROVED]),
        ({"direction": "bearish", "ticker": "QLLN"}, []),
    ],
)
def test_alerts_are_found_by_what_a_list_is_filtered_by(
    store: SqlStore, conditions: dict[str, Any], found: list[Alert]
) -> None:
    """All conditions must hold; what is found comes newest first."""
    expected = [
        replace(
            alert, decision=replace(alert.decision, action=Action.HOLD if alert is QUIET else Action.ALERT)
        )
        for alert in found
    ]
    assert [record.alert.id for record in store.find_alerts(limit=9, **conditions)] == [
        a.id for a in expected
    ]


@pytest.mark.usefixtures("alerts")
def test_an_alert_comes_with_its_deliveries(store: SqlStore) -> None:
    """Where each sink has it, and since when; one that is held has none; one that there is not is None."""
    (row,) = [one for one in store.due_deliveries("files", now_utc=NOW, limit=5) if one.alert == PRICED]
    store.begin_delivery(row.id, now_utc=NOW)
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW + MINUTE)
    record = store.alert_record(PRICED.id)
    assert record is not None
    assert (record.alert, record.is_held) == (PRICED, False)
    assert [(one.sink, one.state, one.sent_utc) for one in record.deliveries] == [
        ("discord", DeliveryState.PENDING, None),
        ("files", DeliveryState.SENT, NOW + MINUTE),
    ]
    held = store.alert_record(QUIET.id)
    assert held is not None
    assert (held.is_held, held.deliveries) == (True, ())
    assert store.alert_record("no such") is None
    assert [len(one.deliveries) for one in store.find_alerts(limit=2)] == [0, 2]


@pytest.mark.usefixtures("alerts")
def test_an_edit_has_a_time_of_its_own(store: SqlStore) -> None:
    """A sink that takes a revision was sent the alert before and edited then; an edit given up is none."""
    (row,) = [one for one in store.due_deliveries("files", now_utc=NOW, limit=5) if one.alert == PRICED]
    store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
    store.finish_edit(row.id, 1, now_utc=NOW + MINUTE, error="too long")
    store.finish_edit(row.id, 1, now_utc=NOW + MINUTE, next_attempt_utc=NOW + DAY)
    assert [one.edited_utc for one in rows_of(store, PRICED)] == [None, None]
    store.finish_edit(row.id, 1, now_utc=NOW + 2 * MINUTE)
    assert [(one.sent_utc, one.edited_utc) for one in rows_of(store, PRICED)] == [
        (None, None),
        (NOW, NOW + 2 * MINUTE),
    ]


def rows_of(store: SqlStore, alert: Alert) -> Any:
    """Return an alert's deliveries."""
    record = store.alert_record(alert.id)
    return record.deliveries if record else ()


def test_a_revised_alert_is_found_by_what_it_says_now(store: SqlStore) -> None:
    """Direction and events follow the newest revision."""
    store.commit_alert(PRICED, SINKS, now_utc=NOW)
    up = replace(
        PRICED,
        revision=1,
        decision=replace(PRICED.decision, value=0.5),
        score=Score(value=0.5, sentiment=0.1, confidence=0.9),
    )
    store.revise_alert(up, now_utc=NOW)
    assert [record.alert for record in store.find_alerts(direction="bullish", limit=5)] == [up]
    assert store.find_alerts(event="offering_priced", limit=5) == []


def test_cycles_are_kept_whole_and_bounded(store: SqlStore, url: str) -> None:
    """Their reports come back newest first; only so many stay, and none that is too old."""
    gpus = (GpuSample(index=0, uuid="GPU-1", name="L4", power_w=71.5),)
    reports = [
        replace(CYCLE, number=number, started_utc=NOW + number * MINUTE, gpus=gpus) for number in range(1, 8)
    ]
    for report in reports:
        store.save_cycle(report, keep=5)
    assert store.cycles(since_utc=NOW, limit=3) == reports[:-4:-1]
    assert store.cycles(since_utc=NOW + 6 * MINUTE, limit=9) == [reports[6], reports[5]]
    assert [row.number for row in rows(url, "cycles")] == [3, 4, 5, 6, 7]
    assert store.purge(before_utc=NOW + 5 * MINUTE) == 2
    assert [row.number for row in rows(url, "cycles")] == [5, 6, 7]


def test_the_mark_tells_of_every_write_that_readers_show(store: SqlStore, url: str) -> None:
    """It changes with alerts, deliveries and cycles, for a reader in another process too; not with a lease."""
    seen = []

    def changed() -> bool:
        seen.append(reader.mark())
        return len(seen) > 1 and seen[-1] != seen[-2]

    with SqlStore.open(url, read_only=True) as reader:
        assert not changed()
        store.claim([news("a")], now_utc=NOW)
        store.decide([(news("a"), decision())], now_utc=NOW)
        store.acquire_lease("me", now_utc=NOW, ttl=MINUTE)
        assert not changed()
        store.hold_alert(APPROVED, now_utc=NOW)
        assert changed()
        store.withdraw_hold(APPROVED, decision(), now_utc=NOW)
        assert changed()
        store.commit_alert(PRICED, ["files"], now_utc=NOW)
        assert changed()
        (row,) = store.due_deliveries("files", now_utc=NOW, limit=1)
        store.begin_delivery(row.id, now_utc=NOW)
        assert changed()
        store.finish_delivery(row.id, DeliveryState.SENT, now_utc=NOW)
        assert changed()
        store.revise_alert(replace(PRICED, revision=1), now_utc=NOW)
        assert changed()
        store.finish_edit(row.id, 1, now_utc=NOW)
        assert changed()
        store.save_cycle(CYCLE, keep=5)
        assert changed()
        store.retire_deliveries(["files"], before_utc=NOW, now_utc=NOW)
        assert changed()
        run_sql(url, "UPDATE items SET seen = 0, decided = 0")
        store.purge(before_utc=NOW)
        assert changed()
