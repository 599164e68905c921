"""Training runs, as a user would write them: runkey.init, log, finish. A small sweep over the learning rate."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import runkey
from runkey_server.demo import model, penguins

STEPS, BATCH_SIZE, SEED = 300, 24, 7
LEARNING_RATES = (0.003, 0.3, 0.05)
"""Of the sweep: too slow, too wild, and right."""

_SLOW, _STEP_SECONDS, _MOST_STEPS = 0.01, 0.5, 100_000
_PROJECT = "penguins"
_GONE_FIRST_SECONDS = 5.0


def config_of(learning_rate: float) -> dict[str, object]:
    """Give what a run is begun with."""
    return {"steps": STEPS, "batch_size": BATCH_SIZE, "learning_rate": learning_rate, "seed": SEED, "model": "softmax regression"}


def train_and_log(
    learning_rate: float, show_progress: Callable[[int, int, model.Progress], None]
) -> tuple[runkey.Run, list[dict[str, float]]]:
    """Train, logging every step; give the run and what was logged."""
    learn_from, test_on = penguins.load(SEED)
    logged: list[dict[str, float]] = []
    with runkey.init(project=_PROJECT, name=f"lr-{learning_rate:g}", config=config_of(learning_rate), tags=["sweep"]) as run:
        states = model.train(learn_from, test_on, steps=STEPS, batch_size=BATCH_SIZE, learning_rate=learning_rate, seed=SEED)
        for step, state in enumerate(states, 1):
            row = asdict(state)
            run.log(row)
            logged.append(row)
            show_progress(step, STEPS, state)
        run.summary["best_test_accuracy"] = max(row["test_accuracy"] for row in logged)
    return run, logged


@contextmanager
def keep_training() -> Iterator[None]:
    """Train one more run, two steps a second, for as long as the block lasts: something to watch."""
    is_over = threading.Event()

    def train() -> None:
        try:
            train_on()
        except runkey.Error:
            # Ctrl-C reaches the server as well, which may be gone before this run has begun.
            if not is_over.wait(_GONE_FIRST_SECONDS):
                raise

    def train_on() -> None:
        learn_from, test_on = penguins.load(SEED)
        config = {**config_of(_SLOW), "steps": _MOST_STEPS}
        with runkey.init(project=_PROJECT, name=f"lr-{_SLOW:g}", config=config, tags=["sweep"]) as run:
            states = model.train(learn_from, test_on, steps=_MOST_STEPS, batch_size=BATCH_SIZE, learning_rate=_SLOW, seed=SEED)
            for state in states:
                run.log(asdict(state))
                if is_over.wait(_STEP_SECONDS):
                    return

    thread = threading.Thread(target=train, name="training")
    try:
        # Ctrl-C may come as it starts.
        thread.start()
        yield
    finally:
        is_over.set()
        if thread.is_alive():
            thread.join()


class ShowProgress:
    """A progress line: rewritten in place on a terminal, a line now and then elsewhere."""

    def __init__(self, write: Callable[[str], object], *, is_terminal: bool) -> None:
        """Write to somewhere."""
        self._write = write
        self._is_terminal = is_terminal

    def __call__(self, step: int, steps: int, state: model.Progress) -> None:
        """Show where training stands."""
        if step % 10 and step != steps:
            return
        words = f"step {step}/{steps}  loss {state.train_loss:.3f}  test accuracy {state.test_accuracy:.0%}"
        if self._is_terminal:
            filled = 24 * step // steps
            self._write(f"\r  [{'#' * filled}{'.' * (24 - filled)}] {words}" + ("\n" if step == steps else ""))
        elif step % 100 == 0:
            self._write(f"  {words}\n")
