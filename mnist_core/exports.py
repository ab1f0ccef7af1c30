"""Digits to take along: as a sheet of pictures, as arrays, as a table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.errors import InputError


def tiled(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Lay images out in rows, from left to right.

    Args:
        images: (N, height, width) uint8.
        columns: images a row, at least 1.

    Returns:
        (ceil(N / columns) · height, columns · width) uint8; where images are missing at the end, 0.
    """
    count, height, width = images.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height, width), np.uint8)
    cells[:count] = images
    grid = cells.reshape(rows, columns, height, width).swapaxes(1, 2)
    return np.ascontiguousarray(grid).reshape(rows * height, columns * width)


def as_sheet(images: NDArray[np.uint8]) -> bytes:
    """A PNG of all images, (N, 28, 28) uint8, about as high as wide.

    Raises:
        InputError: there are no images.
    """
    if not len(images):
        raise InputError("There are no digits to take along: choose some first.")
    buffer = io.BytesIO()
    sheet = tiled(images, math.ceil(math.sqrt(len(images))))
    Image.fromarray(sheet).save(buffer, "PNG")
    return buffer.getvalue()


def as_npz(images: NDArray[np.uint8], labels: NDArray[np.uint8], rows: NDArray[np.int64]) -> bytes:
    """A compressed npz of `images` (N, 28, 28) uint8, `labels` (N,) uint8, `index` (N,) int64."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=images, labels=labels, index=rows)
    return buffer.getvalue()


def as_csv(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    rows: NDArray[np.int64],
    **more: Sequence[int],
) -> bytes:
    """A table with a head: index, label and the 784 grey levels, `pixel0` to `pixel783`.

    The names of the columns are those in which MNIST is passed around as a table; `more` come
    after them.
    """
    columns = rows.tolist(), labels.tolist(), images.reshape(-1, 784), *more.values()
    return table(
        ["index", "label", *(f"pixel{i}" for i in range(784)), *more],
        ([row, label, *flat, *rest] for row, label, flat, *rest in zip(*columns, strict=True)),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows below a head as CSV; names and numbers only, nothing that people wrote."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("ascii")
