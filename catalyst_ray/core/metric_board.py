"""The dashboard as data: rows of panels over ``core/metric_list``. Draws nothing."""

from __future__ import annotations

from catalyst_ray.core import metric_list as m
from catalyst_ray.core.metric_panels import Panel, Query, Row, latest, of, quantile, rate, ratio

_CARD = "node, gpu"

NOW = Row(
    "Now",
    (
        Panel(
            "Since the last cycle",
            "s",
            "Seconds since a cycle ended, to be seen beside SLEEP_SECONDS.",
            (Query(f"time() - {latest(m.CYCLE_ENDED)}", ""),),
            shape="number",
            width=4,
            warn=120,
            alarm=300,
        ),
        Panel(
            "Cycle, p95",
            "s",
            "Of the last hour. The guide's target is 5 seconds.",
            (
                Query(
                    f"histogram_quantile(0.95, sum by (le) (rate({of(m.CYCLE_SECONDS, part='bucket')}[1h])))",
                    "",
                ),
            ),
            shape="number",
            width=4,
            warn=5,
            alarm=10,
        ),
        Panel(
            "Alerts, last 24 hours",
            "short",
            "Alerts that went to the outbox.",
            (Query(f"sum (increase({of(m.ALERTS)}[24h]))", ""),),
            shape="number",
            width=4,
        ),
        Panel(
            "Market",
            "bool_on_off",
            "1 in the regular session of the US market.",
            (Query(latest(m.MARKET_OPEN), ""),),
            shape="number",
            width=4,
        ),
        Panel(
            "Oldest in the outbox",
            "s",
            "Age of the oldest alert that a sink has yet to take.",
            (Query(latest(m.OUTBOX_OLDEST), ""),),
            shape="number",
            width=4,
            warn=60,
            alarm=600,
        ),
        Panel(
            "Oldest for the model",
            "s",
            "How long the oldest waiting request of the language model has waited.",
            (Query(latest(m.QUEUE_OLDEST, labels='queue="llm"'), ""),),
            shape="number",
            width=4,
            warn=5,
            alarm=15,
            needs="a model",
        ),
    ),
)

CYCLE = Row(
    "Cycles",
    (
        Panel(
            "Length of a cycle",
            "s",
            "From its start to its report, and the period in which the next one begins.",
            (
                Query(quantile(m.CYCLE_SECONDS, 0.5), "p50"),
                Query(quantile(m.CYCLE_SECONDS, 0.95), "p95"),
                Query(latest(m.CYCLE_PERIOD), "period"),
            ),
        ),
        Panel(
            "Where the time goes: the clock",
            "s",
            "Mean seconds a cycle in which each stage was under way. Stages overlap.",
            (Query(ratio(rate(m.STAGE_SPENT, "stage", 'kind="elapsed"'), rate(m.CYCLES)), "{{stage}}"),),
        ),
        Panel(
            "Where the time goes: work",
            "s",
            "Mean seconds of work a cycle, summed over what was done side by side.",
            (Query(ratio(rate(m.STAGE_SPENT, "stage", 'kind="work"'), rate(m.CYCLES)), "{{stage}}"),),
            shape="stack",
        ),
        Panel(
            "Stages, p95 of the clock",
            "s",
            "Of one cycle. As near as the buckets: within a third.",
            (Query(quantile(m.STAGE_ELAPSED, 0.95, "stage"), "{{stage}}"),),
        ),
        Panel(
            "Stages, p95 of work",
            "s",
            "Of one cycle, as beside it.",
            (Query(quantile(m.STAGE_WORK, 0.95, "stage"), "{{stage}}"),),
        ),
        Panel(
            "Problems",
            "short",
            "Named in the reports of cycles, a minute.",
            (Query(f"60 * {rate(m.PROBLEMS)}", "problems"),),
        ),
    ),
)

ITEMS = Row(
    "News",
    (
        Panel(
            "Items by decision",
            "short",
            "A minute.",
            (Query(f"60 * {rate(m.ITEMS, 'decision')}", "{{decision}}"),),
            shape="stack",
        ),
        Panel(
            "Alerts",
            "short",
            "An hour, and how many are held for want of a slot.",
            (
                Query(f"3600 * {rate(m.ALERTS)}", "alerts an hour"),
                Query(latest(m.ALERTS_HELD), "held now"),
                Query(f"(time() - {latest(m.ALERT_LAST)}) / 60", "minutes since the last"),
            ),
        ),
        Panel(
            "Verdicts that came late",
            "short",
            "What the model's verdict did to items that were decided without it, a minute.",
            (Query(f"60 * {rate(m.LATE_VERDICTS, 'effect')}", "{{effect}}"),),
        ),
        Panel(
            "Age of feeds",
            "s",
            "Seconds since each feed last answered well.",
            (Query(latest(m.FEED_AGE, "feed"), "{{feed}}"),),
        ),
        Panel(
            "Feeds' failures",
            "short",
            "An hour.",
            (Query(f"3600 * {rate(m.FEED_ERRORS, 'feed')}", "{{feed}}"),),
        ),
        Panel(
            "Feeds' answers, p95",
            "s",
            "How long each feed takes to answer.",
            (Query(quantile(m.FEED_SECONDS, 0.95, "feed"), "{{feed}}"),),
        ),
        Panel(
            "New items by feed",
            "short",
            "An hour.",
            (Query(f"3600 * {rate(m.FEED_NEW, 'feed')}", "{{feed}}"),),
            shape="stack",
        ),
        Panel(
            "Filings read",
            "short",
            "A minute, by how they were had.",
            (Query(f"60 * {rate(m.FILINGS, 'outcome')}", "{{outcome}}"),),
        ),
    ),
)


def _queue_panels(queue: str, whose: str, needs: str) -> tuple[Panel, ...]:
    only = f'queue="{queue}"'
    return (
        Panel(
            f"{whose}: queue",
            "short",
            "Requests that wait, are worked on, and could be worked on at once.",
            (
                Query(latest(m.QUEUE_WAITING, labels=only), "waiting"),
                Query(latest(m.QUEUE_BUSY, labels=only), "busy"),
                Query(latest(m.QUEUE_SLOTS, labels=only), "slots"),
            ),
            needs=needs,
        ),
        Panel(
            f"{whose}: oldest",
            "s",
            "How long the oldest has waited; at the deadline it is given up.",
            (
                Query(latest(m.QUEUE_OLDEST, labels=only), "oldest"),
                Query(latest(m.QUEUE_DEADLINE, labels=only), "deadline"),
            ),
            needs=needs,
        ),
        Panel(
            f"{whose}: requests",
            "short",
            "A minute, by what became of them; those that shared another's work are counted again as joined.",
            (
                Query(f"60 * {rate(m.QUEUE_REQUESTS, 'outcome', only)}", "{{outcome}}"),
                Query(f"60 * {rate(m.QUEUE_JOINED, labels=only)}", "joined"),
            ),
            needs=needs,
        ),
        Panel(
            f"{whose}: seconds each",
            "s",
            "Mean of a request from hand-out to answer.",
            (
                Query(
                    ratio(rate(m.QUEUE_WORK_SECONDS, labels=only), rate(m.QUEUE_WORKED, labels=only)), "mean"
                ),
            ),
            needs=needs,
        ),
    )


MODEL = Row(
    "Language model",
    (
        *_queue_panels("llm", "Model", "a model"),
        Panel(
            "Tokens",
            "short",
            "A second, over all replicas. Answers' tokens say how fast the engine is.",
            (
                Query(rate(m.LLM_ANSWER_TOKENS), "answers"),
                Query(rate(m.LLM_PROMPT_TOKENS), "prompts"),
            ),
            needs="a model",
        ),
        Panel(
            "Replicas",
            "short",
            "That serve; and in the last hour how many were restarted, and how many answers were of no use.",
            (
                Query(latest(m.LLM_REPLICAS), "serving"),
                Query(f"sum (increase({of(m.LLM_RESTARTS)}[1h]))", "restarts, 1 h"),
                Query(f"sum (increase({of(m.LLM_UNREADABLE)}[1h]))", "unreadable answers, 1 h"),
            ),
            needs="a model",
        ),
    ),
)

CHARTS = Row("Charts", _queue_panels("charts", "Charts", ""))

DELIVERY = Row(
    "Delivery",
    (
        Panel(
            "First byte to posted, p50",
            "s",
            "From the feed's first byte to the sink's answer, without alerts that were held on purpose.",
            (Query(quantile(m.POSTED_SECONDS, 0.5, "sink"), "{{sink}}"),),
            needs="alerts",
        ),
        Panel(
            "First byte to posted, p95",
            "s",
            "As beside it.",
            (Query(quantile(m.POSTED_SECONDS, 0.95, "sink"), "{{sink}}"),),
            needs="alerts",
        ),
        Panel(
            "Deliveries",
            "short",
            "A minute: alerts sent, messages edited, tries that failed, what was given up.",
            (Query(f"60 * {rate(m.DELIVERIES, 'sink, outcome')}", "{{sink}} {{outcome}}"),),
        ),
        Panel(
            "Outbox",
            "short",
            "Alerts and edits that a sink has yet to take.",
            (Query(latest(m.OUTBOX_OPEN, "sink, state"), "{{sink}} {{state}}"),),
            shape="stack",
        ),
        Panel(
            "Oldest in the outbox, by sink",
            "s",
            "Age of the oldest alert that the sink has yet to take.",
            (Query(latest(m.OUTBOX_OLDEST, "sink"), "{{sink}}"),),
        ),
    ),
)

GPUS = Row(
    "GPUs",
    (
        Panel(
            "GPU: utilisation",
            "percentunit",
            "Share of the time in which the card worked. Alone it is no sign of saturation: see the queue's age.",
            (Query(latest(m.GPU_UTILISATION, _CARD), "{{node}} {{gpu}}"),),
            needs="a GPU",
        ),
        Panel(
            "GPU: memory",
            "percentunit",
            "In use, of what the card has.",
            (
                Query(
                    f"{latest(m.GPU_MEMORY_USED, _CARD)} / {latest(m.GPU_MEMORY_TOTAL, _CARD)}",
                    "{{node}} {{gpu}}",
                ),
            ),
            needs="a GPU",
        ),
        Panel(
            "GPU: power",
            "watt",
            "Watts.",
            (Query(latest(m.GPU_POWER, _CARD), "{{node}} {{gpu}}"),),
            shape="stack",
            needs="a GPU",
        ),
        Panel(
            "GPU: temperature",
            "celsius",
            "Degrees Celsius.",
            (Query(latest(m.GPU_TEMPERATURE, _CARD), "{{node}} {{gpu}}"),),
            needs="a GPU",
        ),
        Panel(
            "Energy of an alert",
            "joule",
            "All that the cards used in the hour before, idle time included, by the alerts of that hour.",
            (
                Query(
                    ratio(f"sum (increase({of(m.GPU_ENERGY)}[1h]))", f"sum (increase({of(m.ALERTS)}[1h]))"),
                    "joules an alert",
                ),
            ),
            needs="a GPU and alerts",
        ),
        Panel(
            "Cards",
            "short",
            "That answer, and that do not any more though their node is there.",
            (
                Query(latest(m.GPUS), "answer"),
                Query(latest(m.GPUS_MISSING), "missing"),
            ),
        ),
    ),
)

PROCESS = Row(
    "Driver",
    (
        Panel(
            "Memory of the driver",
            "bytes",
            "Resident. It should be flat after the first cycles.",
            (Query(latest(m.DRIVER_MEMORY), "driver"),),
        ),
        Panel(
            "Size of the store",
            "bytes",
            "Bounded by RETENTION_DAYS.",
            (Query(latest(m.STORE_SIZE), "store"),),
        ),
        Panel(
            "Drivers, and errors of these metrics",
            "short",
            "How many drivers run, and errors in the last hour; the driver's log says why.",
            (
                Query(f"sum ({of(m.DRIVER_UP)})", "drivers"),
                Query(f"sum (increase({of(m.METRIC_ERRORS)}[1h]))", "errors, 1 h"),
            ),
        ),
    ),
)

ROWS: tuple[Row, ...] = (NOW, CYCLE, ITEMS, MODEL, CHARTS, DELIVERY, GPUS, PROCESS)
