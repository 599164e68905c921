"""Files that are saved: a pattern, a folder of its own, and one that goes on changing; in a run that ends by an exception."""

import os

import wandb

os.makedirs("out/deep", exist_ok=True)
for name in ("out/a.txt", "out/b.txt", "out/deep/c.bin"):
    with open(name, "w") as file:
        file.write(name * 10)

try:
    with wandb.init(project="scripts", id="saving") as run:
        run.save("out/*.txt")
        wandb.save("out/deep/c.bin", base_path="out", policy="now")
        with open("last.txt", "w") as file:
            file.write("first")
        run.save("last.txt", policy="end")
        with open("last.txt", "w") as file:
            file.write("final words")
        with open(os.path.join(run.dir, "own.txt"), "w") as file:
            file.write("made in the run's folder")
        run.log({"x": 1})
        raise ValueError("as a script fails")
except ValueError:
    pass
