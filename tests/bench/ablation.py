"""What each part of the recipe buys: short trainings, each without one of them.

`make ablation` prints a table; half an hour on two cores with 4 epochs each. All figures are of
validation digits, writers, letters and shapes, so that what is kept for reports stays unseen. The
needed collections are found or downloaded as by `make model`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.special import softmax

from mnist_core import calibration, heldout
from mnist_core.heldout import Drawings
from mnist_core.learning import material, renewal
from mnist_core.learning.training import Training
from mnist_core.preprocessing import to_mnist
from mnist_core.settings import PRESETS, Settings

BEST = PRESETS["best"].settings
FLAGGED = 0.01  # of the pen digits read right, to set the threshold by

Digit = NDArray[np.uint8]
Squeeze = Callable[[Digit], Digit]


def squeezed(image: Digit) -> Digit:
    """A canvas made 28 pixels small as it is: what a program without normalisation does."""
    small = Image.fromarray(image).convert("L").resize((28, 28), Image.Resampling.BOX)
    ink = np.asarray(small).astype(np.float32)
    return np.rint((ink - ink.min()) * (255 / max(float(np.ptp(ink)), 1.0))).astype(np.uint8)


def main() -> None:
    """Train and measure one after the other, and print a row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ablation", description=__doc__)
    parser.add_argument("--epochs", type=int, default=4)
    settings = replace(BEST, epochs=parser.parse_args().epochs)
    print(f"{settings.epochs} epochs each; pen digits and non-digits of validation.\n")
    print("| recipe | MNIST | pen, standard | pen, anywhere | no digit, flagged |")
    print("|---|---|---|---|---|", flush=True)
    for seed in range(settings.seed, settings.seed + 3):
        row(f"whole, seed {seed}", replace(settings, seed=seed))
    extra = settings.pen_digits
    row(
        "without pen strokes",
        replace(settings, pen_digits=0, generated_digits=settings.generated_digits + extra),
    )
    extra = settings.generated_digits
    row(
        "without generated styles",
        replace(settings, generated_digits=0, pen_digits=settings.pen_digits + extra),
    )
    row("without varying every image", replace(settings, augment=False))
    row("without non-digits", replace(settings, non_digits=0))
    with mock.patch.object(renewal, "place", squeezed):
        row("without MNIST's normalisation", settings, squeezed)


def row(name: str, settings: Settings, normalise: Squeeze = to_mnist) -> None:
    """Train with these settings, measure, print."""
    gathered = material.gather(settings, report=lambda *_: None)
    training = Training(settings, gathered)
    while not training.over:
        training.advance(100)
    written = heldout.pen_digits("validation")
    standard, _ = read(training, heldout.standard(written), normalise)
    anywhere, sure = read(training, heldout.anywhere(written, "validation"), normalise)
    digits = gathered.validation
    mnist = float((training.probabilities(digits.images).argmax(axis=1) == digits.labels).mean())
    line = calibration.threshold(sure, share=FLAGGED)
    flagged = np.concatenate(
        [
            read(training, drawn, normalise)[1] < line
            for drawn in heldout.no_digits("validation").values()
        ]
    )
    shares = (mnist, standard, anywhere, float(flagged.mean()))
    print(
        f"| {name} | " + " | ".join(f"{100 * share:.2f} %" for share in shares) + " |", flush=True
    )


def read(
    training: Training, drawn: Drawings, normalise: Squeeze
) -> tuple[float, NDArray[np.float32]]:
    """The share read right, and how sure it was of those, or of all if none is a digit."""
    logits = training.logits(np.stack([normalise(image) for image in drawn]))
    # Without having learned what is none there is but the highest probability to go by.
    if training.settings.non_digits:
        sure = calibration.digitness(logits)
    else:
        sure = softmax(logits, axis=1).max(axis=1)
    right = logits.argmax(axis=1) == drawn.labels
    return float(right.mean()), sure[right] if right.any() else sure


if __name__ == "__main__":
    main()
