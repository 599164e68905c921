"""Runs that go on after their end, and runs that are sent later."""

import glob
import subprocess
import sys

import wandb
from steps import CLEAN, PROJECT, equal, path, step


def log_five(run_id, **settings):
    """Log five rows to a run, which counts on; give the step it began at."""
    run = wandb.init(project=PROJECT, id=run_id, reinit=True, **settings)
    # Not `run.step`: newer clients hear of the step after their first row.
    began = run.starting_step
    for i in range(5):
        run.log({"x": began + i})
    run.finish()
    return began


def rows_of(run_id):
    return [(row["_step"], row["x"]) for row in wandb.Api().run(path(run_id)).history(samples=100, pandas=False)]


def synchronise():
    folders = glob.glob("wandb/offline-run-*-later")
    equal(len(folders), 1)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "wandb", "sync", *folders], env=CLEAN, capture_output=True, text=True, timeout=90
    )
    sys.stderr.write(done.stdout + done.stderr)
    equal(done.returncode, 0)


def main():
    with step("resume", "goes on"):
        equal(log_five("resumed", config={"a": 1}), 0)
        equal(log_five("resumed", resume="must"), 5)
        equal(rows_of("resumed"), [(i, i) for i in range(10)])
        equal(wandb.Api().run(path("resumed")).config["a"], 1)
    with step("resume", "allow begins a new one"):
        equal(log_five("allowed", resume="allow"), 0)
    with step("offline, wandb sync", "offline"):
        log_five("later", mode="offline", config={"lr": 0.5})
    with step("offline, wandb sync", "sync"):
        synchronise()
        equal(rows_of("later"), [(i, i) for i in range(5)])
        equal((wandb.Api().run(path("later")).config["lr"], wandb.Api().run(path("later")).state), (0.5, "finished"))
    with step("offline, wandb sync", "again"):
        synchronise()
        equal(rows_of("later"), [(i, i) for i in range(5)])

    # Last, because some versions do not recover from it.
    with step("resume", "never refuses what is there"):
        try:
            log_five("resumed", resume="never")
            refused = False
        except Exception:
            refused = True
        equal(refused, True)


if __name__ == "__main__":
    main()
