"""Pictures, tables, histograms, pages, sounds and films, alone and in lists."""

import wave

import numpy as np
import wandb

NUMBERS = np.random.default_rng(1)

with wave.open("tone.wav", "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(8000)
    file.writeframes((np.sin(np.arange(4000) / 5) * 20000).astype("<i2").tobytes())

run = wandb.init(project="scripts", id="media")
grey = NUMBERS.integers(0, 256, (12, 16), dtype=np.uint8)
colour = NUMBERS.integers(0, 256, (12, 16, 3), dtype=np.uint8)
mask = {"mask_data": (grey > 128).astype(np.uint8), "class_labels": {0: "sky", 1: "road"}}
box = {
    "position": {"minX": 0.1, "maxX": 0.5, "minY": 0.2, "maxY": 0.6},
    "class_id": 1,
    "box_caption": "a road",
    "scores": {"sure": 0.9},
}
boxes = {"box_data": [box], "class_labels": {1: "road"}}
run.log({"picture": wandb.Image(colour, caption="noise"), "loss": 1})
run.log({"pictures": [wandb.Image(grey, caption="one"), wandb.Image(grey[::-1].copy())], "val/picture": wandb.Image(grey)})
run.log({"masked": wandb.Image(colour, masks={"truth": mask}), "boxed": wandb.Image(colour, boxes={"found": boxes})})
run.log({"spread": wandb.Histogram([0, 1, 1, 2, 5, 5, 5]), "made": wandb.Histogram(np_histogram=np.histogram(np.arange(100), bins=10))})
run.log({"page": wandb.Html("<p>hello</p>", inject=False), "sound": wandb.Audio("tone.wav", caption="a tone")})
table = wandb.Table(columns=["n", "name", "ok", "x"], data=[[1, "one", True, 0.5], [2, "two", False, None]])
table.add_data(3, "drei ü", True, 1.5)
run.log({"table": table})
run.finish()
