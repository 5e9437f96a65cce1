"""A queue that grows on a cluster that scales, by the program's own parts; the last line printed is JSON.

``scaling_scene.py older|newer FOLDER``: no replica need stay. Two nodes with a GPU come, serve, and go again. With the newer
autoscaler also replicas that nothing can hold, with the older the whole program while others hold the GPUs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import ray  # noqa: TID253  (this scene is about Ray)

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.cluster import autoscaler, gpu_watch, waiting
from catalyst_ray.cluster.engines import OpenAiSpec
from catalyst_ray.cluster.gpu_watch import ClusterGpus
from catalyst_ray.cluster.placement import ReplicaWish
from catalyst_ray.cluster.service import LlmLimits, Opening, open_service
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo_settings import BROKEN, model_of_demo, world_of_demo
from tests.cluster.chaos_scenes import SERVER, request, timed, until
from tests.cluster.scaling_head import ADDRESS, as_environment, scaling_head

ASKED = 80
"""A third of a second each, two at a time: one replica takes a quarter of a minute."""
SAID = []
KEYS = ("plan", "why", "what", "replicas", "replica", "error")


class Said(logging.Handler):
    """Keeps what the program logs."""

    def emit(self, record):
        """Keep a line, and show it where the scene fails."""
        line = {"message": record.getMessage()} | {k: str(v) for k, v in vars(record).items() if k in KEYS}
        SAID.append(line)
        print(round(time.monotonic(), 1), line, file=sys.stderr, flush=True)


def gpu_nodes():
    """Return the living nodes that have a GPU."""
    return [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU")]


def opening(gpus_each=1.0):
    """Return how the replicas are opened: none need stay, two at most, and they go soon."""
    limits = LlmLimits(
        wish=ReplicaWish(least=0, most=2, gpus_each=gpus_each, selector={"pool": "llm"}),
        workers=2,
        queue_size=100,
        cache_ttl_s=0.0,
        timeout_s=60.0,
        target_s=1.0,
        idle_s=2.0,
    )
    return Opening(clock=SystemClock(), limits=limits)


async def grow_and_shrink(spec):
    """Let the queue grow where no node has a GPU, and say when what happened."""
    begun_s = time.monotonic()

    def since():
        return round(time.monotonic() - begun_s, 1)

    service = await open_service(spec, opening())
    watch = ClusterGpus(clock=SystemClock(), replicas=lambda: service.fleet.places)
    found = {"plan": service.plan.words, "asked": ASKED, "first_replica_s": since()}
    load = [asyncio.create_task(timed(service, request(f"r{n}", 60.0))) for n in range(ASKED)]
    begun_s = time.monotonic()
    await until(lambda: service.fleet.size == 2, 20)
    found["asked_s"] = since()
    await until(lambda: len(gpu_nodes()) == 2, 40)
    found["nodes_s"] = since()
    await until(lambda: service.fleet.serving == 2, 40)
    found["both_serve_s"] = since()
    found["places"] = len({info.node for info in service.fleet.places})
    await watch.window(1.0)
    answers = await asyncio.gather(*load)
    found["served_s"] = since()
    found["answered"] = sum(got["text"] == got["key"] for got in answers)
    await until(lambda: not service.pool.seats, 40)
    found["replicas_gone_s"] = since()
    await until(lambda: not gpu_nodes(), 60)
    found["gone_s"] = since()
    await watch.close()
    return found, service


async def ask_again(service):
    """Ask for one answer more where no replica and no node is left."""
    again = await timed(service, request("again", 60.0))
    return {"again": again["text"], "again_s": round(again["seconds"], 1), "replicas": service.fleet.size}


async def in_vain(spec):
    """Ask for what no kind of node has, where the autoscaler's file cannot be read."""
    waiting.VAIN_S = 1.0
    lines, autoscaler.command_lines = autoscaler.command_lines, tuple
    try:
        service = await open_service(spec, opening(gpus_each=4.0))
    finally:
        autoscaler.command_lines = lines
    return {"in_vain": service.words}


async def whole_program(folder):
    """Run the program while others hold both GPUs, then let it have them."""
    holder = ray.remote(num_cpus=0, num_gpus=1)(Holder)
    holders = [holder.remote(), holder.remote()]
    await asyncio.gather(*(held.here.remote() for held in holders))
    with DemoProcess(options=("--release=1", "--discord-window-s=0")) as world:
        program = run(world, folder)
        try:
            await until(lambda: cycles(folder) and waits(folder), 100)
            without = {"alerts": len(state(world)["discord"]), "waits": waits(folder)[-1]}
            for held in holders:
                ray.kill(held)
            await until(lambda: "the language model is ready" in said(folder), 60)
            release(world, 2)
            await until(lambda: cycles(folder)[-1]["queues"]["llm"].get("completed"), 60)
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(30)
        alerts = len(state(world)["discord"])
    return {"without": without, "alerts": alerts, "exit": program.returncode}


def run(world, folder):
    """Start the program."""
    command = [sys.executable, "-m", "catalyst_ray", "run", "--json"]
    with (folder / "run.log").open("w") as log:
        return subprocess.Popen(command, env=settings(world, folder), stdout=log, stderr=log)


class Holder:
    """Somebody else's work on a GPU."""

    def here(self):
        """Answer once it is placed."""


def said(folder):
    """Return what the program said so far."""
    return (folder / "run.log").read_text()


def lines(folder, has):
    """Return the program's lines that are JSON and of which something holds, in order."""
    found = [line for line in said(folder).splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in map(json.loads, found) if has(line)]


def cycles(folder):
    """Return the reports of the cycles that have ended."""
    return lines(folder, lambda line: line.get("type") == "cycle")


def waits(folder):
    """Return what replicas wait for, as the log says it."""
    found = lines(folder, lambda line: " waits for " in line.get("what", ""))
    return [line["what"] for line in found]


def state(world):
    """Return what the demo's world holds."""
    with urlopen(f"{world.base_url}/_control/state", timeout=5) as answer:
        return json.load(answer)


def release(world, batch):
    """Have the demo's world publish a batch."""
    urlopen(Request(f"{world.base_url}/_control/release?batch={batch}", method="POST"), timeout=5).close()


def settings(world, folder):
    """Return an environment for the program: the demo's world, this cluster, one replica at least."""
    wanted = world_of_demo(world.base_url, world.webhook_url, folder, without={BROKEN})
    wanted |= model_of_demo(world.base_url) | {"ray_address": ADDRESS, "sleep_seconds": 1}
    return {**os.environ, **as_environment(wanted)}


async def play(version, folder):
    """Play the scenes of one autoscaler."""
    spec = OpenAiSpec(command=f"{sys.executable} {SERVER} {{port}} {folder}", model="echo")
    found, service = await grow_and_shrink(spec)
    if version == "newer":
        found |= await ask_again(service)
        found |= await in_vain(spec)
    await service.close()
    if version == "older":
        found["program"] = await whole_program(folder)
    return found


def main(version, folder):
    """Start the cluster, play, and return what was found."""
    gpu_watch.LEAVE_S = 1.0
    logging.getLogger("catalyst_ray").addHandler(Said())
    logging.getLogger("catalyst_ray").setLevel(logging.INFO)
    with scaling_head(folder, newer=version == "newer"):
        ray.init(address=ADDRESS, namespace="catalyst", log_to_driver=False, configure_logging=False)
        try:
            found = asyncio.run(play(version, Path(folder)))
        finally:
            ray.shutdown()
    return {**found, "said": SAID}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
