"""What the benchmarks share: CPU seconds of child processes, medians, and one printed figure with its ratio."""

import math
import os
import resource
import statistics
import subprocess
from collections.abc import Callable, Sequence


def cpu_seconds(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Run a command to its end; give the CPU seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def interleaved(measures: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Take each measure once a round, so that whatever else the machine does falls on all alike; give the medians."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return {name: statistics.median(values) for name, values in taken.items()}


def process_cpu_seconds(pid: int) -> float:
    """Give the CPU seconds that a process, with all its threads, has taken so far (Linux)."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def busy_seconds(core: int) -> float:
    """Give the seconds that a core has worked so far, for whomever (Linux)."""
    with open("/proc/stat") as file:
        fields = next(line.split()[1:] for line in file if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, *interrupts = (int(field) for field in fields[:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> tuple[float, float]:
    """Give a process's resident memory, and its proportional share of it (pages shared with its parent counted once), in MiB."""
    values = {}
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            name, _, rest = line.partition(":")
            if name in ("Rss", "Pss"):
                values[name] = int(rest.split()[0]) / 1024
    return values["Rss"], values["Pss"]


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that so large a share of all does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
