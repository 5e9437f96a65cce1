"""A job on three machines of which one fails in mid-cycle, then another; the last line printed is JSON.

``nodes_scene.py FOLDER``: a head without CPUs, a node with CPUs, one with pretended GPUs; the demo's world and whoever submits
are a fourth. Alone on its machine, with the cluster's token in the environment from the start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from ray.job_submission import JobSubmissionClient  # noqa: TID253  (this scene is about Ray)
from ray.util.state import list_actors, list_nodes, list_tasks  # noqa: TID253

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.demo.process import DemoProcess
from catalyst_ray.demo.world import World
from catalyst_ray.demo_settings import BROKEN, model_of_demo, world_of_demo
from tests.cluster.scaling_head import as_environment
from tests.e2e.commands import ROOT
from tests.e2e.own_networks import OUTSIDE, Machine, bridge, ray_start

SEED, BATCHES = 11, 4
HEAD, CPUS, GPUS = "10.77.0.2", "10.77.0.3", "10.77.0.4"
DASHBOARD = f"http://{HEAD}:8265"
JOB = "news"
WHATEVER_IS_THERE = {"raise_on_missing_output": False}
"""A node that failed a moment ago does not answer: what the others say is told all the same."""
PATIENCE_S = 120
"""Much more than anything takes: a busy machine starts a node in half a minute."""
WORLD = (
    f"--host={OUTSIDE}",
    f"--batches={BATCHES}",
    "--discord-window-s=0",
    "--llm-latency-s=0.4",
)


class Scene:
    """The cluster, the world, the job, and what was seen of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.temp = folder / "r"
        self.temp.mkdir()
        bridge()
        self.head = self.machine("head", HEAD)
        ray_start(self.head, head=None, temp=self.temp, cpus=0, gpus=0)
        self.world = stack.enter_context(DemoProcess(seed=SEED, options=WORLD))
        self.until(self.answers, "the head's dashboard answers")
        self.cpus = self.add("cpus", CPUS, cpus=2, gpus=0)
        self.gpus = self.add("gpus", GPUS, cpus=0, gpus=2)
        self.until(lambda: len(self.nodes()) == 3, "three nodes are there")
        self.head.carry(urlsplit(self.world.base_url).port or 0)
        self.client = JobSubmissionClient(DASHBOARD)

    def machine(self, name: str, address: str) -> Machine:
        """Return a machine of this scene, not started."""
        return Machine(name, address, temp=self.temp, log=self.folder / f"{name}.log")

    def add(self, name: str, address: str, *, cpus: int, gpus: int) -> Machine:
        """Start a machine with a node on it."""
        machine = self.machine(name, address)
        ray_start(machine, head=HEAD, temp=self.temp, cpus=cpus, gpus=gpus)
        return machine

    def until(self, holds, what: str) -> float:
        """Wait until something holds; return how long that took."""
        begun_s = time.monotonic()
        while not (found := holds()):
            if time.monotonic() - begun_s > PATIENCE_S:
                raise SystemExit(f"not within {PATIENCE_S} s: {what}; was {found!r}\n{self.log()[-4000:]}")
            time.sleep(0.1)
        print(f"{time.monotonic() - begun_s:5.1f} s until {what}", file=sys.stderr)
        return round(time.monotonic() - begun_s, 1)

    def answers(self) -> bool:
        """Return whether the dashboard answers us."""
        request = Request(f"{DASHBOARD}/api/version", headers={"Authorization": f"Bearer {token()}"})
        try:
            with urlopen(request, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def nodes(self) -> dict[str, str]:
        """Return the living nodes: address by id."""
        found = list_nodes(address=DASHBOARD, filters=[("state", "=", "ALIVE")], **WHATEVER_IS_THERE)
        return {node.node_id: node.node_ip for node in found}

    def log(self) -> str:
        """Return what the job said so far."""
        try:
            return self.client.get_job_logs(JOB)
        except (AttributeError, RuntimeError):
            return ""

    def lines(self) -> list[dict]:
        """Return the job's log lines and reports, in order."""
        return [
            json.loads(line)
            for line in self.log().splitlines()
            if line.startswith("{") and line.endswith("}")
        ]

    def cycles(self) -> list[dict]:
        """Return the cycles that have ended."""
        return [line for line in self.lines() if line.get("type") == "cycle"]

    def is_quiet(self, alerts: int) -> bool:
        """Return whether the cycles that gave so many alerts have ended, and none has anything to do since."""
        counts = [cycle["counts"] for cycle in self.cycles()]
        busy = ("new", "awaited")
        return sum(one["alert"] for one in counts) >= alerts and not any(counts[-1][name] for name in busy)

    def state(self) -> dict:
        """Return what the world has seen."""
        with urlopen(f"{self.world.base_url}/_control/state", timeout=5) as answer:
            return json.load(answer)

    def posted(self) -> list[dict]:
        """Return what the world's Discord holds."""
        return self.state()["discord"]

    def publish(self) -> None:
        """Have the world publish its next batch."""
        urlopen(Request(f"{self.world.base_url}/_control/release", method="POST"), timeout=5).close()

    def submit(self) -> None:
        """Submit the job from outside."""
        wanted = world_of_demo(self.world.base_url, self.world.webhook_url, self.folder, without={BROKEN})
        wanted |= model_of_demo(self.world.base_url)
        for name in ("price_url", "discord_webhook_url"):
            wanted[name] = wanted[name].replace(OUTSIDE, "127.0.0.1")
        wanted |= {
            "sleep_seconds": 1,
            "llm_min_replicas": 2,
            "llm_batch_workers": 1,
            "chart_queue_workers": 2,
            "max_alerts_per_cycle": 100,
        }
        texts = as_environment(wanted) | {"RAY_JOB_STOP_WAIT_TIME_S": "10"}
        command = [
            "ray",
            "job",
            "submit",
            "--address",
            DASHBOARD,
            "--working-dir",
            str(ROOT),
            "--submission-id",
            JOB,
        ]
        command += [
            "--no-wait",
            "--runtime-env-json",
            json.dumps({"env_vars": texts}),
            "--",
            "python",
            "jobs/run.py",
            "--json",
        ]
        deadline_s = time.monotonic() + 60
        while True:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            # The dashboard answers some seconds before the node's agent, which starts jobs.
            if "No available agent" not in done.stdout + done.stderr or time.monotonic() > deadline_s:
                break
            time.sleep(1)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)

    def replicas(self) -> list[str]:
        """Return the addresses of the nodes on which replicas live."""
        nodes = self.nodes()
        kinds = [("class_name", "=", "LlmReplica"), ("state", "=", "ALIVE")]
        return [
            nodes.get(actor.node_id, "gone")
            for actor in list_actors(address=DASHBOARD, filters=kinds, **WHATEVER_IS_THERE)
        ]

    def drew(self, name: str = "chart:render") -> set[str]:
        """Return the addresses of the nodes on which charts were drawn, or other tasks done."""
        nodes = self.nodes()
        tasks = list_tasks(address=DASHBOARD, filters=[("name", "=", name)], limit=1_000, **WHATEVER_IS_THERE)
        return {nodes.get(task.node_id, "gone") for task in tasks if task.state == "FINISHED"}


def token() -> str:
    """Return the cluster's token."""
    return Path(os.environ["RAY_AUTH_TOKEN_PATH"]).read_text()


def stories(batch: int) -> int:
    """Return how many alerts a batch should give."""
    world = World(SEED, datetime.now(UTC), batches=BATCHES)
    return len(world.stories(batch))


def cut(scene: Scene, machine: Machine, before: int, due: int) -> dict:
    """Let a machine fail as soon as the model was asked of a batch's first news; return what became of the cycle."""
    scene.until(lambda: scene.is_quiet(before), "the cycles before have ended")
    last = scene.cycles()[-1]["number"]
    asked = scene.state()["llm_requests"]
    scene.head.hold()  # a quick machine has drawn every chart before the model is asked: prices come late
    scene.publish()
    scene.until(lambda: scene.state()["llm_requests"] > asked, "the model is asked")
    machine.fail()
    scene.head.release()
    failed_s = time.monotonic()

    def later() -> list[dict]:
        return [cycle for cycle in scene.cycles() if cycle["number"] > last]

    scene.until(lambda: any(cycle["counts"]["new"] for cycle in later()), "the cycle ends")
    scene.until(lambda: len(scene.posted()) >= due, f"all {due} alerts are there")
    all_s = round(time.monotonic() - failed_s, 1)
    cycle = next(cycle for cycle in later() if cycle["counts"]["new"])
    problems = [text for one in later() for text in one["problems"]]
    return {
        "cycle_s": round(cycle["seconds"], 1),
        "counts": cycle["counts"],
        "problems": problems,
        "all_posted_s": all_s,
    }


def play(folder: Path) -> dict:
    """Play it."""
    found: dict = {}
    with ExitStack() as stack:
        scene = Scene(folder, stack)
        stranger = subprocess.run(
            ["ray", "job", "submit", "--address", DASHBOARD, "--", "true"],
            env={**os.environ, "RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            check=False,
        )
        found["stranger"] = stranger.returncode
        scene.submit()
        found["ready_s"] = scene.until(
            lambda: "the language model is ready" in scene.log(), "the model is ready"
        )
        scene.until(lambda: len(scene.replicas()) == 2, "two replicas")
        due = [sum(map(stories, range(1, batch + 1))) for batch in range(1, BATCHES + 1)]
        scene.publish()
        scene.until(lambda: len(scene.posted()) >= due[0], "the first batch is there")
        found |= {
            "driver_on": scene.nodes().get(scene.client.get_job_info(JOB).driver_node_id),
            "replicas_on": scene.replicas(),
            "charts_on": sorted(scene.drew()),
        }

        found["without_cpus"] = cut(scene, scene.cpus, *due[0:2])
        scene.cpus = scene.add("cpus2", "10.77.0.5", cpus=2, gpus=0)
        scene.until(lambda: "10.77.0.5" in scene.drew("chart:warm-up"), "another node's workers are warm")

        found["without_gpus"] = cut(scene, scene.gpus, *due[1:3])
        scene.gpus = scene.add("gpus2", "10.77.0.6", cpus=0, gpus=2)
        found["back_s"] = scene.until(lambda: scene.replicas() == ["10.77.0.6"] * 2, "the replicas are back")
        scene.until(lambda: scene.log().count("replica is back") >= 2, "the replicas serve")

        scene.publish()
        scene.until(lambda: len(scene.posted()) >= due[3], "the last batch is there")
        found["charts_after"] = sorted(scene.drew())
        scene.until(lambda: scene.is_quiet(due[3]), "no verdict is awaited any more")
        scene.client.stop_job(JOB)
        found["stop_s"] = scene.until(
            lambda: scene.client.get_job_status(JOB).is_terminal(), "the job has stopped"
        )
        found |= {"log": scene.log(), "posted": scene.posted()}
        for machine in (scene.cpus, scene.gpus, scene.head):
            machine.fail()
    found |= kept(folder)
    return {**found, "by_batch": by_batch(found["alerts"])}


def by_batch(alerts: list[dict]) -> dict[int, list[dict]]:
    """Return the alerts by the batch that told them."""
    world = World(SEED, datetime.now(UTC), batches=BATCHES)
    batches = {item.path: item.batch for item in world.items}
    filed = {item.filing.accession: item.batch for item in world.items if item.filing}
    found: dict[int, list[dict]] = {batch: [] for batch in range(1, BATCHES + 1)}
    for alert in alerts:
        found[batches.get(urlsplit(alert["url"]).path) or filed[alert["accession"]]].append(alert)
    return found


def kept(folder: Path) -> dict:
    """Return what the store holds."""
    with SqlStore.open(f"sqlite:///{folder}/catalyst.db", read_only=True) as store:
        return {
            "undecided": len(store.undecided(limit=10)),
            "held": len(store.held_alerts(limit=10)),
            "deliveries": dict(store.delivery_counts()),
            "alerts": [
                {
                    "id": alert.id,
                    "url": alert.item.url,
                    "accession": alert.item.accession,
                    "created": alert.created_utc.timestamp(),
                    "chart": alert.chart_path is not None,
                    "why_no_chart": alert.chart_reason
                    and (alert.chart_reason.detail or alert.chart_reason.code),
                    "verdict": alert.verdict.judgement is not None,
                    "why_no_verdict": alert.verdict.reason
                    and (alert.verdict.reason.detail or alert.verdict.reason.code),
                }
                for alert in store.recent_alerts(limit=1_000)
            ],
        }


if __name__ == "__main__":
    print(json.dumps(play(Path(sys.argv[1]))))
