"""What the doctor finds: facts of a node, and findings for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; ``status`` is ``ok``, ``warn`` or ``fail``.

    Args:
        name: Of the check; stays the same from version to version.
        mend: What to do where it is not ok.
        part: Heading that it stands under.
        nodes: Nodes of the cluster that it was found on; empty for what is no node's.
        where: These in a few words ("all 12 nodes", "rack-2 and 3 more").
    """

    name: str
    status: str
    words: str
    mend: str = ""
    part: str = ""
    nodes: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskRoom:
    """Room on the disk that holds ``path``."""

    path: str
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReach:
    """What a node sees of the language model's engine.

    Args:
        kind: ``server`` (somebody's, at ``place``), ``program`` (that a replica starts) or ``embedded``.
        is_there: It answers, or is installed.
        is_loopback: The address means the node itself.
        has_model: Whether the server has the model; None where it was not asked.
    """

    kind: str
    place: str
    is_there: bool
    is_loopback: bool = False
    has_model: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """What a look at a machine found; None is what was not found out, and ``errors`` says why, by check.

    Args:
        gpus: Names of its cards, by NVML; ``gpu_parts`` counts their MIG instances.
        nvidia_smi: The first line that it says; None where there is no such program.
        pci_cards: NVIDIA cards on its PCI bus, whether or not a driver knows them.
        visible_devices: ``CUDA_VISIBLE_DEVICES`` of a process without GPUs.
        disks: Ray's folder and the folder of temporary files.
        memory_total_bytes: Of its container where that has a limit.
        chart_s: How long a chart took to draw, imports included.
        zone: Its time zone.
        unset: Variables that Ray should be started with there, and was not.
        open_token: The file of Ray's token and its mode, where others than its user may read or change it.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] | None = None
    gpu_parts: int = 0
    gpu_reason: str = ""
    gpu_driver: str = ""
    nvidia_smi: str | None = None
    pci_cards: int = 0
    visible_devices: str | None = None
    engine: EngineReach | None = None
    disks: tuple[DiskRoom, ...] = ()
    memory_free_bytes: int | None = None
    memory_total_bytes: int | None = None
    shm_bytes: int | None = None
    open_files: int | None = None
    niceness: int | None = None
    chart_s: float | None = None
    zone: str | None = None
    unset: tuple[str, ...] = ()
    open_token: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A node as the cluster knows it.

    Args:
        name: For people; told apart from other nodes of the same machine.
        gpus: GPUs that Ray counts.
        gpu_kind: Ray's name for them.
        runs_replicas: A replica of the language model may be placed there.
        is_worker: It was looked at in a worker of Ray, not in a process of our own.
        is_head: The cluster's state and the drivers of jobs are there.
        object_store_bytes: What Ray's object store may hold there.
    """

    name: str
    gpus: float = 0.0
    gpu_kind: str = ""
    runs_replicas: bool = True
    is_worker: bool = True
    is_head: bool = False
    object_store_bytes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """A node and what was found there; ``trouble`` says why nothing was.

    Args:
        skew_s: How far its clock is ahead of ours; ``skew_doubt_s`` is how far off that may be.
    """

    seat: Seat
    facts: NodeFacts | None = None
    skew_s: float | None = None
    skew_doubt_s: float = 0.0
    trouble: str = ""
