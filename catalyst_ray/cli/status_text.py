"""What ``status`` says, as lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from catalyst_ray.cli.explain_text import entry
from catalyst_ray.core.health import percentile
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.core.reasons import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from catalyst_ray.cli.status import Standing
    from catalyst_ray.models import Delivery, FeedReport, FeedState

HEADLINE_CHARS = 60


def lines(found: Standing) -> Iterator[str]:
    """Yield where everything stands: what is wrong last, where the eye is."""
    yield from entry("driver", _driver(found), bold=True)
    yield from entry("cycle", _cycle(found))
    if found.hour_s:
        middle, slow = (percentile(found.hour_s, share) for share in (0.5, 0.95))
        yield from entry("", f"last hour: {len(found.hour_s)} cycles, p50 {middle:.2f} s, p95 {slow:.2f} s")
    yield from entry("feeds", _feeds(found))
    for report, state in found.feeds:
        yield from entry("", _feed(report, state, found.now_utc), colour="yellow")
    for place, (sink, states) in enumerate(found.outbox.items()):
        words = ", ".join(f"{number:,} {state}" for state, number in states.items())
        since_utc = found.store.oldest_open_utc.get(sink)
        waits = f"; the oldest waits {_ago(since_utc, found.now_utc)}" if since_utc else ""
        yield from entry("" if place else "outbox", f"{sink}: {words}{waits}")
    if not found.outbox:
        yield from entry("outbox", "no alert was sent yet")
    for place, row in enumerate(found.store.dead):
        yield from entry("" if place else "given up", _dead(row), colour="red")
    if found.possible_doubles:
        yield from entry("doubles", f"{found.possible_doubles} possible: their outcome was left open")
    if found.store.held:
        yield from entry("held", f"{found.store.held} alerts wait for a later cycle")
    yield from entry("store", _store(found))
    for problem in found.problems:
        yield click.style(f"✗ {plain(problem)}", fg="red", bold=True)
    if not found.problems:
        yield click.style("✓ nothing is wrong", fg="green", bold=True)


def _driver(found: Standing) -> str:
    if found.store.driver is None:
        return "not running"
    host, _, number = found.store.driver.rpartition(":")[0].rpartition(":")
    return f"running on {host}, process {number}" if host else f"running, {found.store.driver}"


def _cycle(found: Standing) -> str:
    if found.cycle is None or found.health.age_s is None:
        return "none has ended yet"
    age, report = duration(found.health.age_s), found.cycle
    return f"number {report.number} ended {age} ago and took {report.seconds:.2f} s"


def _feeds(found: Standing) -> str:
    if found.cycle is None:
        return "none was taken yet"
    on = sum(feed.status != "off" for feed in found.cycle.feeds)
    off = len(found.cycle.feeds) - on
    return f"{on} on{f', {off} off' if off else ''}, {len(found.feeds) or 'none'} in trouble"


def _feed(report: FeedReport, state: FeedState | None, now_utc: datetime) -> str:
    why = report.error or "it does not say why"
    words = [f"{report.feed} {why if report.status == 'waiting' else f'failed: {why}'}"]
    if state and state.failures > 1:
        words.append(f"{state.failures} times running")
    if state and state.last_success_utc:
        words.append(f"last answer {_ago(state.last_success_utc, now_utc)} ago")
    return ", ".join(words) + (f" ({report.hint})" if report.hint else "")


def _dead(row: Delivery) -> str:
    headline = clip(plain(row.alert.item.title), HEADLINE_CHARS)
    return f"{row.sink}: {row.alert.ticker}, {headline}: {row.last_error or 'it does not say why'}"


def _store(found: Standing) -> str:
    store = found.store
    free = f", {_megabytes(store.free_bytes)} of them free" if store.free_bytes else ""
    return f"{_megabytes(store.size_bytes)}{free}, schema {store.schema_version}"


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB"


def _ago(when_utc: datetime, now_utc: datetime) -> str:
    return duration(max(0.0, (now_utc - when_utc).total_seconds()))
