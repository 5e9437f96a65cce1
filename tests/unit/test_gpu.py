"""The GPU probe against a hand-written NVML: full cards, cards that do not say, parts, lost cards, no driver."""

from __future__ import annotations

import pytest

from catalyst_ray.adapters.gpu import MAX_PROCESSES, REOPEN_S, THROTTLE, NvmlProbe
from catalyst_ray.models import GpuProcess
from tests.fake_nvml import GPU_IS_LOST, NO_PERMISSION, Card, FakeNvml

GIB = 2**30


class Time:
    """A clock that a test sets."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def silent(uuid="GPU-1"):
    """Return a card that tells nothing but its memory."""
    return Card(
        uuid=uuid,
        use=None,
        power_mw=None,
        energy_mj=None,
        celsius=None,
        sm_mhz=None,
        memory_mhz=None,
        reasons=None,
        compute=None,
        graphics=None,
    )


def test_every_figure_has_its_unit():
    """A card's figures come in per cent, bytes, watts, joules, degrees and megahertz."""
    one = NvmlProbe(FakeNvml([Card(name=b"L4")])).sample()[0]
    assert (one.index, one.uuid, one.name, one.mig_of, one.readings) == (0, "GPU-0", "L4", None, 1)
    assert (one.utilisation_pct, one.memory_used_bytes, one.memory_total_bytes) == (37.0, GIB, 24 * GIB)
    assert (one.power_w, one.energy_total_j, one.energy_j, one.temperature_c) == (41.5, 1000.0, None, 55.0)
    assert (one.sm_clock_mhz, one.memory_clock_mhz, one.throttle, one.processes) == (1980, 2619, (), ())


def test_what_a_card_does_not_say_is_none():
    """A figure that a card does not support is None; the others are there, and nothing is told of it."""
    probe = NvmlProbe(FakeNvml([Card(), silent()]))
    second = probe.sample()[1]
    assert second.memory_total_bytes == 24 * GIB
    figures = (second.utilisation_pct, second.power_w, second.energy_total_j, second.temperature_c)
    assert figures == (None, None, None, None)
    assert (second.sm_clock_mhz, second.memory_clock_mhz) == (None, None)
    assert (second.throttle, second.processes) == (None, None)
    assert probe.take_news() == ()


def test_a_quick_reading_asks_for_less():
    """Between full readings only use, memory and power are asked for: the energy counter takes longer than all else."""
    nvml = FakeNvml()
    probe = NvmlProbe(nvml)
    probe.sample()
    nvml.asked.clear()
    one = probe.sample(full=False, energy=False)[0]
    assert nvml.asked == ["use", "memory_v2", "power"]
    assert (one.temperature_c, one.sm_clock_mhz, one.throttle, one.processes) == (None, None, None, None)


def test_memory_is_what_programs_hold():
    """What the driver keeps for itself counts as used only where it is too old to tell the two apart."""
    used = [
        NvmlProbe(FakeNvml(missing=missing)).sample()[0].memory_used_bytes for missing in ((), ("memory_v2",))
    ]
    assert used == [GIB, GIB + GIB // 2]


def test_throttle_reasons_are_words():
    """Every reason of NVML has its word; that a card is idle is none."""
    probe = NvmlProbe(FakeNvml([Card(reasons=0b1_1111_1111), Card(reasons=1), Card(reasons=0x4 | 0x20)]))
    assert [set(card.throttle) for card in probe.sample()] == [
        set(THROTTLE.values()),
        set(),
        {"power limit", "heat"},
    ]


def test_an_older_driver_tells_the_same_by_older_functions():
    """Where the newest form is missing, processes and throttle reasons come from the one before."""
    card = Card(reasons=0x4, compute={7: GIB}, graphics={8: 1})
    missing = ("event", "compute_v3", "graphics_v3")
    (one,) = NvmlProbe(FakeNvml([card], missing=missing)).sample()
    assert one.throttle == ("power limit",)
    assert [process.pid for process in one.processes] == [7, 8]


def test_a_process_stands_once_with_its_memory():
    """One that computes and draws counts once; memory that is not told, or told as none, is None."""
    card = Card(compute={7: GIB, 8: None, 9: 0}, graphics={7: GIB, 5: 2 * GIB})
    (one,) = NvmlProbe(FakeNvml([card])).sample()
    expected = [(5, 2 * GIB), (7, GIB), (8, None), (9, None)]
    assert one.processes == tuple(GpuProcess(pid=pid, memory_bytes=held) for pid, held in expected)


def test_processes_are_bounded():
    """Of very many processes on a card those with the most memory are kept."""
    card = Card(compute={pid: pid for pid in range(1, 500)})
    (one,) = NvmlProbe(FakeNvml([card])).sample()
    assert [process.pid for process in one.processes] == list(range(499, 499 - MAX_PROCESSES, -1))


def test_parts_of_a_card_stand_after_it():
    """MIG instances have their own UUID, memory and processes; the card keeps power, energy and temperature."""
    parts = [Card(uuid=f"MIG-{n}", name="H100 MIG 1g.10gb", used=n, total=10, compute={n: n}) for n in (1, 2)]
    nvml = FakeNvml([Card(parts=parts, compute={1: 1, 2: 2}), Card(uuid="GPU-1")])
    probe = NvmlProbe(nvml)
    card, first, second, other = probe.sample()
    assert [one.uuid for one in (card, first, second, other)] == ["GPU-0", "MIG-1", "MIG-2", "GPU-1"]
    assert (first.mig_of, first.index, first.name) == ("GPU-0", 0, "H100 MIG 1g.10gb")
    assert (second.memory_used_bytes, second.memory_total_bytes) == (2, 10)
    assert second.processes == (GpuProcess(pid=2, memory_bytes=2),)
    assert (second.utilisation_pct, second.power_w, second.temperature_c) == (None, None, None)
    assert (card.utilisation_pct, card.processes, card.power_w) == (None, None, 41.5)
    parts.pop()
    assert [one.uuid for one in probe.sample()] == ["GPU-0", "MIG-1", "GPU-1"]


def test_nvml_stays_open_between_readings():
    """NVML is opened once for many readings, and closed when it is left."""
    nvml = FakeNvml()
    with NvmlProbe(nvml) as probe:
        for _ in range(5):
            assert probe.sample()
        assert (nvml.opened, nvml.open) == (1, 1)
    assert nvml.open == 0


def test_a_card_that_falls_off_is_told_once_and_comes_back():
    """The other cards go on; NVML is opened anew at once and then from time to time, until the card is back."""
    time, cards = Time(), [Card(), Card(uuid="GPU-1")]
    nvml = FakeNvml(cards)
    probe = NvmlProbe(nvml, monotonic=time)
    assert len(probe.sample()) == 2
    time.now_s = 1000.0
    cards[1].error = GPU_IS_LOST
    for _ in range(20):
        time.now_s += 0.5
        assert [card.uuid for card in probe.sample()] == ["GPU-0"]
    (told,) = probe.take_news()
    assert "GPU 1" in told
    assert "GPU-1" in told
    assert "GPU is lost" in told
    assert nvml.opened == 2
    time.now_s += REOPEN_S
    assert len(probe.sample()) == 1
    assert nvml.opened == 3
    cards[1].error = 0
    time.now_s += REOPEN_S
    assert len(probe.sample()) == 2
    assert [words.partition(")")[2] for words in probe.take_news()] == [" is back"]
    assert nvml.open == 1


def test_a_card_that_falls_off_for_good_leaves_the_list():
    """After the driver counts one card less, the others keep their figures and nothing more is told."""
    time, cards = Time(), [Card(), Card(uuid="GPU-1")]
    probe = NvmlProbe(FakeNvml(cards), monotonic=time)
    probe.sample()
    cards[0].error = GPU_IS_LOST
    probe.sample()
    del cards[0]
    for _ in range(5):
        time.now_s += REOPEN_S
        assert [(card.index, card.uuid) for card in probe.sample()] == [(0, "GPU-1")]
    assert len(probe.take_news()) == 1


@pytest.mark.parametrize("error", [GPU_IS_LOST, NO_PERMISSION])
def test_a_card_that_cannot_be_opened_is_told_once(error):
    """A card that is lost or forbidden from the start is named by its place; the others are read."""
    time, cards = Time(), [Card(error=error), Card(uuid="GPU-1")]
    probe = NvmlProbe(FakeNvml(cards), monotonic=time)
    for _ in range(3):
        assert [card.uuid for card in probe.sample()] == ["GPU-1"]
        time.now_s += REOPEN_S
    (told,) = probe.take_news()
    assert told.startswith("GPU 0 ")


def test_all_of_nvml_gone_is_mended_by_opening_it_anew():
    """A driver that was loaded again makes every handle useless: all are fetched again."""
    time, nvml = Time(), FakeNvml([Card(), Card(uuid="GPU-1")])
    probe = NvmlProbe(nvml, monotonic=time)
    probe.sample()
    nvml.open = 0
    time.now_s = REOPEN_S
    assert probe.sample() == []
    assert probe.reason == "Uninitialized"
    assert len(probe.sample()) == 2
    assert len(probe.take_news()) == 4
    assert probe.reason == ""


def test_no_driver_is_no_error():
    """Without a driver there are no GPUs, the reason is told once, and a driver that comes later is seen."""
    time, nvml = Time(), FakeNvml(driver=False)
    probe = NvmlProbe(nvml, monotonic=time)
    for _ in range(4):
        assert probe.sample() == []
        time.now_s += REOPEN_S / 2
    assert probe.reason == "Driver Not Loaded"
    assert probe.take_news() == ("no GPUs to read: Driver Not Loaded",)
    nvml.driver = True
    time.now_s += REOPEN_S
    assert len(probe.sample()) == 1
    assert (probe.reason, probe.take_news()) == ("", ())


def test_a_driver_without_cards_says_so():
    """A driver that lists no card is a reason too."""
    probe = NvmlProbe(FakeNvml([]))
    assert probe.sample() == []
    assert probe.reason == "NVML sees no card"


def test_the_real_module_has_every_name_that_is_asked_for():
    """The real module loads, has every name that the probe uses, and answers with a list, card or none."""
    import pynvml

    used = [name for name in dir(FakeNvml()) if name.startswith(("nvml", "NVML"))]
    assert [name for name in used if not hasattr(pynvml, name)] == []
    with NvmlProbe() as probe:
        assert isinstance(probe.sample(), list)


def test_the_driver_tells_its_version_while_it_is_open() -> None:
    """Empty before the first reading, without a driver, and where it does not say."""
    with NvmlProbe(FakeNvml()) as probe:
        assert probe.driver() == ""
        probe.sample()
        assert probe.driver() == "570.86.15"
    for nvml in (FakeNvml(driver=False), FakeNvml(missing=("driver",))):
        with NvmlProbe(nvml) as probe:
            probe.sample()
            assert probe.driver() == ""
