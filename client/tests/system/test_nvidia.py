"""NVIDIA's cards, asked through a stand-in for the driver's library: there is no card where tests run."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from runkey.system.nvidia import NvidiaCards
from runkey.system.sampling import find_cards


class NVMLError(Exception):
    """As the library has it."""


def refuse(*_: Any) -> None:
    raise NVMLError


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Two cards; the second answers hardly anything."""

    def card_0(value: Any) -> Any:
        return lambda card, *_: value if card == 0 else refuse()

    made = ModuleType("pynvml")
    made.__dict__.update(
        NVMLError=NVMLError,
        NVML_TEMPERATURE_GPU=0,
        NVML_CLOCK_SM=1,
        NVML_CLOCK_MEM=2,
        NVML_CLOCK_GRAPHICS=0,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda number: number,
        nvmlDeviceGetName=lambda card: b"old card" if card else "card",
        nvmlDeviceGetUtilizationRates=card_0(SimpleNamespace(gpu=90, memory=40)),
        nvmlDeviceGetMemoryInfo=card_0(SimpleNamespace(used=25, total=100)),
        nvmlDeviceGetTemperature=lambda card, _: 60 + card,
        nvmlDeviceGetFanSpeed=refuse,
        nvmlDeviceGetClockInfo=card_0(1500),
        nvmlDeviceGetPowerUsage=card_0(150_000),
        nvmlDeviceGetEnforcedPowerLimit=card_0(300_000),
    )
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


def test_a_card_tells_what_it_can(library: ModuleType) -> None:
    cards = NvidiaCards()
    row = cards.read()
    assert {name: value for name, value in row.items() if ".1." in name} == {"system.gpu.1.temp": 61}
    assert (row["system.gpu.0.gpu"], row["system.gpu.0.memory"], row["system.gpu.0.memoryAllocated"]) == (90, 40, 25)
    assert (row["system.gpu.0.powerWatts"], row["system.gpu.0.powerPercent"]) == (150, 50)
    assert "system.gpu.0.fanSpeed" not in row
    assert cards.describe() == [{"name": "card", "memoryTotal": "100"}, {"name": "old card"}]
    cards.close()


def test_without_a_driver_there_are_no_cards(library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "nvmlInit", refuse)
    assert find_cards() is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert find_cards() is None
