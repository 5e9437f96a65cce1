"""Whether the GPUs that Ray counts are those that a node has, and why there may be none. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import NodeFacts, Seat


class GpuFinding(NamedTuple):
    """A check's name, its status, words and mend."""

    name: str
    status: str
    words: str
    mend: str = ""


def judge_gpus(facts: NodeFacts, seat: Seat) -> Iterator[GpuFinding]:
    """Yield what is to be said of a node's GPUs; of a machine without Ray what NVML sees."""
    if facts.gpus is None:
        return
    if not facts.gpus:
        yield _none(facts, seat)
        return
    words = cards(facts)
    if not seat.is_worker:
        yield GpuFinding("GPUs", "ok", words)
        return
    yield _compared(facts, seat, words)
    if facts.visible_devices is None:
        mend = "start Ray there with RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=1: a chart's task may take some of their memory"
        yield GpuFinding("GPUs hidden", "warn", "tasks without GPUs see the cards", mend)
    else:
        yield GpuFinding("GPUs hidden", "ok", "tasks without GPUs see no card")


def cards(facts: NodeFacts) -> str:
    """Return a node's cards in words, equal ones counted."""
    kinds = Counter(facts.gpus)
    listed = ", ".join(f"{count} × {name}" if count > 1 else name for name, count in kinds.items())
    parts = f" in {facts.gpu_parts} MIG instances" if facts.gpu_parts else ""
    driver = f", driver {facts.gpu_driver}" if facts.gpu_driver else ""
    return f"{listed}{parts}{driver}"


def _compared(facts: NodeFacts, seat: Seat, words: str) -> GpuFinding:
    seen = len(facts.gpus or ())
    whole = f"{words}; Ray counts {seat.gpus:g}"
    if facts.gpu_parts:  # Ray counts what it was told
        return GpuFinding("GPUs", "ok", whole)
    if seat.gpus > seen:
        mend = "start Ray there with --num-gpus as many as there are: replicas would wait for cards that do not exist"
        return GpuFinding("GPUs", "fail", whole, mend)
    if seat.gpus < seen:
        mend = (
            "nothing to do where the others are meant for something else; else start Ray there without --num-gpus and"
            " CUDA_VISIBLE_DEVICES"
        )
        return GpuFinding("GPUs", "warn", whole, mend)
    first = (facts.gpus or ("",))[0]
    if seat.gpu_kind and _letters(seat.gpu_kind) not in _letters(first):
        mend = f"restart Ray there: LLM_ACCELERATOR_TYPE would look for {seat.gpu_kind}"
        return GpuFinding("GPUs", "warn", f"{words}; Ray takes them for {seat.gpu_kind}", mend)
    return GpuFinding("GPUs", "ok", words)


def _none(facts: NodeFacts, seat: Seat) -> GpuFinding:
    counted = f"Ray counts {seat.gpus:g}, NVML sees none" if seat.gpus else "none seen"
    why = facts.gpu_reason or "NVML answers"
    smi = "there is no nvidia-smi" if facts.nvidia_smi is None else f"nvidia-smi says: {facts.nvidia_smi}"
    words = f"{counted} ({why}; {smi})"
    if facts.pci_cards:
        mend = (
            f"{facts.pci_cards} NVIDIA card{'s are' if facts.pci_cards > 1 else ' is'} on the bus: install NVIDIA's driver,"
            " restart, and `nvidia-smi` lists it; in a container start it with `--gpus all`"
        )
        return GpuFinding("GPUs", "fail" if seat.gpus else "warn", words, mend)
    if seat.gpus:
        mend = "make `nvidia-smi` list the cards there (driver; a container needs `--gpus all`), or start Ray without --num-gpus"
        return GpuFinding("GPUs", "fail", words, mend)
    if seat.is_worker:
        return GpuFinding("GPUs", "ok", "none, and Ray counts none")
    mend = "nothing to do on a CPU machine; else `nvidia-smi` must list the card"
    return GpuFinding("GPUs", "warn", words, mend)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
