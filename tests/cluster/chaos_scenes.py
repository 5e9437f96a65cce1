"""Scenes that need a cluster of their own, in a process of their own; the last line printed is JSON.

``node``: a head without GPUs and two GPU nodes; the node of a replica is killed under load, another joins.
``stop``: a driver with two replicas on a `ray start` head, then `ray stop`; run it in its own PID namespace.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster.engines import OpenAiSpec
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, open_service
from catalyst_ray.models import LlmAnswer, LlmRequest

SERVER = Path(__file__).with_name("chaos_server.py")
BIN = Path(sys.executable).parent


async def serve(folder, selector=None):
    """Open two replicas, each with a server of its own, on nodes with these labels."""
    spec = OpenAiSpec(command=f"{sys.executable} {SERVER} {{port}} {folder}", model="echo")
    limits = LlmLimits(
        wish=ReplicaWish(least=2, most=2, selector=selector or {}),
        workers=2,
        queue_size=100,
        cache_ttl_s=0.0,
        timeout_s=20.0,
    )
    service = await open_service(spec, Opening(clock=SystemClock(), limits=limits))
    await until(lambda: service.fleet.serving == 2, 60)
    return service


async def until(holds, seconds):
    """Wait until something holds; return how long that took."""
    begun_s = time.monotonic()
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  (no event tells of it)
            await asyncio.sleep(0.05)
    return round(time.monotonic() - begun_s, 1)


def request(key, timeout_s):
    """Return a request that is answered with its key."""
    schema = '{"type":"object","properties":{"echo":{"type":"string"}},"required":["echo"]}'
    return LlmRequest(key=key, system="s", prompt=key, schema=schema, timeout_s=timeout_s)


def servers(folder):
    """Return the process numbers of every server and runner that lives."""
    found = [int(pid) for file in Path(folder).glob("*.pids") for pid in file.read_text().split()]
    return {pid for pid in found if lives(pid)}


def lives(pid):
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return not stat.rsplit(") ", 1)[1].startswith("Z")


async def timed(service, asked):
    """Ask, and return what came and when."""
    begun_s = time.monotonic()
    got = await service.pool.ask(asked)
    seconds = time.monotonic() - begun_s
    text = json.loads(got.text)["echo"] if isinstance(got, LlmAnswer) else None
    return {"key": asked.key, "text": text, "reason": getattr(got, "code", None), "seconds": seconds}


async def node_scene(cluster, folder):
    """Kill a replica's node under load; then let another join."""
    other = cluster.add_node(num_cpus=1, num_gpus=1, labels={"pool": "other"})
    nodes = [cluster.add_node(num_cpus=1, num_gpus=1, labels={"pool": "llm"}) for _ in range(2)]
    cluster.wait_for_nodes()
    service = await serve(folder, {"pool": "llm"})
    infos = {seat.replica.name: await seat.replica.start(30) for seat in service.pool.seats}
    victim = next(node for node in nodes if node.node_id == infos["llm-0"].node)
    before = servers(folder)
    load = [asyncio.create_task(timed(service, request(f"r{n}", 6.0))) for n in range(30)]
    await asyncio.sleep(0.6)
    killed_s = time.monotonic()
    victim.kill_raylet()
    answers = await asyncio.gather(*load)
    left_s = await until(lambda: len(servers(folder) & before) <= 2, 30)
    noticed_s = await until(lambda: service.fleet.serving == 1, 60)
    alone = await timed(service, request("alone", 10.0))
    cluster.add_node(num_cpus=1, num_gpus=1, labels={"pool": "llm"})
    await until(lambda: service.fleet.serving == 2, 120)
    back_s = time.monotonic() - killed_s
    both = await asyncio.gather(*(timed(service, request(f"b{n}", 10.0)) for n in range(8)))
    await service.close()
    await until(lambda: not servers(folder), 30)
    return {
        "answers": answers,
        "alone": alone,
        "both": both,
        "on_other": [name for name, info in infos.items() if info.node == other.node_id],
        "plan": service.plan.words,
        "servers_before": len(before),
        "servers_gone_s": left_s,
        "noticed_s": noticed_s,
        "back_s": round(back_s, 1),
    }


def node(folder):
    """Run the scene of the killed node."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 0})
    cluster.connect()
    try:
        return asyncio.run(node_scene(cluster, folder))
    finally:
        ray.shutdown()
        cluster.shutdown()


def stop(folder):
    """Start a head and a driver, stop the cluster as an operator does, and see what is left."""
    here = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    start = [BIN / "ray", "start", "--head", "--num-cpus=2", "--num-gpus=2", "--include-dashboard=false"]
    subprocess.run(
        [*start, f"--temp-dir={folder}/ray", "--port=0"], check=True, env=here, capture_output=True
    )
    command = [sys.executable, "-m", "tests.cluster.chaos_scenes", "drive", folder]
    driver = subprocess.Popen(command, env={**here, "RAY_ADDRESS": "auto"}, stdout=subprocess.PIPE, text=True)
    while driver.stdout.readline().strip() != "serving":
        if driver.poll() is not None:
            raise SystemExit("the driver ended")
    before = servers(folder)
    driver.kill()  # as when its machine fails: nobody says goodbye
    driver.wait()
    stopped = subprocess.run([BIN / "ray", "stop", "--force"], check=False, env=here, capture_output=True)
    left = asyncio.run(_left(folder))
    return {"servers_before": len(before), "left": left, "stop": stopped.returncode}


async def _left(folder):
    with contextlib.suppress(TimeoutError):
        await until(lambda: not servers(folder), 15)
    return len(servers(folder))


def drive(folder):
    """Be a driver with two replicas until killed."""
    import ray

    ray.init(address="auto", namespace="catalyst")

    async def run():
        await serve(folder)
        print("serving", flush=True)
        await asyncio.sleep(600)

    asyncio.run(run())


if __name__ == "__main__":
    scene = {"node": node, "stop": stop, "drive": drive}[sys.argv[1]]
    print(json.dumps(scene(sys.argv[2])))
