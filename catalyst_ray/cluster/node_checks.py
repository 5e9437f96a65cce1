"""The doctor's look at a machine, from a process on it: each check by itself, cut off where it hangs. Judges nothing."""

from __future__ import annotations

import asyncio
import os
import platform
import stat
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ray

from catalyst_ray import __version__
from catalyst_ray.adapters import machine
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.adapters.nvidia_smi import nvidia_smi, pci_cards
from catalyst_ray.cluster.cut_off import side_by_side
from catalyst_ray.cluster.engine_reach import reach
from catalyst_ray.core.file_modes import is_open_to_others
from catalyst_ray.core.node_health import FOR_ALL, FOR_CARDS, FOR_HEADS
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import NodeFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalyst_ray.cluster.engine_specs import EngineSpec

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
NEW_YORK = "America/New_York"
CHECK_S = 20.0
"""How long a check may take on a node. A first chart takes a few seconds: matplotlib looks through all fonts once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be looked for: travels to the nodes.

    Args:
        engine: The engine that the replicas are to use; None does not look.
        make_probe: Opens what reads the cards.
    """

    engine: EngineSpec | None = None
    make_probe: Callable[[], NvmlProbe] = NvmlProbe


def look(
    order: Order,
    checks: Mapping[str, Callable[[Order], dict[str, Any]]] | None = None,
    limit_s: float = CHECK_S,
) -> NodeFacts:
    """Do every check on this machine, all at once, and return what they found and why any found nothing."""
    works = {name: partial(check, order) for name, check in (checks or CHECKS).items()}
    found: dict[str, Any] = {}
    errors = {}
    for name, result in side_by_side(works, limit_s).items():
        match result:
            case TimeoutError():
                errors[name] = f"cut off: {result}"
            case CatalystError():
                errors[name] = str(result)
            case Exception():
                errors[name] = f"broke off: {type(result).__name__}: {str(result)[:200]}"
            case _:
                found |= result
    return NodeFacts(**found, errors=errors)


def versions() -> dict[str, str]:
    """Return the versions that must be alike on all nodes."""
    return {"Python": platform.python_version(), "Ray": RAY.__version__, "catalyst-ray": __version__}


def ray_folder() -> Path:
    """Return the folder where Ray keeps its session, logs and spilled objects: where it would, if there is none here."""
    node = RAY._private.worker._global_node  # noqa: SLF001  (Ray has no public way to ask for it)
    return Path(node.get_session_dir_path() if node else f"{tempfile.gettempdir()}/ray")


def _versions(_: Order) -> dict[str, Any]:
    return {"versions": versions()}


def _gpus(order: Order) -> dict[str, Any]:
    with order.make_probe() as probe:
        seen = probe.sample(full=False, energy=False)
        found = {
            "gpus": tuple(card.name for card in seen if card.mig_of is None),
            "gpu_parts": sum(card.mig_of is not None for card in seen),
            "gpu_driver": probe.driver(),
            "gpu_reason": probe.reason,
            # Set by Ray, and no setting.
            "visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),  # noqa: TID251
        }
    return found if seen else found | {"nvidia_smi": nvidia_smi(), "pci_cards": pci_cards()}


def _engine(order: Order) -> dict[str, Any]:
    return {"engine": asyncio.run(reach(order.engine)) if order.engine else None}


def _disk(_: Order) -> dict[str, Any]:
    rooms = [machine.disk_room(folder) for folder in (ray_folder(), Path(tempfile.gettempdir()))]
    # Two folders of one disk have the same room.
    return {"disks": tuple({(room.free_bytes, room.total_bytes): room for room in reversed(rooms)}.values())}


def _memory(_: Order) -> dict[str, Any]:
    free, total = machine.memory()
    return {"memory_free_bytes": free, "memory_total_bytes": total, "shm_bytes": machine.shm_bytes()}


def _limits(_: Order) -> dict[str, Any]:
    return {"open_files": machine.open_files(), "niceness": machine.niceness()}


def _charts(_: Order) -> dict[str, Any]:
    began_s = SystemClock().monotonic()
    # Here, since it needs the data of time zones and matplotlib: where they are missing, the other checks still run.
    from catalyst_ray.core.charts import warm_up  # noqa: PLC0415

    warm_up()
    return {"chart_s": SystemClock().monotonic() - began_s}


def _zone(_: Order) -> dict[str, Any]:
    try:
        ZoneInfo(NEW_YORK)
    except ZoneInfoNotFoundError as error:
        raise CatalystError(f"no data of time zones: {error}") from error
    return {"zone": time.tzname[0]}


def _environment(_: Order) -> dict[str, Any]:
    # A worker has the environment that Ray was started with on its node; none of these is a setting.
    environment = os.environ  # noqa: TID251
    names = (*FOR_ALL, *FOR_CARDS, *FOR_HEADS)
    return {"unset": tuple(name for name in names if not environment.get(name))}


def _token(_: Order) -> dict[str, Any]:
    environment = os.environ  # noqa: TID251  (Ray's, and no settings)
    if environment.get("RAY_AUTH_TOKEN"):
        return {}
    path = Path(environment.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:  # without tokens there is none
        return {}
    return {"open_token": f"{path} (mode {mode:04o})" if is_open_to_others(mode) else ""}


CHECKS: Mapping[str, Callable[[Order], dict[str, Any]]] = {
    "versions": _versions,
    "GPUs": _gpus,
    "engine": _engine,
    "disk": _disk,
    "memory": _memory,
    "limits": _limits,
    "charts": _charts,
    "time zones": _zone,
    "environment": _environment,
    "token file": _token,
}
"""Each returns fields of ``NodeFacts``."""
