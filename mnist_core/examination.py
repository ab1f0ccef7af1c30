"""How good a model is on a set: what it reads right, how sure it is, what it flags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.calibration import calibration_error
from mnist_core.datasets import Digits
from mnist_core.evaluation import Evaluation, tally
from mnist_core.heldout import Drawings
from mnist_core.inference import Classifier, read_drawing
from mnist_core.nondigits import KINDS, NO_DIGIT


@dataclass(frozen=True)
class Result:
    """What came of one set.

    Attributes:
        count: drawings or digits in it.
        counted: how its digits were read; None for what is no digit.
        calibration_error: 0-1, of its digits; None for what is no digit.
        flagged: share that was called anything but a digit, 0-1: of digits, of those read right.
            None where only the network was asked, or nothing was read right.
    """

    count: int
    counted: Evaluation | None
    calibration_error: float | None
    flagged: float | None

    def as_json(self) -> dict[str, Any]:
        """What was measured, rounded to what it is worth, for cards and other programs."""
        values: dict[str, Any] = {"count": self.count}
        if self.counted:
            recalls = self.counted.recalls
            values |= {"accuracy": round(self.counted.accuracy, 5)}
            values |= {"recalls": [None if np.isnan(r) else round(float(r), 4) for r in recalls]}
        if self.calibration_error is not None:
            values |= {"calibration_error": round(self.calibration_error, 5)}
        if self.flagged is not None:
            values |= {"flagged": round(self.flagged, 5)}
        return values


def examine(classifier: Classifier, drawn: Digits | Drawings) -> Result:
    """Have a set read and count."""
    if isinstance(drawn, Digits):
        return _result(classifier.predict(drawn.images), drawn.labels, None)
    readings = [read_drawing(image, classifier) for image in drawn]
    probabilities = np.stack([reading.probabilities for reading in readings])
    flagged = np.array([reading.verdict != "digit" for reading in readings])
    return _result(probabilities, drawn.labels, flagged)


def examine_all(
    classifier: Classifier, drawn: Mapping[str, Digits | Drawings]
) -> Iterator[tuple[str, Result]]:
    """Examine sets one after the other, with their names.

    At the end come the non-digits of all kinds together, but for the look-alikes: nobody could
    blame a network for those.
    """
    together: dict[str, list[Result]] = {}
    for name, each in drawn.items():
        result = examine(classifier, each)
        yield name, result
        group, _, kind = name.partition(": ")
        if kind in KINDS:
            together.setdefault(group, []).append(result)
    for group, results in together.items():
        counts = [result.count for result in results]
        shares = [result.flagged or 0.0 for result in results]
        yield group, Result(sum(counts), None, None, float(np.average(shares, weights=counts)))


def _result(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.uint8],
    flagged: NDArray[np.bool_] | None,
) -> Result:
    if (labels == NO_DIGIT).all():
        assert flagged is not None
        return Result(len(labels), None, None, float(flagged.mean()))
    right = probabilities.argmax(axis=1) == labels
    return Result(
        len(labels),
        tally(probabilities, labels),
        calibration_error(probabilities, labels),
        None if flagged is None or not right.any() else float(flagged[right].mean()),
    )
