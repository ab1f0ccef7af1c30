"""The sets on which models are measured, each with its name, from what is on this machine.

Three kinds: digits in MNIST form; pen digits drawn on the canvas; and drawings that are no digit.
What serves choices is called validation. What is called test or unseen is for reports alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_core import datasets, generated, nondigits, shapes, stroke_files, strokes, writers
from mnist_core.calibration import calibration_error
from mnist_core.datasets import Digits
from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.evaluation import Evaluation, tally
from mnist_core.inference import Classifier, read_drawing
from mnist_core.nondigits import KINDS, NO_DIGIT
from mnist_core.penmanship import on_canvas_anywhere
from mnist_core.strokes import PenDigit, Stroke, render

Part = Literal["validation", "unseen"]
PARTS: tuple[Part, ...] = get_args(Part)
_SEEDS = {"validation": 2**64 + 4, "unseen": 2**64 + 5}  # unlike any that a recipe draws with
_EACH = 400  # non-digits of each kind
_MARGIN = 2  # pixels around drawings


@dataclass(frozen=True)
class Drawings:
    """Drawings on the canvas, made as they are asked for, since each takes 300 kB.

    Attributes:
        strokes: of each drawing, in canvas pixels, with the pen's width in pixels.
        labels: (N,) uint8, 0-9, or `NO_DIGIT`.
    """

    strokes: Sequence[tuple[Sequence[Stroke], float]]
    labels: NDArray[np.uint8]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """(280, 280, 4) uint8 RGBA, one after the other."""
        for drawn, pen_width in self.strokes:
            yield render(drawn, pen_width=pen_width)


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


def test_set() -> dict[str, Digits]:
    """MNIST's test digits or, without MNIST, generated ones, by their name."""
    try:
        return {"MNIST test": datasets.load_mnist("test")}
    except DataMissing:
        return {"generated digits": generated_digits()}


def sets(*, complain: Callable[[str], None]) -> dict[str, Digits | Drawings]:
    """Everything there is on this machine, by name; the generated digits are everywhere.

    Args:
        complain: told in a sentence what is there but damaged, and left out for that.

    Raises:
        DataDamaged: MNIST is.
    """
    found: dict[str, Digits | Drawings] = {}
    try:
        plain = {"validation": mnist_validation(), "test": datasets.load_mnist("test")}
        for name, digits in plain.items():
            found[f"MNIST {name}"] = digits
            for way in (turned, thinned, thickened):
                changed = Digits(way(digits.images), digits.labels)
                found[f"MNIST {name}, {way.__name__}"] = changed
    except DataMissing:
        pass
    for part in PARTS:
        try:
            if written := pen_digits(part):
                found[f"pen digits, {part} writers"] = standard(written)
                found[f"pen digits, {part} writers, anywhere"] = anywhere(written, part)
            found |= {f"no digit, {part}: {kind}": drawn for kind, drawn in no_digits(part).items()}
        except DataDamaged as error:
            complain(f"Left out: {error}")
    found["generated digits"] = generated_digits()
    return found


def mnist_validation() -> Digits:
    """The 5,000 training images of MNIST that are held out for choosing.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
    """
    return datasets.split_validation(*datasets.load_mnist("train"))[1]


def generated_digits() -> Digits:
    """A thousand digits from templates, for where there is nothing else."""
    made = generated.make_digits(1000, seed=2**32 + 2)
    return Digits(made.images, made.labels)


def pen_digits(part: Part) -> tuple[PenDigit, ...]:
    """The pen digits of these writers; none if there are no pen strokes on this machine.

    Raises:
        DataDamaged: the file is no file of pen strokes.
    """
    file = stroke_files.find_pendigits()
    return getattr(writers.split(strokes.read_pendigits(file)), part) if file else ()


def standard(written: Sequence[PenDigit]) -> Drawings:
    """Pen digits in the middle of the canvas, 200 pixels large, with the usual pen."""
    return _drawings([(strokes.fit(digit.strokes), 18.0) for digit in written], written)


def anywhere(written: Sequence[PenDigit], part: Part, *, times: int = 1) -> Drawings:
    """Pen digits as people draw them: in any place, size and pen (see `penmanship`).

    Two pixels from the edge, for what touches it is flagged by rule, whatever it is.
    """
    random = np.random.default_rng(_SEEDS[part])
    again = [digit for _ in range(times) for digit in written]
    return _drawings(
        [on_canvas_anywhere(digit.strokes, random, margin=_MARGIN) for digit in again], again
    )


def no_digits(part: Part) -> dict[str, Drawings]:
    """Drawings that are no digit, by kind, in any place, size and pen.

    Their letters, shapes and digits have no part in training, but where there are no pen digits:
    then those from templates are cut, paired and turned. Letters are there only where Omniglot is;
    those of Latin that look like digits are a kind of their own.
    """
    letters = nondigits.split_letters(())
    if file := stroke_files.find_letters():
        letters = nondigits.split_letters(stroke_files.read_letters(file))
    names = {"validation": shapes.VALIDATION, "unseen": shapes.UNSEEN}[part]
    source = nondigits.Source(getattr(letters, part), pen_digits(part), names)
    found: dict[str, Drawings] = {}
    for kind in source.kinds:
        # All letters there are, in order; of what chance makes, as many as are wanted.
        random = np.random.default_rng([_SEEDS[part], KINDS.index(kind)])
        if kind == "letters":
            drawn = [list(letter.strokes) for letter in source.letters]
        else:
            drawn = [nondigits.draw(kind, source, random) for _ in range(_EACH)]
        found[kind] = _no_digits(drawn, random)
    if part == "unseen" and letters.lookalikes:
        random = np.random.default_rng(_SEEDS[part])
        alike = [list(letter.strokes) for letter in letters.lookalikes]
        found["Latin letters that look like digits"] = _no_digits(alike, random)
    return found


def turned(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 28, 28) uint8, each turned by up to 15 degrees either way, the same ones every time.

    Like `thinned` and `thickened` this is what training varies its digits by, too.
    """
    angles = np.random.default_rng(_SEEDS["unseen"]).uniform(-15, 15, len(images))
    return np.stack(
        [
            np.asarray(Image.fromarray(image).rotate(angle, Image.Resampling.BILINEAR))
            for image, angle in zip(images, angles, strict=True)
        ]
    )


def thinned(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 28, 28) uint8 after a 2x2 minimum filter."""
    return ndimage.minimum_filter(images, size=(1, 2, 2))


def thickened(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, 28, 28) uint8 after a 2x2 maximum filter."""
    return ndimage.maximum_filter(images, size=(1, 2, 2))


def _drawings(
    drawn: Sequence[tuple[Sequence[Stroke], float]], written: Sequence[PenDigit]
) -> Drawings:
    return Drawings(drawn, np.array([digit.label for digit in written], np.uint8))


def _no_digits(drawn: Sequence[list[Stroke]], random: np.random.Generator) -> Drawings:
    placed = [on_canvas_anywhere(each, random, margin=_MARGIN) for each in drawn]
    return Drawings(placed, np.full(len(placed), NO_DIGIT, np.uint8))
