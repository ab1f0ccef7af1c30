"""Whether a model reads worse than another: the same digits, read by both.

Neither has learned from them. They are validation digits and drawings by validation writers, or
generated ones where those are not there: to publish is to choose, and what is called test or unseen
has no part in that.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core import datasets, generated_sets, handwriting, heldout, stroke_files
from mnist_core.errors import DataError
from mnist_core.generated_sets import Report
from mnist_core.inference import Classifier
from mnist_core.preprocessing import to_mnist
from mnist_core.validation import validation_digits

OWN = "own held-out drawings"
_MAY_LOSE_VALIDATION, _MAY_LOSE_DRAWN = 0.003, 0.005


@dataclass(frozen=True)
class Yardstick:
    """Digits on which models are compared; the arrays are read-only.

    Attributes:
        name: what they are, such as "MNIST validation digits".
        images: (N, 28, 28) uint8, ink 255 on 0.
        labels: (N,) uint8, 0-9.
        may_lose: the share of them, 0-1, by which a network that was taught somebody's hand may
            read fewer and still be thought no worse.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    may_lose: float = 0.0


@dataclass(frozen=True)
class Difference:
    """How two models read one set.

    Attributes:
        on: the set.
        before: (N,) uint8, as what the one reads each digit.
        after: (N,) uint8, as what the other does.
    """

    on: Yardstick
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]

    @property
    def right_before(self) -> int:
        """How many the one reads right."""
        return int((self.before == self.on.labels).sum())

    @property
    def right_after(self) -> int:
        """How many the other reads right."""
        return int((self.after == self.on.labels).sum())

    @property
    def worse(self) -> int:
        """How many fewer the other reads right; below 0 if it reads more."""
        return self.right_before - self.right_after

    def too_many(self, *, taught: bool) -> bool:
        """Whether it reads so many fewer that whoever puts it to work is to be asked.

        Args:
            taught: it learned from somebody's drawings, for which it may lose a little elsewhere.
        """
        return self.worse > (self.on.may_lose * len(self.on.labels) if taught else 0)

    @property
    def newly_wrong(self) -> NDArray[np.int64]:
        """Rows of the digits that only the one reads right."""
        labels = self.on.labels
        return np.flatnonzero((self.before == labels) & (self.after != labels))

    @property
    def newly_right(self) -> NDArray[np.int64]:
        """Rows of the digits that only the other reads right."""
        labels = self.on.labels
        return np.flatnonzero((self.before != labels) & (self.after == labels))


def compare(
    before: Classifier, after: Classifier, on: tuple[Yardstick, ...]
) -> tuple[Difference, ...]:
    """Have two models read the same sets; 5,000 digits take a third of a second each."""
    return tuple(Difference(each, _read(before, each), _read(after, each)) for each in on)


def yardsticks(
    *, profile: int = 0, report: Report = generated_sets.silent
) -> tuple[Yardstick, ...]:
    """The sets that there are on this machine: somebody's own, validation digits, and drawn ones.

    Without MNIST the validation digits are generated; without pen strokes the drawn ones are, if
    the others are not. Made once in each process: the drawn ones take some seconds.

    Args:
        profile: the number of a profile whose held-out drawings come first, if it has some; 0:
            nobody's.
        report: told what is being done and how much of it is, 0-1.

    Raises:
        DataError: MNIST or the file of pen strokes is damaged; generated digits can't be kept.
        StoreError: the profile's drawings can't be read.
    """
    mnist = datasets.find_mnist() is not None
    written = stroke_files.find_pendigits()
    found = [_validation(mnist)]
    if written:
        found.append(_drawn(written, written.stat().st_mtime_ns, report))
    elif mnist:
        found.append(_generated(report))
    return (*_own(profile), *found)


def _own(profile: int) -> tuple[Yardstick, ...]:
    kept = handwriting.drawings(profile, held_out=True) if profile else []
    if not kept:
        return ()
    images = np.stack([drawing.image for drawing in kept])
    labels = np.array([drawing.label for drawing in kept], np.uint8)
    return (_read_only(OWN, images, labels),)


@functools.lru_cache(maxsize=2)
def _validation(mnist: bool) -> Yardstick:
    digits = validation_digits("mnist" if mnist else "generated")
    name = "MNIST validation digits" if mnist else "generated validation digits"
    return Yardstick(name, digits.images, digits.labels, _MAY_LOSE_VALIDATION)


# Not by `lru_cache`: whoever reports is another one every time.
_made: dict[tuple[Path, int], Yardstick] = {}


def _drawn(file: Path, changed: int, report: Report) -> Yardstick:
    if (file, changed) not in _made:
        drawings = heldout.standard(heldout.pen_digits("validation"))
        count = len(drawings.labels)
        images = np.empty((count, 28, 28), np.uint8)
        for i, drawing in enumerate(drawings):
            if i % 50 == 0:
                report(f"Drawing what people wrote with pens: {i:,} of {count:,}", i / count)
            images[i] = to_mnist(drawing)
        _made[file, changed] = _read_only("pen drawings", images, drawings.labels, _MAY_LOSE_DRAWN)
    return _made[file, changed]


def _generated(report: Report) -> Yardstick:
    try:
        digits = generated_sets.comparison(report=report)
    except OSError as error:
        raise DataError(
            f"The generated digits can't be kept: {error.strerror or error}."
        ) from error
    return _read_only("generated drawings", digits.images, digits.labels, _MAY_LOSE_DRAWN)


def _read_only(
    name: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], may_lose: float = 0.0
) -> Yardstick:
    images.flags.writeable = labels.flags.writeable = False
    return Yardstick(name, images, labels, may_lose)


def _read(classifier: Classifier, on: Yardstick) -> NDArray[np.uint8]:
    return classifier.predict(on.images).argmax(axis=1).astype(np.uint8)
