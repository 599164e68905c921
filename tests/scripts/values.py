"""What configs are made of beside numbers and text: paths, dates, records, functions, types; also in a row and in the summary."""

import argparse
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import uuid

import numpy as np
import wandb


@dataclasses.dataclass
class Optimizer:
    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)


class Split(enum.Enum):
    TRAIN = "train"


def activation(x: float) -> float:
    return x


VALUES = {
    "path": pathlib.Path("data/train.csv"),
    "day": datetime.date(2020, 1, 2),
    "moment": datetime.datetime(2020, 1, 2, 3, 4, 5),
    "exact": decimal.Decimal("1.50"),
    "half": fractions.Fraction(1, 2),
    "uuid": uuid.UUID(int=1),
    "complex": 1 + 2j,
    "bytes": b"ab",
    "record": Optimizer(),
    "function": activation,
    "lambda": lambda x: x,
    "builtin": len,
    "ufunc": np.tanh,
    "class": Optimizer,
    "kind": np.float32,
    "numpy_day": np.datetime64("2020-01-01"),
    "inside": {"paths": [pathlib.Path("a"), pathlib.Path("b")]},
}

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out"))
run = wandb.init(project="scripts", id="values", name="values", config=parser.parse_args())
print(type(run.config.out).__name__, run.config["out"])
run.config.update(VALUES)
# These have a form of their own in each place with the official client.
run.config.update({"type": np.dtype("int8"), "split": Split.TRAIN, "range": range(3), "length": datetime.timedelta(seconds=3)})
run.log(VALUES)
run.summary.update({f"best {name}": value for name, value in VALUES.items()})
run.finish()
