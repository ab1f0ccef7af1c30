"""How well a network reads a set of digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.datasets import Digits
from mnist_core.inference import Classifier


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

    @property
    def recalls(self) -> NDArray[np.float64]:
        """(10,) share of each digit that was read right, 0-1; nan for digits that are not in it."""
        with np.errstate(invalid="ignore"):
            return self.confusion.diagonal() / self.confusion.sum(axis=1)

    @property
    def worst(self) -> tuple[int, float]:
        """The digit that was read worst, and the share of it that was read right, 0-1."""
        worst = int(np.nanargmin(self.recalls))
        return worst, float(self.recalls[worst])


def interval(right: int, count: int) -> tuple[float, float]:
    """Where the true share lies, with 95 % confidence, if so many of a few were read right.

    The score interval of E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
    Inference", Journal of the American Statistical Association, 1927.

    Args:
        right: 0 to count.
        count: at least 1.

    Returns:
        Its ends, 0-1.
    """
    # Here, for it takes a second and 45 MB, and most processes never ask.
    from scipy.stats import binomtest

    found = binomtest(right, count).proportion_ci(confidence_level=0.95, method="wilson")
    return float(found.low), float(found.high)


def evaluate(classifier: Classifier, digits: Digits) -> Evaluation:
    """Read a set of at least one digit and count."""
    return tally(classifier.predict(digits.images), digits.labels)


def tally(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> Evaluation:
    """Count how digits, at least one, were read: (N, 10) probabilities and (N,) labels 0-9."""
    confusion = np.zeros((10, 10), np.uint32)
    np.add.at(confusion, (labels, probabilities.argmax(axis=1)), 1)
    return Evaluation(confusion)
