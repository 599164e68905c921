"""The same figures on other systems (macOS, Windows), by psutil where it is installed."""

import os
import shutil
from typing import Any

MEBIBYTE = 1024 * 1024


class PsutilGauge:
    """What psutil knows. Raises ImportError without it."""

    def __init__(self) -> None:
        """Take the counters' first reading."""
        import psutil  # optional dependency

        self._psutil: Any = psutil
        self._process: Any = psutil.Process()
        self._network = psutil.net_io_counters()
        self._cores = os.cpu_count() or 1
        self._has_cpu = False

    def read(self, now: float) -> dict[str, float]:
        """Give the figures of this moment. CPU is that since the last reading, so the first has none."""
        memory, network = self._psutil.virtual_memory(), self._psutil.net_io_counters()
        busy = self._process.cpu_percent() / self._cores
        row: dict[str, float] = {
            "system.proc.cpu.threads": self._process.num_threads(),
            "system.proc.memory.rssMB": self._process.memory_info().rss / MEBIBYTE,
            "system.proc.memory.percent": self._process.memory_percent(),
            "system.proc.memory.availableMB": memory.available / MEBIBYTE,
            "system.memory_percent": memory.percent,
        }
        if network is not None and self._network is not None:
            row["system.network.sent"] = network.bytes_sent - self._network.bytes_sent
            row["system.network.recv"] = network.bytes_recv - self._network.bytes_recv
        if self._has_cpu:
            row["system.cpu"] = busy
        self._has_cpu = True
        return row | disk_usage()


class PlainGauge:
    """What the standard library knows anywhere."""

    def read(self, now: float) -> dict[str, float]:
        """Give the figures of this moment."""
        return disk_usage()


def disk_usage() -> dict[str, float]:
    """Of the file system at the root of the current drive."""
    usage = shutil.disk_usage(os.sep)
    return {"system.disk./.usageGB": usage.used / 1024**3, "system.disk./.usagePercent": 100 * usage.used / (usage.used + usage.free)}
