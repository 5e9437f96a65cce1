"""A cluster whose nodes have pretended GPUs, in a process of its own; the last line printed is JSON.

A head without cards and a node with two; replicas on them; the node is killed, another joins, falls idle, is used
again and hangs; one counts GPUs that NVML does not see.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import ray  # noqa: TID253  (this scene is about Ray)
from ray import cloudpickle  # noqa: TID253
from ray.cluster_utils import Cluster  # noqa: TID253
from ray.util import list_named_actors  # noqa: TID253

import tests.fake_nvml
from catalyst_ray.adapters import guard
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster import gpu_watch
from catalyst_ray.cluster.gpu_watch import NAME, ClusterGpus
from tests.cluster.chaos_scenes import serve, until
from tests.fake_nvml import Card, FakeNvml

for module in (tests.fake_nvml, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class Pretended:
    """Opens the cards that a file of the node's name describes; there is no driver where there is no file."""

    folder: str

    def __call__(self):
        """Return a probe."""
        node = ray.get_runtime_context().get_node_id()
        file = Path(self.folder) / f"{node}.cards"
        if not file.exists():
            return NvmlProbe(FakeNvml(driver=False))
        return NvmlProbe(Described(node, file))


class Described(FakeNvml):
    """NVML whose cards stand in a file, read anew for each list of processes; some hang."""

    def __init__(self, node, file):
        super().__init__([Card(uuid=f"{node}/{number}") for number in range(int(file.read_text()))])
        self.file = file

    def nvmlDeviceGetComputeRunningProcesses_v3(self, card):  # noqa: N802  (as NVML)
        if self.file.with_suffix(".hang").exists():
            time.sleep(3600)
        pids = self.file.with_suffix(".pids")
        if pids.exists():
            card.compute = dict.fromkeys(json.loads(pids.read_text()), 2**30)
        return super().nvmlDeviceGetComputeRunningProcesses_v3(card)


class Watched:
    """The watch, with the time of the slowest look."""

    def __init__(self, watch):
        self.watch = watch
        self.slowest_s = 0.0

    async def look(self):
        """Return the cards now."""
        begun_s = time.monotonic()
        cards = await self.watch.window(5.0)
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun_s)
        return cards

    async def until(self, holds, seconds=60):
        """Look until something holds of the cards, and return them."""
        async with asyncio.timeout(seconds):
            while not holds(cards := await self.look()):  # noqa: ASYNC110  (no event tells of it)
                await asyncio.sleep(0.1)
        return cards


def node_of(card):
    """Return the node that a pretended card belongs to."""
    return card.uuid.partition("/")[0]


def samplers():
    """Return the nodes that have a sampler."""
    names = [one["name"] for one in list_named_actors(all_namespaces=True)]
    return sorted(name.removeprefix(NAME) for name in names if name.startswith(NAME))


async def scene(cluster, folder):
    """Play it."""
    gpus = cluster.add_node(num_cpus=1, num_gpus=2, labels={"pool": "llm"})
    (folder / f"{gpus.node_id}.cards").write_text("2")
    service = await serve(folder, {"pool": "llm"})
    spare = set()
    gpu_watch.LEAVE_S = 0.2
    watched = Watched(
        ClusterGpus(
            clock=SystemClock(),
            replicas=lambda: service.fleet.places,
            make_probe=Pretended(str(folder)),
            spare=lambda: frozenset(spare),
        )
    )
    watch = watched.watch
    watch.start()
    await watched.until(lambda cards: len(cards) == 2)
    found = {"samplers": samplers() == [gpus.node_id]}
    # The cycle and the metrics may ask at the same moment: neither may get nothing for it.
    found["both"] = [len(cards) for cards in await asyncio.gather(watch.window(1.0), watch.window(1.0))]

    # The servers, and what they started, hold memory: grandchildren of the replicas.
    owners = {pid: info.name for info in service.fleet.places for pid in guard.descendants(info.pid)}
    held = [int(pid) for file in folder.glob("*.pids") for pid in file.read_text().split()]
    (folder / f"{gpus.node_id}.pids").write_text(json.dumps([*held, os.getpid()]))
    cards = await watched.until(lambda cards: cards[0].processes)
    found["named"] = {p.pid: p.replica for p in cards[0].processes}
    found["owners"] = {pid: owners.get(pid) for pid in (*held, os.getpid())}
    command = [sys.executable, "-m", "catalyst_ray", "gpu", "--once"]
    said = await asyncio.to_thread(
        subprocess.run,
        command,
        env={**os.environ, "RAY_ADDRESS": cluster.address},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found["command"] = json.loads(said.stdout)
    await service.close()

    gpus.kill_raylet()
    # Its cards are not missed for long: Ray takes some seconds to know that the node is dead.
    await watched.until(lambda cards: not cards and not watch.hosts)
    counted = cluster.add_node(num_cpus=0, num_gpus=1)  # Ray counts a card, NVML sees none
    added = cluster.add_node(num_cpus=0, num_gpus=0)  # the other way round
    (folder / f"{added.node_id}.cards").write_text("1")
    cards = await watched.until(lambda cards: cards)
    found["added"] = [node_of(card) == added.node_id for card in cards]
    await until(lambda: counted.node_id not in samplers(), 30)

    spare.add(added.node_id)
    await watched.until(lambda cards: not cards)
    found["left"] = samplers()
    spare.clear()
    await watched.until(lambda cards: cards)

    (folder / f"{added.node_id}.hang").touch()
    await watched.until(lambda cards: not cards)
    begun_s = time.monotonic()
    for _ in range(20):
        assert await watched.look() == ()
    found["hosts_with_a_hung_one"] = sorted(watch.hosts)
    found["looks_past_a_hung_one_s"] = time.monotonic() - begun_s
    found["slowest_s"] = watched.slowest_s
    await watch.close()
    await until(lambda: not samplers(), 30)
    return found


def main(folder):
    """Start the cluster, play the scene, and return what was found."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0})
    cluster.connect(namespace="catalyst")
    try:
        return asyncio.run(scene(cluster, Path(folder)))
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
