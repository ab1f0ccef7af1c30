"""What can be wrong with the ink itself, whatever the network says of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_core.preprocessing import ink_box

_BLANK = 12  # grey levels; ink that stands out less is not seen
_FAINT = 40  # grey levels of 255
_SPECK = 0.2  # share of the picture's longer side; a blot by the widest pen is smaller
_HALF_A_LINE = 7.5  # pixels of 28, half the width of a line; 6.7 at most in MNIST's training set
_COARSE = 70  # pixels, for finding separate things: strokes stay, gaps between things too
_SECOND = 0.25  # share of the ink that makes a separate thing one of its own
_PIECE = 0.01  # share of the ink that counts as a piece at all
_PIECES = 4  # more pieces than any digit is written in


def is_blank(ink: NDArray[np.uint8]) -> bool:
    """Whether `ink` ((H, W) uint8 from `find_ink`) holds nothing that a person would see."""
    return int(ink.max()) < _BLANK


def complaint(ink: NDArray[np.uint8]) -> str | None:
    """Say what makes ink hard to read, in one sentence for a person.

    Args:
        ink: (H, W) uint8 from `find_ink`, not blank.

    Returns:
        None if nothing is wrong. Otherwise the first of: too faint, too small, cut off at the
        edge, several separate things.
    """
    if int(ink.max()) < _FAINT:
        return "The ink is very faint: press harder, or use a darker pen or more light."
    box = ink_box(ink)
    assert box is not None
    if max(box.width, box.height) < _SPECK * max(ink.shape):
        return "It is very small, perhaps only a dot: make it fill most of the picture."
    if _is_clipped(ink):
        return "It touches the edge, so a part may be missing: move it to the middle."
    if _is_several(ink):
        return "There seem to be several separate things: draw one digit at a time."
    return None


def is_solid(digit: NDArray[np.uint8]) -> bool:
    """Whether a 28x28 image ((28, 28) uint8) shows a filled shape rather than lines."""
    depth = ndimage.distance_transform_edt(digit > 127)
    return float(depth.max()) > _HALF_A_LINE


def _is_clipped(ink: NDArray[np.uint8]) -> bool:
    """Whether a stroke runs off the picture.

    A picture cropped tightly to its digit touches all four sides and is whole. So is a digit of
    MNIST's size whose mass lies in the middle: somebody framed it, and in MNIST itself some touch.
    """
    solid = ink > ink.max() / 2
    sides = [solid[0], solid[-1], solid[:, 0], solid[:, -1]]
    touched = sum(bool(side.any()) for side in sides)
    return 0 < touched < 4 and not _is_framed(solid)


def _is_framed(solid: NDArray[np.bool_]) -> bool:
    places = np.argwhere(solid)
    shape = np.array(solid.shape)
    fits = (np.ptp(places, axis=0) + 1 <= 0.75 * shape.max()).all()
    off_centre = np.abs((places.mean(axis=0) + 0.5) / shape - 0.5)
    return bool(fits and (off_centre < 0.06).all())


def _is_several(ink: NDArray[np.uint8]) -> bool:
    """Whether there are many pieces, or two large ones clearly beside or above each other.

    Pieces whose extents overlap both ways belong together: the bar of a 5, the second stroke
    of a 4.
    """
    box = ink_box(ink)
    assert box is not None
    image = Image.fromarray(ink[box.top : box.bottom, box.left : box.right])
    image.thumbnail((_COARSE, _COARSE))
    coarse = np.asarray(image)
    coarse = coarse > coarse.max() / 4
    labels, count = ndimage.label(coarse, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    if np.count_nonzero(sizes[1:] >= _PIECE * sizes[1:].sum()) >= _PIECES:
        return True
    large = np.flatnonzero(sizes[1:] >= _SECOND * sizes[1:].sum())
    if len(large) < 2:
        return False
    extents = ndimage.find_objects(labels)
    rows = sorted((extents[i][0].start, extents[i][0].stop) for i in large)
    columns = sorted((extents[i][1].start, extents[i][1].stop) for i in large)
    return _gap(columns) >= 0.08 * max(coarse.shape) or _gap(rows) >= 0.15 * max(coarse.shape)


def _gap(extents: list[tuple[int, int]]) -> int:
    """The widest gap between successive extents, in pixels; negative if all overlap."""
    return max(after[0] - before[1] for before, after in pairwise(extents))
