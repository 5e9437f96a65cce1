"""A profile and a comparison as tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from catalyst_ray.cli.gpu_table import gpu_line
from catalyst_ray.core.message_text import plain
from catalyst_ray.core.profile_compare import BETTER, FEW, ONE, SAME, WORSE
from catalyst_ray.core.profile_words import (
    figure_words,
    gpu_words,
    megabytes,
    no_gpu_words,
    slope_words,
    target_words,
)
from catalyst_ray.core.stages import BRANCHES
from catalyst_ray.profiler.statistics import chart_statistics, llm_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from catalyst_ray.models import Change, Comparison, ProfileReport, StageProfile

GREEN, RED, DIM, BOLD = "green", "red", "dim", "bold"
CALLS, LINES = 15, 10
MOST = " (busy, waiting, oldest: the most that was seen at a time)"
STYLES = {BETTER: GREEN, WORSE: RED}
WORDS = {SAME: "no difference", FEW: "too few cycles to tell", ONE: "one figure: not judged"}


def show_profile(report: ProfileReport, console: Console) -> None:
    """Print a profile: the tree first, then what only some profiles have, then targets and advice."""
    spread = report.cycle_s
    counted = max(1, len(report.cycles) - 1)
    console.print(
        Text.assemble(
            ("\nCycle", BOLD),
            f"  p50 {spread.p50:.2f} s, p95 {spread.p95:.2f} s, longest {spread.most:.2f} s",
            (f"  ({counted} cycles; the first, cold, {report.cycles[0].seconds:.2f} s)", DIM),
        )
    )
    model = plain(report.load_facts.get("model", ""))
    console.print(Text(f"load: {report.load}; model: {model or 'none'}", DIM))
    console.print(_tree(report))
    console.print(
        Text("Seconds of the clock a cycle; stages run side by side, so shares add up to more.", DIM)
    )
    for sink, posted in report.posted_s.items():
        words = f"first byte to {plain(sink)}: p50 {posted.p50:.2f} s, p95 {posted.p95:.2f} s"
        console.print(Text(words, DIM))
    _queues(report, console)
    _gpus(report, console)
    _memory(report, console)
    _calls(report, console)
    if report.ray_s:
        words = ", ".join(
            f"empty {name.replace('_', ' ')} {1000 * s:.2f} ms" for name, s in report.ray_s.items()
        )
        console.print(Text.assemble(("\nRay itself  ", BOLD), words))
    _targets(report, console)
    _advice(report, console)


def _tree(report: ProfileReport) -> Table:
    table = _table("stage", "seconds", "share", "p50", "p95", "work")
    branches = {one.stage: one for one in report.branches}
    stages = {one.stage: one for one in report.stages}
    for branch, profile in branches.items():
        table.add_row(Text(branch, BOLD), *_row(profile, BOLD))
        inner = [stages[name] for name in BRANCHES.get(branch, ()) if name in stages]
        for place, stage in enumerate(inner, 1):
            table.add_row(Text(f"{'└' if place == len(inner) else '├'} {plain(stage.stage)}"), *_row(stage))
    return table


def _row(profile: StageProfile, style: str = "") -> Iterator[Text]:
    spread = profile.cycle_s
    figures = (f"{spread.mean:.3f}", f"{100 * profile.share:.0f} %", f"{spread.p50:.3f}", f"{spread.p95:.3f}")
    yield from (Text(figure, style) for figure in figures)
    yield Text(f"{profile.work_s:.1f}", DIM)


def _queues(report: ProfileReport, console: Console) -> None:
    llm, charts = report.queues.get("llm"), report.queues.get("charts")
    if llm:
        rate = llm.get("answer_tokens_per_s")
        more = f"\nAnswer tokens: {rate:,.0f} a second while the model is asked" if rate else ""
        console.print(Text.assemble(("\nLLM queue", BOLD), (MOST, DIM)))
        console.print(Text(f"{llm_statistics(llm)}{more}"))
    if charts:
        console.print(Text.assemble(("\nChart queue", BOLD), (MOST, DIM)))
        console.print(Text(str(chart_statistics(charts))))


def _gpus(report: ProfileReport, console: Console) -> None:
    if not report.gpus:
        console.print(Text.assemble(("\nGPUs  ", BOLD), no_gpu_words(report)))
        return
    console.print(Text("\nGPUs", BOLD))
    for card in report.gpus:
        console.print(Text(gpu_line(card)))
        console.print(Text(f"  {gpu_words(card, report.queues.get('llm', {}))}", DIM))
        for process in (card.processes or ())[:8]:
            held = "-" if process.memory_bytes is None else megabytes(process.memory_bytes)
            whose = plain(process.replica) if process.replica else "no replica"
            console.print(Text(f"  {held}  {whose} (pid {process.pid})", DIM))


def _memory(report: ProfileReport, console: Console) -> None:
    if not report.memory:
        return
    table = _table("process", "", "pid", "MB", "most", "growth ± 2 standard errors", left=2)
    for process in report.memory:
        name = plain(process.name) if process.name != process.role else ""
        most = megabytes(process.rss_max_bytes).removesuffix(" MB")
        size = megabytes(process.rss_bytes).removesuffix(" MB")
        cells = (process.role, name, str(process.pid), size, most, slope_words(process) or "too few cycles")
        table.add_row(*(Text(cell) for cell in cells))
    console.print(Text.assemble(("\nMemory", BOLD), (" of this machine's processes", DIM)))
    console.print(table)


def _calls(report: ProfileReport, console: Console) -> None:
    if report.calls:
        table = _table("function of the event loop", "calls", "own s", "with what it calls")
        for call in report.calls[:CALLS]:
            figures = (f"{call.calls:,}", f"{call.own_s:.3f}", f"{call.total_s:.3f}")
            table.add_row(Text(plain(call.where)), *(Text(figure) for figure in figures))
        console.print(Text("\nFunctions, by cProfile", BOLD))
        console.print(table)
    if report.growth:
        table = _table("line", "kB more", "blocks")
        for line in report.growth[:LINES]:
            table.add_row(Text(plain(line.where)), Text(f"{line.bytes / 1e3:,.0f}"), Text(f"{line.blocks:,}"))
        console.print(Text("\nWhat grew in the driver, by tracemalloc", BOLD))
        console.print(table)


def _targets(report: ProfileReport, console: Console) -> None:
    table = _table("target", "measured", "limit", "", left=1)
    for target in report.targets:
        value = "-" if target.value is None else f"{target.value:,.2f} {target.unit}"
        style = {True: GREEN, False: RED}.get(target.passed, DIM) if target.passed is not None else DIM
        limit = f"< {target.limit:g} {target.unit}"
        table.add_row(Text(target.name), Text(value), Text(limit), Text(target_words(target), style))
    console.print()
    console.print(table)


def _advice(report: ProfileReport, console: Console) -> None:
    for note in report.notes:
        console.print(Text(f"note: {plain(note)}", "yellow"))
    if report.advice:
        console.print(Text("\nAdvice", BOLD))
    for advice in report.advice:
        change = f"{advice.setting}={advice.value}: " if advice.setting and advice.value is not None else ""
        console.print(
            Text.assemble("• ", (change, BOLD), plain(advice.words), (f" ({plain(advice.evidence)})", DIM))
        )


def show_comparison(comparison: Comparison, console: Console) -> None:
    """Print two profiles side by side."""
    for words in comparison.differ:
        console.print(Text(f"not alike: {plain(words)}", "yellow"))
    for name, (before, after) in comparison.changed.items():
        console.print(Text(f"{name}: {plain(before) or 'unset'} → {plain(after) or 'unset'}"))
    table = _table("figure", "before", "after", "ratio", "", left=1)
    for change in comparison.changes:
        table.add_row(*_change(change))
    console.print(table)
    console.print(
        Text(
            "Medians over cycles; a difference is told where their spread does not explain it. What else the machine"
            " did meanwhile is in no spread: take both again where it matters.",
            DIM,
        )
    )


def _change(change: Change) -> Iterator[Text]:
    verdict = WORDS.get(change.verdict, change.verdict)
    yield Text(plain(change.name))
    yield from (Text(figure_words(figure, change.unit)) for figure in (change.before, change.after))
    yield Text("-" if change.ratio is None else f"{change.ratio:.2f}")
    yield Text(verdict, STYLES.get(change.verdict, DIM))


def _table(*columns: str, left: int = 1) -> Table:
    """Return an empty table whose first ``left`` columns, and the last if it has no name, are words."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        is_words = place < left or not column
        table.add_column(column, justify="left" if is_words else "right", no_wrap=not is_words)
    return table
