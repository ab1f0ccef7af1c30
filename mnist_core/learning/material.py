"""What a training learns from, is chosen by, and is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core import (
    datasets,
    generated_sets,
    handwriting,
    nondigits,
    shapes,
    stroke_files,
    strokes,
    writers,
)
from mnist_core.datasets import Digits
from mnist_core.errors import DataError, DataMissing
from mnist_core.generated_sets import Report
from mnist_core.handwriting import Drawing
from mnist_core.learning.renewal import Recipe
from mnist_core.mnist_files import MNIST
from mnist_core.settings import GENERATED_IMAGES, MNIST_IMAGES, Settings
from mnist_core.stroke_files import Letter
from mnist_core.strokes import PenDigit
from mnist_core.words import downloaded


@dataclass(frozen=True)
class Material:
    """The data of one training.

    Attributes:
        images: (N, 28, 28) uint8.
        labels: (N,) uint8, 0-9.
        validation: digits for choosing; never learned from.
        described: what goes into the card under `data`.
        drawn: what is drawn anew for every epoch, besides.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    validation: Digits
    described: dict[str, Any]
    drawn: Recipe | None = None


def gather(settings: Settings, *, report: Report) -> Material:
    """Load, download or make what these settings learn from.

    Raises:
        DataError: MNIST is not to be had, or damaged; all drawings of the profile are deleted.
        StoreError: the drawings can't be read.
    """
    if settings.data == "generated":
        return _generated(settings, report)
    report("Loading MNIST", 0.0)
    datasets.fetch_mnist(
        progress=lambda done, total: report(downloaded(done, total), done / (total or 12e6))
    )
    train, validation = datasets.split_validation(*datasets.load_mnist("train"))
    described: dict[str, Any] = {
        "MNIST train images": MNIST.train_images.sha256,
        "MNIST train labels": MNIST.train_labels.sha256,
        "MNIST test images (measured once)": MNIST.test_images.sha256,
        "MNIST test labels (measured once)": MNIST.test_labels.sha256,
        "learned from MNIST": min(settings.images, MNIST_IMAGES),
        "held out for validation": len(validation.labels),
    }
    if settings.images < MNIST_IMAGES:
        _, train = datasets.split_validation(*train, size=settings.images, seed=settings.seed)
    drawn = _drawn(settings, described, report) if settings.drawn_images else None
    return Material(train.images, train.labels, validation, described, drawn)


def load_test(settings: Settings, *, report: Report) -> Digits:
    """The digits that a training is measured on, once, at its end."""
    if settings.data == "generated":
        return generated_sets.test(report=report)
    return datasets.load_mnist("test")


def _generated(settings: Settings, report: Report) -> Material:
    count = min(settings.images, GENERATED_IMAGES)
    train = generated_sets.training(count, settings.seed, report=report)
    validation = generated_sets.validation(report=report)
    described: dict[str, Any] = {
        "generated digits, no MNIST": f"{count} from seed {settings.seed}",
        "held out for validation": len(validation.labels),
    }
    drawn = _drawn(settings, described, report) if settings.drawn_images else None
    return Material(train.images, train.labels, validation, described, drawn)


def _drawn(settings: Settings, described: dict[str, Any], report: Report) -> Recipe:
    """What is drawn for every epoch; collections that are not to be had are done without."""
    written: Sequence[PenDigit] = ()
    letters: Sequence[Letter] = ()
    if settings.pen_digits:
        report("Loading pen strokes", 0.0)
        try:
            file = stroke_files.fetch_pendigits(
                progress=lambda *_: report("Loading pen strokes", 0)
            )
            written = writers.split(strokes.read_pendigits(file)).train
            described["pen digits of writers"] = sorted({digit.writer for digit in written})
        except DataError as error:
            report(f"Digits from templates stand in for pen digits: {error}", 0.0)
    if settings.non_digits:
        report("Loading letters", 0.0)
        try:
            file = stroke_files.fetch_letters(progress=lambda *_: report("Loading letters", 0))
            letters = nondigits.split_letters(stroke_files.read_letters(file)).train
            described["letters"] = sorted({letter.alphabet for letter in letters})
        except DataError as error:
            report(f"No letters, so it learns less of what is no digit: {error}", 0.0)
    own = _own(settings) if settings.own_digits else ()
    recipe = Recipe(
        # What can't be had is made up for by digits from templates.
        pen_digits=settings.pen_digits if written else 0,
        generated_digits=settings.generated_digits + (0 if written else settings.pen_digits),
        non_digits=settings.non_digits,
        written=written,
        source=nondigits.Source(letters, written, shapes.TRAIN),
        seed=settings.seed,
        own_digits=settings.own_digits,
        own=own,
    )
    described["drawn for every epoch"] = {
        "pen digits": recipe.pen_digits,
        "generated digits": recipe.generated_digits,
        "no digits": recipe.non_digits,
    }
    if own:
        described["own drawings"] = {"there are": len(own), "an epoch has": recipe.own_digits}
    return recipe


def _own(settings: Settings) -> Sequence[Drawing]:
    """The drawings of somebody that are to be learned from, and not deleted since it was asked."""
    own = handwriting.drawings(
        settings.profile,
        held_out=False,
        until=settings.drawings_until,
        newest_first=False,
    )
    if not own:
        raise DataMissing(
            "The drawings that it was to learn from are all deleted: draw some on the page My"
            " digits, then teach it again."
        )
    return own
