"""Drawings out of an npz that somebody brings."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from mnist_core.containers import read_small

_IMAGES = ("images", "x", "x_train")
_LABELS = ("labels", "y", "y_train")
_ENTRY, _ENTRIES = b"PK\x01\x02", 1000  # what a zip lists each file with, and how many of them
_LABEL_BYTES = 8  # of one label, at most


def read_npz(
    content: bytes, *, most: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Images (N, 28, 28) uint8, labels (N,) uint8 0-9, and who is held out, (N,), or None.

    Args:
        content: of the file.
        most: drawings; N is 1 at least.

    Raises:
        ValueError: a clause that says what is wrong with it.
    """
    # zipfile takes note of every file in an archive, though there were hundreds of thousands.
    if content.count(_ENTRY) > _ENTRIES:
        raise ValueError("it is an archive of too many files")
    stream = io.BytesIO(content)
    images = read_small(stream, keys=_IMAGES, largest=most * 784)
    labels = read_small(stream, keys=_LABELS, largest=most * _LABEL_BYTES)
    if images.dtype != np.uint8:
        raise ValueError(f"its images are {images.dtype} instead of uint8")
    if images.shape[1:] not in ((28, 28), (784,)):
        raise ValueError(f"its images are {images.shape} instead of (N, 28, 28) or (N, 784)")
    if labels.shape != images.shape[:1]:
        raise ValueError(f"its images are {images.shape} and its labels {labels.shape}")
    if not len(images):
        raise ValueError("it holds no drawings")
    if len(images) > most:
        raise ValueError(f"it holds more than {most:,} drawings")
    outside = (labels < 0) | (labels > 9)
    if outside.any():
        row = int(outside.argmax())
        raise ValueError(f"label {row + 1} in it is {labels[row]} instead of 0 to 9")
    digits = images.astype(np.uint8, copy=False).reshape(-1, 28, 28)
    return digits, labels.astype(np.uint8), _held_out(stream, len(images))


def _held_out(stream: io.BytesIO, count: int) -> NDArray[np.bool_] | None:
    """Who is held out; None where that isn't told as we do."""
    try:
        told = read_small(stream, keys=("held_out",), largest=count * _LABEL_BYTES)
    except ValueError:
        return None
    return told == 1 if told.shape == (count,) and np.isin(told, (0, 1)).all() else None
