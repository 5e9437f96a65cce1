"""What the doctor says of a node: each limit on either side, with its mend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalyst_ray.core.node_health import FOR_ALL, FOR_CARDS, FOR_HEADS, GIB, Needs, judge_node
from catalyst_ray.models import DiskRoom, EngineReach, NodeFacts, NodeReport, Seat

VERSIONS = {"Python": "3.11.9", "Ray": "2.60.0", "catalyst-ray": "0.1.0"}
SOUND = NodeFacts(
    versions=VERSIONS,
    gpus=("NVIDIA L4", "NVIDIA L4"),
    gpu_driver="570.86.15",
    visible_devices="",
    engine=EngineReach(kind="server", place="http://engine:11434", is_there=True, has_model=True),
    disks=(DiskRoom(path="/tmp/ray", free_bytes=50 * GIB, total_bytes=100 * GIB),),
    memory_free_bytes=8 * GIB,
    memory_total_bytes=16 * GIB,
    shm_bytes=8 * GIB,
    open_files=65_536,
    niceness=0,
    chart_s=1.5,
    zone="UTC",
)
SEAT = Seat(name="rack-2", gpus=2.0, gpu_kind="L4", object_store_bytes=4 * GIB)
NEEDS = Needs(versions=VERSIONS, model="mistral")


def judged(facts=SOUND, *, seat=SEAT, needs=NEEDS, **report):
    """Return status, words and mend by check."""
    found = judge_node(NodeReport(seat=seat, facts=facts, **report), needs)
    return {one.name: (one.status, one.words, one.mend) for one in found}


def test_a_sound_node_is_all_well() -> None:
    """Every check says ok, and has nothing to mend."""
    found = judged(skew_s=0.002, skew_doubt_s=0.001)
    assert {status for status, _, _ in found.values()} == {"ok"}
    assert {mend for _, _, mend in found.values()} == {""}
    assert set(found) == {
        *(
            "versions",
            "clock",
            "GPUs",
            "GPUs hidden",
            "engine",
            "disk",
            "memory",
            "shared memory",
            "open files",
        ),
        *("niceness", "charts", "time zones"),
    }


@pytest.mark.parametrize(
    ("change", "check", "status", "words", "mend"),
    [
        ({"versions": {**VERSIONS, "Ray": "2.59.0"}}, "versions", "fail", "driver has Ray 2.60.0", "requirements"),
        ({"disks": (DiskRoom(path="/d", free_bytes=5, total_bytes=100),)}, "disk", "fail", "no more objects", "/d"),
        ({"disks": (DiskRoom(path="/d", free_bytes=GIB, total_bytes=9 * GIB),)}, "disk", "warn", "1.0 GiB", "--temp-dir"),
        ({"memory_free_bytes": GIB // 2}, "memory", "fail", "0.5 GiB free of 16", "Ray ends workers"),
        ({"memory_free_bytes": GIB - 1}, "memory", "warn", "1.0 GiB free", "other programs"),
        ({"shm_bytes": 64 * 2**20}, "shared memory", "warn", "0.1 GiB", "--shm-size"),
        ({"shm_bytes": 3 * GIB}, "shared memory", "warn", "3.0 GiB", "--shm-size"),
        ({"open_files": 1024}, "open files", "warn", "1024", "ulimit"),
        ({"chart_s": 11.0}, "charts", "warn", "11.0 s", "compileall"),
        ({"errors": {"disk": "cut off: not done in 20 s"}}, "disk", "fail", "cut off", "network disk"),
        ({"errors": {"limits": "broke off: KeyError: x"}}, "limits", "fail", "KeyError", "report it"),
        ({"errors": {"time zones": "no data of time zones"}}, "time zones", "fail", "no data", "tzdata"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be(change, check, status, words, mend) -> None:
    """The check says so in words, and what mends it."""
    found = judged(replace(SOUND, **change))[check]
    assert found[0] == status
    assert words in found[1]
    assert mend in found[2]


def test_a_container_with_little_memory_needs_less_to_be_free() -> None:
    """A tenth of it is enough where that is less than a gigabyte; from 95 % on Ray ends workers."""
    small = replace(SOUND, memory_total_bytes=4 * GIB)
    assert judged(replace(small, memory_free_bytes=int(0.5 * GIB)))["memory"][0] == "ok"
    assert judged(replace(small, memory_free_bytes=int(0.3 * GIB)))["memory"][0] == "warn"
    assert judged(replace(small, memory_free_bytes=int(0.2 * GIB)))["memory"][0] == "fail"


@pytest.mark.parametrize(
    ("skew_s", "doubt_s", "status", "words"),
    [
        (0.9, 0.0, "ok", "within"),
        (1.5, 0.8, "ok", "within"),  # the way there and back leaves it open
        (1.5, 0.1, "warn", "1.5 s ahead of"),
        (-20.0, 0.1, "warn", "20.0 s behind"),
        (31.0, 0.1, "fail", "31.0 s ahead of"),
        (-3600.0, 0.1, "fail", "behind"),
    ],
)
def test_a_clock_counts_by_what_is_sure_of_it(skew_s, doubt_s, status, words) -> None:
    """Over one second is a warning, over thirty a failure, less what the reading may be off by."""
    found = judged(skew_s=skew_s, skew_doubt_s=doubt_s)["clock"]
    assert found[0] == status
    assert words in found[1]
    assert bool(found[2]) is (status != "ok")


@pytest.mark.parametrize(
    ("reach", "status", "words", "mend"),
    [
        ({"is_there": False, "is_loopback": True}, "fail", "means that node itself", "engine's machine in OLLAMA_HOST"),
        ({"is_there": False}, "fail", "cannot be reached from there", "firewall"),
        ({"has_model": False}, "fail", "lacks the model mistral", "ollama pull mistral"),
        ({"has_model": None}, "ok", "answers", ""),
        ({"kind": "program", "place": "vllm", "is_there": False}, "fail", "vllm is not there", "PATH"),
        ({"kind": "embedded", "place": "/m/x.gguf", "is_there": False}, "fail", "is not there", "LLM_GGUF_PATH"),
    ],
)  # fmt: skip
def test_an_engine_as_a_node_sees_it(reach, status, words, mend) -> None:
    """Out of reach, the node's own loopback, without the model, not installed."""
    found = judged(replace(SOUND, engine=replace(SOUND.engine, **reach)))["engine"]
    assert found[0] == status
    assert words in found[1]
    assert mend in found[2]


def test_an_engine_matters_where_replicas_run() -> None:
    """A node that none is placed on needs no way to it; a model that may be pulled need not be there."""
    away = replace(SOUND, engine=replace(SOUND.engine, is_there=False))
    assert "engine" not in judged(away, seat=replace(SEAT, runs_replicas=False))
    lacking = replace(SOUND, engine=replace(SOUND.engine, has_model=False))
    assert judged(lacking, needs=replace(NEEDS, may_pull=True))["engine"][0] == "ok"


def test_an_engine_that_only_the_nodes_see_is_no_use() -> None:
    """The driver chooses: a loopback address that works on the workers alone is a warning with its mend."""
    needs = replace(NEEDS, driver_has_engine=False)
    assert judged(needs=needs)["engine"][0] == "warn"
    away = replace(SOUND, engine=replace(SOUND.engine, is_there=False))
    assert "engine" not in judged(away, needs=needs)  # the model's own line says it


def test_low_priority_matters_where_servers_run_under_workers() -> None:
    """Nice 15 is how Ray starts workers: a warning where each replica starts a server, else a fact."""
    nice = replace(SOUND, niceness=15)
    assert judged(nice)["niceness"][0] == "ok"
    status, _, mend = judged(nice, needs=replace(NEEDS, starts_engines=True))["niceness"]
    assert (status, "RAY_worker_niceness=0" in mend) == ("warn", True)
    assert "niceness" not in judged(nice, seat=replace(SEAT, is_worker=False))


@pytest.mark.parametrize(
    ("seat", "told"),
    [
        (SEAT, [*FOR_ALL, *FOR_CARDS]),
        (replace(SEAT, gpus=0.0), FOR_ALL),
        (replace(SEAT, gpus=0.0, is_head=True), [*FOR_ALL, *FOR_HEADS]),
        (replace(SEAT, is_worker=False), None),
    ],
    ids=["cards", "none", "head", "no worker of Ray"],
)
def test_what_ray_was_started_without(seat, told) -> None:
    """One line of what matters there: cards hidden from charts, a head that forgets; nothing of a process of our own."""
    found = judged(replace(SOUND, unset=(*FOR_ALL, *FOR_CARDS, *FOR_HEADS)), seat=seat).get("environment")
    assert (found and found[:2]) == (told and ("warn", f"Ray was started without {', '.join(told)}"))
    assert found is None or "deploy/ray.env" in found[2]


def test_a_token_that_others_may_read() -> None:
    """It is named with its mode, and the command that mends it."""
    found = judged(replace(SOUND, open_token="/home/ray/.ray/auth_token (mode 0644)"))["token file"]
    assert found == (
        "warn",
        "others there may read Ray's token: /home/ray/.ray/auth_token (mode 0644)",
        "chmod 600 /home/ray/.ray/auth_token",
    )


@pytest.mark.parametrize(
    ("trouble", "mend"),
    [
        ("cut off: no worker started within 30 s", "ray status"),
        ("ModuleNotFoundError: No module named 'catalyst_ray'", "ray job submit"),
    ],
)
def test_a_node_that_cannot_be_looked_at_is_one_finding(trouble, mend) -> None:
    """What is not known is not judged."""
    ((name, (status, words, said)),) = judged(None, trouble=trouble).items()
    assert (name, status, words) == ("node", "fail", trouble)
    assert mend in said


@pytest.mark.parametrize(
    ("facts", "seat", "status", "words", "mend"),
    [
        ({}, {}, "ok", "2 × NVIDIA L4, driver 570.86.15", ""),
        ({}, {"gpus": 4.0}, "fail", "Ray counts 4", "--num-gpus"),
        ({}, {"gpus": 1.0}, "warn", "Ray counts 1", "CUDA_VISIBLE_DEVICES"),
        ({}, {"gpu_kind": "A100"}, "warn", "Ray takes them for A100", "LLM_ACCELERATOR_TYPE"),
        ({"gpus": ("NVIDIA GeForce RTX 5090",)}, {"gpus": 1.0, "gpu_kind": "GeForce-RTX-5090"}, "ok", "5090", ""),
        ({"gpus": ("A100",), "gpu_parts": 7}, {"gpus": 7.0}, "ok", "in 7 MIG instances", ""),
        ({"gpus": ()}, {"gpus": 0.0}, "ok", "none, and Ray counts none", ""),
        ({"gpus": (), "gpu_reason": "Driver Not Loaded"}, {}, "fail", "Ray counts 2, NVML sees none", "nvidia-smi"),
        ({"gpus": (), "pci_cards": 2}, {"gpus": 0.0}, "warn", "none seen", "2 NVIDIA cards are on the bus"),
        ({"gpus": (), "nvidia_smi": "has failed"}, {}, "fail", "nvidia-smi says: has failed", "--gpus all"),
        ({"gpus": ()}, {"gpus": 0.0, "is_worker": False}, "warn", "there is no nvidia-smi", "CPU machine"),
        ({}, {"gpus": 0.0, "is_worker": False}, "ok", "2 × NVIDIA L4", ""),
    ],
)  # fmt: skip
def test_gpus_by_ray_and_by_nvml(facts, seat, status, words, mend) -> None:
    """What differs is named with what mends it; a card without a driver is told apart from no card."""
    found = judged(replace(SOUND, **facts), seat=replace(SEAT, **seat))["GPUs"]
    assert found[0] == status
    assert words in found[1]
    assert mend in found[2]


def test_cards_that_a_task_without_gpus_sees_are_a_warning() -> None:
    """Ray's variable hides them; a node without cards has nothing to hide."""
    status, _, mend = judged(replace(SOUND, visible_devices=None))["GPUs hidden"]
    assert (status, "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO=1" in mend) == ("warn", True)
    assert "GPUs hidden" not in judged(replace(SOUND, gpus=()), seat=replace(SEAT, gpus=0.0))
