"""Any drawing, scan or photo of one digit -> the 28x28 picture MNIST would have made of it.

The recipe is MNIST's own (LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied
to document recognition", section III.A): crop to the ink, fit the longer side in 20 pixels keeping
the aspect, anti-alias, and place the centre of mass in the middle of a 28x28 field. Measured on
MNIST itself, the middle is the pixel with index 14 and the shift is by whole pixels; the crop
below starts on a whole *source* pixel, so MNIST's images pass through unchanged without being a
special case, while a large drawing is placed to a small fraction of a 28x28 pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.ink import Gray, find_ink

SIDE = 28  # pixels, the field
FIT = 20  # pixels, the longer side of the ink inside it
CENTRE = 14.5  # where the centre of mass goes: the middle of the pixel with index 14

_EDGE_OF_INK = 1 / 3  # share of the strongest ink below which a pixel is fringe, not ink


def to_mnist(image: NDArray[np.uint8]) -> Gray:
    """Turn a picture of one digit into an MNIST-style image.

    Args:
        image: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 0-255, ink dark on light or light
            on dark (found automatically), any size from 1x1.

    Returns:
        (28, 28) uint8, bright ink (up to 255) on 0; all zeros if there is no ink.

    Raises:
        InputError: not a uint8 array of one of these shapes.
    """
    return place(find_ink(image))


def place(
    ink: Gray,
    *,
    crop: bool = True,
    margin: bool = True,
    centre: bool = True,
    smooth: bool = True,
    side: int = SIDE,
) -> Gray:
    """Crop, scale and centre ink in MNIST's field; the second half of `to_mnist`.

    Each step can be left out, to show what it is good for.

    Args:
        ink: (H, W) uint8 from `find_ink`.
        crop: to the ink; otherwise the whole picture is scaled.
        margin: scale the longer side to 20 of 28 pixels; otherwise to 28.
        centre: put the centre of mass in the middle; otherwise that of the box.
        smooth: let each pixel be the mean of what it covers (anti-aliasing); otherwise one point.
        side: pixels of the result; more than 28 show the same at a higher resolution.

    Returns:
        (side, side) uint8, stretched so that the brightest pixel is 255; zeros if there is no ink,
        or only specks too small to be seen at this size.
    """
    box = ink_box(ink)
    if box is None:
        return np.zeros((side, side), np.uint8)
    if not crop:
        box = Box(0, 0, *ink.shape)
    longest = max(box.height, box.width)
    # Side of the 28x28 field, in source pixels.
    field = longest * SIDE / FIT if margin else float(longest)
    # The anti-aliased rim outside the box goes along: a pixel of the result, at most.
    rim = -(-longest // FIT)
    above, before = min(rim, box.top), min(rim, box.left)
    part = ink[box.top - above : box.bottom + rim, box.left - before : box.right + rim]
    if part.max() < 128:
        part = part * np.uint8(255 // part.max())  # faint ink would lose its shades in rounding
    top, rest_y = _start(part.sum(axis=1, dtype=np.float64), above, box.height, field, centre)
    left, rest_x = _start(part.sum(axis=0, dtype=np.float64), before, box.width, field, centre)
    around = rim + 1
    whole = int(np.ceil(field)) + 2 * around
    padded = np.zeros((whole, whole), np.uint8)
    row, column = around + top - above, around + left - before
    padded[row : row + part.shape[0], column : column + part.shape[1]] = part
    x, y = around - rest_x, around - rest_y
    small = np.asarray(
        Image.fromarray(padded).resize(
            (side, side),
            Image.Resampling.HAMMING if smooth else Image.Resampling.NEAREST,
            box=(x, y, x + field, y + field),
            # Twice as fast on large drawings, and as good.
            reducing_gap=3.0 if smooth else None,
        )
    )
    return np.rint(small * (255.0 / max(small.max(), 1))).astype(np.uint8)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; `bottom` and `right` are the first row and column outside it."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows inside."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns inside."""
        return self.right - self.left


def ink_box(ink: Gray) -> Box | None:
    """The smallest rectangle around the ink ((H, W) uint8), or None if there is none.

    Pixels fainter than a third of the strongest are the anti-aliased fringe and don't count, so
    that the box of a drawing is the same at every scale.
    """
    by_row, by_column = ink.max(axis=1), ink.max(axis=0)
    edge = by_row.max() * _EDGE_OF_INK
    if edge == 0:
        return None
    rows, columns = np.flatnonzero(by_row > edge), np.flatnonzero(by_column > edge)
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _start(
    profile: NDArray[np.float64], before: int, length: int, field: float, by_mass: bool
) -> tuple[int, float]:
    """Where in the field the box begins, so that the centre of mass comes to lie at `CENTRE`.

    Args:
        profile: the ink summed along the other axis, from `before` pixels before the box on.
        before: see there.
        length: of the box, which always stays inside the field.
        field: side of the field; all in source pixels.
        by_mass: otherwise the box itself is put in the middle.

    Returns:
        Whole source pixels, and the rest (-0.5 to 0.5). The rest is given up where a source pixel
        is as large as one of the field, since moving such an image by half a pixel would only
        blur it, and kept from two to one on.
    """
    last = field - length
    start = last / 2
    if by_mass:
        mass = float(profile @ np.arange(len(profile))) / float(profile.sum()) + 0.5 - before
        start = min(max(CENTRE * field / SIDE - mass, 0.0), last)
    whole = min(int(np.floor(start + 0.5)), int(last))
    freedom = min(max(field / SIDE - 1, 0.0), 1.0)
    return whole, (start - whole) * freedom
