"""1,000 buckets of one metric out of 100 k, 1 M and 10 M points, and one metric of 10 k points whole: server CPU milliseconds."""

import gc
import os
import resource
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROUNDS = 15


def main() -> None:
    """Print milliseconds of CPU, and how many times those of 100,000 points."""
    import numpy as np

    from runkey_server import history
    from runkey_server.database import Database
    from runkey_server.database.migrating import migrate
    from runkey_server.history import Batch, Stream, folding
    from runkey_server.history.columns import Column
    from runkey_server.history.packing import pack_columns

    at = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{Path(name) / 'x.db'}")
        migrate(database)

        def write(run: int, count: int, keys: int = 1) -> None:
            random = np.random.default_rng(run)
            portion = 100_000
            for first in range(0, count, portion):
                lines = np.arange(first, min(first + portion, count), dtype=np.int64)
                some, none = np.zeros(len(lines), np.uint8), np.empty(0)
                columns = {(): Column(lines, some + np.uint8(1), none, lines, [])}
                for key in range(keys):
                    columns[(f"loss{key}",)] = Column(lines, some, random.standard_normal(len(lines)), none.astype(np.int64), [])
                columns[("_runtime",)] = Column(lines, some, lines * 0.25, none.astype(np.int64), [])
                with database.writing() as transaction:
                    history.append(transaction, run, Stream.HISTORY, Batch(first, [{}] * len(lines), pack_columns(columns)), at)
                while True:
                    with database.writing() as transaction:
                        prepared = folding.prepare(transaction, (run, 0))
                        if prepared is None:
                            break
                        folding.apply(transaction, prepared)

        def ask(run: int, buckets: int, **options: object) -> float:
            taken = []
            for _ in range(ROUNDS):
                gc.collect()
                began = time.process_time()
                with database.reading() as transaction:
                    found = history.chart(transaction, run, Stream.HISTORY, ["loss0"], buckets=buckets, **options)["loss0"]
                taken.append(time.process_time() - began)
            assert len(found.x) <= buckets
            return statistics.median(taken) * 1000

        sizes = {1: 10_000, 2: 100_000, 3: 500_000, 4: 1_000_000, 5: 10_000_000}
        for run, size in sizes.items():
            write(run, size)
        write(6, 100_000, keys=100)
        base = ask(2, 1_000)
        print(f"    10,000 points whole            {ask(1, 10_000):7.2f} ms of CPU")
        for run, size in sizes.items():
            spent = ask(run, 1_000)
            print(f"{size:10,} points, 1,000 buckets  {spent:7.2f} ms of CPU   {spent / base:5.2f} x 100,000 points")
        print(f"10,000,000 points, a tenth of them {ask(5, 1_000, span=(4_000_000, 5_000_000)):7.2f} ms of CPU")
        print(f"10,000,000 points by _runtime      {ask(5, 1_000, axis='_runtime'):7.2f} ms of CPU")
        print(f"   100,000 points of a run of 100 metrics {ask(6, 1_000):7.2f} ms of CPU")
        size = os.path.getsize(Path(name) / "x.db")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"database {size / 1e6:.0f} MB, this process at most {peak:.0f} MiB; goals: 10 ms for 100,000, 10 M at most 3 times that")
        database.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
