"""What the benchmarks of the history engine share: a database of folded runs, and what one question costs in a process of its own."""

import gc
import json
import os
import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from runkey_server import history
from runkey_server.database import Database
from runkey_server.database.migrating import migrate
from runkey_server.history import Batch, Column, Stream, folding
from runkey_server.history.packing import STEPS, pack_columns

_PORTION = 100_000
_ROUNDS = 15


def new_database(folder: Path) -> Database:
    """Make an empty database in a folder."""
    database = Database(f"sqlite:///{folder / 'x.db'}")
    migrate(database)
    return database


def fill(database: Database, run: int, points: int, keys: int = 1) -> None:
    """Write a run of so many points in each of `loss0`, `loss1`, … and `_runtime`, and fold it."""
    random = np.random.default_rng(run)
    for first in range(0, points, _PORTION):
        lines = np.arange(first, min(first + _PORTION, points), dtype=np.int64)
        floats, ints = np.zeros(len(lines), np.uint8), np.ones(len(lines), np.uint8)
        no_ints = np.empty(0, np.int64)
        columns = {STEPS: Column(lines, ints, np.empty(0), lines, [])}
        for key in range(keys):
            columns[(f"loss{key}",)] = Column(lines, floats, random.standard_normal(len(lines)), no_ints, [])
        columns[("_step",)] = Column(lines, ints, np.empty(0), lines, [])
        columns[("_runtime",)] = Column(lines, floats, lines * 0.25, no_ints, [])
        with database.writing() as transaction:
            batch = Batch(first, [{}] * len(lines), pack_columns(columns))
            history.append(transaction, run, Stream.HISTORY, batch, datetime.now(UTC))
        _fold(database, run)


def _fold(database: Database, run: int) -> None:
    while True:
        with database.writing() as transaction:
            fold = folding.prepare(transaction, (run, int(Stream.HISTORY)))
            if fold is None:
                return
            folding.apply(transaction, fold)


def cost_of(database: Database, ask: Callable[[sa.Connection], object]) -> tuple[float, float]:
    """Give a question's milliseconds of CPU (median) and the MiB by which it makes the process grow at its largest.

    It is asked in a process of its own, so that no earlier question's memory hides its own.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        mine = Database(database.url.render_as_string())
        taken, before = [], _peak_mib()
        for _ in range(_ROUNDS):
            gc.collect()
            began = time.process_time()
            with mine.reading() as transaction:
                ask(transaction)
            taken.append(time.process_time() - began)
        os.write(writer, json.dumps([statistics.median(taken) * 1000, _peak_mib() - before]).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        answer = told.read()
    os.waitpid(child, 0)
    if not answer:
        raise SystemExit("The question failed, see above.")
    milliseconds, mib = json.loads(answer)
    return float(milliseconds), float(mib)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
