"""Numbers above and below zero as colours: orange and blue, which most people can tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pages.components.gallery import png_address

GROUND = np.array([11, 17, 28])
ABOVE = np.array([255, 146, 64])
BELOW = np.array([77, 148, 255])


def signed_address(values: NDArray[np.float64]) -> str:
    """(h, w) numbers as a data: address of a picture: orange above 0, blue below, black at 0."""
    shares = values / max(float(np.abs(values).max()), 1e-9)
    to = np.where(shares[..., None] < 0, BELOW, ABOVE)
    picture = GROUND + np.abs(shares)[..., None] * (to - GROUND)
    return png_address(picture.round().astype(np.uint8))


def signed_style(share: float) -> str:
    """The style of a table's cell for a number from -1 to 1."""
    return f"--{'above' if share >= 0 else 'below'}:{abs(share):.2f}"
