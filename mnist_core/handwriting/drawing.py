"""One drawing, before it is kept and after, and how a row of the database holds it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import InputError
from mnist_core.store.database import as_written
from mnist_core.strokes import Stroke


@dataclass(frozen=True, eq=False)
class NewDrawing:
    """A drawing to be kept; the attributes are those of `Drawing`.

    Attributes:
        at: None stands for now.
        held_out: None leaves it to `keep`, which holds a third of each label back.
    """

    label: int
    image: NDArray[np.uint8]
    strokes: Sequence[Stroke] = ()
    pen_width: float = 0.0
    read: int | None = None
    confidence: float | None = None
    verdict: str = ""
    model: str = ""
    at: float | None = None
    held_out: bool | None = None


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing that is kept.

    Attributes:
        number: never used again, and higher than of all that were kept before.
        profile: the number of its profile.
        label: 0-9, what the person says it is.
        image: (28, 28) uint8, bright ink on 0, read-only.
        strokes: in pixels of the canvas, to a tenth; none for a picture.
        pen_width: in pixels; 0 without strokes.
        read: 0-9, what it was read as; None where it never was.
        confidence: 0-1, how sure that was; None where it was never read.
        verdict: "digit", "unsure" or "not a digit"; "" where it was never read.
        model: the id of the network that read it, or "".
        at: when, in seconds since 1970.
        held_out: whether it must never be learned from.
    """

    number: int
    profile: int
    label: int
    image: NDArray[np.uint8]
    strokes: tuple[Stroke, ...]
    pen_width: float
    read: int | None
    confidence: float | None
    verdict: str
    model: str
    at: float
    held_out: bool

    @property
    def right(self) -> bool | None:
        """Whether it was read as what it is; None where it was never read."""
        if self.read is None:
            return None
        return self.read == self.label and self.verdict != "not a digit"


def check(drawing: NewDrawing) -> None:
    """See that a drawing can be kept.

    Raises:
        InputError: its label is not 0-9, or its image not (28, 28) uint8, or blank.
    """
    check_label(drawing.label)
    image = drawing.image
    if image.shape != (28, 28) or image.dtype != np.uint8:
        raise InputError(
            f"A drawing is kept as (28, 28) uint8, not {image.shape} {image.dtype}: see `to_mnist`."
        )
    if not image.any():
        raise InputError("There is nothing to keep: draw a digit first.")


def check_label(label: int) -> None:
    """See that a label is one of the ten digits.

    Raises:
        InputError: it is not.
    """
    if label not in range(10):
        raise InputError(f"A drawing is one of the digits 0 to 9, not {label}: choose one.")


def as_row(profile: int, drawing: NewDrawing, *, held_out: bool) -> tuple[object, ...]:
    """The values of a row, but its number, in the order of its columns."""
    points = [np.round(stroke, 1).tolist() for stroke in drawing.strokes]
    return (
        profile,
        int(drawing.label),
        drawing.image.tobytes(),
        json.dumps(points, separators=(",", ":")),
        float(drawing.pen_width),
        None if drawing.read is None else int(drawing.read),
        None if drawing.confidence is None else float(drawing.confidence),
        drawing.verdict,
        drawing.model,
        time.time() if drawing.at is None else drawing.at,
        int(held_out),
    )


@as_written()
def from_row(row: sqlite3.Row) -> Drawing:
    """The drawing in a row of the table.

    Raises:
        StoreError: the row is damaged.
    """
    if row["label"] not in range(10):
        raise ValueError("No drawing is kept with such a label.")
    return Drawing(
        number=row["number"],
        profile=row["profile"],
        label=row["label"],
        image=np.frombuffer(row["image"], np.uint8).reshape(28, 28),
        strokes=tuple(np.array(s, np.float64).reshape(-1, 2) for s in json.loads(row["strokes"])),
        pen_width=float(row["pen_width"]),
        read=None if row["read"] is None else int(row["read"]),
        confidence=None if row["confidence"] is None else float(row["confidence"]),
        verdict=row["verdict"],
        model=row["model"],
        at=float(row["at"]),
        held_out=bool(row["held_out"]),
    )
