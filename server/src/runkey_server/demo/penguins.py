"""The data: four measurements of each of 342 penguins, and which of three species it is. Pure, but for reading the file."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

SPECIES = ("Adelie", "Chinstrap", "Gentoo")
MEASUREMENTS = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
_PATH = Path(__file__).parent / "penguins.csv"


@dataclass(frozen=True)
class Penguin:
    """One bird. features: its measurements, each as distance from the mean in standard deviations. species: index into SPECIES."""

    features: tuple[float, ...]
    species: int


def load(seed: int) -> tuple[list[Penguin], list[Penguin]]:
    """Read all birds, shuffled; give four fifths to learn from and the rest to be tested on."""
    with _PATH.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = [[float(row[name]) for row in rows] for name in MEASUREMENTS]
    means = [sum(column) / len(column) for column in columns]
    deviations = [(sum((value - mean) ** 2 for value in column) / len(column)) ** 0.5 for column, mean in zip(columns, means, strict=True)]
    birds = [
        Penguin(
            tuple((float(row[name]) - means[i]) / deviations[i] for i, name in enumerate(MEASUREMENTS)),
            SPECIES.index(row["species"]),
        )
        for row in rows
    ]
    random.Random(seed).shuffle(birds)  # noqa: S311 - a fair split, no secret
    border = len(birds) * 4 // 5
    return birds[:border], birds[border:]
