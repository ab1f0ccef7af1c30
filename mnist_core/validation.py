"""The digits by which a run's network was chosen, and where they come from.

They are never learned from, so mistakes on them tell how a network reads what is new to it. The
test digits stay untouched for the one measurement at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core import datasets, generated_sets
from mnist_core.errors import DataError
from mnist_core.settings import Data


@dataclass(frozen=True)
class ValidationDigits:
    """Digits held out for choosing; the arrays are read-only.

    Attributes:
        data: what the training learned from: "mnist" or "generated".
        images: (N, 28, 28) uint8, ink 255 on 0.
        labels: (N,) uint8, 0-9.
        rows: (N,) int64, ascending: the place of each in MNIST's training set, counted from 0;
            of generated digits their place among themselves.
    """

    data: Data
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    rows: NDArray[np.int64]


def validation_digits(data: Data) -> ValidationDigits:
    """The digits by which a training on such data chooses: 5,000 of MNIST, or 1,000 generated.

    Generated ones take three seconds to make, the first time, and a third of one afterwards.

    Raises:
        DataError: MNIST is not on this machine, or damaged; generated digits can't be kept.
    """
    if data == "generated":
        try:
            images, labels = generated_sets.validation()
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"The validation digits can't be kept: {reason}.") from error
        rows = np.arange(len(labels))
    else:
        images, labels = datasets.load_mnist("train")
        rows = datasets.validation_rows(labels)
        images, labels = images[rows], labels[rows]
    for array in (images, labels, rows):
        array.flags.writeable = False
    return ValidationDigits(data, images, labels, rows)
