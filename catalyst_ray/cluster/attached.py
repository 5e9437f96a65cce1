"""Replicas of another driver on the same cluster: used, never owned. A script shares a running driver's GPUs so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import ray
from ray.util import list_named_actors

from catalyst_ray.cluster.placement import ReplicaPlan
from catalyst_ray.cluster.remote_replica import START, RemoteReplica
from catalyst_ray.errors import ReplicaLost

if TYPE_CHECKING:
    from catalyst_ray.cluster.llm_replica import ReplicaInfo

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
NAMESPACE = "catalyst-"
"""Start of the namespace in which every driver keeps its replicas."""
_NO_PLAN = ReplicaPlan(start=0, limit=0, num_gpus=0.0, words="another driver's")


class AttachedReplica(RemoteReplica):
    """A replica that somebody else started, and ends."""

    is_ours = False

    def __init__(self, name: str, actor: Any, *, workers: int) -> None:
        super().__init__(None, name, plan=_NO_PLAN, workers=workers)
        self._actor = actor

    async def start(self, timeout_s: float, *, fresh: bool = False) -> ReplicaInfo:  # noqa: ARG002  (not ours to start anew)
        """Return where it runs.

        Raises:
            ReplicaLost: It is gone, or this was closed.
        """
        if self._actor is None:
            raise ReplicaLost("it is not ours any more", key=self.name)
        info: ReplicaInfo = await self._call(self._actor.start.options(name=START).remote(), timeout_s)
        return info

    def restart(self) -> None:
        """Leave it to its owner."""
        log.info("not ours to restart", extra={"replica": self.name})

    async def close(self) -> None:
        """Let it go."""
        self.kill()

    def kill(self) -> None:
        """Let it go."""
        self._actor = None


def running_replicas(label: str, *, workers: int) -> list[AttachedReplica]:
    """Return the replicas that other drivers of this cluster run, if any."""
    found = []
    for named in list_named_actors(all_namespaces=True):
        name, namespace = named["name"], named["namespace"]
        if namespace.startswith(NAMESPACE) and name.startswith(f"{label}-"):
            try:
                actor = RAY.get_actor(name, namespace=namespace)
            except ValueError:  # it ended between the list and the look
                continue
            found.append(AttachedReplica(f"{namespace}/{name}", actor, workers=workers))
    return found
