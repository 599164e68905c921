"""The training run, as a user would write it: runkey.init, log, finish."""

from collections.abc import Callable
from dataclasses import asdict

import runkey
from runkey_server.demo import model, penguins

STEPS, BATCH_SIZE, LEARNING_RATE, SEED = 300, 24, 0.05, 7
CONFIG = {
    "steps": STEPS,
    "batch_size": BATCH_SIZE,
    "learning_rate": LEARNING_RATE,
    "seed": SEED,
    "model": "softmax regression",
}


def train_and_log(show_progress: Callable[[int, int, model.Progress], None]) -> tuple[runkey.Run, list[dict[str, float]]]:
    """Train, logging every step; give the run and what was logged."""
    learn_from, test_on = penguins.load(SEED)
    logged: list[dict[str, float]] = []
    with runkey.init(project="penguins", name="softmax-regression", config=CONFIG) as run:
        states = model.train(learn_from, test_on, steps=STEPS, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=SEED)
        for step, state in enumerate(states, 1):
            row = asdict(state)
            run.log(row)
            logged.append(row)
            show_progress(step, STEPS, state)
        run.summary["best_test_accuracy"] = max(row["test_accuracy"] for row in logged)
    return run, logged


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
