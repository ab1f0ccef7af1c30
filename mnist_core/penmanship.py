"""The many ways in which people put one and the same thing on the canvas.

A person draws small or large, in a corner or in the middle, in a hurry or with care, with a thin or
a wide pen. What a network is to read has to be drawn in all these ways.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_core.strokes import CANVAS, Stroke, cover, fit, perturb

SIZES = (0.25, 1.0)  # of the ink's longer side, as a share of the canvas
PENS = (8.0, 32.0)  # widths in pixels
_WIDEST = 0.25  # of the pen, as a share of the drawing's size: a wider one makes a blot
_UNEVEN = 0.3  # how much longer or shorter a part becomes at most, about; from 2/3 on it would fold
_PACES = (0.01, 0.09)  # between two positions of the pointer, as a share of the drawing's size


def on_canvas_anywhere(
    strokes: Sequence[Stroke], random: np.random.Generator, *, margin: float = 0.0
) -> tuple[list[Stroke], float]:
    """Put a drawing on the canvas somewhere, in some size, with some pen.

    The size is that of the ink, 25 to 100 % of the canvas, and all of it stays on the canvas; the
    pen is 8 to 32 pixels wide, and at most a quarter of the size.

    Args:
        strokes: the drawing, in any unit.
        random: the source of chance.
        margin: around the part of the canvas that is drawn on, in pixels.

    Returns:
        New strokes and the pen's width, in pixels, as `strokes.render` takes them.
    """
    size = (CANVAS - 2 * margin) * random.uniform(*SIZES)
    pen_width = random.uniform(PENS[0], min(PENS[1], size * _WIDEST))
    reach = (CANVAS - size) / 2 - margin
    x, y = CANVAS / 2 + random.uniform(-reach, reach, 2)
    return fit(strokes, size=size - pen_width, centre=(x, y)), pen_width


def write_again(strokes: Sequence[Stroke], random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw the same thing as another hand in another mood would, anywhere on the canvas.

    Proportions as in `reproportion`, slant, turn, aspect and wobble as in `strokes.perturb`, speed
    as in `hurry`, then `on_canvas_anywhere`.

    Args:
        strokes: the drawing, in any unit.
        random: the source of chance.

    Returns:
        (280, 280) uint8, how far ink covers each pixel, for `preprocessing.place`.
    """
    changed = perturb(reproportion(strokes, random), random, slant=0.3, rotation=10.0, stretch=0.2)
    placed, pen_width = on_canvas_anywhere(hurry(changed, random), random)
    return cover(placed, pen_width=pen_width)


def reproportion(strokes: Sequence[Stroke], random: np.random.Generator) -> list[Stroke]:
    """Change how long the parts of a drawing are beside each other, across and down.

    Writers differ in this as much as in slant: how far the flag of a 1 comes down, how small the
    loop of a 9 is beside its tail.

    Args:
        strokes: the drawing, in any unit.
        random: the source of chance.

    Returns:
        New strokes in the same box; what lay left of, or above, something still does.
    """
    points = np.concatenate(list(strokes))
    corner = points.min(axis=0)
    extent = np.maximum(np.ptp(points, axis=0), 1e-9)
    bow, sway = random.uniform(-_UNEVEN, _UNEVEN, (2, 2)) / np.array([[1], [2]])
    result = []
    for stroke in strokes:
        share = (stroke - corner) / extent
        share += bow * np.sin(np.pi * share) / np.pi
        share += sway * np.sin(2 * np.pi * share) / (2 * np.pi)
        result.append(corner + share * extent)
    return result


def hurry(strokes: Sequence[Stroke], random: np.random.Generator) -> list[Stroke]:
    """Draw the same path at another, uneven speed.

    A browser tells where the pointer is some 60 times a second. The faster it moves the farther
    apart these places are, and the rounder the canvas draws its corners.

    Args:
        strokes: the drawing, in any unit.
        random: the source of chance.

    Returns:
        As many strokes, of other points on the same paths; the ends stay.
    """
    extent = float(np.ptp(np.concatenate(list(strokes)), axis=0).max())
    pace = max(extent, 1e-9) * random.uniform(*_PACES)
    result = []
    for stroke in strokes:
        run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        count = int(run[-1] / pace) + 2
        # Speeds up and slows down by up to half, in one or two waves along the stroke.
        waves = 2 * np.pi * random.uniform(0.5, 2.0)
        even = np.linspace(0, 1, count)
        swing = random.uniform(0, 0.5) / waves
        start = random.uniform(0, 2 * np.pi)
        uneven = even + swing * (np.sin(start + waves * even) - np.sin(start))
        uneven *= run[-1] / max(uneven[-1], 1e-9)
        result.append(
            np.stack([np.interp(uneven, run, stroke[:, axis]) for axis in (0, 1)], axis=1)
        )
    return result
