"""What a question to history costs as runs, keys and points grow by 10 and 100: milliseconds of CPU, and memory."""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

RUNS, KEYS, POINTS = 10, 10, 1_000
"""The smallest: so many runs, and in the one that is asked so many keys and points a key."""

FACTORS = (1, 10, 100)


def main() -> None:
    """Print, for each question and each thing that grows, the cost at every size."""
    import sqlalchemy as sa
    from filling import cost_of, fill, new_database

    from runkey_server import history
    from runkey_server.history import Stream

    questions: dict[str, Callable[[int, int, sa.Connection], object]] = {
        "chart of one metric, 1,000 buckets": lambda run, _, at: history.chart(at, run, Stream.HISTORY, ["loss0"], buckets=1_000),
        "historyKeys": lambda run, _, at: history.describe_keys(at, run),
        "the last row": lambda run, _, at: history.last_lines(at, run, Stream.HISTORY, 1),
        "500 rows evenly spread": lambda run, _, at: history.sample_lines(at, run, Stream.HISTORY, 500),
        "1,000 steps of two keys, from the middle": lambda run, points, at: history.sample_rows(
            at, run, ["_step", "loss0"], 1_000, min_step=points // 2, max_step=points // 2 + 1_000
        ),
        "1,000 whole rows, from the middle": lambda run, points, at: history.read_steps(
            at, run, Stream.HISTORY, points // 2, points // 2 + 1_000, 1_000
        ),
    }

    def compare(what: str, sizes: list[tuple[int, int, int]]) -> None:
        costs: dict[str, list[tuple[float, float]]] = {name: [] for name in questions}
        with tempfile.TemporaryDirectory() as folder:
            for runs, keys, points in sizes:
                place = Path(folder) / f"{runs}-{keys}-{points}"
                place.mkdir()
                database = new_database(place)
                fill(database, 1, points, keys)
                for run in range(2, runs + 1):
                    fill(database, run, POINTS, KEYS)
                for name, ask in questions.items():
                    costs[name].append(cost_of(database, partial(ask, 1, points)))
                database.close()
        print(what)
        for name, found in costs.items():
            shown = [f"{milliseconds:8.2f} ms {milliseconds / found[0][0]:6.2f} x {mib:5.0f} MiB" for milliseconds, mib in found]
            print(f"  {name:42} {' '.join(shown)}", flush=True)

    compare(f"runs: {', '.join(f'{RUNS * by:,}' for by in FACTORS)}", [(RUNS * by, KEYS, POINTS) for by in FACTORS])
    compare(f"keys of the run: {', '.join(f'{KEYS * by:,}' for by in FACTORS)}", [(RUNS, KEYS * by, POINTS) for by in FACTORS])
    compare(
        f"points a key: {', '.join(f'{POINTS * by:,}' for by in (1, 10, 100, 1_000))}",
        [(1, KEYS, POINTS * by) for by in (1, 10, 100, 1_000)],
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
