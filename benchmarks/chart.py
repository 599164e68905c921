"""1,000 buckets of one metric of 100 k, 1 M and 10 M points, and one metric of 10 k points whole: milliseconds of CPU, and memory."""

import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Print milliseconds of CPU, and how many times those of 100,000 points."""
    from filling import cost_of, fill, new_database

    from runkey_server import history
    from runkey_server.history import Stream

    with tempfile.TemporaryDirectory() as name:
        database = new_database(Path(name))

        def ask(run: int, buckets: int, **options: Any) -> tuple[float, float]:
            return cost_of(database, lambda at: history.chart(at, run, Stream.HISTORY, ["loss0"], buckets=buckets, **options))

        sizes = {1: 10_000, 2: 100_000, 3: 500_000, 4: 1_000_000, 5: 10_000_000}
        for run, size in sizes.items():
            fill(database, run, size)
        fill(database, 6, 100_000, keys=100)
        base = ask(2, 1_000)[0]

        def show(what: str, cost: tuple[float, float]) -> None:
            print(f"{what:44} {cost[0]:7.2f} ms of CPU   {cost[0] / base:5.2f} x 100,000 points   {cost[1]:4.0f} MiB", flush=True)

        show("    10,000 points whole", ask(1, 10_000))
        for run, size in sizes.items():
            show(f"{size:10,} points, 1,000 buckets", ask(run, 1_000))
        show("10,000,000 points, a tenth of them", ask(5, 1_000, span=(4_000_000, 5_000_000)))
        show("10,000,000 points by _runtime", ask(5, 1_000, axis="_runtime"))
        show("   100,000 points of a run of 100 metrics", ask(6, 1_000))
        print(f"database {(Path(name) / 'x.db').stat().st_size / 1e6:.0f} MB; goals: 10 ms for 100,000, 10 M at most 3 times that")
        database.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
