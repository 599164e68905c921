"""What the first page of a tutorial shows: a config, a loop that logs, a word on the way."""

import random

import wandb

run = wandb.init(
    project="scripts",
    id="quickstart",
    name="a first run",
    notes="as in the book",
    tags=["baseline", "paper"],
    group="firsts",
    job_type="train",
    save_code=True,
    config={"learning_rate": 0.02, "architecture": "CNN", "layers": [64, 10], "optimizer": {"name": "adam", "betas": [0.9, 0.999]}},
)
rate = wandb.config.learning_rate
random.seed(1)
offset = random.random() / 5
for epoch in range(2, 12):
    accuracy = 1 - 2**-epoch - random.random() / epoch - offset
    loss = rate * 2**-epoch + random.random() / epoch + offset
    print(f"epoch={epoch}, accuracy={accuracy:.6f}, loss={loss:.6f}")
    wandb.log({"accuracy": accuracy, "loss": loss, "nested": {"epoch": epoch, "deep": {"half": epoch / 2}}})
wandb.config.update({"epochs": 10})
wandb.finish()
