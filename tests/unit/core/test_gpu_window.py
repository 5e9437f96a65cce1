"""Readings summed up: means, most, energy as power over time, processes that come and go."""

from __future__ import annotations

from catalyst_ray.core.gpu_window import Reading, sum_up
from catalyst_ray.models import GpuProcess, GpuSample


def card(uuid="a", **figures):
    """Return a reading of one card."""
    return GpuSample(index=0, uuid=uuid, name="L4", **figures)


def readings(*cards_by_second):
    """Return readings at 1, 2, 3 … seconds."""
    return [Reading(float(at_s), tuple(cards)) for at_s, cards in enumerate(cards_by_second, 1)]


def test_use_power_and_memory_are_mean_most_and_last():
    """Means over the span, the most of each, memory as it was at the end; what was before does not count."""
    taken = readings(
        [card(utilisation_pct=100.0, power_w=700.0, memory_used_bytes=99)],
        [card(utilisation_pct=20.0, power_w=100.0, memory_used_bytes=8)],
        [card(utilisation_pct=50.0, power_w=200.0, memory_used_bytes=5)],
    )
    (one,) = sum_up(taken, since_s=1.0)
    assert (one.readings, one.utilisation_pct, one.utilisation_max_pct) == (2, 35.0, 50.0)
    assert (one.power_w, one.power_max_w, one.memory_used_bytes, one.memory_max_bytes) == (150.0, 200.0, 5, 8)


def test_energy_is_power_over_time_from_the_reading_before():
    """Spans side by side lose no energy, and count none twice."""
    taken = readings(*([card(power_w=watts)] for watts in (10.0, 30.0, 50.0, 10.0)))
    early = sum_up(taken[:3], since_s=1.5)
    late = sum_up(taken, since_s=3.0)
    assert [one.energy_j for one in (*early, *late)] == [20.0 + 40.0, 30.0]


def test_what_is_never_told_is_none():
    """No figure is made up: a silent card stays silent, and one reading tells no energy used."""
    taken = readings([card()], [card()])
    (one,) = sum_up(taken, since_s=0.0)
    assert one == card(readings=2)
    assert sum_up(readings([card(power_w=5.0)]), since_s=0.0)[0].energy_j is None


def test_figures_of_full_readings_outlast_quick_ones():
    """Temperature, clocks, throttle words and processes come from the readings that have them."""
    held = (GpuProcess(pid=1, memory_bytes=5),)
    full = {"temperature_c": 60.0, "sm_clock_mhz": 1000, "memory_clock_mhz": 2000, "processes": held}
    taken = readings(
        [card(**full, throttle=("heat",))],
        [card()],
        [card(**full | {"temperature_c": 55.0, "sm_clock_mhz": 2001}, throttle=("power limit", "heat"))],
        [card()],
    )
    (one,) = sum_up(taken, since_s=0.0)
    assert (one.temperature_c, one.sm_clock_mhz, one.memory_clock_mhz) == (60.0, 1500, 2000)
    assert (one.throttle, one.processes) == (("heat", "power limit"), held)


def test_processes_stand_with_their_most_memory_and_their_replica():
    """One that ended still stands; whose it is may have become known only later, and is not forgotten."""
    taken = readings(
        [card(processes=(GpuProcess(pid=1, memory_bytes=9), GpuProcess(pid=2, memory_bytes=30)))],
        [card(processes=(GpuProcess(pid=1, memory_bytes=5, replica="llm-0"), GpuProcess(pid=3)))],
        [card(processes=(GpuProcess(pid=1, memory_bytes=None),))],
    )
    (one,) = sum_up(taken, since_s=0.0)
    assert one.processes == (
        GpuProcess(pid=2, memory_bytes=30),
        GpuProcess(pid=1, memory_bytes=9, replica="llm-0"),
        GpuProcess(pid=3),
    )


def test_a_span_without_reading_is_answered_by_the_last():
    """A very short cycle still has its cards, with a reading's figures and no energy of a time before."""
    taken = readings([card(utilisation_pct=1.0)], [card(utilisation_pct=7.0, power_w=4.0)])
    (one,) = sum_up(taken, since_s=2.5)
    assert (one.readings, one.utilisation_pct, one.energy_j) == (1, 7.0, None)
    assert sum_up([], since_s=0.0) == ()


def test_a_card_that_fell_off_in_the_span_still_stands():
    """What it did until then counts; each card is summed up by its UUID, whatever its place."""
    taken = readings([card("a", utilisation_pct=9.0), card("b")], [card("b", utilisation_pct=3.0)])
    assert [(one.uuid, one.utilisation_pct) for one in sum_up(taken, since_s=0.0)] == [("a", 9.0), ("b", 3.0)]
