"""GPUs for somebody who only looks: those that a running driver's samplers see, or this machine's. Owns no actor."""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import ray
from ray.exceptions import RayError
from ray.util import list_named_actors

from catalyst_ray.cluster.attached import NAMESPACE
from catalyst_ray.cluster.gpu_sampler import GpuSampler, each_once
from catalyst_ray.cluster.gpu_watch import NAME
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.errors import CatalystError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalyst_ray.models import GpuSample

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""
ANSWER_S = 2.0


@dataclass(frozen=True, slots=True)
class SeenGpus:
    """Cards at a moment; ``reason`` says why there are none."""

    cards: tuple[GpuSample, ...]
    reason: str = ""


class GpuView(Protocol):
    """Something that shows cards; ``where`` names it for people."""

    where: str

    def window(self, seconds: float) -> SeenGpus:
        """Return what the cards did in the last ``seconds``."""
        ...


class MachineGpus:
    """The cards of this machine, read here."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._sampler = GpuSampler(socket.gethostname())
        self._sampler.start()

    def window(self, seconds: float) -> SeenGpus:
        """Return what the cards did in the last ``seconds``."""
        found = self._sampler.window(seconds)
        return SeenGpus(found.cards, found.reason)

    def close(self) -> None:
        """End the reading."""
        self._sampler.close()


class DriversGpus:
    """The cards that the samplers of this cluster's drivers see; the list of samplers is made anew each time."""

    def __init__(self, address: str) -> None:
        self.where = f"cluster {address}"

    def count(self) -> int:
        """Return how many samplers there are."""
        return len(_samplers())

    def window(self, seconds: float) -> SeenGpus:
        """Return what the cards did in the last ``seconds``; samplers that do not answer in time are left out."""
        actors = _samplers()
        refs = [actor.window.remote(seconds) for actor in actors]
        if not refs:
            return SeenGpus((), "the driver has ended, and its samplers")
        done, late = RAY.wait(refs, num_returns=len(refs), timeout=ANSWER_S)
        windows = []
        for ref in done:
            try:
                windows.append(RAY.get(ref))
            except RayError as error:
                log.info("a sampler does not answer", extra={"why": type(error).__name__})
        reason = f"{len(late)} samplers do not answer" if late else "the samplers see no card now"
        return SeenGpus(each_once(windows), reason)


@contextmanager
def gpu_view(address: str | None) -> Iterator[GpuView]:
    """Look through the samplers of the driver that runs at ``address`` or on this machine; else at this machine.

    Raises:
        CatalystError: ``address`` is given, and no cluster answers there or it refuses us.
    """
    with ExitStack() as stack:
        where = "this machine"
        try:
            session = stack.enter_context(ray_session(address or "auto", dashboard=False, allow_open=None))
        except CatalystError:
            if address is not None:
                raise
        else:
            drivers = DriversGpus(session.address)
            if drivers.count():
                yield drivers
                return
            where = f"this machine (no driver watches GPUs at {session.address})"
        machine = MachineGpus(where)
        stack.callback(machine.close)
        yield machine


def _samplers() -> list[Any]:
    found = []
    for named in list_named_actors(all_namespaces=True):
        name, namespace = named["name"], named["namespace"]
        if namespace.startswith(NAMESPACE) and name.startswith(NAME):
            with suppress(ValueError):  # it ended between the list and the look
                found.append(RAY.get_actor(name, namespace=namespace))
    return found
