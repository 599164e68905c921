"""Logging without an account."""

import os

from steps import PROJECT, elsewhere, step

SCRIPT = f"""
import wandb
wandb.login(anonymous="must")
run = wandb.init(project={PROJECT!r}, anonymous="must")
run.log({{"x": 1}})
run.finish()
print("RESULT", run.entity)
"""


def main():
    with step("anonymous"):
        assert elsewhere(SCRIPT, HOME=os.getcwd(), WANDB_API_KEY="").startswith("anon-")


if __name__ == "__main__":
    main()
