"""The sets by which models are chosen and measured, each with its name.

They are made of what is on this machine.

Three kinds: digits in MNIST form; pen digits drawn on the canvas; and drawings that are no digit.
What serves choices is called validation. What is called test or unseen is for reports alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_core import datasets, generated, nondigits, shapes, stroke_files, strokes, writers
from mnist_core.datasets import Digits
from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.nondigits import KINDS, NO_DIGIT
from mnist_core.penmanship import on_canvas_anywhere
from mnist_core.strokes import PenDigit, Stroke, render
from mnist_core.validation import validation_digits

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
    held_out = validation_digits("mnist")
    return Digits(held_out.images, held_out.labels)


def measured_on(images: NDArray[np.uint8]) -> int:
    """How many of these are among MNIST's test or validation digits, as far as those are here.

    Args:
        images: (N, 28, 28) uint8.

    Raises:
        DataDamaged: MNIST is.
    """
    try:
        known = mnist_validation().images, datasets.load_mnist("test").images
    except DataMissing:
        return 0
    never = {image.tobytes() for digits in known for image in digits}
    return sum(image.tobytes() in never for image in images)


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
