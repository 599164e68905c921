"""This process and its machine by Linux's /proc (proc(5)): a gauge that gives figures under their names."""

import os
from pathlib import Path

MEBIBYTE = 1024 * 1024
_SECTOR_BYTES = 512
"""The unit of /proc/diskstats, whatever the disk's own (kernel documentation, iostats)."""

_LOOPBACK = "lo"


class LinuxGauge:
    """What is counted from when it was made on: bytes to and from the network and the disk. proc: where the kernel's files are."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        """Take the counters' first reading. Raises OSError, ValueError, IndexError where this is no Linux as it is known."""
        self._proc = proc
        self._ticks_a_second = os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._cores = os.cpu_count() or 1
        self._disk = _device_of_root(proc)
        self._network = self._read_network()
        self._retransmits = self._read_retransmits()
        self._disk_bytes = self._read_disk()
        self._busy: tuple[float, float] | None = None

    def read(self, now: float) -> dict[str, float]:
        """Give the figures of this moment. now: monotonic seconds. CPU is that since the last reading, so the first has none."""
        row = self._process(now) | self._memory() | _root_usage()
        received, sent = self._read_network()
        row |= {"system.network.recv": received - self._network[0], "system.network.sent": sent - self._network[1]}
        row["system.network.tcpRetransmits"] = self._read_retransmits() - self._retransmits
        if self._disk is not None:
            read, written = self._read_disk()
            row[f"system.disk.{self._disk}.in"] = (read - self._disk_bytes[0]) / MEBIBYTE
            row[f"system.disk.{self._disk}.out"] = (written - self._disk_bytes[1]) / MEBIBYTE
        return row

    def _process(self, now: float) -> dict[str, float]:
        """CPU is this process', of all cores together, as the official client has it."""
        # The name in the second field may hold spaces and brackets.
        fields = self._text("self/stat").rpartition(")")[2].split()
        busy_seconds = (int(fields[11]) + int(fields[12])) / self._ticks_a_second
        resident = int(fields[21]) * self._page_bytes
        row: dict[str, float] = {"system.proc.cpu.threads": int(fields[17]), "system.proc.memory.rssMB": resident / MEBIBYTE}
        row["system.proc.memory.percent"] = 100 * resident / self._memory_bytes()[0]
        if self._busy is not None and now > self._busy[1]:
            row["system.cpu"] = 100 * (busy_seconds - self._busy[0]) / (now - self._busy[1]) / self._cores
        self._busy = (busy_seconds, now)
        return row

    def _memory(self) -> dict[str, float]:
        total, available = self._memory_bytes()
        return {"system.memory_percent": 100 * (total - available) / total, "system.proc.memory.availableMB": available / MEBIBYTE}

    def _memory_bytes(self) -> tuple[int, int]:
        lines = dict(line.split(":", 1) for line in self._text("meminfo").splitlines())
        return tuple(1024 * int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))  # type: ignore[return-value]

    def _read_network(self) -> tuple[int, int]:
        """Give bytes received and sent, by every interface but the loopback."""
        received = sent = 0
        for line in self._text("net/dev").splitlines()[2:]:
            name, _, counts = line.partition(":")
            if name.strip() != _LOOPBACK:
                fields = counts.split()
                received, sent = received + int(fields[0]), sent + int(fields[8])
        return received, sent

    def _read_retransmits(self) -> int:
        names, numbers = (line.split() for line in self._text("net/snmp").splitlines() if line.startswith("Tcp:"))
        return int(numbers[names.index("RetransSegs")])

    def _read_disk(self) -> tuple[int, int]:
        for line in self._text("diskstats").splitlines():
            fields = line.split()
            if fields[2] == self._disk:
                return int(fields[5]) * _SECTOR_BYTES, int(fields[9]) * _SECTOR_BYTES
        return 0, 0

    def _text(self, name: str) -> str:
        return (self._proc / name).read_text()


def _root_usage() -> dict[str, float]:
    """Of the file system at /: percent of what can be used by people, as df says."""
    root = os.statvfs("/")
    used = (root.f_blocks - root.f_bfree) * root.f_frsize
    usable = used + root.f_bavail * root.f_frsize
    return {"system.disk./.usageGB": used / 1024**3, "system.disk./.usagePercent": 100 * used / usable if usable else 0.0}


def _device_of_root(proc: Path) -> str | None:
    """Give the name of the device that / lies on, as /proc/diskstats calls it; None where it is none (a network's, a container's)."""
    device = next((f[2] for f in (line.split() for line in (proc / "self/mountinfo").read_text().splitlines()) if f[4] == "/"), None)
    for line in (proc / "diskstats").read_text().splitlines():
        fields = line.split()
        if f"{fields[0]}:{fields[1]}" == device:
            return fields[2]
    return None
