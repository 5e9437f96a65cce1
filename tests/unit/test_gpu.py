"""The GPU probe against a hand-written NVML: full cards, cards that do not say, no driver."""

from __future__ import annotations

from types import SimpleNamespace

from catalyst_ray.adapters.gpu import NvmlProbe


class Nvml:
    """Two cards; the second is a small one that reports no power or utilisation."""

    NVML_TEMPERATURE_GPU = 0
    nvmlMemory_v2 = 2  # noqa: N815

    class NVMLError(Exception):
        """What NVML raises."""

    def __init__(self, *, driver: bool = True, old: bool = False) -> None:
        self.driver = driver
        self.old = old
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetUUID(self, device: int) -> str:  # noqa: N802
        return f"GPU-{device}"

    def nvmlDeviceGetName(self, device: int) -> bytes:  # noqa: N802
        return b"L4"

    def nvmlDeviceGetUtilizationRates(self, device: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=self._only_first(device, 37))

    def nvmlDeviceGetMemoryInfo(self, device: int, version: int | None = None) -> SimpleNamespace:  # noqa: N802
        if version and self.old:
            raise self.NVMLError("Function Not Found")
        reserved = 0 if version else 2**29
        return SimpleNamespace(used=2**30 + reserved, total=24 * 2**30)

    def nvmlDeviceGetPowerUsage(self, device: int) -> int:  # noqa: N802
        return self._only_first(device, 41_500)

    def nvmlDeviceGetTemperature(self, device: int, sensor: int) -> int:  # noqa: N802
        return 55

    def _only_first(self, device: int, value: int) -> int:
        if device:
            raise self.NVMLError("Not Supported")
        return value


def test_every_figure_has_its_unit() -> None:
    """A card's figures come in per cent, bytes, watts and degrees, and NVML is closed again."""
    nvml = Nvml()
    first = NvmlProbe(nvml).sample()[0]
    figures = (first.utilisation_pct, first.memory_used_bytes, first.power_w, first.temperature_c)
    assert (first.uuid, first.name, figures) == ("GPU-0", "L4", (37.0, 2**30, 41.5, 55.0))
    assert nvml.open == 0


def test_what_a_card_does_not_say_is_none() -> None:
    """A figure that a card does not support is None; the others are there."""
    second = NvmlProbe(Nvml()).sample()[1]
    assert (second.power_w, second.utilisation_pct) == (None, None)
    assert second.memory_total_bytes == 24 * 2**30


def test_memory_is_what_programs_hold() -> None:
    """What the driver keeps for itself counts as used only where it is too old to tell the two apart."""
    used = [NvmlProbe(Nvml(old=old)).sample()[0].memory_used_bytes for old in (False, True)]
    assert used == [2**30, 2**30 + 2**29]


def test_no_driver_is_no_error() -> None:
    """Without a driver there are no GPUs, and the reason can be told."""
    probe = NvmlProbe(Nvml(driver=False))
    assert probe.sample() == []
    assert probe.reason == "Driver Not Loaded"


def test_real_library_on_this_machine() -> None:
    """The real module loads and answers with a list, whether or not there is a GPU."""
    probe = NvmlProbe()
    assert isinstance(probe.sample(), list)
