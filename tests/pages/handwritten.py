"""Drawings of somebody's, put into the store for a page to show."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core import handwriting
from mnist_core.generated import make_digits
from mnist_core.handwriting import Drawing, NewDrawing, Profile
from tests.pages import drawn

NAME = "Room 4"


def drawing(number: int, **values: Any) -> NewDrawing:
    """The drawing of this number: a 0, a 1, ... in turn, with its strokes, read right."""
    image = _images()[number % 10].copy()
    image[0, :2] = divmod(number, 256)  # no two are the same
    label = number % 10
    told: dict[str, Any] = {
        "label": label,
        "image": image,
        "strokes": tuple(drawn.template(label)),
        "pen_width": 18.0,
        "read": label,
        "confidence": 0.97,
        "verdict": "digit",
        "model": "default",
        "at": 1_700_000_000.0 + number,
    }
    return NewDrawing(**(told | values))


def profile(
    drawings: Sequence[NewDrawing] | int = 0, *, name: str = NAME, owner: str = ""
) -> Profile:
    """A new profile with these drawings, or the first so many."""
    of = handwriting.add_profile(name, owner=owner)
    new = [drawing(i) for i in range(drawings)] if isinstance(drawings, int) else drawings
    handwriting.keep_all(of.number, new)
    return of


def kept(of: Profile) -> list[Drawing]:
    """What a profile holds, the oldest first."""
    return handwriting.drawings(of.number, newest_first=False)


@functools.cache
def _images() -> NDArray[np.uint8]:
    return make_digits(10, seed=7).images
