"""Drawings as files: to take along, and brought in again."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnist_core import exports
from mnist_core.errors import InputError
from mnist_core.handwriting.drawing import Drawing, NewDrawing
from mnist_core.handwriting.npz_digits import read_npz
from mnist_core.handwriting.table_digits import read_table

MOST = 10_000  # drawings in a file
_LARGEST = 20  # MB
_REMEDY = "mend it, or choose another file"


def as_npz(drawings: Sequence[Drawing]) -> bytes:
    """A compressed npz that NumPy loads without unpickling.

    It holds `images` (N, 28, 28) uint8, `labels` (N,) uint8, `held_out` (N,) uint8, 0 or 1, and
    `read` (N,) int8, -1 for what was never read.
    """
    read = [-1 if drawing.read is None else drawing.read for drawing in drawings]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        images=_images(drawings),
        labels=_labels(drawings),
        held_out=np.array([drawing.held_out for drawing in drawings], np.uint8),
        read=np.array(read, np.int8),
    )
    return buffer.getvalue()


def as_csv(drawings: Sequence[Drawing]) -> bytes:
    """A table: index (the drawing's number), label, `pixel0` to `pixel783`, held_out (0 or 1)."""
    numbers = np.array([drawing.number for drawing in drawings], np.int64)
    held_out = [int(drawing.held_out) for drawing in drawings]
    return exports.as_csv(_images(drawings), _labels(drawings), numbers, held_out=held_out)


def as_json(drawings: Sequence[Drawing]) -> bytes:
    """What was drawn: the strokes as lists of [x, y] in pixels of the canvas; none for a picture.

    A list of objects with `number`, `label`, `read` (null where it never was), `at` (seconds since
    1970), `pen_width` (pixels), `held_out` and `strokes`.
    """
    records = [
        {
            "number": drawing.number,
            "label": drawing.label,
            "read": drawing.read,
            "at": drawing.at,
            "pen_width": drawing.pen_width,
            "held_out": drawing.held_out,
            "strokes": [stroke.tolist() for stroke in drawing.strokes],
        }
        for drawing in drawings
    ]
    return json.dumps(records).encode("ascii")


def as_sheet(drawings: Sequence[Drawing]) -> bytes:
    """A PNG of all drawings, about as high as wide.

    Raises:
        InputError: there are none.
    """
    return exports.as_sheet(_images(drawings))


def read_file(name: str, content: bytes) -> list[NewDrawing]:
    """The drawings in an npz or a CSV; which of them it is shows in the content, not in its name.

    Memory is bounded by the file's size and `MOST`, whatever it declares; nothing is unpickled.

    Args:
        name: of the file, for what is said of it.
        content: an npz with `images` (or `x`, `x_train`), (N, 28, 28) or (N, 784) uint8, and
            `labels` (or `y`, `y_train`), (N,) whole numbers; `held_out` (N,) of 0 and 1 is kept to.
            Or a table in UTF-8 whose head names `label`, `pixel0` to `pixel783` and, if it likes,
            `held_out`, in any order.
            Bright ink on 0.

    Raises:
        InputError: it is not such a file, is larger than 20 MB, holds more than `MOST` drawings,
            none, blank ones, dark ink on white, or labels outside 0-9.
    """
    shown = "".join(c if c.isprintable() else "?" for c in name)[:60] or "The file"
    try:
        if len(content) > _LARGEST << 20:
            raise ValueError(f"it is larger than {_LARGEST} MB")
        if not content.strip():
            raise ValueError("it is empty")
        # As every zip begins, whole, empty or cut.
        read = read_npz if content.startswith(b"PK") else read_table
        images, labels, held_out = read(content, most=MOST)
        _see_that_it_is_ink(images)
    except ValueError as error:
        raise InputError(f"{shown} can't be brought in, because {error}: {_REMEDY}.") from error
    return [
        NewDrawing(int(label), image, held_out=None if held_out is None else bool(held_out[row]))
        for row, (image, label) in enumerate(zip(images, labels, strict=True))
    ]


def _see_that_it_is_ink(images: NDArray[np.uint8]) -> None:
    """Refuse, by the number of the first, drawings that are blank or dark on white."""
    border = np.concatenate(
        [images[:, [0, -1]].reshape(-1, 56), images[:, 1:-1, [0, -1]].reshape(-1, 52)], axis=1
    )
    for is_wrong, what in (
        ((border > 127).mean(axis=1) > 0.5, "is dark ink on white instead of bright ink on 0"),
        (~images.any(axis=(1, 2)), "is blank"),
    ):
        if is_wrong.any():
            raise ValueError(f"drawing {1 + int(is_wrong.argmax())} in it {what}")


def _images(drawings: Sequence[Drawing]) -> NDArray[np.uint8]:
    return np.array([drawing.image for drawing in drawings], np.uint8).reshape(-1, 28, 28)


def _labels(drawings: Sequence[Drawing]) -> NDArray[np.uint8]:
    return np.array([drawing.label for drawing in drawings], np.uint8)
