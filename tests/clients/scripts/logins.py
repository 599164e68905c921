"""Logging in with a good key and with a bad one."""

import os

import wandb
from steps import ENTITY, PROJECT, elsewhere, equal, step

GOOD = os.environ["MATRIX_KEY"]
# Of the right shape: what has another one is refused by the client itself.
BAD = "f" * 40


# In one process, because each costs seconds with an old client.
REFUSED = f"""
import os, wandb

refused = []
try:
    wandb.login(key={BAD!r}, relogin=True)
except Exception:
    refused.append("login")
os.environ["WANDB_API_KEY"] = {BAD!r}
try:
    wandb.init(project={PROJECT!r})
except BaseException:
    refused.append("init")
print("RESULT", " and ".join(refused))
"""


def main():
    with step("login, good key", "login"):
        equal(wandb.login(key=GOOD, relogin=True), True)
    with step("login, good key", "kept for the next process"):
        equal(elsewhere("import wandb\nprint('RESULT', wandb.Api().default_entity)"), ENTITY)
    refused = ""
    with step("login, bad key", "by wandb.login"):
        refused = elsewhere(REFUSED, HOME=os.path.abspath("other"))
        assert "login" in refused, refused
    with step("login, bad key", "by wandb.init"):
        assert "init" in refused, refused


if __name__ == "__main__":
    main()
