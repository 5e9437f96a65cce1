"""``catalyst-ray status``: does the driver do its work, and where does the store stand."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from catalyst_ray.cli import PARTIAL
from catalyst_ray.cli.options import env_file_option, json_option
from catalyst_ray.core.export_rows import delivery_row
from catalyst_ray.core.health import Health, health, percentile
from catalyst_ray.core.message_text import plain
from catalyst_ray.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from catalyst_ray.models import CycleReport, FeedReport, FeedState, StoreStatus
    from catalyst_ray.ports import Archive

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CYCLES = 5_000
"""Reports of an hour that are looked at, at most."""
DEAD = 20
"""Deliveries given up that are shown, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that ``status`` says, at one moment.

    Args:
        cycle: The last one's report, as far as it is kept.
        hour_s: Seconds of each cycle of the last hour.
        feeds: Those that the last cycle could not take, each with what is remembered of it.
        outbox: Deliveries by sink and state.
        problems: What is wrong, in words.
    """

    now_utc: datetime
    store: StoreStatus
    cycle: CycleReport | None
    health: Health
    hour_s: tuple[float, ...]
    feeds: tuple[tuple[FeedReport, FeedState | None], ...]
    outbox: Mapping[str, Mapping[str, int]]
    possible_doubles: int
    problems: tuple[str, ...]


@click.command("status")
@json_option
@env_file_option
def command(*, as_json: bool, env_file: Path | None) -> None:
    """Say whether the driver does its work, and what waits, failed or was given up.

    Reads the store while the driver runs, and changes nothing: the last cycle and how long cycles took in the last
    hour, feeds in trouble, each sink's outbox, alerts held, deliveries given up in the last day with their error, and
    the store's size.

    Exits with 0 when all is well and with 3 when something is wrong: no cycle for three periods (SLEEP_SECONDS, or
    the last cycle's length), a feed that fails, a sink in trouble, a delivery given up in the last day. A supervisor
    or cron can watch the driver by it:

    \b
    catalyst-ray status --json > status.json || mail-somebody status.json
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    from catalyst_ray.adapters.clock import SystemClock  # noqa: PLC0415  (not for --help)
    from catalyst_ray.adapters.store import SqlStore  # noqa: PLC0415  (loads SQLAlchemy: not for --help)
    from catalyst_ray.cli.status_text import lines  # noqa: PLC0415  (what it needs is not for --help)

    settings = load_settings(env_file=env_file)
    with SqlStore.open(settings.store_url, read_only=True) as store:
        now_utc = SystemClock().now_utc()
        about = store.status(now_utc=now_utc, since_utc=now_utc - DAY, limit=DEAD)
        found = stand(store, about, now_utc=now_utc, period_s=settings.sleep_seconds)
    click.echo(json.dumps(to_json(found), indent=2) if as_json else "\n".join(lines(found)))
    if found.problems:
        sys.exit(PARTIAL)


def stand(store: Archive, about: StoreStatus, *, now_utc: datetime, period_s: float) -> Standing:
    """Return where everything stands; ``period_s`` is from the start of one cycle to the start of the next."""
    hour = store.cycles(since_utc=now_utc - HOUR, limit=CYCLES)
    last = next(iter(hour or store.cycles(since_utc=now_utc - 3650 * DAY, limit=1)), None)
    states = store.feed_states()
    reports = last.feeds if last else ()
    feeds = tuple((one, states.get(one.feed)) for one in reports if one.status in {"failed", "waiting"})
    counts = dict(store.delivery_counts())
    doubles = counts.pop("possible_doubles", 0)
    told = health(last, now_utc=now_utc, period_s=period_s)
    return Standing(
        now_utc=now_utc,
        store=about,
        cycle=last,
        health=told,
        hour_s=tuple(report.seconds for report in hour),
        feeds=feeds,
        outbox=_by_sink(counts),
        possible_doubles=doubles,
        problems=(*_problems(told, about, feeds), *_sinks_in_trouble(last)),
    )


def _by_sink(counts: Mapping[str, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name, number in counts.items():
        sink, _, state = name.rpartition("/")
        found.setdefault(sink, {})[state] = number
    return found


def _problems(told: Health, about: StoreStatus, feeds: Sequence[Any]) -> Iterator[str]:
    if told.problem:
        yield told.problem if about.driver else f"no driver runs, and {told.problem}"
    if feeds:
        yield f"{len(feeds)} feed{'s fail' if len(feeds) > 1 else ' fails'}"
    if about.dead:
        more = " at least" if len(about.dead) == DEAD else ""
        noun = "delivery was" if len(about.dead) == 1 else "deliveries were"
        yield f"{len(about.dead)} {noun} given up in the last day{more and ', or more'}"


def _sinks_in_trouble(last: CycleReport | None) -> Iterator[str]:
    """Yield what the last cycle said of sinks: a dead webhook, whose alerts wait. What was given up is told apart."""
    for problem in last.problems if last else ():
        if problem.startswith("sink ") and "given up" not in problem:
            yield problem


def to_json(found: Standing) -> dict[str, Any]:
    """Return all of it as plain JSON values; keys may be added, never renamed or removed."""
    cycle = found.cycle
    return {
        "now_utc": found.now_utc.isoformat(),
        "problems": list(found.problems),
        "driver": {"running": found.store.driver is not None, "owner": found.store.driver},
        "cycle": cycle
        and {
            "number": cycle.number,
            "started_utc": cycle.started_utc.isoformat(),
            "seconds": round(cycle.seconds, 3),
            "age_s": round(found.health.age_s or 0.0, 1),
            "limit_s": round(found.health.limit_s, 1),
        },
        "last_hour": {
            "cycles": len(found.hour_s),
            "p50_s": round(percentile(found.hour_s, 0.5), 3),
            "p95_s": round(percentile(found.hour_s, 0.95), 3),
        },
        "feeds": [_feed(report, state) for report, state in found.feeds],
        "outbox": found.outbox,
        "oldest_open_s": {
            sink: round((found.now_utc - since_utc).total_seconds(), 1)
            for sink, since_utc in found.store.oldest_open_utc.items()
        },
        "dead": [{**delivery_row(row), "headline": plain(row.alert.item.title)} for row in found.store.dead],
        "held": found.store.held,
        "possible_doubles": found.possible_doubles,
        "store": {
            "schema_version": found.store.schema_version,
            "size_bytes": found.store.size_bytes,
            "free_bytes": found.store.free_bytes,
        },
    }


def _feed(report: FeedReport, state: FeedState | None) -> dict[str, Any]:
    success_utc = state.last_success_utc if state else None
    return {
        "feed": report.feed,
        "status": report.status,
        "failures": state.failures if state else 0,
        "last_success_utc": success_utc.isoformat() if success_utc else None,
        "error": report.error and plain(report.error),
        "hint": report.hint,
    }
