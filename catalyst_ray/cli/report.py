"""A cycle's report for people (a table) and for programs (one JSON line)."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.codec import encode
from catalyst_ray.core.message_text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from catalyst_ray.models import CycleReport, FeedReport

OUTCOMES = ("recovered", "extended", "alert", "hold", "suppress", "drop", "failed")
LATER = {
    "revised": "revised",
    "lifted": "lifted to alerts",
    "sunk": "sunk below the threshold",
    "unanswered": "not answered",
}
QUIET = {"ok": "without news", "not_modified": "without news", "off": "off"}


def to_json(report: CycleReport) -> dict[str, Any]:
    """Return a report as plain JSON values, marked as one among other lines."""
    return {"type": "cycle", **json.loads(encode(report))}


def in_short(report: CycleReport) -> dict[str, object]:
    """Return the fields of a cycle's one line in the log."""
    counts = report.counts
    slowest = max(report.elapsed, key=lambda name: report.elapsed[name], default="")
    return {
        "cycle": report.number,
        "seconds": round(report.seconds, 3),
        "slowest": slowest,
        "slowest_s": round(report.elapsed.get(slowest, 0.0), 3),
        "new": counts["new"] + counts["recovered"] + counts["extended"],
        "alerts": sum(counts.get(name, 0) for name in ("alert", "released", "lifted")),
        "held": counts["hold"],
        "failed_items": counts["failed"],
        "failed_feeds": sum(feed.status == "failed" for feed in report.feeds),
        "llm_waiting": report.queues.get("llm", {}).get("waiting", 0),
        "problems": len(report.problems),
    }


def write_json(path: Path, value: object) -> None:
    """Write JSON in one step; readers see the old file or the whole new one."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
    part.replace(path)


def is_partial(report: CycleReport | None) -> bool:
    """Return whether a cycle did its work only in part: exit code 3."""
    return report is None or bool(report.problems)


def show(report: CycleReport, console: Console) -> None:
    """Print a report for a person: feeds that brought something, then feeds in trouble, then where time went."""
    from rich.text import Text  # noqa: PLC0415  (only a terminal needs it)

    from catalyst_ray.cli.gpu_table import gpu_line  # noqa: PLC0415  (as above)

    console.print(Text.assemble("\n", (f"Cycle {report.number}", "bold"), f"  {_summary(report)}"))
    fresh = [feed for feed in report.feeds if feed.new]
    if fresh:
        console.print(_table(fresh))
    others = Counter(QUIET[feed.status] for feed in report.feeds if feed.status in QUIET and not feed.new)
    if others:
        words = ", ".join(f"{number} {state}" for state, number in others.items())
        console.print(Text(f"other feeds: {words}", "dim"))
    for style, words in _troubles(report):
        # Text, never markup: the words may quote a stranger's page.
        console.print(Text(plain(words), style))
    stages = "  ".join(f"{name} {seconds:.2f}" for name, seconds in report.stages.items() if seconds >= 0.005)
    console.print(Text.assemble(("seconds of work, side by side: ", "dim"), stages))
    for card in report.gpus:
        console.print(Text.assemble(("GPU ", "dim"), gpu_line(card)))
    for sink, posted_s in report.posted_s.items():
        figures = f"median {statistics.median(posted_s):.2f} s, longest {max(posted_s):.2f} s"
        console.print(Text.assemble((f"from first byte to {sink}: ", "dim"), figures))


def _summary(report: CycleReport) -> str:
    counts = report.counts
    outcomes = ", ".join(f"{counts[name]} {name}" for name in OUTCOMES if counts[name])
    words = f"{report.seconds:.2f} s   {counts['new']} new" + (f": {outcomes}" if outcomes else "")
    late = ", ".join(f"{counts[name]} {said}" for name, said in LATER.items() if counts.get(name))
    words += f"; {counts['released']} held before released" if counts["released"] else ""
    return words + (f"; by the model, late: {late}" if late else "")


def _table(feeds: Sequence[FeedReport]) -> Table:
    from rich.table import Table  # noqa: PLC0415  (only a terminal needs it)

    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("feed", no_wrap=True)
    for figure in ("seconds", "entries", "new"):
        table.add_column(figure, justify="right")
    for feed in feeds:
        table.add_row(plain(feed.feed), f"{feed.seconds:.2f}", str(feed.entries), str(feed.new))
    return table


def _troubles(report: CycleReport) -> Iterator[tuple[str, str]]:
    """Yield style and words of each feed that did not answer, then of every other problem."""
    for feed in report.feeds:
        if feed.status == "failed":
            yield "red", f"{feed.feed} failed: {feed.error}" + (f" ({feed.hint})" if feed.hint else "")
        elif feed.status == "waiting":
            yield "yellow", f"{feed.feed} {feed.error}"
    told = tuple(f"feed {feed.feed}:" for feed in report.feeds if feed.status == "failed")
    for problem in report.problems:
        if not problem.startswith(told):
            yield "red", f"problem: {problem}"
