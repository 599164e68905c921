"""A sweep of four runs."""

import wandb
from steps import ENTITY, PROJECT, equal, path, step


def train():
    run = wandb.init()
    run.log({"score": wandb.config["x"]})
    run.finish()


def main():
    with step("sweeps"):
        made = wandb.sweep({"method": "grid", "parameters": {"x": {"values": [1, 2, 3, 4]}}}, entity=ENTITY, project=PROJECT)
        wandb.agent(made, function=train, entity=ENTITY, project=PROJECT)
        equal(sorted(run.config["x"] for run in wandb.Api().sweep(path(made)).runs), [1, 2, 3, 4])


if __name__ == "__main__":
    main()
