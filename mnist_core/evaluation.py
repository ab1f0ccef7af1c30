"""How well a network reads a set of digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core import datasets, generated, strokes
from mnist_core.datasets import Digits
from mnist_core.inference import Classifier
from mnist_core.preprocessing import to_mnist


@dataclass(frozen=True)
class Evaluation:
    """How one set was read.

    Attributes:
        confusion: (10, 10) uint32; rows are labels, columns what was read.
    """

    confusion: NDArray[np.uint32]

    @property
    def count(self) -> int:
        """Digits in the set."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share read right, 0-1."""
        return int(self.confusion.trace()) / self.count


def evaluate(classifier: Classifier, digits: Digits) -> Evaluation:
    """Read a set of at least one digit and count."""
    return tally(classifier.predict(digits.images), digits.labels)


def tally(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> Evaluation:
    """Count how digits, at least one, were read: (N, 10) probabilities and (N,) labels 0-9."""
    confusion = np.zeros((10, 10), np.uint32)
    np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
    return Evaluation(confusion)


def mnist_validation() -> Digits:
    """The 5,000 training images of MNIST that are held out for choosing.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
    """
    return datasets.split_validation(*datasets.load_mnist("train"))[1]


def pen_drawings() -> Digits | None:
    """Pen strokes drawn as on the canvas and normalised; None if none are on this machine."""
    if not (file := datasets.find_strokes()):
        return None
    written = strokes.read_pendigits(file)
    images = [to_mnist(strokes.render(strokes.fit(digit.strokes))) for digit in written]
    return Digits(np.stack(images), np.array([digit.label for digit in written], np.uint8))


def generated_digits() -> Digits:
    """A thousand digits from templates, for where there is nothing else."""
    made = generated.make_digits(1000, seed=2**32 + 2)
    return Digits(made.images, made.labels)
