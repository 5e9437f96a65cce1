"""Reads GPUs by NVML, through the module ``pynvml`` of the distribution nvidia-ml-py. Judges nothing.

Knows process numbers as the driver gives them, and not whose they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.models import GpuProcess, GpuSample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self

T = TypeVar("T")

REOPEN_S = 60.0
"""Rest between two looks for a driver or card that is not there: opening NVML takes up to a second."""
MAX_PROCESSES = 32
"""Of a card, those with the most memory."""
THROTTLE = {
    "SwPowerCap": "power limit",
    "HwSlowdown": "hardware slowdown",
    "SyncBoost": "in step with slower cards",
    "SwThermalSlowdown": "heat",
    "HwThermalSlowdown": "heat (hardware)",
    "HwPowerBrakeSlowdown": "power brake",
    "ApplicationsClocksSetting": "clocks set lower",
    "DisplayClockSetting": "display clocks",
}
"""NVML's clock event reasons, without that of an idle card: https://docs.nvidia.com/deploy/nvml-api/."""
LOST = ("UNINITIALIZED", "DRIVER_NOT_LOADED", "GPU_IS_LOST", "RESET_REQUIRED", "GPU_NOT_FOUND")
"""Errors after which a card gives no figure until NVML is opened anew; any other is one figure's."""


class _Lost(Exception):
    """A card does not answer any more."""


@dataclass(frozen=True, slots=True)
class _Card:
    index: int
    handle: Any
    uuid: str
    name: str
    mig_of: str | None = None
    parts: int = 0
    """How many MIG instances it may have; 0 where it is whole."""

    def __str__(self) -> str:
        return f"GPU {self.index} ({self.name}, {self.uuid})"


class NvmlProbe:
    """Reads every card of this machine; nothing where there is no driver.

    NVML stays open from one reading to the next. What is wrong is told once, by ``take_news``, and never raised.

    Args:
        nvml: The module, or something that behaves like it; ``pynvml`` when None.
        monotonic: Seconds of a clock that never goes back; this machine's when None.
    """

    def __init__(self, nvml: Any = None, *, monotonic: Callable[[], float] | None = None) -> None:
        if nvml is None:
            import pynvml  # noqa: PLC0415  (loads a C library: only when GPUs are asked for)
        self._nvml: Any = nvml or pynvml
        self._monotonic = monotonic or SystemClock().monotonic
        self._cards: list[_Card] = []
        self._lost: set[str] = set()
        self._refused: set[int] = set()
        self._is_open = False
        self._look_again_s = float("-inf")
        self._news: list[str] = []
        self.reason = ""
        """Why there are no GPUs to read, after ``sample`` returned none."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sample(self, *, full: bool = True, energy: bool = True) -> list[GpuSample]:
        """Return one reading a card, in the order of the PCI bus, the parts of a card after it.

        Args:
            full: Also what changes slowly: temperature, clocks, throttle reasons, processes.
            energy: Also the energy counter, which takes ten times as long as all the rest: 3.4 ms of an H100.
        """
        if not self._ready():
            return []
        found: list[GpuSample] = []
        for card in tuple(self._cards):
            try:
                parts = self._parts(card)
                found.extend(self._read(one, full=full, energy=energy) for one in chain([card], parts))
            except _Lost as lost:
                self._lose(card, str(lost))
        return found

    def take_news(self) -> tuple[str, ...]:
        """Return what went wrong, or right again, since this was asked last."""
        news, self._news = tuple(self._news), []
        return news

    def driver(self) -> str:
        """Return the driver's version; empty while NVML is not open, or where it does not say."""
        try:
            return _text(self._nvml.nvmlSystemGetDriverVersion()) if self._is_open else ""
        except self._nvml.NVMLError:
            return ""

    def close(self) -> None:
        """Close NVML; the next reading opens it again."""
        self._cards = []
        if self._is_open:
            self._is_open = False
            with suppress(self._nvml.NVMLError):  # it was closed by the driver's end
                self._nvml.nvmlShutdown()

    def _ready(self) -> bool:
        """Return whether NVML is open; opens it anew from time to time where it is not, or a card is missing."""
        now_s = self._monotonic()
        is_whole = self._is_open and not self._lost
        if is_whole or now_s < self._look_again_s:
            return self._is_open
        self.close()
        self._look_again_s = now_s + REOPEN_S
        try:
            self._nvml.nvmlInit()
            self._is_open = True
            self._cards = list(self._find())
        except self._nvml.NVMLError as error:
            self.close()
            if str(error) != self.reason:
                self._tell(f"no GPUs to read: {error}")
            self.reason = str(error)
            return False
        for card in self._cards:
            if self._lost & {card.uuid, _nameless(card.index)}:
                self._lost -= {card.uuid, _nameless(card.index)}
                self._tell(f"{card} is back")
        self.reason = "" if self._cards else "NVML sees no card"
        return True

    def _find(self) -> Iterator[_Card]:
        for index in range(self._nvml.nvmlDeviceGetCount()):
            try:
                card = self._card(index)
            except _Lost as lost:
                if not self._lost:  # else it is one that was told of already
                    self._lost.add(_nameless(index))
                    self._tell(f"GPU {index} does not answer: {lost}")
            except self._nvml.NVMLError as error:
                if index not in self._refused:
                    self._refused.add(index)
                    self._tell(f"GPU {index} cannot be read: {error}")
            else:
                yield card

    def _card(self, index: int) -> _Card:
        nvml = self._nvml
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid, name = nvml.nvmlDeviceGetUUID(handle), nvml.nvmlDeviceGetName(handle)
        except nvml.NVMLError as error:
            if self._is_loss(error):
                raise _Lost(str(error)) from error
            raise
        mode = self._ask(nvml.nvmlDeviceGetMigMode, handle)
        parts = self._ask(nvml.nvmlDeviceGetMaxMigDeviceCount, handle) if mode and mode[0] else 0
        return _Card(index, handle, _text(uuid), _text(name), parts=parts or 0)

    def _parts(self, card: _Card) -> Iterator[_Card]:
        """Yield the MIG instances; asked for at each reading, since they come and go while NVML is open."""
        nvml = self._nvml
        for number in range(card.parts):
            handle = self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, card.handle, number)
            uuid = None if handle is None else self._ask(nvml.nvmlDeviceGetUUID, handle)
            if uuid is not None:
                name = self._ask(nvml.nvmlDeviceGetName, handle) or card.name
                yield _Card(card.index, handle, _text(uuid), _text(name), mig_of=card.uuid)

    def _read(self, card: _Card, *, full: bool, energy: bool) -> GpuSample:
        nvml, device = self._nvml, card.handle
        # A part has no utilisation of its own, and what there is for the card is wrong where it has parts.
        is_whole = card.mig_of is None and not card.parts
        rates = self._ask(nvml.nvmlDeviceGetUtilizationRates, device) if is_whole else None
        # The second form leaves out what the driver keeps for itself (0.5 GB of an H100), as nvidia-smi does.
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, device, nvml.nvmlMemory_v2)
        memory = memory or self._ask(nvml.nvmlDeviceGetMemoryInfo, device)
        power_mw = energy_mj = None
        if card.mig_of is None:
            power_mw = self._ask(nvml.nvmlDeviceGetPowerUsage, device)
            energy_mj = self._ask(nvml.nvmlDeviceGetTotalEnergyConsumption, device) if energy else None
        return GpuSample(
            index=card.index,
            uuid=card.uuid,
            name=card.name,
            mig_of=card.mig_of,
            utilisation_pct=None if rates is None else float(rates.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            power_w=None if power_mw is None else power_mw / 1000.0,
            energy_total_j=None if energy_mj is None else energy_mj / 1000.0,
            **(self._slow_figures(card) if full else {}),
        )

    def _slow_figures(self, card: _Card) -> dict[str, Any]:
        nvml, device = self._nvml, card.handle
        figures: dict[str, Any] = {}
        if not card.parts:  # the processes of a card with parts are each part's
            figures["processes"] = self._processes(device)
        if card.mig_of is None:
            celsius = self._ask(nvml.nvmlDeviceGetTemperature, device, nvml.NVML_TEMPERATURE_GPU)
            figures |= {
                "temperature_c": None if celsius is None else float(celsius),
                "sm_clock_mhz": self._ask(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_SM),
                "memory_clock_mhz": self._ask(nvml.nvmlDeviceGetClockInfo, device, nvml.NVML_CLOCK_MEM),
                "throttle": self._throttle(device),
            }
        return figures

    def _throttle(self, device: Any) -> tuple[str, ...] | None:
        # The same bits by their older name, for drivers before 535.
        for kind in ("Event", "Throttle"):
            bits = self._ask(getattr(self._nvml, f"nvmlDeviceGetCurrentClocks{kind}Reasons"), device)
            if bits is not None:
                names = {
                    word: getattr(self._nvml, f"nvmlClocks{kind}Reason{name}")
                    for name, word in THROTTLE.items()
                }
                return tuple(word for word, bit in names.items() if bits & bit)
        return None

    def _processes(self, device: Any) -> tuple[GpuProcess, ...] | None:
        lists = [self._running(kind, device) for kind in ("Compute", "Graphics")]
        if all(rows is None for rows in lists):
            return None
        held: dict[int, int] = {}
        for row in (row for rows in lists for row in rows or ()):
            # One that computes and draws stands in both lists, with all its memory.
            held[row.pid] = max(held.get(row.pid, 0), row.usedGpuMemory or 0)
        most = sorted(held.items(), key=lambda one: -one[1])[:MAX_PROCESSES]
        # None of it is what some drivers say to a container: a process that is listed holds some.
        return tuple(GpuProcess(pid=pid, memory_bytes=held_bytes or None) for pid, held_bytes in most)

    def _running(self, kind: str, device: Any) -> list[Any] | None:
        for version in ("_v3", "_v2"):
            question = getattr(self._nvml, f"nvmlDeviceGet{kind}RunningProcesses{version}")
            rows: list[Any] | None = self._ask(question, device)
            if rows is not None:
                return rows
        return None

    def _ask(self, question: Callable[..., T], *about: Any) -> T | None:
        """Return a figure, or None where this card or driver does not give it.

        Raises:
            _Lost: The card is gone, or all of NVML.
        """
        try:
            return question(*about)
        except self._nvml.NVMLError as error:
            if self._is_loss(error):
                raise _Lost(str(error)) from error
            return None

    def _is_loss(self, error: Any) -> bool:
        return error.value in {getattr(self._nvml, f"NVML_ERROR_{name}") for name in LOST}

    def _lose(self, card: _Card, words: str) -> None:
        self._cards.remove(card)
        self._lost.add(card.uuid)
        self.reason = words
        self._tell(f"{card} does not answer any more: {words}")

    def _tell(self, words: str) -> None:
        self._news.append(words)


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _nameless(index: int) -> str:
    return f"index {index}"
