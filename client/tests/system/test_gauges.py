"""The figures of a machine, read from a /proc that is written here, and from this machine's own."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from runkey.runs import Settings
from runkey.system import start
from runkey.system.elsewhere import PlainGauge, PsutilGauge
from runkey.system.linux import LinuxGauge
from runkey.system.sampling import make_gauge

MEBIBYTE = 1024 * 1024


def write_proc(proc: Path, *, busy_ticks: int, received: int, sent: int, sectors: int, retransmits: int) -> None:
    fields = ["S", *["0"] * 10, str(busy_ticks), "0", *["0"] * 4, "3", "0", "0", "0", "256", *["0"] * 10]
    (proc / "self").mkdir(parents=True, exist_ok=True)
    (proc / "self/stat").write_text(f"7 (odd ) name) {' '.join(fields)}")
    (proc / "self/mountinfo").write_text("1 0 8:1 / / rw - ext4 /dev/x rw\n2 0 0:5 / /dev rw - tmpfs x rw\n")
    (proc / "meminfo").write_text("MemTotal: 4096 kB\nMemFree: 1 kB\nMemAvailable: 1024 kB\n")
    (proc / "net").mkdir(exist_ok=True)
    (proc / "net/dev").write_text(f"a\nb\n    lo: 99 {'0 ' * 7}99 0\n  eth0:{received} {'0 ' * 7}{sent} 0\n")
    (proc / "net/snmp").write_text(f"Ip: A\nIp: 1\nTcp: A RetransSegs\nTcp: 1 {retransmits}\n")
    (proc / "diskstats").write_text(f"8 0 sda 1 0 1 0 1 0 1 0\n8 1 sda1 1 0 {sectors} 0 1 0 {2 * sectors} 0\n")


def test_linux_figures_are_counted_from_the_beginning_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr("os.sysconf", {"SC_CLK_TCK": 100, "SC_PAGE_SIZE": 4096}.__getitem__)
    write_proc(tmp_path, busy_ticks=1000, received=5, sent=7, sectors=2048, retransmits=1)
    gauge = LinuxGauge(tmp_path)
    first = gauge.read(10.0)
    assert "system.cpu" not in first
    assert (first["system.proc.memory.rssMB"], first["system.proc.memory.percent"]) == (1.0, 25.0)
    assert (first["system.memory_percent"], first["system.proc.memory.availableMB"]) == (75.0, 1.0)
    assert first["system.proc.cpu.threads"] == 3
    write_proc(tmp_path, busy_ticks=1200, received=105, sent=27, sectors=4096, retransmits=4)
    second = gauge.read(11.0)
    assert second["system.cpu"] == 50.0
    assert (second["system.network.recv"], second["system.network.sent"], second["system.network.tcpRetransmits"]) == (100, 20, 3)
    assert (second["system.disk.sda1.in"], second["system.disk.sda1.out"]) == (1.0, 2.0)
    assert 0 <= second["system.disk./.usagePercent"] <= 100


def test_a_proc_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        LinuxGauge(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="there is one kernel to compare with")
def test_psutil_says_the_same_of_this_machine_as_the_kernel() -> None:
    theirs, ours = PsutilGauge().read(0.0), make_gauge().read(0.0)
    assert set(theirs) <= set(ours)
    for name in ("system.memory_percent", "system.proc.memory.rssMB", "system.disk./.usagePercent", "system.disk./.usageGB"):
        assert ours[name] == pytest.approx(theirs[name], rel=0.2), name
    assert set(PlainGauge().read(0.0)) <= set(ours)


class Logged:
    """A run, as far as the sampler knows one."""

    def __init__(self, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.rows: list[dict[str, Any]] = []
        self.has_two = threading.Event()

    def log_system(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        if len(self.rows) >= 2:
            self.has_two.set()


def test_the_shortest_run_has_a_line() -> None:
    run = Logged()
    stop = start(run)
    assert stop is not None
    stop(0)
    assert len(run.rows) == 1
    assert all(isinstance(value, int | float) for value in run.rows[0].values())


def test_lines_come_as_often_as_asked() -> None:
    run = Logged(x_stats_sampling_interval=0.1)
    stop = start(run)
    assert stop is not None
    assert run.has_two.wait(30)
    stop(0)
    assert "system.cpu" in run.rows[1]


def test_nothing_is_sampled_where_that_is_off() -> None:
    assert start(Logged(x_disable_stats=True)) is None


def test_a_process_that_can_open_nothing_more_is_told_and_sees_no_traceback() -> None:
    pytest.importorskip("resource")
    script = """
import resource
from types import SimpleNamespace
from runkey.system import start
told = []
run = SimpleNamespace(settings=SimpleNamespace(), log_system=lambda row: None, tell_failure=lambda *words: told.append(words))
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
start(run)(0)
print([(part, type(fault).__name__) for part, fault in told])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("[('The sampling of system figures', 'OSError')]\n", "")
