"""Whether the ink that is said to speak for a digit matters more than other ink."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mnist_core import generated, heldout
from mnist_core.explanation import softmax_steps
from mnist_core.inference import Classifier
from mnist_core.preprocessing import to_mnist

COUNT = 200  # drawings
_RANDOM = 20  # removals of random ink, for each

Support = Callable[[NDArray[np.uint8], int, int], NDArray[np.float64]]


def drawings_of_templates() -> list[NDArray[np.uint8]]:
    return list(generated.make_digits(COUNT, seed=20).images)


def drawings_of_people() -> list[NDArray[np.uint8]]:
    """By writers who serve for choosing; pen digits have to be on this machine."""
    written = heldout.pen_digits("validation")
    rows = np.random.default_rng(0).choice(len(written), COUNT, replace=False)
    return [to_mnist(drawn) for drawn in heldout.standard([written[row] for row in rows])]


def faithful(classifier: Classifier, drawings: list[NDArray[np.uint8]], support: Support) -> float:
    """The share of drawings whose reading loses more with its most supporting tenth of the ink.

    Args:
        classifier: the network that reads.
        drawings: (28, 28) uint8 each.
        support: (digit, label, next guess) -> (28, 28), how much each pixel speaks for the label.

    Returns:
        0-1: where the probability of the label falls by more than by random ink, on the mean of 20
        times as many pixels.
    """
    random = np.random.default_rng(1)
    lost_more = []
    for digit in drawings:
        likely = np.argsort(classifier.predict(digit[None])[0])
        label, second = int(likely[-1]), int(likely[-2])
        ink = np.flatnonzero(digit)
        count = round(len(ink) / 10)
        supporting = support(digit, label, second).ravel()[ink]
        without = np.repeat(digit.reshape(1, 784), 1 + _RANDOM, axis=0)
        without[0, ink[np.argsort(-supporting, kind="stable")[:count]]] = 0
        for row in without[1:]:
            row[random.choice(ink, count, replace=False)] = 0
        logits = classifier.outputs(without.reshape(-1, 28, 28))["logits"]
        # In double precision, for many are as good as 1.
        left = [softmax_steps(each).probabilities[label] for each in logits]
        lost_more.append(left[0] < np.mean(left[1:]))
    return float(np.mean(lost_more))
