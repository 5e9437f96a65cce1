"""What watching the GPUs costs: CPU time of the readings of a node, as a share of one core."""

from __future__ import annotations

import os
import time

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.gpu_sampler import READ_EVERY_S, GpuSampler
from tests.fake_nvml import Card, FakeNvml

CARDS = 8
READINGS = 1_200
CYCLE = 20
"""Readings from one cycle's question to the next: ten seconds."""


def measure() -> dict[str, float]:
    """Return the share for this machine's cards, or for eight made-up ones with two processes each."""
    with NvmlProbe() as probe:
        found = len(probe.sample())
    held = {os.getpid(): 2**30, os.getppid(): 2**30}
    cards = [Card(uuid=f"GPU-{number}", compute=dict(held)) for number in range(CARDS)]
    sampler = GpuSampler(
        "bench", make_probe=NvmlProbe if found else lambda: NvmlProbe(FakeNvml(cards)), monotonic=_Steps()
    )
    sampler.read()
    begun_s = time.process_time()
    for number in range(READINGS):
        sampler.read()
        if number % CYCLE == 0:
            sampler.window(CYCLE * READ_EVERY_S, {os.getppid(): "llm-0"})
    spent_s = time.process_time() - begun_s
    sampler.close()
    return {
        "sampler_cpu_share": spent_s / (READINGS * READ_EVERY_S),
        "sampler_cpu_us_a_reading": spent_s / READINGS * 1e6,
        "sampler_real_cards": found,
    }


class _Steps:
    """A clock that goes on by half a second each time, as if the readings were that far apart."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        self._now_s += READ_EVERY_S
        return self._now_s
