"""A run that is stopped from outside while it trains."""

import time

import wandb
from steps import ENTITY, PROJECT, ask, step

FIND = "query F($e: String, $p: String, $r: String!) { project(name: $p, entityName: $e) { run(name: $r) { id } } }"
STOP = "mutation S($id: ID!) { stopRun(input: {id: $id}) { success } }"


def press():
    """Do what the button on the run's page does."""
    found = ask(FIND, e=ENTITY, p=PROJECT, r="stopped")["project"]["run"]
    ask(STOP, id=found["id"])


def main():
    with step("stop button"):
        run = wandb.init(project=PROJECT, id="stopped")
        press()
        stopped = False
        try:
            # Old clients ask every 15 seconds whether they are to stop, and some of them twice.
            for i in range(600):
                run.log({"x": i})
                time.sleep(0.1)
        except KeyboardInterrupt:
            stopped = True
        assert stopped, "nobody stopped it"
    run.finish()


if __name__ == "__main__":
    main()
