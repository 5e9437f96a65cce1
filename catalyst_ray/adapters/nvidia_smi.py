"""Why NVML sees no GPU: what ``nvidia-smi`` says, and whether a card is on the bus at all."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

TIMEOUT_S = 10.0
PCI = Path("/sys/bus/pci/devices")
NVIDIA, DISPLAY = "0x10de", "0x03"
"""The maker's number, and the start of the class of cards that compute or draw: https://pcisig.com."""
MOST_CHARS = 200


def nvidia_smi(program: str = "nvidia-smi") -> str | None:
    """Return the first line of the list that it gives of the cards; None where there is no such program."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command, found on PATH)
            [path, "-L"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT_S:g} s"
    except OSError as error:
        return f"cannot be started: {error.strerror}"
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0][:MOST_CHARS] if lines else f"nothing, exit code {done.returncode}"


def pci_cards(bus: Path = PCI) -> int:
    """Return how many NVIDIA cards are on the PCI bus, whether or not a driver knows them."""
    found = 0
    for device in bus.glob("*"):
        with suppress(OSError):
            is_nvidia = (device / "vendor").read_text().strip() == NVIDIA
            found += is_nvidia and (device / "class").read_text().startswith(DISPLAY)
    return found
