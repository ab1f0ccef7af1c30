"""Which labels to doubt, by what networks that never learned from the digits say of them.

Confident learning (C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty
in Dataset Labels", JAIR 70, 2021): how sure a network must be of a class for that to count is
measured on the digits that are labelled so, since it is surer of some classes than of others.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mnist_core import paths
from mnist_core.errors import InputError, ModelError
from mnist_core.mnist_files import MNIST

FOLDER = paths.PROJECT / "models" / "cross_validation"
PREDICTIONS = "predictions.npz"
_CLASSES = 10


@dataclass(frozen=True)
class Ranking:
    """Digits in the order in which their labels are to be doubted.

    Attributes:
        rows: (N,) int64, the digits' places in the set, the most doubtful first; of equals the
            earlier in the set.
        scores: (N,) float32 in the digits' own order, 0 to 1: of the probability that label and
            `suggested` have together, the share of the latter. 0 is no doubt, at 0.5 the network
            can't tell, above it contradicts the label.
        suggested: (N,) uint8 in the digits' own order, the class that speaks most against the
            label: the likeliest of the other nine.
        flagged: (N,) bool in the digits' own order, what confident learning counts as a label
            issue: the network is at least as sure of another class as it is on average of the
            digits that are labelled so.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]
    suggested: NDArray[np.uint8]
    flagged: NDArray[np.bool_]

    @property
    def issues(self) -> int:
        """How many digits are flagged."""
        return int(np.count_nonzero(self.flagged))


def rank(labels: NDArray[np.uint8], probabilities: NDArray[np.floating]) -> Ranking:
    """Rank digits by how doubtful their labels are.

    Args:
        labels: (N,) uint8, 0-9; N may be 0.
        probabilities: (N, 10) float, 0-1, by networks that did not learn from these digits.

    Raises:
        InputError: another shape or dtype, a label beyond 9, or a number that is no probability.

    Flagged is what the paper's confident joint holds off its diagonal. The order is by the odds of
    the likeliest other class against the label. Of five orders it agreed best between networks
    from different seeds on MNIST's training digits, by a little (the others: self-confidence,
    normalised margin with thresholds and without, confidence-weighted entropy); and unlike the
    margin it still tells digits apart of which a network is all but certain.
    """
    _check(labels, probabilities)
    rows = np.arange(len(labels))
    wide = probabilities.astype(np.float64)
    others = wide.copy()
    others[rows, labels] = -1.0
    suggested = others.argmax(axis=1)
    against, either = wide[rows, suggested], wide[rows, suggested] + wide[rows, labels]
    doubt = np.divide(against, either, out=np.full(len(rows), 0.5), where=either > 0)
    return Ranking(
        np.argsort(-doubt, kind="stable").astype(np.int64),
        doubt.astype(np.float32),
        suggested.astype(np.uint8),
        _off_diagonal(labels, wide),
    )


def thresholds(
    labels: NDArray[np.uint8], probabilities: NDArray[np.floating]
) -> NDArray[np.float64]:
    """How sure of a class is sure: the mean probability of each over the digits labelled so.

    Args:
        labels: (N,) uint8, 0-9.
        probabilities: (N, 10) float.

    Returns:
        (10,) float64; infinite for a class without any digit, so that nothing counts as it.
    """
    counts = np.bincount(labels, minlength=_CLASSES)
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], _CLASSES)
    return np.divide(sums, counts, out=np.full(_CLASSES, np.inf), where=counts > 0)


def cross_validated(folder: Path = FOLDER) -> NDArray[np.float32]:
    """What ships: MNIST's training digits as read by networks that learned from other folds.

    Returns:
        (60000, 10) float32 probabilities in the order of MNIST; rows sum to 1 within 0.01, since
        they are rounded.

    Raises:
        ModelError: they are missing, or not what their card says.
    """
    remedy = "restore it from where you got Digit Studio, or run `make cross-validation`"
    file = folder / PREDICTIONS
    try:
        content = file.read_bytes()
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        if hashlib.sha256(content).hexdigest() != card["files"][PREDICTIONS]:
            raise ValueError("its SHA-256 is not the one in card.json")
        with np.load(io.BytesIO(content)) as arrays:
            probabilities = arrays["probabilities"].astype(np.float32)
        if probabilities.shape != (*MNIST.train_labels.shape, _CLASSES):
            raise ValueError(f"it holds an array of shape {probabilities.shape}")
    except OSError as error:
        raise ModelError(f"{error.filename} can't be read ({error.strerror}): {remedy}.") from error
    except (ValueError, KeyError, TypeError, EOFError, RecursionError, BadZipFile) as error:
        raise ModelError(f"{file} can't be used, because {error}: {remedy}.") from error
    return probabilities


def _off_diagonal(
    labels: NDArray[np.uint8], probabilities: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which digits the confident joint counts under another class than their label's."""
    confident = probabilities >= thresholds(labels, probabilities)
    # Where it is sure of several classes, the likeliest counts; where of none, the digit doesn't.
    counted = np.where(confident, probabilities, -1.0).argmax(axis=1)
    return confident.any(axis=1) & (counted != labels)


def _check(labels: NDArray[np.uint8], probabilities: NDArray[np.floating]) -> None:
    if not isinstance(labels, np.ndarray) or labels.dtype != np.uint8 or labels.ndim != 1:
        raise InputError("Labels must be an array (N,) of uint8.")
    if not isinstance(probabilities, np.ndarray) or probabilities.dtype.kind != "f":
        raise InputError("Probabilities must be an array of floating-point numbers.")
    if probabilities.shape != (len(labels), _CLASSES):
        raise InputError(
            f"{len(labels):,} labels need probabilities of shape ({len(labels)}, {_CLASSES}),"
            f" not {probabilities.shape}."
        )
    if labels.size and labels.max() >= _CLASSES:
        raise InputError(f"Labels must be 0 to 9; one is {labels.max()}.")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError("Probabilities must be numbers from 0 to 1.")
