"""What `define_metric()` asks of the summary, and the summary itself: the same with the official client and with ours."""

import json
import sys

import pytest
from outside import Machine, Server, log_in
from training import STATE, ask, rows

pytestmark = pytest.mark.story


def test_metrics_and_summary_are_what_the_official_client_makes_of_them(server: Server, machine: Machine) -> None:
    """The same plain script, with each client: what arrives is the same."""
    key = log_in(machine, server, "both")
    script = """
import argparse, os, sys
if sys.argv[1] == "ours":
    import runkey as wandb
else:
    import wandb
settings = wandb.Settings(console="off", x_disable_stats=True, x_disable_meta=True, silent=True)
run = wandb.init(project="p", id=sys.argv[1], config=argparse.Namespace(lr=0.1, layers=[1, 2], none=None), settings=settings,
                 tags=["a"], notes="n", group="g", job_type="train")
wandb.define_metric("epoch")
wandb.define_metric("loss", summary="min,max")
wandb.define_metric("acc", summary="mean", step_metric="epoch")
wandb.define_metric("first", summary="first")
wandb.define_metric("last", summary="last")
wandb.define_metric("hid", hidden=True)
wandb.define_metric("none", summary="none")
wandb.define_metric("val/*", step_metric="epoch", summary="max")
for i in range(20):
    wandb.log({"epoch": i // 5, "loss": (i - 7) ** 2, "acc": i, "first": i, "last": i, "hid": i, "none": i, "val/x": -i, "flag": i % 2 == 0,
               "text": str(i), "n": {"deep": i}, "odd": float("nan") if i == 3 else float("inf") if i == 4 else 0.1 * i, "big": 2**60 + i})
wandb.log({"val/x": 5})
wandb.log({"a": 1}, commit=False)
wandb.log({"b": 2})
wandb.log({"late": 1}, step=40)
wandb.log({"same": 1}, step=40)
wandb.config.update({"lr": 0.2}, allow_val_change=True)
wandb.config["more"] = {"a.b": 1}
wandb.run.summary["best"] = 3
wandb.finish()
"""
    environment = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": key, "WANDB_SILENT": "true"}
    (machine.home / "plain.py").write_text(script)
    for client in ("ours", "theirs"):
        done = machine.run(sys.executable, "plain.py", client, **environment)
        assert done.returncode == 0, done.stderr
    found = {client: (ask(server, key, client, STATE + " group jobType"), rows(server, key, client)) for client in ("ours", "theirs")}
    for client, (state, _) in found.items():
        state.pop("displayName")
        config = json.loads(str(state["config"]))
        metrics = config.pop("_wandb")["value"]["m"]
        named = {number: metric.get("1") or metric.get("2") for number, metric in enumerate(metrics, 1)}
        state["metrics"] = sorted(
            [{**metric, "5": named[metric["5"]] if "5" in metric else None, "6": sorted(metric["6"])} for metric in metrics],
            key=lambda metric: str(metric.get("1") or metric.get("2")),
        )
        state["config"] = config
        state["summaryMetrics"] = {
            name: value
            for name, value in json.loads(str(state["summaryMetrics"])).items()
            if name not in ("_timestamp", "_runtime", "_wandb")
        }
        assert client
    assert found["ours"][0] == found["theirs"][0]

    def plain(lines: list[dict[str, object]]) -> list[dict[str, object]]:
        # Not a number equals nothing, so it is compared as text.
        return [
            {name: str(value) if value != value else value for name, value in row.items() if name not in ("_timestamp", "_runtime")}
            for row in lines
        ]

    assert plain(found["ours"][1]) == plain(found["theirs"][1])
