"""The table of GPUs on a terminal: figures, dashes, parts, processes, hostile names."""

from __future__ import annotations

import io

from rich.console import Console

from catalyst_ray.cli.gpu_table import PROCESSES, gpu_table
from catalyst_ray.models import GpuProcess, GpuSample

GIB = 2**30
FULL = GpuSample(
    index=0,
    uuid="GPU-0",
    name="NVIDIA H100",
    node="rack1",
    utilisation_pct=42.0,
    utilisation_max_pct=97.0,
    memory_used_bytes=17 * GIB,
    memory_total_bytes=80 * GIB,
    power_w=310.4,
    energy_j=321.0,
    temperature_c=61.0,
    sm_clock_mhz=1755,
    throttle=("power limit", "heat"),
    processes=(GpuProcess(pid=71, memory_bytes=16 * GIB, replica="llm-0"), GpuProcess(pid=99)),
)


def lines(*cards, width=140):
    """Return the table's lines, their columns parted by single spaces."""
    stream = io.StringIO()
    Console(file=stream, width=width).print(gpu_table(cards, "this machine"))
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_a_card_is_a_row_and_its_processes_stand_under_it():
    """Use, memory, power, energy, heat, clock and what slows it; then who holds its memory."""
    text = lines(FULL)
    assert text[0] == "this machine"
    assert "rack1 0: H100 ████······ 42 % 97 % 17.0 of 80 310 321 61 1755 power limit, heat" in text
    assert "16.0 GiB llm-0 (pid 71)" in text
    assert "- no replica (pid 99)" in text


def test_what_is_not_told_is_a_dash():
    """A silent card keeps its row."""
    assert lines(GpuSample(index=3, uuid="u", name="T4"))[-1] == "3: T4 ·········· - - - - - - -"


def test_parts_and_nodes_are_told_apart():
    """A part of a card stands indented under it; a node's name stands once."""
    part = GpuSample(index=0, uuid="MIG-1", name="H100 MIG 1g.10gb", node="rack1", mig_of="GPU-0")
    other = GpuSample(index=0, uuid="GPU-9", name="L4", node="rack2")
    text = "\n".join(lines(FULL, part, other))
    assert "└ H100 MIG 1g.10gb" in text
    assert text.count("rack1") == 1
    assert "rack2 0: L4" in text


def test_processes_of_a_card_are_bounded_and_names_are_plain():
    """Very many processes leave room for the next card, and a name cannot move the cursor."""
    crowd = tuple(GpuProcess(pid=pid) for pid in range(100))
    card = GpuSample(index=0, uuid="u", name="x\x1b[2J[red]", processes=crowd)
    text = "\n".join(lines(card))
    assert text.count("(pid") == PROCESSES
    assert "\x1b" not in text
    assert "[red]" in text
