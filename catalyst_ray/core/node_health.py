"""Whether a node is fit for the work: what was found there against what it needs, each with what mends it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_ray.core.node_gpus import judge_gpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.models import NodeFacts, NodeReport, Seat

GIB = 2**30
LOW_DISK_BYTES = 2 * GIB
FULL_SHARE = 0.95
"""Ray makes no more objects on a fuller disk (RAY_local_fs_capacity_threshold), and ends workers from so much memory
in use on (RAY_memory_usage_threshold)."""
LOW_MEMORY_SHARE, LOW_MEMORY_BYTES = 0.1, GIB
LOW_SHM_BYTES = 256 * 2**20
LOW_OPEN_FILES = 4_096
SKEW_WARN_S, SKEW_FAIL_S = 1.0, 30.0
SLOW_CHART_S = 10.0
FOR_ALL = ("RAY_idle_worker_killing_time_threshold_ms",)
FOR_CARDS = ("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "CUDA_DEVICE_ORDER")
FOR_HEADS = ("RAY_task_events_max_num_task_in_gcs", "RAY_USAGE_STATS_ENABLED")
"""Variables that Ray is to be started with, with whatever value: everywhere, where there are cards, on the head. What
each is for stands in cluster.yaml; that of workers' niceness has a check of its own."""
BROKEN = "a fault of the program: report it with its words"
GONE = "see `ray status`, and the logs of that node under /tmp/ray/session_latest/logs"
NOT_INSTALLED = (
    "install it there with requirements.lock, or run the doctor as a job, which brings the program along:"
    " `ray job submit --runtime-env jobs/runtime_env.yaml -- python -m catalyst_ray doctor`"
)
MENDS = {
    "versions": "install requirements.lock there",
    "GPUs": "a card or its driver hangs: `nvidia-smi` does too, and a restart of that machine mends it",
    "engine": "see whether the engine answers from there: name, network, server",
    "disk": "a network disk that does not answer: mount it anew, or start Ray with --temp-dir on a local one",
    "charts": "install matplotlib there as in requirements.lock, and let it write its font cache (HOME, MPLCONFIGDIR)",
    "time zones": "install it there with the Python that Ray runs on: `python -m pip install tzdata`",
}
"""What mends a check that hung or failed."""


@dataclass(frozen=True, slots=True)
class NodeFinding:
    """One finding on one node.

    Args:
        rank: Of findings that differ in a figure only, the worst has the lowest; None where words that differ tell
            findings apart.
    """

    name: str
    status: str
    words: str
    mend: str = ""
    rank: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the nodes are judged by.

    Args:
        versions: The driver's, by name.
        engine_setting: The variable that names the engine's server.
        model: The model that is to be there.
        may_pull: A server that lacks it may download it.
        starts_engines: Each replica starts a server of its own, as a child of Ray's worker.
        driver_has_engine: The driver found an engine to send to the replicas.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    engine_setting: str = "OLLAMA_HOST"
    model: str = ""
    may_pull: bool = False
    starts_engines: bool = False
    driver_has_engine: bool = True


def judge_node(report: NodeReport, needs: Needs) -> tuple[NodeFinding, ...]:
    """Return the findings on a node, in a fixed order; of one that could not be looked at that alone."""
    facts = report.facts
    if facts is None:
        mend = NOT_INSTALLED if "No module named" in report.trouble else GONE
        return (NodeFinding("node", "fail", report.trouble, mend),)
    return (
        *_versions(facts, needs),
        *_skew(report),
        *(NodeFinding(*found) for found in judge_gpus(facts, report.seat)),
        *_engine(facts, report, needs),
        *_disk(facts),
        *_memory(facts),
        *_shared_memory(facts, report.seat.object_store_bytes),
        *_limits(facts, needs, is_worker=report.seat.is_worker),
        *_chart(facts),
        *_zone(facts),
        *_environment(facts, report.seat),
        *_token(facts),
        *_errors(facts),
    )


def _versions(facts: NodeFacts, needs: Needs) -> Iterator[NodeFinding]:
    if not facts.versions:
        return
    words = ", ".join(f"{name} {number}" for name, number in facts.versions.items())
    others = {name: own for name, own in needs.versions.items() if facts.versions.get(name) != own}
    if others:
        wanted = ", ".join(f"{name} {number}" for name, number in others.items())
        mend = f"install what the driver has there: {wanted} (requirements.lock)"
        yield NodeFinding("versions", "fail", f"{words}; the driver has {wanted}", mend)
    else:
        yield NodeFinding("versions", "ok", words)


def _skew(report: NodeReport) -> Iterator[NodeFinding]:
    if report.skew_s is None:
        return
    sure_s = max(0.0, abs(report.skew_s) - report.skew_doubt_s)
    side = "ahead of" if report.skew_s > 0 else "behind"
    if sure_s <= SKEW_WARN_S:
        words = f"within {max(0.01, abs(report.skew_s)):.2g} s of the driver's"
        yield NodeFinding("clock", "ok", words, rank=-sure_s)
        return
    status = "fail" if sure_s > SKEW_FAIL_S else "warn"
    mend = "let chrony or systemd-timesyncd set it: ages of news, deadlines and tokens go by the clock"
    yield NodeFinding("clock", status, f"{abs(report.skew_s):.1f} s {side} the driver's", mend, -sure_s)


def _engine(facts: NodeFacts, report: NodeReport, needs: Needs) -> Iterator[NodeFinding]:
    reach = facts.engine
    if reach is None or not report.seat.runs_replicas:
        return
    if not needs.driver_has_engine:
        if reach.is_there:
            words = f"{reach.place} answers there, and not where the driver runs"
            mend = f"set {needs.engine_setting} to an address that the driver and every replica reach"
            yield NodeFinding("engine", "warn", words, mend)
        return
    if reach.kind != "server":
        yield from _own_engine(reach.place, is_there=reach.is_there, kind=reach.kind)
    elif not reach.is_there and reach.is_loopback:
        words = f"nobody answers at {reach.place}, which there means that node itself"
        own = ", or let each replica start one: LLM_OWN_SERVER=1" if "OLLAMA" in needs.engine_setting else ""
        mend = f"name the engine's machine in {needs.engine_setting}, and let the engine listen on its address{own}"
        yield NodeFinding("engine", "fail", words, mend)
    elif not reach.is_there:
        mend = f"open the way from there: name, firewall, and the address that the engine listens on ({needs.engine_setting})"
        yield NodeFinding("engine", "fail", f"{reach.place} cannot be reached from there", mend)
    elif reach.has_model is False and not needs.may_pull:
        mend = f"run `ollama pull {needs.model}` on the server, or set LLM_PULL=1"
        yield NodeFinding("engine", "fail", f"{reach.place} lacks the model {needs.model}", mend)
    else:
        lacks = "" if reach.has_model is not False else f"; {needs.model} will be downloaded"
        yield NodeFinding("engine", "ok", f"{reach.place} answers{lacks}")


def _own_engine(place: str, *, is_there: bool, kind: str) -> Iterator[NodeFinding]:
    if is_there:
        yield NodeFinding("engine", "ok", f"{place} is there")
        return
    mend = (
        "install it on every node that runs replicas, on the PATH that Ray was started with"
        if kind == "program"
        else "install the extra there with the Python that Ray runs on (`python -m pip install 'catalyst-ray[embedded]'`), and put"
        " the file of LLM_GGUF_PATH there"
    )
    yield NodeFinding("engine", "fail", f"{place} is not there", mend)


def _disk(facts: NodeFacts) -> Iterator[NodeFinding]:
    for room in facts.disks:
        free = room.free_bytes / GIB
        words = f"{free:.1f} GiB free of {room.total_bytes / GIB:.0f} at {room.path}"
        mend = f"free some space at {room.path}, or start Ray with --temp-dir on a larger disk"
        if room.free_bytes <= (1 - FULL_SHARE) * room.total_bytes:
            yield NodeFinding("disk", "fail", f"{words}: Ray makes no more objects there", mend, free)
        elif room.free_bytes < LOW_DISK_BYTES:
            yield NodeFinding("disk", "warn", words, mend, free)
        else:
            yield NodeFinding("disk", "ok", words, rank=free)


def _memory(facts: NodeFacts) -> Iterator[NodeFinding]:
    if facts.memory_free_bytes is None or not facts.memory_total_bytes:
        return
    free, total = facts.memory_free_bytes, facts.memory_total_bytes
    words = f"{free / GIB:.1f} GiB free of {total / GIB:.1f}"
    mend = "end other programs there, or take a larger machine: Ray ends workers when memory runs out"
    if free <= (1 - FULL_SHARE) * total:
        yield NodeFinding("memory", "fail", words, mend, free)
    elif free < min(LOW_MEMORY_SHARE * total, LOW_MEMORY_BYTES):
        yield NodeFinding("memory", "warn", words, mend, free)
    else:
        yield NodeFinding("memory", "ok", words, rank=free)


def _shared_memory(facts: NodeFacts, object_store_bytes: float) -> Iterator[NodeFinding]:
    if facts.shm_bytes is None:
        return
    size = facts.shm_bytes
    words = f"{size / GIB:.1f} GiB in all"
    if size < max(LOW_SHM_BYTES, object_store_bytes):
        mend = (
            "give the container more (`--shm-size=2g` for /dev/shm): Ray keeps its objects on disk otherwise"
        )
        yield NodeFinding("shared memory", "warn", words, mend, size)
    else:
        yield NodeFinding("shared memory", "ok", words, rank=size)


def _limits(facts: NodeFacts, needs: Needs, *, is_worker: bool) -> Iterator[NodeFinding]:
    files = facts.open_files
    if files is not None and files < LOW_OPEN_FILES:
        mend = "raise it before Ray starts: `ulimit -n 65536`, LimitNOFILE= of its unit"
        yield NodeFinding("open files", "warn", f"at most {files}", mend, files)
    elif files is not None:
        yield NodeFinding("open files", "ok", f"at most {files}", rank=files)
    if facts.niceness is None or not is_worker:
        return
    words = f"workers run at nice {facts.niceness}"
    if facts.niceness > 0 and needs.starts_engines:
        mend = "start Ray there with RAY_worker_niceness=0: model servers run under its workers, and get what others leave"
        yield NodeFinding("niceness", "warn", words, mend)
    else:
        yield NodeFinding("niceness", "ok", words)


def _chart(facts: NodeFacts) -> Iterator[NodeFinding]:
    if facts.chart_s is None:
        return
    words = f"drew one in {facts.chart_s:.1f} s, imports included"
    if facts.chart_s > SLOW_CHART_S:
        mend = "byte-compile its packages (`python -m compileall`), and let matplotlib keep its font cache (HOME, MPLCONFIGDIR)"
        yield NodeFinding("charts", "warn", words, mend, -facts.chart_s)
    else:
        yield NodeFinding("charts", "ok", words, rank=-facts.chart_s)


def _zone(facts: NodeFacts) -> Iterator[NodeFinding]:
    if facts.zone is not None:
        yield NodeFinding("time zones", "ok", f"New York's is known; the machine's is {facts.zone}")


def _environment(facts: NodeFacts, seat: Seat) -> Iterator[NodeFinding]:
    if not seat.is_worker:  # the environment of a process of our own says nothing of Ray's
        return
    wanted = (*FOR_ALL, *(FOR_CARDS if seat.gpus else ()), *(FOR_HEADS if seat.is_head else ()))
    unset = [name for name in wanted if name in facts.unset]
    if unset:
        mend = "before `ray start` there: `set -a; . deploy/ray.env; set +a` (docs/scale.md)"
        yield NodeFinding("environment", "warn", f"Ray was started without {', '.join(unset)}", mend)


def _token(facts: NodeFacts) -> Iterator[NodeFinding]:
    if facts.open_token:
        words = f"others there may read Ray's token: {facts.open_token}"
        mend = f"chmod 600 {facts.open_token.partition(' (mode')[0]}"
        yield NodeFinding("token file", "warn", words, mend)


def _errors(facts: NodeFacts) -> Iterator[NodeFinding]:
    for name, words in facts.errors.items():
        yield NodeFinding(name, "fail", words, MENDS.get(name, BROKEN))
