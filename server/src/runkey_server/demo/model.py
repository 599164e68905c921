"""The model: softmax regression by stochastic gradient descent, in plain Python. Small, real, and quick to learn three species."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runkey_server.demo.penguins import MEASUREMENTS, SPECIES, Penguin


@dataclass(frozen=True)
class Progress:
    """Where learning stands after a step. loss: mean cross entropy in nats; accuracy: the share of birds whose species is found."""

    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    gradient_norm: float


class SoftmaxRegression:
    """One weight a species and measurement, and one a species for itself."""

    def __init__(self) -> None:
        """Begin knowing nothing: every species equally likely."""
        self.weights = [[0.0] * (len(MEASUREMENTS) + 1) for _ in SPECIES]

    def probabilities(self, bird: Penguin) -> list[float]:
        """Say how likely each species is."""
        scores = [_dot(weights, bird.features) for weights in self.weights]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = sum(powers)
        return [power / total for power in powers]

    def learn(self, batch: Sequence[Penguin], learning_rate: float) -> float:
        """Take one step down the gradient of a batch; give the gradient's length."""
        gradient = [[0.0] * (len(MEASUREMENTS) + 1) for _ in SPECIES]
        for bird in batch:
            for species, probability in enumerate(self.probabilities(bird)):
                error = (probability - (species == bird.species)) / len(batch)
                for index, feature in enumerate((*bird.features, 1.0)):
                    gradient[species][index] += error * feature
        for weights, slopes in zip(self.weights, gradient, strict=True):
            for index, slope in enumerate(slopes):
                weights[index] -= learning_rate * slope
        return math.sqrt(sum(slope * slope for slopes in gradient for slope in slopes))

    def judge(self, birds: Sequence[Penguin]) -> tuple[float, float]:
        """Give loss and accuracy on birds."""
        loss = right = 0.0
        for bird in birds:
            likely = self.probabilities(bird)
            loss -= math.log(max(likely[bird.species], 1e-12))
            right += likely.index(max(likely)) == bird.species
        return loss / len(birds), right / len(birds)


def train(
    learn_from: Sequence[Penguin], test_on: Sequence[Penguin], *, steps: int, batch_size: int, learning_rate: float, seed: int
) -> Iterator[Progress]:
    """Learn for so many steps; give the state after each."""
    choose = random.Random(seed)  # noqa: S311 - batches, no secret
    model = SoftmaxRegression()
    for _ in range(steps):
        norm = model.learn(choose.sample(list(learn_from), batch_size), learning_rate)
        train_loss, train_accuracy = model.judge(learn_from)
        test_loss, test_accuracy = model.judge(test_on)
        yield Progress(train_loss, train_accuracy, test_loss, test_accuracy, norm)


def _dot(weights: Sequence[float], features: Sequence[float]) -> float:
    return sum(weight * feature for weight, feature in zip(weights, features, strict=False)) + weights[-1]
