"""The doctor's checks of a cluster: who may enter, what its jobs and replicas can have, and how each node is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from catalyst_ray.adapters.dashboard import Door, ask, json_of
from catalyst_ray.cluster.capacity import cluster_view
from catalyst_ray.cluster.cut_off import side_by_side
from catalyst_ray.cluster.doors import OPEN_MEND, dashboard_doors, has_tokens, open_doors, token_headers
from catalyst_ray.cluster.engine_reach import server_named
from catalyst_ray.cluster.node_checks import Order, versions
from catalyst_ray.cluster.node_survey import KIT, MOST_NODES, living_nodes, seats, survey
from catalyst_ray.cluster.placement import plan_replicas
from catalyst_ray.core.findings import group
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.core.node_health import Needs, NodeFinding, judge_node
from catalyst_ray.doctor.model import MEND as MODEL_MEND
from catalyst_ray.doctor.model import NAME as MODEL
from catalyst_ray.doctor.model import TRIAL_S, check_model_there, missing
from catalyst_ray.doctor.steps import blocking, step
from catalyst_ray.models import Finding
from catalyst_ray.settings_llm import engine_wish, replica_wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from catalyst_ray.cluster.engines import EngineChoice
    from catalyst_ray.cluster.node_survey import Kit
    from catalyst_ray.cluster.placement import ReplicaPlan
    from catalyst_ray.cluster.session import Session
    from catalyst_ray.models import Seat
    from catalyst_ray.settings import Settings

CLUSTER, NODES, LLM = "cluster", "nodes", "model"
ASK_S = 5.0
METRICS_MEND = (
    "let Prometheus reach it: start Ray with a fixed --metrics-export-port, and open that in the firewall"
)


async def check_cluster(
    settings: Settings, session: Session, choice: EngineChoice, kit: Kit = KIT
) -> AsyncIterator[Finding]:
    """Yield what is to be said of the joined cluster, then of its nodes, then of the model as they reach it."""
    count = "1 node" if session.nodes == 1 else f"{session.nodes} nodes"
    words = f"{count}, {session.cpus:g} CPUs, {session.gpus:g} GPUs at {session.address}"
    yield Finding("Ray", "ok", words, part=CLUSTER)
    for finding in await _entrances(settings, session.dashboard_url):
        yield finding
    wish = replica_wish(settings)
    plan = await blocking(lambda: plan_replicas(cluster_view(), wish)) if choice.spec else None
    if plan is not None:
        yield _replicas(plan, least=wish.least)
    nodes = await blocking(living_nodes)
    if len(nodes) > MOST_NODES:
        mend = "the others are like these if they start from one image; look at one by submitting the doctor there"
        words = f"{len(nodes)} nodes: only the first {MOST_NODES} are looked at"
        yield Finding("nodes looked at", "warn", words, mend, CLUSTER)
    nodes = nodes[:MOST_NODES]
    places = seats(nodes, plan)
    for finding in await _nodes(settings, choice, nodes, places, kit):
        yield finding
    yield replace(await _model(settings, choice, plan, places), part=LLM)


async def _model(
    settings: Settings, choice: EngineChoice, plan: ReplicaPlan | None, places: Mapping[str, Seat]
) -> Finding:
    if plan is None:
        return missing(settings, choice)
    names = {node: seat.name for node, seat in places.items()}
    first = next((node for node, seat in places.items() if seat.runs_replicas), None)
    limit_s = settings.llm_start_timeout_secs + TRIAL_S
    return await step(
        MODEL,
        check_model_there(settings, choice, plan, node=first, names=names),
        MODEL_MEND,
        limit_s=limit_s,
    )


async def _entrances(settings: Settings, url: str | None) -> list[Finding]:
    doors = await blocking(lambda: dashboard_doors(url))
    findings = [
        dashboard_finding(doors, allowed=settings.allow_open_dashboard),
        token_finding(doors, has_tokens()),
    ]
    if url:
        findings.append(
            await step("jobs API", _jobs(url), "see dashboard.log under /tmp/ray/session_latest/logs")
        )
    return findings


def dashboard_finding(doors: Mapping[str, Door], *, allowed: bool) -> Finding:
    """Return whether the dashboard is open to the world; what a start refuses is a failure."""
    opened = open_doors(doors)
    silent = [url for url, door in doors.items() if door is Door.SILENT]
    guarded = [url for url, door in doors.items() if door is Door.GUARDED]
    if opened:
        words = f"{opened[0]} takes jobs without a token from whoever reaches it"
        return Finding("dashboard", "warn" if allowed else "fail", words, OPEN_MEND, CLUSTER)
    if silent:
        mend = "see dashboard.log under /tmp/ray/session_latest/logs, or a firewall that swallows what it is sent"
        return Finding("dashboard", "warn", f"{silent[0]} does not answer", mend, CLUSTER)
    if not doors:
        return Finding("dashboard", "ok", "none", part=CLUSTER)
    far = [url for url in guarded if not is_loopback(urlsplit(url).hostname or "")]
    words = f"{far[0]} asks for a token" if far else "listens on the head's loopback alone"
    return Finding("dashboard", "ok", words, part=CLUSTER)


def token_finding(doors: Mapping[str, Door], ours: bool) -> Finding:  # noqa: FBT001  (what the function is about)
    """Return whether the cluster asks for tokens: as its dashboard does, else as is set here."""
    if Door.GUARDED in doors.values():
        return Finding("tokens", "ok", "a stranger is refused", part=CLUSTER)
    if Door.OPEN not in doors.values() and ours:
        return Finding(
            "tokens", "ok", "RAY_AUTH_MODE=token; there was no dashboard to try it on", part=CLUSTER
        )
    mend = "`ray get-auth-token --generate`, the same file on every node, RAY_AUTH_MODE=token; until then a firewall"
    words = "off: whoever reaches Ray's ports on any node can run programs there"
    return Finding("tokens", "warn", words, mend, CLUSTER)


async def _jobs(url: str) -> Finding:
    name = "jobs API"
    try:
        status, body = await blocking(
            partial(ask, f"{url}/api/version", timeout_s=ASK_S, headers=token_headers()), ASK_S * 2
        )
    except TimeoutError:
        raise
    except OSError:
        mend = "submit from the head, through `ray dashboard cluster.yaml`, or an SSH tunnel to it"
        return Finding(name, "warn", f"{url} is not reached from here", mend, CLUSTER)
    said: Any = json_of(body)
    if status != 200 or not isinstance(said, dict):
        mend = "give this side the cluster's token: RAY_AUTH_MODE=token and the same ~/.ray/auth_token"
        return Finding(name, "fail", f"{url} answers {status}", mend, CLUSTER)
    number, ray = (str(said.get(key, "?"))[:40] for key in ("version", "ray_version"))
    return Finding(name, "ok", f"version {number} of Ray {ray} at {url}", part=CLUSTER)


def _replicas(plan: ReplicaPlan, *, least: int) -> Finding:
    name = "replicas"
    if not plan.limit:
        mend = "lower LLM_GPUS_PER_REPLICA, or correct LLM_ACCELERATOR_TYPE and LLM_LABEL_SELECTOR"
        return Finding(name, "fail", plan.words, mend, CLUSTER)
    if plan.start < least:
        mend = "lower LLM_MIN_REPLICAS, or add nodes with GPUs"
        return Finding(name, "warn", plan.words, mend, CLUSTER)
    if plan.doubt:
        mend = "correct LLM_ACCELERATOR_TYPE: `ray status -v` and the nodes' labels have the names, as Ray writes them"
        return Finding(name, "warn", plan.words, mend, CLUSTER)
    return Finding(name, "ok", plan.words, part=CLUSTER)


async def _nodes(
    settings: Settings,
    choice: EngineChoice,
    nodes: Sequence[Mapping[str, Any]],
    places: Mapping[str, Seat],
    kit: Kit,
) -> list[Finding]:
    wish = engine_wish(settings)
    spec = choice.spec or server_named(wish)
    needs = Needs(
        versions=versions(),
        engine_setting="LLM_ENDPOINT_URL" if wish.endpoint_url else "OLLAMA_HOST",
        model=wish.model,
        may_pull=wish.pull,
        starts_engines=choice.spec is not None and not choice.spec.shares_server,
        driver_has_engine=choice.spec is not None,
    )
    reports, metrics = await asyncio.gather(
        survey(places, Order(engine=spec), kit), asyncio.to_thread(_metrics, nodes)
    )
    judged = {
        report.seat.name: (*judge_node(report, needs), *metrics.get(node, ()))
        for node, report in zip(places, reports, strict=True)
    }
    return group(judged, part=NODES)


def _metrics(nodes: Sequence[Mapping[str, Any]]) -> dict[str, tuple[NodeFinding, ...]]:
    """Ask every node for its metrics, from here; by the nodes' ids."""
    ports = {
        str(node["NodeID"]): (str(node["NodeManagerAddress"]), int(node.get("MetricsExportPort") or 0))
        for node in nodes
    }
    asked = {
        node: partial(ask, f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics", timeout_s=ASK_S)
        for node, (host, port) in ports.items()
        if port
    }
    found: dict[str, tuple[NodeFinding, ...]] = {}
    for node, answer in side_by_side(asked, ASK_S * 2).items():
        host, port = ports[node]
        if isinstance(answer, tuple) and answer[0] == 200:
            finding = NodeFinding("metrics port", "ok", "answers", rank=-port)
        else:
            finding = NodeFinding("metrics port", "warn", f"{host}:{port} does not answer", METRICS_MEND)
        found[node] = (finding,)
    return found
