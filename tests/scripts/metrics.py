"""Metrics that are summed up and drawn in other ways than the plain one, steps of the script's own, and a summary that is set by hand."""

import numpy as np
import wandb

with wandb.init(project="scripts", id="metrics", config={"epochs": 4}) as run:
    run.define_metric("epoch", hidden=True)
    run.define_metric("train/loss", summary="min")
    run.define_metric("val/*", step_metric="epoch", summary="max,mean")
    for step in range(20):
        run.log({"train/loss": np.float32((step - 12) ** 2 / 8), "lr": 10.0 ** -(step // 5)}, step=step * 2)
        if step % 5 == 4:
            run.log({"epoch": step // 5, "val/acc": step / 20, "val/flag": step > 10, "val/note": f"after {step}"}, step=step * 2)
    run.log({"bad": float("nan"), "worse": float("inf"), "least": -float("inf"), "vector": np.arange(4), "none": None})
    run.log({"lr": None, "half": {"empty": None}})
    run.log({"first half": 1}, commit=False)
    run.log({"second half": 2})
    run.summary["best"] = 0.95
    run.summary.update({"nested": {"at": 19}, "array": np.zeros(3)})
    run.config["later"] = {"seen": True}
    run.tags = (*run.tags, "measured")
    run.name = "renamed"
