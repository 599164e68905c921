"""What a filter on the config and an order by the summary cost over 10,000 runs: the first page of 50, as the official client asks for it.

It prints the page's time and its ratio to a plain count of the same runs in SQL, taken in the same rounds; then, for who wants to know
more, the same for other questions, and for paging through all runs.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from filling import new_database
from measuring import interleaved

from runkey_server import accounts, keys, projects, runs
from runkey_server.asgi.actor import Actor
from runkey_server.database import Database
from runkey_server.projects import Project
from runkey_server.runs import Changes

RUNS = 10_000
_ROUNDS = 15


def fill(database: Database) -> Project:
    """Make the runs: 20 values in the config of each, 30 in its summary."""
    now = datetime.now(UTC)
    with database.writing() as transaction:
        account = accounts.create_account(transaction, "mira", at=now)
        key, _ = keys.mint(transaction, b"p" * 32, account.id, kind="user", at=now)
        actor = Actor(account.id, "mira", None, False, key.id, "user")
        for number in range(RUNS):
            config = {f"option_{n}": {"value": (number * 7 + n) % 13} for n in range(19)} | {"lr": {"value": 10 ** -(number % 10)}}
            summary = {f"metric_{n}": (number * 31 + n) % 997 / 997 for n in range(29)} | {"loss": (number * 7919) % 10_007}
            changes = Changes(config=json.dumps(config), summary=json.dumps(summary), tags=("even",) if number % 2 == 0 else ())
            runs.upsert(transaction, actor, None, "p", f"r{number}", changes, now + timedelta(seconds=number))
        project = projects.find_project(transaction, actor, None, "p")
    assert project is not None
    return project


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        database = new_database(Path(folder))
        project = fill(database)
        now = datetime.now(UTC)

        def timed(ask: Callable[[sa.Connection], object]) -> Callable[[], float]:
            def measure() -> float:
                with database.reading() as transaction:
                    began = time.perf_counter()
                    ask(transaction)
                    return (time.perf_counter() - began) * 1000

            return measure

        def page(filters: object = None, order: str | None = None) -> Callable[[], float]:
            def ask(transaction: sa.Connection) -> object:
                chosen = runs.read_filter(json.dumps(filters), now)
                found = runs.list_page(transaction, project, now, chosen=chosen, order=order, at_most=50)
                assert len(found.runs) == 50
                return found

            return timed(ask)

        def count(filters: object = None) -> Callable[[], float]:
            return timed(lambda transaction: runs.count_runs(transaction, project, runs.read_filter(json.dumps(filters), now)))

        by_config = {"config.lr": 0.001}
        taken = interleaved(
            {
                "count in SQL": count(),
                "page": page(by_config, "-summary_metrics.loss"),
                "first page by time": page(),
                "filtered by config, by time": page(by_config),
                "by tag": page({"tags": "even"}),
                "by state": page({"state": {"$in": ["running", "crashed"]}}, "-heartbeat_at"),
                "by regular expression": page({"name": {"$regex": "^r[0-9]{2,}5$"}}, "-name"),
                "count of a filter on config": count(by_config),
            },
            _ROUNDS,
        )
        print(f"{taken['page']:.1f} ms for a page of 50 of {RUNS:,} runs, filtered by config, ordered by summary", end="; ")
        print(f"{taken['page'] / taken['count in SQL']:.1f} times a plain count ({taken['count in SQL']:.2f} ms)")
        for name, milliseconds in taken.items():
            print(f"  {name}: {milliseconds:.1f} ms")
        for order in ("+created_at", "-summary_metrics.loss"):
            first, last, total = walk(database, project, order, now)
            print(f"  all {RUNS:,} by {order}, 50 a page: {total:.1f} s; first pages {first:.1f} ms, last ones {last:.1f} ms")


def walk(database: Database, project: Project, order: str, now: datetime) -> tuple[float, float, float]:
    """Page through all runs; give the median of the first ten pages and of the last, in milliseconds, and the seconds for all."""
    taken: list[float] = []
    after, seen = None, 0
    while True:
        with database.reading() as transaction:
            began = time.perf_counter()
            page = runs.list_page(transaction, project, now, order=order, after=after, at_most=50)
            taken.append((time.perf_counter() - began) * 1000)
        seen += len(page.runs)
        if not page.more:
            break
        after = page.cursors[-1]
    assert seen == RUNS
    return statistics.median(taken[:10]), statistics.median(taken[-10:]), sum(taken) / 1000


if __name__ == "__main__":
    main()
