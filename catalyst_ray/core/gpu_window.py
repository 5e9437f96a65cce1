"""What GPUs did in a span of time, summed up from readings. Reads nothing itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, pairwise
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalyst_ray.models import GpuProcess, GpuSample

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """All cards of a node at a moment; ``at_s`` is of that node's monotonic clock."""

    at_s: float
    cards: tuple[GpuSample, ...]


def sum_up(readings: Sequence[Reading], *, since_s: float) -> tuple[GpuSample, ...]:
    """Return one sample a card over the readings after ``since_s``, oldest first; over the last one if none is.

    Energy is power over time, from the last reading before the span, so that spans side by side lose nothing: the
    cards' counters take too long to be read twice a second.
    """
    inside = [reading for reading in readings if reading.at_s > since_s] or list(readings[-1:])
    before = [reading for reading in readings if reading.at_s < inside[0].at_s][-1:] if inside else []
    cards: dict[str, list[GpuSample]] = {}
    for card in chain.from_iterable(reading.cards for reading in inside):
        cards.setdefault(card.uuid, []).append(card)
    powers: dict[str, list[tuple[float, float]]] = {}
    for reading in (*before, *inside):
        for card in reading.cards:
            if card.power_w is not None:
                powers.setdefault(card.uuid, []).append((reading.at_s, card.power_w))
    return tuple(_one(samples, powers.get(uuid, [])) for uuid, samples in cards.items())


def _one(samples: list[GpuSample], spent: Sequence[tuple[float, float]]) -> GpuSample:
    powers = _told(sample.power_w for sample in samples)
    rates = _told(sample.utilisation_pct for sample in samples)
    return replace(
        samples[-1],
        readings=len(samples),
        utilisation_pct=_mean(rates),
        utilisation_max_pct=max(rates, default=None),
        memory_max_bytes=max(_told(sample.memory_used_bytes for sample in samples), default=None),
        power_w=_mean(powers),
        power_max_w=max(powers, default=None),
        energy_j=_energy_j(spent),
        temperature_c=max(_told(sample.temperature_c for sample in samples), default=None),
        sm_clock_mhz=_whole(_mean(_told(sample.sm_clock_mhz for sample in samples))),
        memory_clock_mhz=_whole(_mean(_told(sample.memory_clock_mhz for sample in samples))),
        throttle=_words(samples),
        processes=_processes(samples),
    )


def _told(figures: Iterable[T | None]) -> list[T]:
    return [figure for figure in figures if figure is not None]


def _mean(figures: Sequence[float]) -> float | None:
    return round(fmean(figures), 1) if figures else None


def _whole(figure: float | None) -> int | None:
    return None if figure is None else round(figure)


def _energy_j(powers: Sequence[tuple[float, float]]) -> float | None:
    """Return the area under pairs of seconds and watts."""
    if len(powers) < 2:
        return None
    return round(sum((later - at) * (was + now) / 2 for (at, was), (later, now) in pairwise(powers)), 3)


def _words(samples: Sequence[GpuSample]) -> tuple[str, ...] | None:
    told = _told(sample.throttle for sample in samples)
    return tuple(dict.fromkeys(chain.from_iterable(told))) if told else None


def _processes(samples: Sequence[GpuSample]) -> tuple[GpuProcess, ...] | None:
    told = _told(sample.processes for sample in samples)
    if not told:
        return None
    found: dict[int, GpuProcess] = {}
    for process in chain.from_iterable(told):
        known = found.get(process.pid, process)
        most = max(_told((known.memory_bytes, process.memory_bytes)), default=None)
        # Whose it is may be known only later, when its replica has started.
        found[process.pid] = replace(process, memory_bytes=most, replica=process.replica or known.replica)
    return tuple(sorted(found.values(), key=lambda process: -(process.memory_bytes or 0)))
