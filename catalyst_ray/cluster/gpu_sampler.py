"""Reads one node's GPUs twice a second and says what they did: a plain class, made into a Ray actor by ``gpu_watch``.

Needs no Ray: the command ``gpu`` uses it for this machine.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.adapters.gpu_processes import ProcessTree
from catalyst_ray.core.gpu_window import Reading, sum_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from catalyst_ray.models import GpuSample

log = logging.getLogger(__name__)

READ_EVERY_S = 0.5
FULL_EVERY = 4
"""Every fourth reading is a full one: processes and clocks every two seconds."""
REST_S = 10.0
"""Rest after a reading without any card."""
KEPT = 1_200
"""Readings kept: ten minutes. A longer span is answered from those."""


@dataclass(frozen=True, slots=True)
class NodeGpuWindow:
    """What a node's cards did; ``reason`` says why there are none, ``news`` what is told once."""

    cards: tuple[GpuSample, ...]
    reason: str = ""
    news: tuple[str, ...] = ()


def each_once(windows: Iterable[NodeGpuWindow]) -> tuple[GpuSample, ...]:
    """Return the cards of several nodes by node and place; one that two nodes of a machine see stands once."""
    cards = {card.uuid: card for window in windows for card in window.cards}
    places = {uuid: place for place, uuid in enumerate(cards)}
    return tuple(sorted(cards.values(), key=lambda card: (card.node or "", card.index, places[card.uuid])))


class GpuSampler:
    """A ring of readings of this machine's cards.

    Args:
        node: Host name, for the samples.
        make_probe: Opens what reads the cards.
    """

    def __init__(
        self,
        node: str,
        *,
        make_probe: Callable[[], NvmlProbe] = NvmlProbe,
        tree: ProcessTree | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._node = node
        self._probe = make_probe()
        self._tree = tree or ProcessTree()
        self._monotonic = monotonic or SystemClock().monotonic
        self._ring: deque[Reading] = deque(maxlen=KEPT)
        self._replicas: Mapping[int, str] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._reads = 0
        self._broken = ""
        self._news: list[str] = []

    def start(self) -> None:
        """Read from now on, in a thread."""
        threading.Thread(target=self._keep_reading, name="gpu-sampler", daemon=True).start()

    def close(self) -> None:
        """End the reading."""
        self._stop.set()
        with self._lock:
            self._probe.close()

    def read(self) -> bool:
        """Take the next reading; return whether there was a card."""
        with self._lock:
            self._reads += 1
            return self._read(full=self._reads % FULL_EVERY == 1)

    def window(self, seconds: float, replicas: Mapping[int, str] | None = None) -> NodeGpuWindow:
        """Return what the cards did in the last ``seconds``, up to a reading that is taken now.

        ``replicas`` are the names of the replicas on this machine by process number, for this call and those after
        it; who does not know them gives None, and is told no news.
        """
        with self._lock:
            if replicas is not None:
                self._replicas = dict(replicas)
            self._read(full=True, energy=True)
            found = sum_up(list(self._ring), since_s=self._monotonic() - seconds)
            cards = tuple(replace(card, node=self._node) for card in found)
            news: tuple[str, ...] = ()
            if replicas is not None:
                news, self._news = (*self._probe.take_news(), *self._news), []
            return NodeGpuWindow(cards, self._broken or self._probe.reason, news)

    def _read(self, *, full: bool, energy: bool = False) -> bool:
        try:
            cards = self._probe.sample(full=full, energy=energy)
            found = tuple(self._named(cards) if full else cards)
            self._broken = ""
        except Exception as error:  # the boundary of a reading: the next one may do better
            words = f"reading the GPUs failed: {type(error).__name__}: {error}"
            if words != self._broken:
                log.exception("reading the GPUs failed")
                self._news.append(words)
            self._broken = words
            found = ()
        self._ring.append(Reading(self._monotonic(), found))
        return bool(found)

    def _named(self, cards: list[GpuSample]) -> list[GpuSample]:
        lines = self._tree.lines({one.pid for card in cards for one in card.processes or ()})
        whose = {
            pid: next((self._replicas[one] for one in line if one in self._replicas), None)
            for pid, line in lines.items()
        }
        return [
            replace(card, processes=tuple(replace(one, replica=whose.get(one.pid)) for one in card.processes))
            if card.processes
            else card
            for card in cards
        ]

    def _keep_reading(self) -> None:
        rest_s = 0.0
        while not self._stop.wait(rest_s):
            rest_s = READ_EVERY_S if self.read() else REST_S


class NodeSampler:
    """The actor of a node: its sampler, reading."""

    def __init__(self, node: str, make_probe: Callable[[], NvmlProbe]) -> None:
        self._name = f"gpus of {node}"
        self._sampler = GpuSampler(node, make_probe=make_probe)
        self._sampler.start()

    def __repr__(self) -> str:
        """Return the name that Ray's dashboard and logs show."""
        return self._name

    def window(self, seconds: float, replicas: Mapping[int, str] | None = None) -> NodeGpuWindow:
        """Return what the cards did; as ``GpuSampler.window``."""
        return self._sampler.window(seconds, replicas)
