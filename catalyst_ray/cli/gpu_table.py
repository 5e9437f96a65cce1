"""GPUs as a table for a terminal, and as one line a card for a cycle's report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from catalyst_ray.core.message_text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalyst_ray.models import GpuProcess, GpuSample

GIB = 2**30
BAR = 10
PROCESSES = 8
"""Of a card, as many are shown."""
RIGHT = ("use", "most", "GiB", "W", "J", "°C", "MHz")


def gpu_table(cards: Sequence[GpuSample], where: str) -> Table:
    """Return one row a card, and under it one for each process that holds its memory."""
    table = Table(
        box=None, header_style="dim", padding=(0, 2, 0, 0), title=plain(where), title_justify="left"
    )
    for column in ("node", "card", "", *RIGHT, "slowed by"):
        table.add_column(
            column, justify="right" if column in RIGHT else "left", no_wrap=column != "slowed by"
        )
    last = None
    for card in cards:
        table.add_row(*_row(card, is_new=card.node != last))
        last = card.node
        for process in (card.processes or ())[:PROCESSES]:
            table.add_row("", Text(f"  {_process(process)}", "dim"))
    return table


def gpu_line(card: GpuSample) -> str:
    """Return what a card did, in a line."""
    place = f"{plain(card.node or '')}/{card.index}".lstrip("/")
    parts = [
        f"use {card.utilisation_pct:.0f} %, most {card.utilisation_max_pct or card.utilisation_pct:.0f} %"
        if card.utilisation_pct is not None
        else "",
        f"{_gib(card)} GiB" if card.memory_used_bytes is not None else "",
        f"{card.power_w:.0f} W" if card.power_w is not None else "",
        f"{card.energy_j:,.0f} J" if card.energy_j is not None else "",
        f"slowed by {', '.join(card.throttle)}" if card.throttle else "",
    ]
    return f"{place} {_name(card)}: {', '.join(filter(None, parts)) or 'tells nothing'}"


def _row(card: GpuSample, *, is_new: bool) -> list[Text]:
    name = f"{'└ ' if card.mig_of else f'{card.index}: '}{_name(card)}"
    clock = None if card.sm_clock_mhz is None else float(card.sm_clock_mhz)
    figures = (card.utilisation_pct, card.utilisation_max_pct)
    return [
        Text(plain(card.node or "") if is_new else "", "bold"),
        Text(name),
        _bar(card.utilisation_pct),
        *(Text("-" if figure is None else f"{figure:.0f} %") for figure in figures),
        Text(_gib(card)),
        *(Text("-" if figure is None else f"{figure:.0f}") for figure in (card.power_w, card.energy_j)),
        *(Text("-" if figure is None else f"{figure:.0f}") for figure in (card.temperature_c, clock)),
        Text(", ".join(card.throttle or ()), "yellow"),
    ]


def _name(card: GpuSample) -> str:
    return plain(card.name).removeprefix("NVIDIA ")


def _bar(share_pct: float | None) -> Text:
    if share_pct is None:
        return Text("·" * BAR, "dim")
    full = round(min(share_pct, 100.0) / 100.0 * BAR)
    return Text.assemble(("█" * full, "green"), ("·" * (BAR - full), "dim"))


def _gib(card: GpuSample) -> str:
    if card.memory_used_bytes is None or card.memory_total_bytes is None:
        return "-"
    return f"{card.memory_used_bytes / GIB:.1f} of {card.memory_total_bytes / GIB:.0f}"


def _process(process: GpuProcess) -> str:
    held = "-" if process.memory_bytes is None else f"{process.memory_bytes / GIB:.1f} GiB"
    return f"{held}  {plain(process.replica) if process.replica else 'no replica'} (pid {process.pid})"
