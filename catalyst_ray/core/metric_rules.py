"""When Prometheus raises an alarm, as data: each rule with its expression over ``core/metric_list`` and the mend."""

from __future__ import annotations

from dataclasses import dataclass

from catalyst_ray.core import metric_list as m

SAME = "on (SessionName, WorkerId)"
"""Figures of one driver: Ray marks each series with the process that it came from."""
CRITICAL, WARNING = "critical", "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """An alarm.

    Args:
        hold: How long the expression must hold, as Prometheus writes it.
        summary: One line; may name labels of the series.
        mend: What to look at and do.
    """

    name: str
    expr: str
    hold: str
    severity: str
    summary: str
    mend: str


RULES: tuple[Rule, ...] = (
    Rule(
        name="CatalystDriverGone",
        expr=f"absent({m.DRIVER_UP.exported})",
        hold="2m",
        severity=CRITICAL,
        summary="No driver runs, or its node's metrics are not scraped",
        mend="Look at `catalyst-ray status`, `ray job list` and the log of the job; start it again: it takes up what was"
        " left. If it runs, see whether Prometheus reaches the metrics port of its node.",
    ),
    Rule(
        name="CatalystCycleOverdue",
        expr=f"time() - {m.CYCLE_ENDED.exported} > 3 * {m.CYCLE_PERIOD.exported} + 120",
        hold="1m",
        severity=CRITICAL,
        summary="No cycle has ended for {{ $value | humanizeDuration }}",
        mend="Look at the driver's log: the store may fail, or a stage hang. `ray stack` and py-spy in the dashboard show"
        " where it stands.",
    ),
    Rule(
        name="CatalystNoAlertInMarketHours",
        expr=f"time() - {m.ALERT_LAST.exported} > 7200 and {SAME} min_over_time({m.MARKET_OPEN.exported}[2h]) == 1",
        hold="10m",
        severity=WARNING,
        summary="The market is open and there was no alert for {{ $value | humanizeDuration }}",
        mend="`catalyst-ray explain` says why items became none: thresholds may be too high. See also whether feeds bring"
        " new items.",
    ),
    Rule(
        name="CatalystFeedSilent",
        expr=f"{m.FEED_AGE.exported} > {SAME} group_left () (900 + 3 * {m.CYCLE_PERIOD.exported})",
        hold="5m",
        severity=WARNING,
        summary="Feed {{ $labels.feed }} has not answered well for {{ $value | humanizeDuration }}",
        mend="`catalyst-ray status` has its last error. A feed that moved needs its new address in FEEDS_FILE; one that"
        " refuses needs fewer requests, or a key.",
    ),
    Rule(
        name="CatalystQueueOld",
        expr=f"{m.QUEUE_OLDEST.exported} > 0.5 * {m.QUEUE_DEADLINE.exported}",
        hold="2m",
        severity=WARNING,
        summary="Requests for {{ $labels.queue }} wait for {{ $value | humanizeDuration }}, half their deadline",
        mend="llm: more replicas (LLM_MAX_REPLICAS), more at once (LLM_BATCH_WORKERS) or a smaller model. charts: more"
        " CHART_QUEUE_WORKERS, or CPUs. `catalyst-ray profile` says which.",
    ),
    Rule(
        name="CatalystModelFails",
        expr=f'sum by (SessionName, WorkerId) (rate({m.QUEUE_REQUESTS.exported}{{queue="llm", outcome=~"failed|timed_out|refused"}}[10m]))'
        f' > 0.5 * sum by (SessionName, WorkerId) (rate({m.QUEUE_REQUESTS.exported}{{queue="llm", outcome!="cached"}}[10m]))',
        hold="5m",
        severity=WARNING,
        summary="More than half of what the language model is asked has no answer",
        mend="Alerts go out on the fast tier's judgement alone. `catalyst-ray doctor` asks the engine; the log names the"
        " replica.",
    ),
    Rule(
        name="CatalystOutboxStuck",
        expr=f"{m.OUTBOX_OLDEST.exported} > 600",
        hold="5m",
        severity=CRITICAL,
        summary="{{ $labels.sink }} has not taken an alert for {{ $value | humanizeDuration }}",
        mend="`catalyst-ray status` says what the sink answered. A deleted webhook needs a new address; what waits goes"
        " out when it is back.",
    ),
    Rule(
        name="CatalystDeliveryGivenUp",
        expr=f'increase({m.DELIVERIES.exported}{{outcome="given_up"}}[15m]) > 0',
        hold="0m",
        severity=WARNING,
        summary="Alerts for {{ $labels.sink }} were given up",
        mend="`catalyst-ray status` lists them with the sink's words, `catalyst-ray alerts` has the alerts.",
    ),
    Rule(
        name="CatalystGpuGone",
        expr=f"{m.GPUS_MISSING.exported} > 0",
        hold="2m",
        severity=CRITICAL,
        summary="{{ $value }} GPUs of nodes that are there do not answer",
        mend="`catalyst-ray gpu` and `nvidia-smi` on the node; `dmesg` names an Xid. A card that fell off the bus comes"
        " back with a restart of the machine.",
    ),
    Rule(
        name="CatalystMetricsFail",
        expr=f"increase({m.METRIC_ERRORS.exported}[15m]) > 3",
        hold="0m",
        severity=WARNING,
        summary="These metrics are not complete",
        mend="The driver's log says why: `metrics could not be read or written`.",
    ),
)
