"""Every metric that the driver exports, as data: the exporter, the dashboard, the rules and the docs follow it.

Names are full words with their unit. Ray's agents export them as ``ray_<name>``, counters with ``_total`` behind.
Labels are bounded: by a list, or by a number above which values are told as ``other``. No label holds a ticker,
an address or the number of a cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from catalyst_ray.core.stages import BRANCHES

OTHER = "other"
"""What a label says for a value that is over its bound."""


class MetricKind(StrEnum):
    """How a metric behaves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a metric.

    Args:
        values: All that it may say; empty = what is set up (feeds, sinks, nodes), ``most`` of them at most.
    """

    key: str
    values: tuple[str, ...] = ()
    most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Args:
        unit: Of its value; ``1`` for counts and states.
        buckets: Upper bounds of a histogram. Ray's agents make its sum from their midpoints: for exact seconds there
            are counters.
        needs: What must be there for it to have data, for people; empty = a driver.
    """

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    needs: str = ""

    @property
    def exported(self) -> str:
        """Return its name in Prometheus."""
        return f"ray_{self.name}_total" if self.kind is MetricKind.COUNTER else f"ray_{self.name}"

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names of its time series in Prometheus."""
        if self.kind is MetricKind.HISTOGRAM:
            return tuple(f"{self.exported}_{part}" for part in ("bucket", "count", "sum"))
        return (self.exported,)


STAGES = tuple(chain.from_iterable(BRANCHES.values()))
QUEUES = ("llm", "charts")
OUTCOMES = ("completed", "cached", "failed", "timed_out", "refused", "cancelled")
DECISIONS = ("alert", "hold", "suppress", "drop", "failed")
LATE_EFFECTS = ("revised", "lifted", "sunk", "unanswered")
DELIVERED = ("sent", "edited", "failed", "given_up")
OPEN_STATES = ("pending", "unknown", "editing")
FILING_OUTCOMES = ("read", "cached", "joined", "failed")
SPENT = ("elapsed", "work")

_STAGE, _QUEUE = Label("stage", STAGES), Label("queue", QUEUES)
_FEED, _SINK = Label("feed", most=64), Label("sink", most=32)
_CARD = (Label("node", most=64), Label("gpu", most=64))
_ON_GPU = "a GPU"

_STAGE_BUCKETS = (
    0.001,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    30.0,
    60.0,
    120.0,
)
_CYCLE_BUCKETS = (
    0.1,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    7.5,
    10.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
    120.0,
    300.0,
)
_FEED_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0)
_POST_BUCKETS = (
    0.1,
    0.25,
    0.5,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    7.5,
    10.0,
    15.0,
    20.0,
    30.0,
    60.0,
    120.0,
    300.0,
    900.0,
)

_ALL: list[Metric] = []


def _add(
    name: str,
    kind: MetricKind,
    unit: str,
    words: str,
    *labels: Label,
    buckets: tuple[float, ...] = (),
    needs: str = "",
) -> Metric:
    metric = Metric(
        name=f"catalyst_{name}", kind=kind, unit=unit, help=words, labels=labels, buckets=buckets, needs=needs
    )
    _ALL.append(metric)
    return metric


def _counter(name: str, words: str, *labels: Label, unit: str = "1", needs: str = "") -> Metric:
    return _add(name, MetricKind.COUNTER, unit, words, *labels, needs=needs)


def _gauge(name: str, words: str, *labels: Label, unit: str = "1", needs: str = "") -> Metric:
    return _add(name, MetricKind.GAUGE, unit, words, *labels, needs=needs)


def _histogram(name: str, words: str, *labels: Label, buckets: tuple[float, ...]) -> Metric:
    return _add(name, MetricKind.HISTOGRAM, "seconds", words, *labels, buckets=buckets)


DRIVER_UP = _gauge("driver_up", "1 while a driver runs; without one there is no such series")
MARKET_OPEN = _gauge("market_open", "1 in the regular session of the US market, else 0")
DRIVER_MEMORY = _gauge("driver_memory_bytes", "Resident memory of the driver's process", unit="bytes")
STORE_SIZE = _gauge("store_bytes", "Size of the store; of a PostgreSQL the whole database's", unit="bytes")
METRIC_ERRORS = _counter(
    "metric_errors", "Times that these metrics could not be read or written; the log says why"
)

CYCLES = _counter("cycles", "Cycles that ended")
CYCLE_SECONDS = _histogram("cycle_seconds", "From the start of a cycle to its report", buckets=_CYCLE_BUCKETS)
CYCLE_PERIOD = _gauge(
    "cycle_period_seconds", "SLEEP_SECONDS: from one cycle's start to the next", unit="seconds"
)
CYCLE_ENDED = _gauge(
    "cycle_last_end_timestamp_seconds",
    "When the last cycle ended, in Unix time; before the first, when the driver started",
    unit="seconds",
)
PROBLEMS = _counter("problems", "Problems that reports of cycles name")
STAGE_ELAPSED = _histogram(
    "stage_elapsed_seconds",
    "Seconds of the clock in which a stage was under way, a cycle",
    _STAGE,
    buckets=_STAGE_BUCKETS,
)
STAGE_WORK = _histogram(
    "stage_work_seconds",
    "Seconds of work of a stage, summed over what it did side by side, a cycle",
    _STAGE,
    buckets=_STAGE_BUCKETS,
)
STAGE_SPENT = _counter(
    "stage_spent_seconds",
    "The exact sums of both: of the clock (elapsed) and of work",
    _STAGE,
    Label("kind", SPENT),
    unit="seconds",
)

ITEMS = _counter("items", "Items by what was decided on them", Label("decision", DECISIONS))
ALERTS = _counter(
    "alerts", "Alerts that went to the outbox: decided, released after being held, or lifted by the model"
)
ALERT_LAST = _gauge(
    "alert_last_timestamp_seconds",
    "When the last alert went to the outbox, in Unix time; before the first, when the driver started",
    unit="seconds",
)
ALERTS_HELD = _gauge("alerts_held", "Alerts over MAX_ALERTS_PER_CYCLE that wait for a later cycle")
LATE_VERDICTS = _counter(
    "late_verdicts",
    "Verdicts of the model after the decision, by what they did",
    Label("effect", LATE_EFFECTS),
)

FEED_AGE = _gauge(
    "feed_age_seconds", "Since a feed last answered well, or the driver started", _FEED, unit="seconds"
)
FEED_ERRORS = _counter("feed_errors", "Times that a feed failed", _FEED)
FEED_SECONDS = _histogram("feed_seconds", "How long a feed took to answer", _FEED, buckets=_FEED_BUCKETS)
FEED_NEW = _counter("feed_new_items", "New items by feed", _FEED)

QUEUE_WAITING = _gauge("queue_waiting", "Requests that wait", _QUEUE)
QUEUE_BUSY = _gauge("queue_busy", "Requests that are worked on", _QUEUE)
QUEUE_SLOTS = _gauge("queue_slots", "Requests that can be worked on at once", _QUEUE)
QUEUE_OLDEST = _gauge(
    "queue_oldest_seconds", "How long the oldest waiting request has waited", _QUEUE, unit="seconds"
)
QUEUE_DEADLINE = _gauge(
    "queue_deadline_seconds",
    "After so long a request is given up: LLM_TIMEOUT_SECS, CHART_TIMEOUT_SECS",
    _QUEUE,
    unit="seconds",
)
QUEUE_REQUESTS = _counter(
    "queue_requests", "Requests by what became of them", _QUEUE, Label("outcome", OUTCOMES)
)
QUEUE_JOINED = _counter(
    "queue_joined", "Requests that shared the work of an equal one; counted by outcome too", _QUEUE
)
QUEUE_WORKED = _counter("queue_worked", "Pieces of work that came back, well or badly", _QUEUE)
QUEUE_WORK_SECONDS = _counter(
    "queue_work_seconds", "Seconds that they took, from hand-out to answer", _QUEUE, unit="seconds"
)
LLM_PROMPT_TOKENS = _counter(
    "llm_prompt_tokens", "Tokens of prompts that an engine answered", unit="tokens", needs="a model"
)
LLM_ANSWER_TOKENS = _counter("llm_answer_tokens", "Tokens of its answers", unit="tokens", needs="a model")
LLM_REPLICAS = _gauge("llm_replicas", "Replicas of the language model that serve", needs="a model")
LLM_RESTARTS = _counter("llm_replica_restarts", "Replicas restarted", needs="a model")
LLM_UNREADABLE = _counter(
    "llm_unreadable_answers", "Answers of the model that could not be used", needs="a model"
)
FILINGS = _counter("filings", "Filings asked for, by how they were had", Label("outcome", FILING_OUTCOMES))

DELIVERIES = _counter(
    "deliveries",
    "Alerts and edits by sink, and what the sink made of them",
    _SINK,
    Label("outcome", DELIVERED),
)
POSTED_SECONDS = _histogram(
    "posted_seconds",
    "From the feed's first byte to the sink's answer; without alerts that were held on purpose",
    _SINK,
    buckets=_POST_BUCKETS,
)
OUTBOX_OPEN = _gauge(
    "outbox_open", "Alerts and edits that a sink has yet to take", _SINK, Label("state", OPEN_STATES)
)
OUTBOX_OLDEST = _gauge(
    "outbox_oldest_seconds", "Age of the oldest alert that a sink has yet to take", _SINK, unit="seconds"
)

GPU_UTILISATION = _gauge(
    "gpu_utilisation_ratio", "Share of the time in which the card worked, 0 to 1", *_CARD, needs=_ON_GPU
)
GPU_MEMORY_USED = _gauge("gpu_memory_used_bytes", "Memory in use", *_CARD, unit="bytes", needs=_ON_GPU)
GPU_MEMORY_TOTAL = _gauge(
    "gpu_memory_total_bytes", "Memory that the card has", *_CARD, unit="bytes", needs=_ON_GPU
)
GPU_POWER = _gauge("gpu_power_watts", "Power", *_CARD, unit="watts", needs=_ON_GPU)
GPU_TEMPERATURE = _gauge("gpu_temperature_celsius", "Temperature", *_CARD, unit="celsius", needs=_ON_GPU)
GPU_ENERGY = _counter(
    "gpu_energy_joules", "Energy used since the driver started", *_CARD, unit="joules", needs=_ON_GPU
)
GPUS = _gauge("gpus", "Cards that answer")
GPUS_MISSING = _gauge("gpus_missing", "Cards that answered before and do not now, though their node is there")

METRICS: tuple[Metric, ...] = tuple(_ALL)
"""All of them, in the order in which people read about them."""
