"""How fast a network reads here."""

from __future__ import annotations

import time

import numpy as np

from mnist_core.inference import Classifier

_WARM_UP, _TIMES = 5, 50  # readings


def reading_milliseconds(classifier: Classifier) -> float:
    """The time that one digit takes, in milliseconds, with nothing else to read beside it.

    The median of 50 readings, so that what else the computer does now and then counts for little.
    What the picture shows makes no difference.
    """
    digit = np.zeros((1, 28, 28), np.uint8)
    times = []
    for _ in range(_WARM_UP + _TIMES):
        began = time.perf_counter()
        classifier.predict(digit)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times[_WARM_UP:]))
