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

# Strokes by their points, x right and y down in a unit box; a curve runs smoothly through them,
# and a point given twice is a corner.
_Points = list[tuple[float, float]]

_BOWL_OF_5: _Points = [(0.2, 0.43), (0.5, 0.34), (0.82, 0.5), (0.82, 0.82), (0.5, 1), (0.1, 0.9)]
_LOOP_OF_9: _Points = [
    (0.83, 0.22),
    (0.6, 0.02),
    (0.28, 0.06),
    (0.13, 0.28),
    (0.32, 0.5),
    (0.66, 0.44),
    (0.83, 0.2),
]


def _corner(x: float, y: float) -> _Points:
    return [(x, y), (x, y)]


TEMPLATES: dict[int, dict[str, list[_Points]]] = {
    0: {
        "plain": [
            [
                (0.55, 0),
                (0.25, 0.1),
                (0.1, 0.5),
                (0.25, 0.9),
                (0.5, 1),
                (0.78, 0.88),
                (0.9, 0.5),
                (0.76, 0.1),
                (0.5, 0),
            ]
        ],
        "narrow": [
            [
                (0.5, 0),
                (0.3, 0.12),
                (0.22, 0.5),
                (0.32, 0.88),
                (0.5, 1),
                (0.68, 0.88),
                (0.78, 0.5),
                (0.68, 0.1),
                (0.46, 0.02),
            ]
        ],
        "slashed": [
            [
                (0.55, 0),
                (0.25, 0.1),
                (0.1, 0.5),
                (0.25, 0.9),
                (0.5, 1),
                (0.78, 0.88),
                (0.9, 0.5),
                (0.76, 0.1),
                (0.5, 0),
            ],
            [(0.82, 0.12), (0.18, 0.88)],
        ],
    },
    1: {
        "plain": [[(0.5, 0), (0.5, 0.5), (0.5, 1)]],
        "flagged": [[(0.25, 0.26), *_corner(0.55, 0), (0.55, 1)]],
        "long flag": [[(0.1, 0.5), (0.32, 0.3), *_corner(0.6, 0), (0.6, 1)]],
        "flagged and footed": [
            [(0.25, 0.25), *_corner(0.52, 0), (0.52, 1)],
            [(0.2, 1), (0.84, 1)],
        ],
        "footed": [[(0.5, 0), (0.5, 1)], [(0.22, 1), (0.78, 1)]],
    },
    2: {
        "angular": [
            [
                (0.12, 0.25),
                (0.28, 0.05),
                (0.58, 0),
                (0.83, 0.18),
                (0.74, 0.48),
                *_corner(0.1, 1),
                (0.9, 1),
            ]
        ],
        "looped": [
            [
                (0.12, 0.22),
                (0.35, 0.01),
                (0.7, 0.05),
                (0.8, 0.3),
                (0.55, 0.68),
                (0.25, 0.95),
                (0.1, 0.88),
                (0.22, 0.76),
                (0.5, 0.9),
                (0.9, 0.97),
            ]
        ],
        "curved foot": [
            [
                (0.15, 0.2),
                (0.4, 0),
                (0.78, 0.1),
                (0.75, 0.45),
                (0.4, 0.8),
                *_corner(0.1, 0.98),
                (0.4, 0.9),
                (0.65, 1),
                (0.92, 0.92),
            ]
        ],
    },
    3: {
        "round": [
            [
                (0.15, 0.14),
                (0.45, 0),
                (0.8, 0.12),
                (0.74, 0.38),
                *_corner(0.4, 0.47),
                (0.8, 0.58),
                (0.85, 0.84),
                (0.5, 1),
                (0.1, 0.88),
            ]
        ],
        "flat top": [
            [
                (0.12, 0),
                *_corner(0.85, 0),
                *_corner(0.42, 0.4),
                (0.75, 0.48),
                (0.87, 0.72),
                (0.7, 0.95),
                (0.4, 1),
                (0.1, 0.88),
            ]
        ],
        "looped": [
            [
                (0.18, 0.1),
                (0.5, 0),
                (0.8, 0.15),
                (0.66, 0.42),
                (0.42, 0.5),
                (0.38, 0.42),
                (0.52, 0.42),
                (0.85, 0.62),
                (0.8, 0.88),
                (0.48, 1),
                (0.12, 0.92),
            ]
        ],
    },
    4: {
        "open": [
            [(0.2, 0), *_corner(0.1, 0.55), (0.92, 0.55)],
            [(0.7, 0.08), (0.66, 1)],
        ],
        "closed": [
            [(0.66, 0), *_corner(0.05, 0.66), (0.95, 0.66)],
            [(0.66, 0), (0.66, 1)],
        ],
        "one stroke": [[(0.66, 1), *_corner(0.66, 0), *_corner(0.06, 0.64), (0.96, 0.64)]],
        "one stroke, open": [
            [(0.15, 0), *_corner(0.12, 0.5), *_corner(0.78, 0.48), *_corner(0.8, 0.02), (0.76, 1)]
        ],
        "rounded": [
            [(0.14, 0.02), (0.1, 0.35), (0.3, 0.52), (0.6, 0.45), *_corner(0.8, 0.02), (0.76, 1)]
        ],
    },
    5: {
        "two strokes": [
            [(0.26, 0), *_corner(0.2, 0.43), *_BOWL_OF_5[1:]],
            [(0.26, 0), (0.86, 0)],
        ],
        "one stroke": [[(0.86, 0), *_corner(0.26, 0), *_corner(0.2, 0.43), *_BOWL_OF_5[1:]]],
        "like an S": [
            [
                (0.85, 0.05),
                (0.5, 0),
                (0.22, 0.18),
                (0.35, 0.4),
                (0.7, 0.52),
                (0.85, 0.75),
                (0.6, 0.98),
                (0.12, 0.92),
            ]
        ],
    },
    6: {
        "curled": [
            [
                (0.75, 0.02),
                (0.4, 0.16),
                (0.14, 0.55),
                (0.18, 0.88),
                (0.5, 1),
                (0.8, 0.86),
                (0.78, 0.62),
                (0.5, 0.52),
                (0.2, 0.7),
            ]
        ],
        "straight": [
            [
                (0.5, 0),
                (0.28, 0.32),
                (0.13, 0.68),
                (0.25, 0.94),
                (0.5, 1),
                (0.76, 0.9),
                (0.76, 0.66),
                (0.48, 0.56),
                (0.18, 0.76),
            ]
        ],
        "closed loop": [
            [
                (0.6, 0),
                (0.25, 0.3),
                (0.15, 0.7),
                (0.35, 0.98),
                (0.7, 0.95),
                (0.82, 0.7),
                (0.55, 0.5),
                (0.25, 0.6),
                (0.16, 0.75),
            ]
        ],
    },
    7: {
        "plain": [[(0.1, 0), *_corner(0.9, 0), (0.4, 1)]],
        "curved": [[(0.1, 0.04), (0.45, 0.02), *_corner(0.88, 0), (0.55, 0.45), (0.42, 1)]],
        "serif": [[(0.1, 0.18), *_corner(0.1, 0), *_corner(0.9, 0), (0.38, 1)]],
        "crossed": [
            [(0.1, 0), *_corner(0.9, 0), (0.4, 1)],
            [(0.3, 0.5), (0.86, 0.5)],
        ],
        "crossed, curved": [
            [(0.08, 0.12), (0.3, 0.02), (0.5, 0.06), *_corner(0.9, 0), (0.6, 0.4), (0.42, 1)],
            [(0.28, 0.48), (0.9, 0.46)],
        ],
    },
    8: {
        "one stroke": [
            [
                (0.76, 0.13),
                (0.5, 0),
                (0.22, 0.14),
                (0.3, 0.36),
                (0.52, 0.48),
                (0.8, 0.68),
                (0.78, 0.9),
                (0.5, 1),
                (0.2, 0.88),
                (0.24, 0.66),
                (0.5, 0.47),
                (0.74, 0.3),
                (0.74, 0.1),
            ]
        ],
        "two rings": [
            [
                (0.5, 0.46),
                (0.25, 0.34),
                (0.27, 0.1),
                (0.5, 0),
                (0.74, 0.1),
                (0.75, 0.34),
                (0.5, 0.46),
            ],
            [
                (0.5, 0.46),
                (0.2, 0.6),
                (0.18, 0.88),
                (0.5, 1),
                (0.82, 0.88),
                (0.8, 0.6),
                (0.5, 0.46),
            ],
        ],
    },
    9: {
        "straight": [[*_LOOP_OF_9, *_corner(0.84, 0.12), (0.8, 1)]],
        "curled": [
            [*_LOOP_OF_9, *_corner(0.84, 0.12), (0.84, 0.6), (0.7, 0.92), (0.42, 1), (0.14, 0.9)]
        ],
        "slanted": [[*_LOOP_OF_9, *_corner(0.84, 0.12), (0.7, 0.6), (0.45, 1)]],
    },
}


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
    return fit([_curve(points) * (0.7, 1.0) for points in TEMPLATES[label][style]])


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


def make_scribbles(count: int, *, seed: int) -> NDArray[np.uint8]:
    """Make `count` things that are no digits, to train a network to be unsure of such.

    One to three smooth wanderings through random points, in the same sizes and pens as the
    digits. A few come out like a digit by chance; their target should be "unsure", not "wrong".

    Returns:
        (count, 28, 28) uint8, each through `to_mnist`. The same seed gives the same scribbles.
    """
    random = np.random.default_rng(seed)
    images = np.empty((count, preprocessing.SIDE, preprocessing.SIDE), np.uint8)
    for i in range(count):
        wanderings = [
            _spline(random.uniform(0, 1, (random.integers(3, 10), 2)))
            for _ in range(random.integers(1, 4))
        ]
        size = random.uniform(90, 220)
        width = random.uniform(10, min(26, size / 6))
        images[i] = preprocessing.to_mnist(render(fit(wanderings, size=size), pen_width=width))
    return images


def _curve(points: _Points) -> Stroke:
    """A polyline through `points`: Catmull-Rom splines (1974) between corners."""
    pieces: list[_Points] = [[]]
    for i, point in enumerate(points):
        pieces[-1].append(point)
        if i + 1 < len(points) and points[i + 1] == point:
            pieces.append([])
    return np.concatenate([_spline(np.array(piece)) for piece in pieces])


def _spline(knots: Stroke, steps: int = 8) -> Stroke:
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
