"""The doctor's look at a real card: what it says is what ``nvidia-smi`` says."""

from __future__ import annotations

import subprocess

from catalyst_ray.adapters.nvidia_smi import nvidia_smi, pci_cards
from catalyst_ray.cluster.node_checks import CHECKS, Order, look


def test_cards_and_driver_are_those_of_nvidia_smi(cards) -> None:
    """Names, count and the driver's version; a container may hide the PCI bus, never add to it."""
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()
    names, drivers = zip(*(row.split(", ") for row in rows), strict=True)
    facts = look(Order(), {"GPUs": CHECKS["GPUs"]})
    assert facts.gpus == names
    assert {facts.gpu_driver} == set(drivers)
    assert nvidia_smi().startswith("GPU 0: ")
    assert pci_cards() >= 0
