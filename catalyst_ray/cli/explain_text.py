"""What ``explain`` shows of an item, and of the counts of all items, as lines for a terminal."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from catalyst_ray.core import arithmetic
from catalyst_ray.core.message_text import plain
from catalyst_ray.core.reasons import is_listed, said, title
from catalyst_ray.models import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from catalyst_ray.models import Decision, Delivery, ItemRecord

COLOURS = {"alert": "green", "hold": "yellow", "suppress": "magenta", "drop": "red"}
MARGIN = 10
MIN_COLUMNS, MAX_COLUMNS = 30, 100
UNDECIDED = "not decided yet: it is in hand, or was when the program ended; the next cycle decides it"


def record_lines(record: ItemRecord) -> Iterator[str]:
    """Yield an item's lines: its decision and title, the rule that decided, its score, what else counted."""
    item, decision = record.item, record.decision
    action = decision.action.value if decision else "undecided"
    yield from entry(action.upper(), item.title, colour=COLOURS.get(action), bold=True)
    when = f"{item.published_utc:%Y-%m-%d %H:%M:%S} UTC" if item.published_utc else "no date"
    yield from entry("", f"{item.source or item.feed}, {when}, {item.key}")
    yield from entry("", item.url)
    if decision is None:
        yield from entry("why", UNDECIDED)
    else:
        yield from _decided(decision)
    for place, delivery in enumerate(record.deliveries):
        yield from entry("" if place else "sent", _delivered(delivery))


def _decided(decision: Decision) -> Iterator[str]:
    for place, reason in enumerate(decision.reasons):
        name = "why" if place == 0 else "also" if place == 1 else ""
        yield from entry(name, said(reason) if place else _rule(reason.code, said(reason)))
        if place == 0:
            yield from entry("score", arithmetic.line(decision.parts, arithmetic.value_of(decision.parts)))


def _rule(code: str, words: str) -> str:
    """Return what decided: an event that decides is one that is no catalyst."""
    return words if is_listed(code) else f"no catalyst, {words}"


def counts_rows(counts: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    """Return the counts as rows for programs, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return [{"action": action, "reason": code, "items": number} for (action, code), number in ordered]


def counts_lines(counts: Mapping[tuple[str, str], int], since_utc: datetime) -> Iterator[str]:
    """Yield the counts for people: each action with its share, under it the reasons that decided."""
    total = sum(counts.values())
    yield f"{total:,} items decided since {since_utc:%Y-%m-%d %H:%M} UTC"
    actions: Counter[str] = Counter()
    for (action, _), number in counts.items():
        actions[action] += number
    for action in (one.value for one in Action if actions[one.value]):
        share = f"{actions[action] / total:.0%}".replace("%", " %")
        yield ""
        yield click.style(
            f"{action.upper():<{MARGIN}}{actions[action]:>7,}  {share}", fg=COLOURS[action], bold=True
        )
        for row in counts_rows(counts):
            if row["action"] == action:
                code = row["reason"]
                yield f"{row['items']:>{MARGIN + 7},}  {_rule(code, title(code))} ({code})"


def _delivered(delivery: Delivery) -> str:
    message = f", message {delivery.message_id}" if delivery.message_id else ""
    newest = delivery.alert.revision
    revision = f", revision {delivery.revision} of {newest}" if newest else ""
    listed = " (a list)" if delivery.in_digest else ""
    doubles = f", {_count(delivery.doubles, 'possible double')}" if delivery.doubles else ""
    error = f"; {delivery.last_error}" if delivery.last_error else ""
    tries = _count(delivery.attempts, "attempt")
    return f"{delivery.sink}: {delivery.state.value}, {tries}{message}{listed}{revision}{doubles}{error}"


def entry(name: str, text: str, *, colour: str | None = None, bold: bool = False) -> Iterator[str]:
    """Yield a text beside its name, broken for the terminal; whole where a program reads."""
    words = plain(text)
    if not words:
        return
    lines = [words]
    if sys.stdout.isatty():
        columns = min(MAX_COLUMNS, shutil.get_terminal_size().columns) - MARGIN
        lines = textwrap.wrap(
            words, max(MIN_COLUMNS, columns), break_on_hyphens=False, break_long_words=False
        )
    for place, line in enumerate(lines):
        head = click.style(f"{'' if place else name:<{MARGIN}}", fg=colour, bold=bold, dim=not bold)
        yield head + (click.style(line, bold=True) if bold else line)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
