"""A cycle's report for people (a table) and for programs (one JSON line)."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.codec import encode

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from catalyst_ray.models import CycleReport, FeedReport

STATUS_STYLE = {"ok": "green", "not_modified": "green", "waiting": "yellow", "failed": "red", "off": "dim"}


def to_json(report: CycleReport) -> dict[str, Any]:
    """Return a report as plain JSON values, marked as one among other lines."""
    return {"type": "cycle", **json.loads(encode(report))}


def write_json(path: Path, value: object) -> None:
    """Write JSON in one step; readers see the old file or the whole new one."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
    part.replace(path)


def is_partial(report: CycleReport | None) -> bool:
    """Return whether a cycle did its work only in part: exit code 3."""
    return report is None or bool(report.problems)


def show(report: CycleReport, console: Console) -> None:
    """Print a report for a person."""
    from rich.table import Table  # noqa: PLC0415  (only a terminal needs it)

    counts = report.counts
    words = ", ".join(
        f"{counts[n]} {n}" for n in ("new", "alert", "hold", "suppress", "drop", "failed", "seen")
    )
    console.print(f"\n[bold]Cycle {report.number}[/]  {report.seconds:.2f} s   {words}")
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title, side in (
        ("feed", "left"),
        ("", "left"),
        ("seconds", "right"),
        ("entries", "right"),
        ("new", "right"),
    ):
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    table.add_column("")
    for feed in report.feeds:
        table.add_row(*_row(feed))
    console.print(table)
    stages = "  ".join(f"{name} {seconds:.2f}" for name, seconds in report.stages.items())
    console.print(f"[dim]stages, s of work:[/] {stages}")
    if report.posted_s:
        median = statistics.median(report.posted_s)
        console.print(
            f"[dim]first byte to posted:[/] median {median:.2f} s, longest {max(report.posted_s):.2f} s"
        )
    for problem in report.problems:
        console.print(f"[yellow]problem:[/] {problem}", highlight=False, markup=True)


def _row(feed: FeedReport) -> tuple[str, ...]:
    style = STATUS_STYLE.get(feed.status, "")
    why = " ".join(filter(None, (feed.error, f"({feed.hint})" if feed.hint else "")))
    figures = (
        (f"{feed.seconds:.2f}", str(feed.entries), str(feed.new)) if feed.status == "ok" else ("", "", "")
    )
    return (feed.feed, f"[{style}]{feed.status}[/]", *figures, why)
