"""The people whose pen digits are learned from, chosen by, and kept for the final report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnist_core.strokes import PenDigit

_UNSEEN = 1 / 3  # of the writers
_VALIDATION = 2 / 15
_SEED = 0
_NUMBERS = range(1, 31)  # of UCI's writers


class Writers(NamedTuple):
    """Pen digits in three parts that share no writer, each in the order they came.

    `train` is learned from, `validation` serves every choice, `unseen` is for reports alone.
    """

    train: tuple[PenDigit, ...]
    validation: tuple[PenDigit, ...]
    unseen: tuple[PenDigit, ...]


def split(digits: Sequence[PenDigit]) -> Writers:
    """Split pen digits by writer: a third unseen, two of fifteen for validation, the rest to learn.

    A writer is always in the same part, whatever the version of NumPy, also in a file that lacks
    some of UCI's thirty.
    """
    names = np.array(sorted({digit.writer for digit in digits}.union(_NUMBERS)))
    # The raw stream of a bit generator never changes; `Generator.permutation` is free to.
    order = names[np.argsort(np.random.PCG64(_SEED).random_raw(len(names)), kind="stable")]
    unseen = round(_UNSEEN * len(names))
    validation = unseen + round(_VALIDATION * len(names))
    parts = (order[validation:], order[unseen:validation], order[:unseen])
    return Writers(*(tuple(d for d in digits if d.writer in part) for part in parts))
