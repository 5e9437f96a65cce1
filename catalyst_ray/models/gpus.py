"""GPUs: what a card does, and which processes hold its memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcess:
    """A process that holds memory of a card.

    Args:
        pid: As the driver gives it: in a container it may be the host's number.
        memory_bytes: None where the driver does not say.
        replica: The language model's replica that it works for; None where it is none's, or cannot be told.
    """

    pid: int
    memory_bytes: int | None = None
    replica: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSample:
    """A card, or a part of one (MIG): one reading, or what it did in a span of time. None is what it does not say.

    Args:
        index: In the order of the PCI bus; a part has that of its card.
        node: Host name of its machine.
        mig_of: UUID of the card that it is a part of.
        readings: How many stand behind the figures.
        utilisation_pct: Mean.
        memory_used_bytes: At the end; ``memory_max_bytes`` is the most.
        power_w: Mean.
        energy_j: Used in the span; None in a single reading.
        energy_total_j: The card's counter, from when its driver was loaded.
        temperature_c: Highest.
        sm_clock_mhz: Mean, as is ``memory_clock_mhz``.
        throttle: Why it ran slower than it can, in words; empty when it did not.
        processes: Those with the most memory first.
    """

    index: int
    uuid: str
    name: str
    node: str | None = None
    mig_of: str | None = None
    readings: int = 1
    utilisation_pct: float | None = None
    utilisation_max_pct: float | None = None
    memory_used_bytes: int | None = None
    memory_max_bytes: int | None = None
    memory_total_bytes: int | None = None
    power_w: float | None = None
    power_max_w: float | None = None
    energy_j: float | None = None
    energy_total_j: float | None = None
    temperature_c: float | None = None
    sm_clock_mhz: int | None = None
    memory_clock_mhz: int | None = None
    throttle: tuple[str, ...] | None = None
    processes: tuple[GpuProcess, ...] | None = None
