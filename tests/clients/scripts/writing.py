"""A run with everything in it that is no artifact; what arrived is for reading.py to say."""

import os
import struct
import sys
import wave

import numpy as np
import wandb
from steps import PROJECT, VERSION, equal, serves, step


def film_file(name):
    """Write the smallest film there is: a GIF of one pixel and two frames."""
    frame = b"!\xf9\x04\x00\n\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00"
    with open(name, "wb") as file:
        file.write(b"GIF89a\x01\x00\x01\x00\x80\x00\x00" + bytes((255, 0, 0, 0, 0, 255)) + frame + frame + b";")


def sound_file(name):
    """Write a twentieth of a second of sound."""
    with wave.open(name, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<400h", *range(400)))


def measuring_often():
    """Give the settings by which the machine is measured before so short a run is over."""
    if VERSION >= (0, 19):
        return {"x_stats_sampling_interval": 0.1}
    if VERSION >= (0, 17):
        return {"_stats_sampling_interval": 0.1}
    if VERSION >= (0, 13):
        return {"_stats_sample_rate_seconds": 0.1, "_stats_samples_to_average": 1}
    return {}


def main():
    with step("init and finish", "init"):
        run = wandb.init(
            project=PROJECT,
            id="whole",
            name="a whole run",
            notes="some words",
            tags=["one", "two"],
            group="pair",
            job_type="train",
            save_code=True,
            config={"lr": 0.1, "layers": [1, 2], "nested": {"a": {"b": "c"}}},
            settings=wandb.Settings(**measuring_often()),
        )
    run.define_metric("lowest", summary="min")
    run.define_metric("epoch")
    run.define_metric("by_epoch/*", step_metric="epoch")
    for i in range(20):
        row = {"loss": 1 / (i + 1), "lowest": abs(i - 7), "n": i, "epoch": i // 4, "by_epoch/x": i}
        row["odd"] = (float("nan"), float("inf"), -float("inf"), 1.5)[i % 4]
        run.log(row)
        print("printed", i)
    print("to the other stream", file=sys.stderr)
    run.summary["best"] = 0.5
    run.config.update({"later": 1})
    with step("files", "save"):
        with open("saved file.txt", "w") as file:
            file.write("kept")
        run.save("saved file.txt", policy="end")
        os.makedirs("deep/er", exist_ok=True)
        with open("deep/er/now.txt", "w") as file:
            file.write("deep")
        run.save("deep/er/now.txt", base_path="deep", policy="now")
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    with step("image", "log"):
        run.log({"picture": wandb.Image(pixels, caption="noise")})
    with step("table", "log"):
        run.log({"table": wandb.Table(columns=["n", "name"], data=[[1, "one"], [2, "zwei ü"]])})
    with step("html", "log"):
        run.log({"page": wandb.Html("<p>hello</p>", inject=False)})
    with step("audio", "log"):
        sound_file("tone.wav")
        run.log({"sound": wandb.Audio("tone.wav", caption="a tone")})
    with step("video", "log"):
        film_file("film.gif")
        run.log({"film": wandb.Video("film.gif")})
    with step("histogram", "log"):
        run.log({"spread": wandb.Histogram([0, 1, 1, 2, 5, 5, 5])})
    with step("custom chart", "log"):
        lines = wandb.Table(columns=["x", "y"], data=[[i, i * i] for i in range(5)])
        run.log({"chart": wandb.plot.line(lines, "x", "y", title="squares")})
    with step("alert"):
        run.alert(title="look", text="at this")
        equal(serves("notifyScriptableRunAlert"), True)
    with step("init and finish", "finish"):
        run.finish()


if __name__ == "__main__":
    main()
