"""The sampler of a node without Ray: its ring, its rests, whose processes are, and what breaks."""

from __future__ import annotations

import pytest

from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.gpu_sampler import KEPT, REST_S, GpuSampler, NodeGpuWindow, each_once
from catalyst_ray.models import GpuSample
from tests.fake_nvml import GPU_IS_LOST, Card, FakeNvml


class Time:
    """A clock that a test sets."""

    now_s = 100.0

    def __call__(self):
        return self.now_s


class Tree:
    """Lines of parents that a test sets."""

    def __init__(self, lines):
        self.known = lines
        self.asked = []

    def lines(self, pids):
        self.asked.append(set(pids))
        return {pid: line for pid, line in self.known.items() if pid in pids}


@pytest.fixture
def time():
    """Return a clock."""
    return Time()


def sampler(nvml, time, tree=None):
    """Return a sampler over a made-up NVML."""
    return GpuSampler(
        "rack1", make_probe=lambda: NvmlProbe(nvml, monotonic=time), tree=tree or Tree({}), monotonic=time
    )


def read(one, time, times):
    """Read as the thread does."""
    for _ in range(times):
        time.now_s += 0.5
        one.read()


def test_a_window_is_the_last_seconds_up_to_now(time):
    """What was before it does not count, what is read for it does; the node's name stands on every card."""
    card = Card(use=100)
    nvml = FakeNvml([card])
    one = sampler(nvml, time)
    read(one, time, 10)
    card.use, card.energy_mj = 20, 1_030_000
    nvml.asked.clear()
    read(one, time, 4)
    time.now_s += 0.25
    card.use, card.energy_mj = 70, 1_090_000
    found = one.window(2.1, {})
    (seen,) = found.cards
    assert (seen.node, seen.readings, seen.utilisation_pct, seen.utilisation_max_pct) == (
        "rack1",
        5,
        30.0,
        70.0,
    )
    watts = seen.power_w
    assert (seen.energy_j, seen.energy_total_j) == (pytest.approx(watts * 2.25), 1090.0)
    assert nvml.asked.count("energy") == 1  # the counter is slow: once a question
    assert (found.reason, found.news) == ("", ())


def test_every_fourth_reading_is_a_full_one(time):
    """Processes are listed, and looked for in /proc, every two seconds."""
    tree = Tree({})
    one = sampler(FakeNvml([Card(compute={7: 1})]), time, tree)
    read(one, time, 12)
    assert tree.asked == [{7}] * 3


def test_the_ring_is_bounded(time):
    """Of a span longer than it is kept the last ten minutes are summed up."""
    one = sampler(FakeNvml([Card()]), time)
    read(one, time, KEPT + 100)
    assert one.window(1e9, {}).cards[0].readings == KEPT


def test_processes_are_their_replica_s(time):
    """The nearest parent that is a replica names the process; others have no name, gone ones neither."""
    lines = {80: (80, 70, 60, 1), 81: (81, 1), 82: (82, 60, 61, 1)}
    card = Card(compute={80: 8, 81: 7, 82: 6, 99: 5})
    one = sampler(FakeNvml([card]), time, Tree(lines))
    found = one.window(1.0, {60: "llm-0", 61: "llm-1"})
    named = {process.pid: process.replica for process in found.cards[0].processes}
    assert named == {80: "llm-0", 81: None, 82: "llm-0", 99: None}
    read(one, time, 2)
    time.now_s += 5
    looked = one.window(1.0)
    assert {process.pid: process.replica for process in looked.cards[0].processes} == named
    assert {p.replica for p in one.window(0.0, {}).cards[0].processes} == {None}


def test_news_goes_to_the_owner_once(time):
    """Who only looks takes no news away from the driver; the driver hears of a lost card once."""
    cards = [Card(), Card(uuid="GPU-1")]
    one = sampler(FakeNvml(cards), time)
    read(one, time, 1)
    cards[1].error = GPU_IS_LOST
    read(one, time, 2)
    assert one.window(1.0).news == ()
    (told,) = one.window(0.1, {}).news
    assert "GPU-1" in told
    assert one.window(0.1, {}).news == ()


def test_a_reading_that_breaks_off_is_told_once_and_the_next_one_counts(time, caplog):
    """A fault in the library ends neither the thread nor the actor."""
    nvml = FakeNvml([Card()])
    one = sampler(nvml, time)
    good = nvml.nvmlDeviceGetPowerUsage
    nvml.nvmlDeviceGetPowerUsage = lambda _card: 1 // 0
    read(one, time, 3)
    broken = one.window(0.1, {})
    assert broken.cards == ()
    assert "ZeroDivisionError" in broken.reason
    assert len(broken.news) == 1
    assert len(caplog.records) == 1
    nvml.nvmlDeviceGetPowerUsage = good
    assert one.window(0.1, {}).reason == ""
    assert len(one.window(0.1, {}).cards) == 1


def test_the_thread_reads_twice_a_second_and_rests_without_a_card(time):
    """It waits half a second after a reading, ten where there was no card, and ends when it is closed."""
    card = Card()
    nvml = FakeNvml([card])
    one = sampler(nvml, time)
    rests = []

    def wait(rest_s):
        rests.append(rest_s)
        card.error = GPU_IS_LOST if len(rests) > 2 else 0
        return len(rests) > 5

    one._stop.wait = wait
    one._keep_reading()
    assert rests == [0.0, 0.5, 0.5, REST_S, REST_S, REST_S]
    one.close()
    assert nvml.open == 0


def test_cards_of_several_nodes_stand_in_order_each_once():
    """By node, then place, parts after their card; a card that two nodes of one machine see stands once."""

    def card(node, index, uuid, part_of=None):
        return GpuSample(index=index, uuid=uuid, name="L4", node=node, mig_of=part_of)

    first = [card("b", 0, "Z"), card("b", 0, "A", "Z"), card("b", 1, "Y")]
    windows = [NodeGpuWindow(tuple(first)), NodeGpuWindow((card("a", 0, "X"),)), NodeGpuWindow((first[2],))]
    assert [one.uuid for one in each_once(windows)] == ["X", "Z", "A", "Y"]
