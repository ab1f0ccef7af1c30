"""Digits made from stroke templates: for offline use, for tests, and for variety in training.

Every digit comes in the styles people write it in (a 1 with a flag or a foot, a one-stroke 4, a
crossed 7, ...), because MNIST, one country's writing, hardly holds some of them. Whatever is made
here is to be labelled as generated, never passed off as MNIST.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core import preprocessing
from mnist_core.strokes import CANVAS, Stroke, fit, perturb, render
from mnist_core.templates import TEMPLATES, Points


@dataclass(frozen=True)
class GeneratedDigits:
    """Generated digits in MNIST form.

    Attributes:
        images: (N, 28, 28) uint8, bright ink on 0.
        labels: (N,) uint8, 0-9.
        styles: N names, keys of `TEMPLATES[label]`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    styles: tuple[str, ...]


def strokes_of(label: int, style: str) -> list[Stroke]:
    """The template of one digit in one style, on the canvas in pixels, centred and upright.

    Raises:
        KeyError: no such digit or style.
    """
    # Handwritten digits are taller than wide; 0.7 is about MNIST's mean.
    return fit([curve(points) * (0.7, 1.0) for points in TEMPLATES[label][style]])


def drawing(random: np.random.Generator, label: int, style: str) -> NDArray[np.uint8]:
    """One generated digit as it would look on the canvas.

    Slant, size, place, pen width and the shape itself are drawn from `random`.

    Returns:
        (280, 280, 4) uint8 RGBA.

    Raises:
        KeyError: no such digit or style.
    """
    size = random.uniform(90, 220)
    pen_width = random.uniform(10, min(26, size / 6))
    reach = (CANVAS - size - pen_width) / 2 - 3
    centre = CANVAS / 2 + random.uniform(-reach, reach, 2)
    written = perturb(strokes_of(label, style), random)
    return render(
        fit(written, size=size, centre=(centre[0], centre[1])),
        pen_width=pen_width,
    )


def make_digits(count: int, *, seed: int) -> GeneratedDigits:
    """Make `count` digits: labels in turn, styles at random, each through `to_mnist`.

    The same seed gives the same digits; about 3 ms a digit.
    """
    random = np.random.default_rng(seed)
    images = np.empty((count, preprocessing.SIDE, preprocessing.SIDE), np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    styles = []
    for i, label in enumerate(labels):
        style = str(random.choice(list(TEMPLATES[int(label)])))
        images[i] = preprocessing.to_mnist(drawing(random, int(label), style))
        styles.append(style)
    return GeneratedDigits(images, labels, tuple(styles))


def curve(points: Points) -> Stroke:
    """A polyline through `points`: Catmull-Rom splines (1974) between corners."""
    pieces: list[Points] = [[]]
    for i, point in enumerate(points):
        pieces[-1].append(point)
        if i + 1 < len(points) and points[i + 1] == point:
            pieces.append([])
    return np.concatenate([spline(np.array(piece)) for piece in pieces])


def spline(knots: Stroke, steps: int = 8) -> Stroke:
    """A smooth polyline through `knots` (N, 2), `steps` points from each to the next."""
    if len(knots) < 2:
        return knots
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    before, start, end, after = (k[:, None] for k in (before, start, end, after))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), knots[-1:]])
