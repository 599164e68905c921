"""Several runs of one script: one beside the current one, and those of forked children that do not finish theirs themselves."""

import multiprocessing
import sys

import wandb


def work(number: int) -> None:
    wandb.init(project="scripts", id=f"several-{number}", name=f"child {number}", group="children", config={"number": number})
    for step in range(3):
        wandb.log({"product": step * number})
    if number == 2:
        sys.exit(3)
    if number == 3:
        raise ValueError("as a child fails")


run = wandb.init(project="scripts", id="several", name="the first")
beside = wandb.init(project="scripts", id="several-beside", name="beside it", reinit="create_new")
wandb.log({"x": 1})
beside.log({"y": 1})
wandb.config.update({"whose": "the first's"})
wandb.summary["whose"] = "the first's"
beside.finish()
wandb.log({"x": 2})
children = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in (1, 2, 3)]
for child in children:
    child.start()
for child in children:
    child.join()
wandb.log({"x": 3})
wandb.finish()
