"""The doctor on a cluster of three nodes with planted faults, in a process of its own; the last line printed is JSON.

A sound head; a node without the engine, its clock 90 seconds ahead, a card missing; a node on which a check hangs; a
node that dies while it is looked at.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import ray  # noqa: TID253  (this scene is about Ray)
from ray import cloudpickle  # noqa: TID253
from ray.cluster_utils import Cluster  # noqa: TID253

import tests.fake_nvml
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.node_checks import CHECKS
from catalyst_ray.cluster.node_survey import Kit, system_time_s
from catalyst_ray.cluster.session import Session
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.doctor.cluster import check_cluster
from catalyst_ray.settings import Settings
from catalyst_ray.settings_llm import engine_wish
from tests.cluster.chaos_scenes import until
from tests.fake_nvml import Card, FakeNvml

for module in (tests.fake_nvml, sys.modules[__name__]):
    cloudpickle.register_pickle_by_value(module)

AHEAD_S = 90.0
HANGS_S = 6.0


def here():
    """Return the node that this runs on."""
    return ray.get_runtime_context().get_node_id()


@dataclass(frozen=True)
class Plants:
    """Which fault is planted where: a file of the node's id and the fault's name."""

    folder: str

    def has(self, fault):
        """Return whether this node has a fault."""
        return (Path(self.folder) / f"{here()}.{fault}").exists()

    def put(self, node, *faults):
        """Plant faults on a node."""
        for fault in faults:
            (Path(self.folder) / f"{node}.{fault}").touch()

    def probe(self):
        """Open cards that do not exist: two a node, one where one is missing, none on a node without."""
        if self.has("cardless"):
            return NvmlProbe(FakeNvml(driver=False))
        return NvmlProbe(
            FakeNvml([Card(uuid=f"{here()}/{n}") for n in range(1 + (not self.has("lost card")))])
        )

    def now_s(self):
        """Tell the time, wrong where that is planted."""
        return system_time_s() + (AHEAD_S if self.has("skew") else 0.0)

    def engine(self, order):
        """Look for the engine; where it is cut off, at a port that nobody listens on."""
        if not self.has("no engine"):
            return CHECKS["engine"](order)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            closed = f"127.0.0.1:{probe.getsockname()[1]}"
        return CHECKS["engine"](replace(order, engine=replace(order.engine, host=closed)))

    def gpus(self, order):
        """Look at the pretended cards."""
        return CHECKS["GPUs"](replace(order, make_probe=self.probe))

    def disk(self, order):
        """Look at the disk, or hang over it."""
        if self.has("hang"):
            (Path(self.folder) / f"{here()}.hangs").touch()
            time.sleep(3600)
        return CHECKS["disk"](order)


async def examined(settings, session, kit):
    """Return what the doctor finds."""
    choice = await choose_engine(engine_wish(settings))
    return [asdict(one) async for one in check_cluster(settings, session, choice, kit)]


async def scene(cluster, folder, world):
    """Play it."""
    plants = Plants(str(folder))
    faulty = cluster.add_node(num_cpus=1, num_gpus=2)
    hung, doomed = (cluster.add_node(num_cpus=1, num_gpus=0) for _ in range(2))
    plants.put(faulty.node_id, "skew", "lost card", "no engine")
    for node in (hung, doomed):
        plants.put(node.node_id, "hang", "cardless")
    checks = {**CHECKS, "engine": plants.engine, "GPUs": plants.gpus, "disk": plants.disk}
    kit = Kit(checks=checks, now_s=plants.now_s, limit_s=HANGS_S)
    settings = Settings(llm_engine="ollama", llm_model_name="demo-scripted", ollama_host=world.base_url)
    session = Session(cluster.address, False, 4.0, 4.0, 4, None)
    looking = asyncio.create_task(examined(settings, session, kit))
    await until((folder / f"{doomed.node_id}.hangs").exists, 60)
    doomed.kill_raylet()
    places = {"head": cluster.head_node, "faulty": faulty, "hung": hung, "doomed": doomed}
    host = socket.gethostname()
    return {
        "names": {name: f"{host}/{node.node_id[:6]}" for name, node in places.items()},
        "found": await looking,
    }


def main(folder):
    """Start the cluster, play the scene, and return what was found."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 2})
    cluster.connect(namespace="catalyst")
    try:
        with DemoProcess(options=("--release=1", "--slow-s=0")) as world:
            return asyncio.run(scene(cluster, Path(folder), world))
    finally:
        ray.shutdown()
        cluster.shutdown()


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
