"""Drawings that are no digit: letters, scribbles, shapes, digits cut in half, in pairs or turned.

A network that has seen digits alone calls everything a digit, and is sure of it. These teach it
better, and measure how well that was learned (outlier exposure: D. Hendrycks, M. Mazeika and T.
Dietterich, "Deep Anomaly Detection with Outlier Exposure", 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np

from mnist_core import shapes
from mnist_core.generated import curve, spline, strokes_of
from mnist_core.stroke_files import Letter
from mnist_core.strokes import PenDigit, Stroke, fit
from mnist_core.templates import TEMPLATES

Kind = Literal["letters", "scribbles", "shapes", "figures", "halves", "pairs", "turned"]
NO_DIGIT = 10  # the label of what is none
KINDS: tuple[Kind, ...] = get_args(Kind)
_T = TypeVar("_T")

# Characters that nobody could tell from a digit, or a common way of writing one. Of Greek none is
# left out, not even omicron and iota.
_LOOKALIKES = {
    "Balinese": {5, 14},
    "Early_Aramaic": {2, 3, 4, 5, 6, 7, 10, 12, 14, 16, 17, 20},
    "Korean": {20, 21, 22, 27, 28, 33, 37},
    "Latin": {2, 7, 9, 12, 15, 17, 19, 26},  # b g i l o q s z
}
_UNSEEN_ALPHABETS = {"Greek", "Latin"}

# What is left of these digits, drawn half, is no digit: half a 1 is a 1, half an 8 may be a 5.
_FIRST_HALF = {0, 2, 3, 5, 7}
_SECOND_HALF = {0, 2, 3}
_MIRRORED = {3, 4, 6, 7, 9}
_ROTATED = {2, 3, 4, 5, 7}


class Letters(NamedTuple):
    """Letters in parts that share no character.

    `train` and `validation` are of the same alphabets and drawn by the same people, but hold none
    that look like a digit. `unseen` is Greek, and Latin but for its `lookalikes`.
    """

    train: tuple[Letter, ...]
    validation: tuple[Letter, ...]
    unseen: tuple[Letter, ...]
    lookalikes: tuple[Letter, ...]


def split_letters(letters: Sequence[Letter]) -> Letters:
    """Keep Greek and Latin unseen, and a quarter of the other characters for validation."""
    sorted_in: dict[str, list[Letter]] = {name: [] for name in Letters._fields}
    for letter in letters:
        unseen = letter.alphabet in _UNSEEN_ALPHABETS
        if letter.character in _LOOKALIKES.get(letter.alphabet, ()):
            if unseen:
                sorted_in["lookalikes"].append(letter)
        elif unseen:
            sorted_in["unseen"].append(letter)
        else:
            sorted_in["validation" if letter.character % 4 == 0 else "train"].append(letter)
    return Letters(**{name: tuple(part) for name, part in sorted_in.items()})


@dataclass(frozen=True)
class Source:
    """What non-digits are drawn from.

    Attributes:
        letters: may be none.
        digits: to be halved, paired and turned; where none is of use, templates are taken.
        shapes: names, keys of `shapes.SHAPES`.
    """

    letters: Sequence[Letter]
    digits: Sequence[PenDigit]
    shapes: Sequence[str]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that can be drawn."""
        return KINDS if self.letters else KINDS[1:]


def draw(kind: Kind, source: Source, random: np.random.Generator) -> list[Stroke]:
    """Draw something that is no digit, in any unit."""
    match kind:
        case "letters":
            return list(_one_of(source.letters, random).strokes)
        case "scribbles":
            return [
                spline(random.uniform(0, 1, (random.integers(3, 10), 2)))
                for _ in range(random.integers(1, 4))
            ]
        case "shapes":
            return [curve(points) for points in shapes.SHAPES[_one_of(source.shapes, random)]]
        case "figures":
            return _figure(random)
        case "halves":
            return _half(source, random)
        case "pairs":
            return _pair(source, random)
        case "turned":
            return _turned(source, random)


def _figure(random: np.random.Generator) -> list[Stroke]:
    """A polygon, or three to five lines, curves and rings anyhow; fewer might make a digit."""
    if random.random() < 0.3:
        corners = int(random.choice([3, 5, 6, 7]))
        turns = 2 * np.pi * (np.arange(corners) + random.uniform(0, 0.6, corners)) / corners
        outline = np.stack([np.cos(turns), np.sin(turns)], axis=1)
        outline *= random.uniform(0.5, 1.0, (corners, 1))
        return [np.concatenate([outline, outline[:1]])]
    return [_piece(random) for _ in range(random.integers(3, 6))]


def _piece(random: np.random.Generator) -> Stroke:
    match random.integers(3):
        case 0:  # straight lines
            return random.uniform(0, 1, (random.integers(2, 5), 2))
        case 1:
            return spline(random.uniform(0, 1, (3, 2)))
        case _:  # a ring, or a part of one
            turns = np.linspace(0, random.uniform(np.pi, 2 * np.pi), 24) + random.uniform(0, 6.3)
            ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
            return random.uniform(0, 1, 2) + ring * random.uniform(0.1, 0.5, 2)


def _half(source: Source, random: np.random.Generator) -> list[Stroke]:
    """The first or second half of a digit, by the length of its strokes."""
    second = random.random() < len(_SECOND_HALF) / len(_FIRST_HALF | _SECOND_HALF) / 2
    digit = _a_digit(source, random, _SECOND_HALF if second else _FIRST_HALF)
    strokes = [s[::-1] for s in digit[::-1]] if second else digit
    runs = [np.hypot(*np.diff(s, axis=0).T) for s in strokes]
    left = sum(float(run.sum()) for run in runs) * random.uniform(0.4, 0.5)
    half = []
    for stroke, run in zip(strokes, runs, strict=True):
        half.append(stroke[: 1 + int(np.searchsorted(np.cumsum(run), left))])
        left -= float(run.sum())
        if left <= 0:
            break
    return half


def _pair(source: Source, random: np.random.Generator) -> list[Stroke]:
    """Two digits side by side, which may touch."""
    result: list[Stroke] = []
    end = 0.0
    for _ in range(2):
        strokes = fit(_a_digit(source, random, set(TEMPLATES)), size=random.uniform(0.8, 1.0))
        left = min(float(s[:, 0].min()) for s in strokes)
        result += [s + np.array([end - left, 0.0]) for s in strokes]
        end = max(float(s[:, 0].max()) for s in result) + random.uniform(-0.1, 0.35)
    return result


def _turned(source: Source, random: np.random.Generator) -> list[Stroke]:
    """A digit in a mirror, or lying on its side."""
    if random.random() < 0.5:
        return [s * (-1, 1) for s in _a_digit(source, random, _MIRRORED)]
    way = random.choice([-1, 1])
    return [s[:, ::-1] * (way, -way) for s in _a_digit(source, random, _ROTATED)]


def _a_digit(source: Source, random: np.random.Generator, labels: set[int]) -> list[Stroke]:
    if not any(digit.label in labels for digit in source.digits):
        label = _one_of(sorted(labels), random)
        return strokes_of(label, _one_of(sorted(TEMPLATES[label]), random))
    while True:
        digit = _one_of(source.digits, random)
        if digit.label in labels:
            return list(digit.strokes)


def _one_of(things: Sequence[_T], random: np.random.Generator) -> _T:
    return things[int(random.integers(len(things)))]
