"""NVML by hand: cards whose figures a test sets, with the errors of the real one."""

# ruff: noqa: N802, N815  (the names are NVML's)

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

NOT_SUPPORTED, NO_PERMISSION, FUNCTION_NOT_FOUND, GPU_IS_LOST = 3, 4, 13, 15
WORDS = {
    1: "Uninitialized",
    3: "Not Supported",
    4: "Insufficient Permissions",
    6: "Not Found",
    9: "Driver Not Loaded",
    13: "Function Not Found",
    15: "GPU is lost",
}


class NvmlError(Exception):
    """What NVML raises; knows its number."""

    def __init__(self, value):
        super().__init__(WORDS[value])
        self.value = value


@dataclass(eq=False)
class Card:
    """A card or a part of one; a figure that is None is not supported."""

    uuid: str = "GPU-0"
    name: str | bytes = "L4"
    use: int | None = 37
    used: int = 2**30
    total: int = 24 * 2**30
    reserved: int = 2**29
    power_mw: int | None = 41_500
    energy_mj: int | None = 1_000_000
    celsius: int | None = 55
    sm_mhz: int | None = 1_980
    memory_mhz: int | None = 2_619
    reasons: int | None = 0
    compute: dict[int, int | None] | None = field(default_factory=dict)
    graphics: dict[int, int | None] | None = field(default_factory=dict)
    parts: list[Card] | None = None
    error: int = 0
    """Every question about the card ends in it."""


def _said(value):
    if value is None:
        raise NvmlError(NOT_SUPPORTED)
    return value


class FakeNvml:
    """Behaves like the module ``pynvml``.

    Args:
        cards: The cards; ``driver`` False: there is none. ``missing`` functions an older driver does not have.
    """

    NVMLError = NvmlError
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM, NVML_CLOCK_MEM = 1, 2
    NVML_ERROR_UNINITIALIZED, NVML_ERROR_DRIVER_NOT_LOADED, NVML_ERROR_GPU_IS_LOST = 1, 9, 15
    NVML_ERROR_RESET_REQUIRED, NVML_ERROR_GPU_NOT_FOUND = 16, 28
    nvmlMemory_v2 = 2

    def __init__(self, cards=None, *, driver=True, missing=()):
        self.cards = [Card()] if cards is None else cards
        self.driver = driver
        self.missing = missing
        self.opened = 0
        self.open = 0
        self.asked = []
        for kind in ("Event", "Throttle"):
            names = ("SwPowerCap", "HwSlowdown", "SyncBoost", "SwThermalSlowdown", "HwThermalSlowdown")
            for bit, name in enumerate((*names, "HwPowerBrakeSlowdown", "DisplayClockSetting"), 2):
                setattr(self, f"nvmlClocks{kind}Reason{name}", 1 << bit)
            setattr(self, f"nvmlClocks{kind}ReasonApplicationsClocksSetting", 2)

    def nvmlInit(self):
        if not self.driver:
            raise NvmlError(9)
        self.open += 1
        self.opened += 1

    def nvmlShutdown(self):
        if not self.open:
            raise NvmlError(1)
        self.open -= 1

    def nvmlSystemGetDriverVersion(self):
        if "driver" in self.missing:
            raise NvmlError(FUNCTION_NOT_FOUND)
        return "570.86.15"

    def nvmlDeviceGetCount(self):
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        return self._ask("handle", self.cards[index])

    def nvmlDeviceGetUUID(self, card):
        return self._ask("uuid", card).uuid

    def nvmlDeviceGetName(self, card):
        return self._ask("name", card).name

    def nvmlDeviceGetMigMode(self, card):
        if self._ask("mig", card).parts is None:
            raise NvmlError(NOT_SUPPORTED)
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, card):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, card, index):
        if index >= len(card.parts):
            raise NvmlError(6)
        return card.parts[index]

    def nvmlDeviceGetUtilizationRates(self, card):
        return SimpleNamespace(gpu=_said(self._ask("use", card).use))

    def nvmlDeviceGetMemoryInfo(self, card, version=None):
        name = "memory_v2" if version else "memory"
        kept = 0 if version else card.reserved
        return SimpleNamespace(used=self._ask(name, card).used + kept, total=card.total)

    def nvmlDeviceGetPowerUsage(self, card):
        return _said(self._ask("power", card).power_mw)

    def nvmlDeviceGetTotalEnergyConsumption(self, card):
        return _said(self._ask("energy", card).energy_mj)

    def nvmlDeviceGetTemperature(self, card, sensor):
        return _said(self._ask("temperature", card).celsius)

    def nvmlDeviceGetClockInfo(self, card, kind):
        return _said(self._ask("clock", card).sm_mhz if kind == 1 else card.memory_mhz)

    def nvmlDeviceGetCurrentClocksEventReasons(self, card):
        return _said(self._ask("event", card).reasons)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, card):
        return _said(self._ask("throttle", card).reasons)

    def nvmlDeviceGetComputeRunningProcesses_v3(self, card):
        return self._running("compute_v3", card)

    def nvmlDeviceGetComputeRunningProcesses_v2(self, card):
        return self._running("compute_v2", card)

    def nvmlDeviceGetGraphicsRunningProcesses_v3(self, card):
        return self._running("graphics_v3", card)

    def nvmlDeviceGetGraphicsRunningProcesses_v2(self, card):
        return self._running("graphics_v2", card)

    def _running(self, name, card):
        held = _said(getattr(self._ask(name, card), name[:-3]))
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in held.items()]

    def _ask(self, name, card):
        self.asked.append(name)
        if not self.open:
            raise NvmlError(1)
        if name in self.missing:
            raise NvmlError(FUNCTION_NOT_FOUND)
        if card.error:
            raise NvmlError(card.error)
        return card
