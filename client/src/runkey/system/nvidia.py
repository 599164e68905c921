"""NVIDIA's graphics cards, by NVML (the package `nvidia-ml-py`, where it is installed and finds a driver).

What a card cannot tell is left out for it: NVML answers every question for itself.
"""

from collections.abc import Callable
from typing import Any

_PERCENT = 100.0


class NvidiaCards:
    """The cards of this machine. Raises ImportError without the package, and the package's own error without a driver."""

    def __init__(self) -> None:
        """Begin to talk to the driver."""
        import pynvml  # optional dependency

        self._nvml: Any = pynvml
        pynvml.nvmlInit()
        self._cards = [pynvml.nvmlDeviceGetHandleByIndex(number) for number in range(pynvml.nvmlDeviceGetCount())]

    def read(self) -> dict[str, float]:
        """Give the figures of this moment."""
        row: dict[str, float] = {}
        for number, card in enumerate(self._cards):
            row |= {f"system.gpu.{number}.{name}": value for name, value in self._read_card(card).items()}
        return row

    def describe(self) -> list[dict[str, Any]]:
        """Say what the cards are: name, and memory in bytes."""
        said = []
        for card in self._cards:
            name = self._ask(self._nvml.nvmlDeviceGetName, card)
            memory = self._ask(self._nvml.nvmlDeviceGetMemoryInfo, card)
            card_said = {"name": name.decode() if isinstance(name, bytes) else name}
            said.append(card_said if memory is None else card_said | {"memoryTotal": str(memory.total)})
        return said

    def close(self) -> None:
        """End the talk with the driver."""
        self._ask(self._nvml.nvmlShutdown)

    def _read_card(self, card: Any) -> dict[str, float]:
        nvml, ask, row = self._nvml, self._ask, dict[str, float]()
        usage = ask(nvml.nvmlDeviceGetUtilizationRates, card)
        if usage is not None:
            row |= {"gpu": usage.gpu, "memory": usage.memory}
        memory = ask(nvml.nvmlDeviceGetMemoryInfo, card)
        if memory is not None:
            row |= {"memoryAllocatedBytes": memory.used, "memoryAllocated": _PERCENT * memory.used / memory.total}
        others = {
            "temp": ask(nvml.nvmlDeviceGetTemperature, card, nvml.NVML_TEMPERATURE_GPU),
            "fanSpeed": ask(nvml.nvmlDeviceGetFanSpeed, card),
            "smClock": ask(nvml.nvmlDeviceGetClockInfo, card, nvml.NVML_CLOCK_SM),
            "memoryClock": ask(nvml.nvmlDeviceGetClockInfo, card, nvml.NVML_CLOCK_MEM),
            "graphicsClock": ask(nvml.nvmlDeviceGetClockInfo, card, nvml.NVML_CLOCK_GRAPHICS),
        }
        row |= {name: value for name, value in others.items() if value is not None}
        return row | self._read_power(card)

    def _read_power(self, card: Any) -> dict[str, float]:
        """Power comes in milliwatts."""
        used, limit = self._ask(self._nvml.nvmlDeviceGetPowerUsage, card), self._ask(self._nvml.nvmlDeviceGetEnforcedPowerLimit, card)
        row: dict[str, float] = {}
        if used is not None:
            row["powerWatts"] = used / 1000
        if limit:
            row["enforcedPowerLimitWatts"] = limit / 1000
        if used is not None and limit:
            row["powerPercent"] = _PERCENT * used / limit
        return row

    def _ask(self, question: Callable[..., Any], *about: Any) -> Any:
        try:
            return question(*about)
        except self._nvml.NVMLError:
            return None
