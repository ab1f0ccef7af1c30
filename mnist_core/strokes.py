"""Pen strokes: read, perturb and render them the way the drawing canvas does.

A drawing is a list of strokes; a stroke is a float array (N, 2) of x, y with y pointing down, in
any unit until `fit` puts it on the canvas in pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_core.errors import DataDamaged

Stroke = NDArray[np.float64]

CANVAS = 280  # pixels, the side of the drawing canvas
INK = (241, 245, 249)  # chalk
BOARD = (31, 45, 68)  # slate; the canvas and everything drawn to look like it use these two

_SUPERSAMPLING = 2


@dataclass(frozen=True)
class PenDigit:
    """One digit written on a tablet: its strokes, the digit meant, and who wrote it."""

    strokes: tuple[Stroke, ...]
    label: int
    writer: int


def fit(
    strokes: Sequence[Stroke],
    *,
    size: float = 200.0,
    centre: tuple[float, float] = (CANVAS / 2, CANVAS / 2),
) -> list[Stroke]:
    """Scale a drawing, keeping its aspect, and centre its bounding box.

    Args:
        strokes: the drawing, in any unit.
        size: the longer side afterwards, in pixels.
        centre: where the middle of the bounding box goes, x and y in pixels.

    Returns:
        New strokes, in pixels.
    """
    points = np.concatenate(list(strokes))
    low, high = points.min(axis=0), points.max(axis=0)
    scale = size / max(float((high - low).max()), 1e-9)
    return [(stroke - (low + high) / 2) * scale + centre for stroke in strokes]


def perturb(
    strokes: Sequence[Stroke],
    random: np.random.Generator,
    *,
    slant: float = 0.2,
    rotation: float = 8.0,
    stretch: float = 0.15,
    wobble: float = 0.02,
) -> list[Stroke]:
    """Draw the same thing as another hand on another day would.

    Args:
        strokes: the drawing, in any unit.
        random: the source of chance.
        slant: largest shear of x by y.
        rotation: largest turn, in degrees.
        stretch: largest change of the aspect, as a share.
        wobble: size of smooth, slow deviations, as a share of the drawing's size.

    Returns:
        New strokes, in the same unit and about the same place.
    """
    points = np.concatenate(list(strokes))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = float(np.ptp(points, axis=0).max())
    angle = np.deg2rad(random.uniform(-rotation, rotation))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.array([[1.0, random.uniform(-slant, slant)], [0.0, 1.0]])
    wide = np.exp(random.uniform(-stretch, stretch))
    matrix = turn @ shear @ np.diag([wide, 1 / wide])
    # A smooth field over the plane: strokes that meet still meet afterwards.
    waves = random.normal(0, wobble * extent, (2, 3))
    directions = random.normal(0, 4.0 / max(extent, 1e-9), (3, 2))
    phases = random.uniform(0, 2 * np.pi, 3)
    result = []
    for stroke in strokes:
        moved = stroke + np.sin(stroke @ directions.T + phases) @ waves.T
        result.append((moved - middle) @ matrix.T + middle)
    return result


def render(
    strokes: Sequence[Stroke],
    *,
    pen_width: float = 18.0,
    side: int = CANVAS,
) -> NDArray[np.uint8]:
    """Paint strokes as the canvas does: round caps and joins, smooth through midpoints.

    Args:
        strokes: in canvas pixels; parts outside the canvas are cut off.
        pen_width: in pixels.
        side: of the square canvas, in pixels.

    Returns:
        (side, side, 4) uint8 RGBA, chalk on slate, opaque.
    """
    ink = Image.new("RGBA", (side, side), (*INK, 255))
    board = Image.new("RGBA", (side, side), (*BOARD, 255))
    covered = Image.fromarray(cover(strokes, pen_width=pen_width, side=side))
    return np.asarray(Image.composite(ink, board, covered))


def cover(
    strokes: Sequence[Stroke],
    *,
    pen_width: float = 18.0,
    side: int = CANVAS,
) -> NDArray[np.uint8]:
    """How far the ink of strokes covers each pixel: `render` without its colours.

    `preprocessing.place` makes the same of it as `to_mnist` does of `render`, to two or three
    grey levels, in half the time.

    Args:
        strokes: as for `render`.
        pen_width: in pixels.
        side: of the square canvas, in pixels.

    Returns:
        (side, side) uint8, 0 for none to 255 for all.
    """
    fine = Image.new("L", (side * _SUPERSAMPLING, side * _SUPERSAMPLING))
    pen = ImageDraw.Draw(fine)
    width = pen_width * _SUPERSAMPLING
    radius = (width - 1) / 2
    for stroke in strokes:
        path = _spaced(smooth(stroke) * _SUPERSAMPLING, width / 8)
        pen.line(path.ravel().tolist(), fill=255, width=round(width))
        for x, y in path.tolist():  # round caps and joins
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return np.asarray(fine.reduce(_SUPERSAMPLING))


def _spaced(path: Stroke, step: float) -> Stroke:
    """The same path with vertices at least `step` apart; the ends stay."""
    run = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    keep = np.concatenate([[True], np.floor(run[1:] / step) > np.floor(run[:-1] / step)])
    keep[-1] = True
    return path[keep]


def smooth(stroke: Stroke) -> Stroke:
    """The curve a pencil brush makes of pointer positions.

    Quadratic Bezier pieces between the midpoints of successive points, with the points as
    controls, as Fabric.js' PencilBrush draws them.

    Args:
        stroke: (N, 2), N >= 1.

    Returns:
        (M, 2), M >= 1, a polyline fine enough to paint.
    """
    if len(stroke) < 3:
        return stroke
    middles = (stroke[:-1] + stroke[1:]) / 2
    start, control, end = middles[:-1], stroke[1:-1], middles[1:]
    t = np.array([0.25, 0.5, 0.75, 1.0])[None, :, None]
    pieces = (
        (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * control[:, None] + t**2 * end[:, None]
    )
    return np.concatenate([stroke[:1], middles[:1], pieces.reshape(-1, 2), stroke[-1:]])


def read_pendigits(path: Path) -> list[PenDigit]:
    """Read a file of the UCI "Pen-Based Recognition of Handwritten Digits" original strokes.

    Format (UNIPEN): `.SEGMENT DIGIT ... "label"` opens a digit, `.COMMENT label writer index`
    names the writer, `.PEN_DOWN` opens a stroke, then `x y` a line with y pointing up, `.PEN_UP`.
    E. Alpaydin, F. Alimoglu (1998), CC BY 4.0.

    Args:
        path: e.g. `pendigits-orig.tra`.

    Returns:
        The digits in the order of the file, y pointing down, in tablet units.

    Raises:
        DataDamaged: the file does not have this format.
    """
    try:
        return list(_digits(path.read_text(encoding="ascii").splitlines()))
    except (OSError, UnicodeDecodeError, ValueError, IndexError) as error:
        raise DataDamaged(f"{path.name} is no file of pen strokes: {error}.") from error


def _digits(lines: list[str]) -> Iterator[PenDigit]:
    label = writer = -1
    strokes: list[list[tuple[float, float]]] = []
    for line in [*lines, ".SEGMENT DIGIT"]:
        if line.startswith(".SEGMENT DIGIT"):
            if strokes:
                yield PenDigit(tuple(np.array(s) for s in strokes if s), label, writer)
            strokes = []
        elif line.startswith(".COMMENT") and len(words := line.split()) == 4 and words[1].isdigit():
            label, writer = int(words[1]), int(words[2])
        elif line.startswith(".PEN_DOWN"):
            strokes.append([])
        elif line.strip() and not line.startswith("."):
            x, y = line.split()
            strokes[-1].append((float(x), -float(y)))
