"""How far to trust what a network says of itself: measured, set right, and from where on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp

_BINS = 15
_TEMPERATURES = (0.25, 10.0)  # a network that makes no mistake would have none


@dataclass(frozen=True)
class Reliability:
    """How sure a network was and how often it was right, in 15 bins by how sure it was.

    Attributes:
        edges: (16,) float64, 0 to 1: a bin holds what is at least as sure as its lower edge and
            less so than its upper one; the last one holds 1 as well.
        counts: (15,) int64, readings in each bin.
        confidence: (15,) float64, 0-1, its mean probability of the answer; nan where there is none.
        accuracy: (15,) float64, 0-1, its share read right; nan where there is none.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error, as `calibration_error`."""
        apart = np.abs(self.confidence - self.accuracy)
        return float(np.nansum(self.counts * apart)) / int(self.counts.sum())


def reliability(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> Reliability:
    """Count for a reliability diagram (C. Guo et al. 2017, figure 1).

    Args:
        probabilities: (N, 10), N >= 1.
        labels: (N,) uint8.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    with np.errstate(invalid="ignore"):
        sure, true = (
            np.bincount(bins, weights=values, minlength=_BINS) / counts
            for values in (confidence, right)
        )
    return Reliability(np.linspace(0, 1, _BINS + 1), counts, sure, true)


def calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Expected calibration error: how far confidence and accuracy are apart, on average.

    Method: 15 bins of equal width by the highest probability (C. Guo et al., "On Calibration of
    Modern Neural Networks", 2017).

    Args:
        probabilities: (N, 10), N >= 1.
        labels: (N,) uint8.

    Returns:
        0 (of those that are read with 90 % confidence 90 % are right, and so on) to 1.
    """
    return reliability(probabilities, labels).error


def temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """By what to divide logits so that their softmax can be trusted, 0.25 to 10.

    It makes the labels as likely as it can and changes no answer (temperature scaling, C. Guo et
    al. 2017).

    Args:
        logits: (N, 10), N >= 1, of digits that were not learned from.
        labels: (N,) uint8.
    """

    def loss(log_temperature: float) -> float:
        likely = log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)
        return -float(likely[np.arange(len(labels)), labels].mean())

    low, high = np.log(_TEMPERATURES)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))


def digitness(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much it is a digit at all, to a network that learned what is none.

    For such a network "no digit" is an eleventh class whose logit is always 0, so the logsumexp of
    the other ten is the logit of being one of them (the free energy of W. Liu et al., "Energy-based
    Out-of-distribution Detection", 2020, with its sign turned).

    Args:
        logits: (..., 10).

    Returns:
        (...), any number: the higher, the more.
    """
    return np.asarray(logsumexp(logits, axis=-1), np.float32)


def threshold(scores: NDArray[np.float32], *, share: float) -> float:
    """A score below which lies at most this share of them, 0-1, and hardly less; at least one."""
    return float(np.sort(scores)[min(int(share * len(scores)), len(scores) - 1)])
