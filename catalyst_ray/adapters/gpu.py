"""Reads GPUs by NVML, through the module ``pynvml`` of the distribution nvidia-ml-py. Judges nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from catalyst_ray.models import GpuSample

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class NvmlProbe:
    """One reading a GPU; nothing where there is no driver.

    Args:
        nvml: The module, or something that behaves like it; ``pynvml`` when None.
    """

    def __init__(self, nvml: Any = None) -> None:
        if nvml is None:
            import pynvml  # noqa: PLC0415  (loads a C library: only when GPUs are asked for)
        self._nvml: Any = nvml or pynvml
        self.reason = ""
        """Why there are no GPUs to read, after ``sample`` returned none."""

    def sample(self) -> list[GpuSample]:
        """Return one reading a GPU, in the order of the PCI bus; empty without GPU or driver."""
        nvml = self._nvml
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            self.reason = str(error)
            return []
        try:
            return [self._read(index) for index in range(nvml.nvmlDeviceGetCount())]
        except nvml.NVMLError as error:
            self.reason = str(error)
            return []
        finally:
            nvml.nvmlShutdown()

    def _read(self, index: int) -> GpuSample:
        nvml = self._nvml
        device = nvml.nvmlDeviceGetHandleByIndex(index)
        rates = self._ask(nvml.nvmlDeviceGetUtilizationRates, device)
        # The second form leaves out what the driver keeps for itself (0.5 GB of an H100), as nvidia-smi does.
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, device, nvml.nvmlMemory_v2)
        memory = memory or self._ask(nvml.nvmlDeviceGetMemoryInfo, device)
        power_mw = self._ask(nvml.nvmlDeviceGetPowerUsage, device)
        celsius = self._ask(nvml.nvmlDeviceGetTemperature, device, nvml.NVML_TEMPERATURE_GPU)
        return GpuSample(
            index=index,
            uuid=_text(nvml.nvmlDeviceGetUUID(device)),
            name=_text(nvml.nvmlDeviceGetName(device)),
            utilisation_pct=None if rates is None else float(rates.gpu),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            power_w=None if power_mw is None else power_mw / 1000.0,
            temperature_c=None if celsius is None else float(celsius),
        )

    def _ask(self, question: Callable[..., T], *about: Any) -> T | None:
        """Return a figure, or None where this card or driver does not give it."""
        try:
            return question(*about)
        except self._nvml.NVMLError:
            return None


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
