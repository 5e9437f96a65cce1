"""What a machine has left, and why it may see no GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
import pytest

from catalyst_ray.adapters import machine
from catalyst_ray.adapters.nvidia_smi import nvidia_smi, pci_cards

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20


def test_room_is_that_of_the_disk_where_a_folder_will_lie(tmp_path: Path) -> None:
    """A folder that is not there yet has its parent's room, and stands with its own name."""
    room = machine.disk_room(tmp_path / "not" / "there")
    assert room.path == str(tmp_path / "not" / "there")
    assert 0 < room.free_bytes <= room.total_bytes


@pytest.mark.parametrize(
    "files",
    [("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")],
)
def test_a_container_has_what_its_limit_leaves(tmp_path: Path, files: tuple[str, str]) -> None:
    """Both kinds of control groups are read."""
    for name, value in zip(files, (100 * MIB, 60 * MIB), strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")
    assert machine.memory(tmp_path) == (40 * MIB, 100 * MIB)


def test_without_a_limit_memory_is_the_machine_s(tmp_path: Path) -> None:
    """No file, "max", and a limit beyond the machine's memory are none."""
    total = psutil.virtual_memory().total
    assert machine.memory(tmp_path)[1] == total
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    assert machine.memory(tmp_path)[1] == total
    (tmp_path / "memory.max").write_text(f"{2**62}\n")
    assert machine.memory(tmp_path)[1] == total


def program(folder: Path, script: str) -> str:
    """Write a program in place of nvidia-smi."""
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'GPU 0: NVIDIA L4 (UUID: GPU-1)'; echo more", "GPU 0: NVIDIA L4 (UUID: GPU-1)"),
        ("echo 'cannot communicate with the driver' >&2; exit 9", "cannot communicate with the driver"),
        ("exit 9", "nothing, exit code 9"),
    ],
)
def test_nvidia_smi_is_quoted_by_its_first_line(tmp_path: Path, script: str, words: str) -> None:
    """Whether it lists cards or fails."""
    assert nvidia_smi(program(tmp_path, script)) == words


def test_nvidia_smi_may_be_missing_or_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver in trouble makes it hang: it is left after its time."""
    assert nvidia_smi(str(tmp_path / "none")) is None
    monkeypatch.setattr("catalyst_ray.adapters.nvidia_smi.TIMEOUT_S", 0.2)
    assert nvidia_smi(program(tmp_path, "exec sleep 60")) == "no answer within 0.2 s"


def test_cards_on_the_bus_are_counted_without_a_driver(tmp_path: Path) -> None:
    """NVIDIA's that compute or draw; its audio device and others' cards are none."""
    for name, vendor, kind in (
        ("01:00.0", "0x10de", "0x030000"),
        ("02:00.0", "0x10de", "0x030200"),
        ("01:00.1", "0x10de", "0x040300"),
        ("03:00.0", "0x1002", "0x030000"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
        (tmp_path / name / "class").write_text(f"{kind}\n")
    assert pci_cards(tmp_path) == 2
    assert pci_cards(tmp_path / "none") == 0
