"""The sampler on a real card against nvidia-smi, and an engine's memory named after its replica. Needs no Ray."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from catalyst_ray.adapters.gpu_processes import ProcessTree
from catalyst_ray.cluster.gpu_sampler import GpuSampler
from tests.gpu.gpu_load import HELD_BYTES

MIB = 2**20
SPAN_S = 4.0
START_S = 120.0


def smi(query, *fields):
    """Return nvidia-smi's rows of numbers and words."""
    program = shutil.which("nvidia-smi")
    if program is None:
        pytest.skip("nvidia-smi is not installed")
    command = [program, f"--query-{query}={','.join(fields)}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [[word.strip() for word in line.split(",")] for line in done.stdout.splitlines() if line.strip()]


@pytest.fixture
def sampler(cards):
    """Return a sampler that reads."""
    one = GpuSampler(socket.gethostname())
    one.start()
    yield one
    one.close()


@pytest.fixture
def load(cards):
    """Start a tree of three processes as a replica has them; return the first one and what the last one does."""
    command = [sys.executable, str(Path(__file__).with_name("gpu_load.py")), "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        word = process.stdout.readline().strip()
        if word not in {"works", "holds"}:
            pytest.skip("neither torch nor libcuda gives memory of the card here")
        yield process, word
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)
        process.stdout.close()


def test_an_idle_card_is_as_nvidia_smi_says(sampler):
    """UUID and name are equal, memory within 16 MiB, temperature within three degrees."""
    time.sleep(1.5)
    rows = smi("gpu", "uuid", "name", "memory.used", "memory.total", "temperature.gpu")
    seen = [card for card in sampler.window(1.0, {}).cards if card.mig_of is None]
    print(seen[0])
    assert [(card.uuid, card.name) for card in seen] == [(row[0], row[1]) for row in rows]
    for card, row in zip(seen, rows, strict=True):
        assert abs(card.memory_used_bytes / MIB - float(row[2])) <= 16
        assert abs(card.memory_total_bytes / MIB - float(row[3])) <= 16
        assert abs(card.temperature_c - float(row[4])) <= 3


def test_a_working_card_is_as_nvidia_smi_says(sampler, load):
    """Use is high, power within 15 %, memory within 16 MiB, and energy is power times time."""
    _, word = load
    time.sleep(1.0)
    said = []
    before = sampler.window(1.0, {}).cards[0]
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < SPAN_S:
        said.append([float(x) for x in smi("gpu", "memory.used", "power.draw", "utilization.gpu")[0]])
        time.sleep(0.25)
    span_s = time.monotonic() - begun_s
    card = sampler.window(span_s, {}).cards[0]
    used, power, use = (sum(column) / len(said) for column in zip(*said, strict=True))
    print(card)
    print(f"nvidia-smi: {used:.0f} MiB, {power:.0f} W, {use:.0f} %")
    assert card.readings >= SPAN_S
    assert abs(card.memory_used_bytes / MIB - said[-1][0]) <= 16
    assert card.memory_used_bytes >= HELD_BYTES
    assert abs(card.power_w - power) <= 0.15 * power
    if card.energy_total_j is not None:  # our sum of power over time against the card's own counter
        counted_j = card.energy_total_j - before.energy_total_j
        print(f"energy {card.energy_j:.0f} J, counted {counted_j:.0f} J")
        assert abs(card.energy_j - counted_j) <= 0.15 * counted_j
    if word == "works":
        assert card.utilisation_pct > 80
        assert abs(card.utilisation_pct - use) <= 20


def test_an_engine_s_memory_is_its_replica_s(sampler, load):
    """The process that holds the card's memory is the grandchild of the one that stands for the replica."""
    process, _ = load
    time.sleep(1.0)
    replicas = {process.pid: "llm-0"}
    found = [one for card in sampler.window(1.0, replicas).cards for one in card.processes or ()]
    print(found, smi("compute-apps", "pid", "used_memory"), Path("/proc/self/ns/pid").readlink())
    if not ProcessTree().lines(one.pid for one in found):
        assert {one.replica for one in found} <= {None}
        pytest.skip("NVML tells no process numbers of this machine: a container with numbers of its own")
    named = [one for one in found if one.replica == "llm-0"]
    assert len(named) == 1
    assert named[0].memory_bytes is None or named[0].memory_bytes >= HELD_BYTES
    assert named[0].pid != process.pid
