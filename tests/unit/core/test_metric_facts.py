"""What reports, queues and cards say in figures: complete, bounded, and counted once."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from catalyst_ray.core import metric_facts as facts
from catalyst_ray.core import metric_list as m
from catalyst_ray.core.metric_facts import Bounds, Fact, Totals
from catalyst_ray.core.queueing import RequestQueue
from catalyst_ray.models import (
    CycleReport,
    Delivery,
    DeliveryState,
    FeedReport,
    GpuSample,
    Reason,
    StoreStatus,
)
from catalyst_ray.pipeline.handover import OUTCOMES
from catalyst_ray.pipeline.tally import LATE
from tests.unit.core.factories import make_alert

NOW = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
REPORT = CycleReport(
    number=3,
    started_utc=NOW,
    seconds=2.5,
    stages={"fetch": 4.0, "commit": 0.25},
    elapsed={"fetch": 1.5, "commit": 0.125},
    counts={
        "alert": 2,
        "hold": 1,
        "suppress": 3,
        "drop": 4,
        "failed": 0,
        "released": 1,
        "lifted": 1,
        "sunk": 2,
    },
    feeds=(
        FeedReport(feed="wire", status="ok", seconds=0.5, new=7),
        FeedReport(feed="sec", status="failed", seconds=5.0, error="no"),
        FeedReport(feed="late", status="waiting"),
        FeedReport(feed="key", status="off"),
    ),
    queues={},
    deliveries={},
    problems=("one", "two"),
)


def figures(told):
    """Return facts by exported name and labels."""
    return {(fact.metric, fact.labels): fact.value for fact in told}


def test_a_report_gives_every_figure_of_its_cycle() -> None:
    """Length, both kinds of stage seconds, decisions, problems and alerts by whatever way they came."""
    told = figures(facts.cycle_facts(REPORT))
    assert told[m.CYCLE_SECONDS, ()] == 2.5
    assert told[m.STAGE_ELAPSED, ("fetch",)] == told[m.STAGE_SPENT, ("fetch", "elapsed")] == 1.5
    assert told[m.STAGE_WORK, ("commit",)] == told[m.STAGE_SPENT, ("commit", "work")] == 0.25
    assert [told[m.ITEMS, (d,)] for d in m.DECISIONS] == [2, 1, 3, 4, 0]
    assert (told[m.ALERTS, ()], told[m.LATE_VERDICTS, ("sunk",)], told[m.PROBLEMS, ()]) == (4, 2, 2)
    assert told[m.CYCLES, ()] == 1


def test_feeds_that_were_not_asked_took_no_time() -> None:
    """Only a feed that answered or failed has seconds; only one that failed has an error."""
    told = figures(facts.cycle_facts(REPORT))
    assert {labels for metric, labels in told if metric is m.FEED_SECONDS} == {("wire",), ("sec",)}
    assert [told[m.FEED_ERRORS, (feed,)] for feed in ("wire", "sec", "late")] == [0, 1, 0]
    assert told[m.FEED_NEW, ("wire",)] == 7


def test_a_queue_tells_where_it_stands_and_what_became_of_each() -> None:
    """The figures are those of the queue's own statistics; time-outs are its expired ones."""
    queue: RequestQueue[str] = RequestQueue(4)
    queue.offer("a", "", priority=5, deadline_s=1.0, now_s=0.0)
    queue.offer("a", "", priority=5, deadline_s=9.0, now_s=0.5)
    queue.offer("b", "", priority=5, deadline_s=9.0, now_s=0.5)
    queue.take(1.5, 1)
    stats = asdict(queue.stats(2.0)) | {"workers": 3}
    told = figures(facts.queue_facts("llm", stats))
    assert told[m.QUEUE_WAITING, ("llm",)] == told[m.QUEUE_BUSY, ("llm",)] == 1
    assert (told[m.QUEUE_SLOTS, ("llm",)], told[m.QUEUE_OLDEST, ("llm",)]) == (3, 1.5)
    assert (told[m.QUEUE_JOINED, ("llm",)], told[m.QUEUE_REQUESTS, ("llm", "timed_out")]) == (1, 1)
    assert sum(v for (metric, _), v in told.items() if metric is m.QUEUE_REQUESTS) + stats["open"] == 3


def test_without_a_model_nothing_is_told_of_it() -> None:
    """No statistics, no figures."""
    assert [*facts.queue_facts("llm", {}), *facts.model_facts({})] == []


def test_totals_count_what_was_added_and_begin_anew_with_who_counts() -> None:
    """A sum that fell was begun anew, and counts whole."""
    totals = Totals()
    added = [totals.increment(Fact(m.LLM_ANSWER_TOKENS, value, is_total=True)) for value in (5, 5, 9, 2, 3)]
    assert added == [5, 0, 4, 2, 1]


def test_labels_keep_their_bound_and_are_words_only() -> None:
    """Unknown stages, and feeds over the bound, are told as other; control characters and length go."""
    bounds = Bounds()
    assert bounds.tags(Fact(m.STAGE_WORK, 1, ("made up",))) == {"stage": m.OTHER}
    assert bounds.tags(Fact(m.FEED_NEW, 1, ("x\x1b[2J" + "y" * 200,)))["feed"] == ("x [2J" + "y" * 200)[:60]
    seen = {bounds.tags(Fact(m.FEED_NEW, 1, (f"feed {n}",)))["feed"] for n in range(500)}
    most = m.FEED_NEW.labels[0].most
    assert len(seen) == most  # one place was taken before, one is other
    assert m.OTHER in seen
    assert bounds.tags(Fact(m.FEED_AGE, 1, ("feed 0",)))["feed"] == "feed 0"


def test_counters_begin_at_nought_for_all_that_is_set_up() -> None:
    """Every counter but those of cards has its series before anything happens, and only once."""
    told = list(facts.zero_facts(feeds=("a", "b"), sinks=("wall",)))
    assert all(fact.value == 0 for fact in told)
    assert len({(f.metric.name, f.labels) for f in told}) == len(told)
    begun = {fact.metric for fact in told}
    assert begun == {x for x in m.METRICS if x.kind is m.MetricKind.COUNTER} - {m.GPU_ENERGY}
    assert Fact(m.DELIVERIES, 0.0, ("wall", "given_up")) in told
    assert [f.labels for f in told if f.metric is m.FEED_ERRORS] == [("a",), ("b",)]


def test_cards_and_parts_of_cards_have_names_of_their_own() -> None:
    """By node and index; the parts of a card are numbered; what a card does not tell is left out."""
    whole = GpuSample(index=0, uuid="a", name="H100", node="n", utilisation_pct=50.0, energy_j=7.0)
    part = replace(whole, uuid="b", mig_of="a", power_w=None)
    told = figures(facts.gpu_facts([whole, part, replace(part, uuid="c"), replace(whole, node="o")]))
    assert told[m.GPUS, ()] == 4
    rows = {labels for metric, labels in told if metric is m.GPU_UTILISATION}
    assert rows == {("n", "0"), ("n", "0.1"), ("n", "0.2"), ("o", "0")}
    assert told[m.GPU_UTILISATION, ("n", "0")] == 0.5
    assert m.GPU_POWER not in {metric for metric, _ in told}


def test_the_outbox_is_told_by_sink_with_noughts_for_what_is_empty() -> None:
    """A sink without anything open has 0, not nothing: an alarm that ends must see it."""
    status = StoreStatus(
        schema_version=1,
        size_bytes=10,
        free_bytes=0,
        driver=None,
        held=4,
        oldest_open_utc={"wall": NOW - timedelta(seconds=90)},
        dead=(),
    )
    told = figures(
        facts.store_facts(status, {"wall/pending": 3, "wall/sent": 9}, ["wall", "file"], now_utc=NOW)
    )
    assert (told[m.ALERTS_HELD, ()], told[m.STORE_SIZE, ()]) == (4, 10)
    assert told[m.OUTBOX_OPEN, ("wall", "pending")] == 3
    assert (told[m.OUTBOX_OLDEST, ("wall",)], told[m.OUTBOX_OLDEST, ("file",)]) == (90, 0)
    assert ("wall", "sent") not in {labels for metric, labels in told if metric is m.OUTBOX_OPEN}


@pytest.mark.parametrize(
    ("reason", "age_s", "is_told"), [("score", 4, True), ("released", 4, False), ("score", 4000, False)]
)
def test_an_alert_that_waited_on_purpose_says_nothing_of_speed(reason, age_s, is_told) -> None:
    """Held ones, and those of an earlier run, are left out; the others count from the first byte."""
    alert = make_alert()
    decision = replace(alert.decision, reasons=(Reason(reason),))
    item = replace(alert.item, received_utc=NOW - timedelta(seconds=age_s))
    row = Delivery(
        id=1, alert=replace(alert, item=item, decision=decision), sink="wall", state=DeliveryState.SENT
    )
    fact = facts.posted_fact(row, since_utc=NOW - timedelta(seconds=60), now_utc=NOW)
    assert fact == (Fact(m.POSTED_SECONDS, age_s, ("wall",)) if is_told else None)


def test_the_lists_name_what_the_program_counts() -> None:
    """Late effects and outcomes of deliveries are those that the pipeline knows."""
    assert set(m.LATE_EFFECTS) <= set(LATE)
    assert set(OUTCOMES) == set(m.DELIVERED)
