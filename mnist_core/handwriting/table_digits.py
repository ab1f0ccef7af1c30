"""Drawings out of a table (CSV) that somebody brings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

_PIXELS = [f"pixel{i}" for i in range(784)]
# The other names by which MNIST is passed around as a table.
_PLACES = [f"{row}x{column}" for row in range(1, 29) for column in range(1, 29)]
_LONGEST = 20_000  # characters of a line; MNIST's longest, its head, has 7,000


def read_table(
    content: bytes, *, most: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Images (N, 28, 28) uint8, labels (N,) uint8 0-9, and who is held out, (N,), or None.

    Args:
        content: of the file.
        most: drawings; N is 1 at least.

    Raises:
        ValueError: a clause that says what is wrong with it, naming the line.
    """
    rows = _rows(content)
    _, head = next(rows, (1, []))
    names = [name.strip().lower() for name in head]
    pixels = _PIXELS if "pixel0" in names else _PLACES
    if "label" not in names or not set(pixels) <= set(names):
        raise ValueError("its first line does not name the columns label and pixel0 to pixel783")
    label = names.index("label")
    places = [names.index(pixel) for pixel in pixels]
    levels_of = itemgetter(*places)
    told = names.index("held_out") if "held_out" in names else None
    images, labels, held_out = bytearray(), bytearray(), []
    for number, cells in rows:
        if len(cells) != len(names):
            raise ValueError(f"line {number} of it has {len(cells)} cells instead of {len(names)}")
        if len(labels) == most:
            raise ValueError(f"it holds more than {most:,} drawings")
        try:
            images += bytes(map(int, levels_of(cells)))  # quick: there are millions of them
        except ValueError:
            wrong = next(place for place in places if not _is_within(cells[place], 255))
            raise ValueError(
                f"line {number} of it has no whole number 0 to 255 under {names[wrong]}"
            ) from None
        if not _is_within(cells[label], 9):
            raise ValueError(f"line {number} of it has no label 0 to 9")
        labels.append(int(cells[label]))
        if told is not None:
            if not _is_within(cells[told], 1):
                raise ValueError(f"line {number} of it has neither 0 nor 1 under held_out")
            held_out.append(int(cells[told]) == 1)
    if not labels:
        raise ValueError("it holds no drawings")
    return (
        np.frombuffer(bytes(images), np.uint8).reshape(-1, 28, 28),
        np.frombuffer(bytes(labels), np.uint8),
        np.array(held_out) if told is not None else None,
    )


def _rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The number and the cells of each line that isn't empty.

    The table holds names and numbers only, so no cell hides a comma or the end of a line.
    """
    separator = None
    stream = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig")
    try:
        for number, line in enumerate(iter(lambda: stream.readline(_LONGEST), ""), 1):
            if len(line) == _LONGEST:
                raise ValueError(f"line {number} of it is too long for a table of drawings")
            if line.strip():
                # Where a comma is the decimal point, spreadsheets write semicolons.
                separator = separator or (";" if ";" in line else ",")
                yield number, line.replace('"', "").split(separator)
    except UnicodeDecodeError as error:
        raise ValueError("it is neither an npz nor a table in UTF-8") from error


def _is_within(cell: str, highest: int) -> bool:
    try:
        return 0 <= int(cell) <= highest
    except ValueError:
        return False
