"""The strokes in what the drawing canvas sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mnist_core.strokes import CANVAS, Stroke

_MOST = 10_000  # points of a drawing; minutes without lifting the pen
_FAR = 100 * CANVAS  # pixels; the pen may leave the canvas
_SAME = 0.1  # pixels; the canvas moves the ends of a stroke by a thousandth of its width


def strokes_on_canvas(objects: Mapping[str, Any]) -> tuple[tuple[Stroke, ...], float]:
    """Where the pen went, before the canvas smoothed it: the inverse of `strokes.smooth`.

    Fabric.js, which the canvas is made of, begins a path at the first position of the pen (M), has
    the positions in between as controls of curves (Q), and ends it at the last (L).

    Args:
        objects: what the canvas calls json_data; it comes from a browser, so it may be anything.

    Returns:
        The strokes in pixels of the canvas, and the pen's width in the first of them; () and 0.0
        where anything is not as the canvas makes it. The picture is what counts.
    """
    try:
        paths = objects["objects"]
        if sum(len(path["path"]) for path in paths) > _MOST:
            return (), 0.0
        strokes = tuple(_stroke(path["path"]) for path in paths)
        width = float(paths[0]["strokeWidth"])
    except (TypeError, ValueError, LookupError, OverflowError, AttributeError):
        return (), 0.0
    return (strokes, width) if 0 < width <= CANVAS else ((), 0.0)


def _stroke(path: list[Any]) -> Stroke:
    # A command, then its numbers; of a curve the control comes first, then where it ends.
    letters = "".join(command[0] for command in path)
    if letters != "M" + "Q" * (len(path) - 2) + "L":
        raise ValueError("The canvas draws no such path.")
    points = np.array([command[1:3] for command in path], np.float64)
    if points.shape != (len(path), 2) or not (np.abs(points) <= _FAR).all():
        raise ValueError("These are no places near the canvas.")
    moved = np.abs(np.diff(points, axis=0)).max(axis=1) > _SAME
    return points[np.concatenate([[True], moved])]
