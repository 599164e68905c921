"""Every kind of media and every way to save a file that the official client has, where no package beyond its own is needed."""

import json
import os
import unicodedata
import wave

import numpy as np
import wandb
from PIL import Image

NAMES = [
    "with space.txt",
    "a%2Fb.txt",
    "100%.txt",
    "q?.txt",
    "#1.txt",
    "plus+.txt",
    "quote'\".txt",
    "semi;colon&amp.txt",
    "back\\slash.txt",
    "-dash",
    "\U0001f9ed\U0001f525.txt",
    unicodedata.normalize("NFC", "café.txt"),
    unicodedata.normalize("NFD", "café.txt"),
    "x" * 250 + ".txt",
    # Refused, and no reason to lose the others.
    "new\nline.txt",
]
DEEP = "/".join(["d" * 100] * 3) + "/deep.txt"
NUMBERS = np.random.default_rng(1)

os.makedirs("odd")
for name in NAMES:
    with open(f"odd/{name}", "w") as file:
        file.write(name)
os.makedirs(os.path.dirname(DEEP))
for name in (DEEP, "now.txt", "live.txt", "end.txt"):
    with open(name, "w") as file:
        file.write("first")
open("empty.bin", "w").close()
with wave.open("tone.wav", "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(8000)
    file.writeframes((np.sin(np.arange(4000) / 5) * 20000).astype("<i2").tobytes())
frames = [Image.fromarray(NUMBERS.integers(0, 255, (24, 24, 3), dtype="uint8")) for _ in range(3)]
frames[0].save("film.gif", save_all=True, append_images=frames[1:], duration=100)
with open("mesh.obj", "w") as file:
    file.write("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
with open("molecule.pdb", "w") as file:
    file.write("ATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00           N\n")

run = wandb.init(project="media", id="everything", name="every kind")
run.save("odd/*", base_path=".")
run.save(DEEP, base_path=".")
run.save("now.txt", policy="now")
run.save("live.txt", policy="live")
run.save("end.txt", policy="end")
run.save("empty.bin")

picture = NUMBERS.integers(0, 255, (60, 80, 3), dtype="uint8")
classes = np.zeros((60, 80), dtype="uint8")
classes[10:30, 10:40], classes[30:50, 40:70] = 1, 2
labels = {1: "cat", 2: "dog"}
corner = {"position": {"minX": 0.1, "maxX": 0.4, "minY": 0.2, "maxY": 0.5}, "class_id": 1, "box_caption": "a cat", "scores": {"sure": 0.9}}
middle = {"position": {"middle": [50, 30], "width": 20, "height": 24}, "domain": "pixel", "class_id": 2}


def layered() -> wandb.Image:
    masks = {"guess": {"mask_data": classes, "class_labels": labels}}
    return wandb.Image(picture, caption="cat and dog", masks=masks, boxes={"found": {"box_data": [corner, middle], "class_labels": labels}})


points = NUMBERS.random((50, 3))
box = {"corners": [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], "label": "box", "color": [200, 40, 40]}
curves = wandb.Table(columns=["x", "y"], data=[[i, i * i] for i in range(20)])
truth = [0, 1, 2, 1, 0, 2]
graph = wandb.Graph()
graph.add_node(wandb.data_types.Node(id=1, name="in", class_name="Linear", size=[10, 10], output_shape=[1]))
os.makedirs("media/plotly")
figure = {"data": [{"type": "bar", "x": ["a", "b"], "y": [1, 3], "name": "bars"}, {"type": "pie", "name": "slices"}], "layout": {}}
with open("media/plotly/figure.plotly.json", "w") as file:
    json.dump(figure, file)
run.save("media/plotly/figure.plotly.json", base_path=".")

for step in range(2):
    run.log({"picture": wandb.Image(picture, caption=f"picture {step}"), "loss": 1 - step}, step=step)
run.log(
    {
        "pictures": [wandb.Image(picture, caption="one"), wandb.Image(picture[:30].copy(), caption="two")],
        "layered": layered(),
        "layers": [layered(), layered()],
        "nested": {"picture": wandb.Image(picture)},
        "table": wandb.Table(columns=["n", "name"], data=[[i, f"<row {i}>"] for i in range(60)]),
        "spread": wandb.Histogram([0, 1, 1, 2, 5, 5, 5]),
        "sound": wandb.Audio("tone.wav", caption="a tone"),
        "film": wandb.Video("film.gif", caption="a film", format="gif"),
        "page": wandb.Html("<h1 style='color: red'>Logged</h1><script>document.body.append(origin)</script>", inject=False),
        "figure": {"_type": "plotly-file", "path": "media/plotly/figure.plotly.json"},
        "points": wandb.Object3D(points),
        "scene": wandb.Object3D({"type": "lidar/beta", "points": points, "boxes": np.array([box])}),
        "mesh": wandb.Object3D("mesh.obj"),
        "molecule": wandb.Molecule("molecule.pdb"),
        "graph": graph,
        "curve": wandb.plot.line(curves, "x", "y", title="A curve"),
        "dots": wandb.plot.scatter(curves, "x", "y", title="Some dots"),
        "bars": wandb.plot.bar(wandb.Table(columns=["label", "value"], data=[["a", 3], ["b", 5]]), "label", "value", title="Bars"),
        "scores": wandb.plot.histogram(wandb.Table(columns=["score"], data=[[i % 7] for i in range(50)]), "score", title="Scores"),
        "series": wandb.plot.line_series(xs=[0, 1, 2], ys=[[1, 2, 3], [3, 2, 1]], keys=["up", "down"], title="Series", xname="epoch"),
        "confusion": wandb.plot.confusion_matrix(y_true=truth, preds=[0, 1, 1, 1, 0, 2], class_names=["cat", "dog", "owl"]),
        "own": wandb.plot_table("me/own", wandb.Table(columns=["q"], data=[[1]]), {"x": "q"}),
    },
    step=2,
)
growing = wandb.Table(columns=["n", "square"], log_mode="INCREMENTAL")
changing = wandb.Table(columns=["n"], log_mode="MUTABLE")
for step in range(3):
    growing.add_data(step, step * step)
    changing.add_data(step)
    run.log({"growing": growing, "changing": changing}, step=3 + step)
for name in ("live.txt", "end.txt"):
    with open(name, "w") as file:
        file.write("last")
# It answers at once, though nobody is told yet.
run.alert("A title", "a text", wait_duration=0)
run.finish()
