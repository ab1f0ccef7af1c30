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
from scipy import ndimage

from mnist_core.errors import InputError

Gray = NDArray[np.uint8]

SIDE = 28  # pixels, the field
FIT = 20  # pixels, the longer side of the ink inside it
CENTRE = 14.5  # where the centre of mass goes: the middle of the pixel with index 14

_LARGEST = 1024  # pixels; a larger picture is reduced first, a digit needs no more
_EDGE_OF_INK = 1 / 3  # share of the strongest ink below which a pixel is fringe, not ink
_CLEAN = 3  # grey levels; a background that varies less is a drawing or a scan, not a photo
_PHOTO_SIDE = 256  # pixels, for cleaning photos: enough for a digit, small enough to be quick


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


def find_ink(image: NDArray[np.uint8]) -> Gray:
    """Separate ink from paper.

    Args:
        image: as for `to_mnist`.

    Returns:
        (H, W) uint8: how far each pixel stands out from the background towards the ink, in grey
        levels, 0 where there is no ink. Larger pictures come back reduced (longest side at most
        1024 pixels, photos with uneven light 256).

    Raises:
        InputError: as for `to_mnist`.
    """
    image = _checked(image)
    if image.ndim == 3 and image.shape[2] == 4 and image[..., 3].min() < 255:
        return _ink_of_transparent(image)
    return _ink_of_opaque(_gray(image))


def place(ink: Gray) -> Gray:
    """Crop, scale and centre ink in MNIST's field; the second half of `to_mnist`.

    Args:
        ink: (H, W) uint8 from `find_ink`.

    Returns:
        (28, 28) uint8, stretched so that the brightest pixel is 255; zeros if there is no ink,
        or only specks too small to be seen at this size.
    """
    box = ink_box(ink)
    if box is None:
        return np.zeros((SIDE, SIDE), np.uint8)
    longest = max(box.height, box.width)
    field = longest * SIDE / FIT  # side of the 28x28 field, in source pixels
    # The anti-aliased rim outside the box goes along: a pixel of the result, at most.
    rim = -(-longest // FIT)
    above, before = min(rim, box.top), min(rim, box.left)
    crop = ink[box.top - above : box.bottom + rim, box.left - before : box.right + rim]
    crop = crop * np.uint8(255 // crop.max())  # faint ink would lose its shades in rounding
    top, rest_y = _start(crop.sum(axis=1, dtype=np.float64), above, box.height, field)
    left, rest_x = _start(crop.sum(axis=0, dtype=np.float64), before, box.width, field)
    margin = rim + 1
    side = int(np.ceil(field)) + 2 * margin
    padded = np.zeros((side, side), np.uint8)
    row, column = margin + top - above, margin + left - before
    padded[row : row + crop.shape[0], column : column + crop.shape[1]] = crop
    x, y = margin - rest_x, margin - rest_y
    small = np.asarray(
        Image.fromarray(padded).resize(
            (SIDE, SIDE), Image.Resampling.HAMMING, box=(x, y, x + field, y + field)
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
    peak = int(ink.max())
    if peak == 0:
        return None
    mask = ink > peak * _EDGE_OF_INK
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _start(
    profile: NDArray[np.float64], before: int, length: int, field: float
) -> tuple[int, float]:
    """Where in the field the box begins, so that the centre of mass comes to lie at `CENTRE`.

    Args:
        profile: the ink summed along the other axis, from `before` pixels before the box on.
        before: see there.
        length: of the box, which always stays inside the field.
        field: side of the field; all in source pixels.

    Returns:
        Whole source pixels, and the rest (-0.5 to 0.5). The rest is given up where a source pixel
        is as large as one of the field, since moving such an image by half a pixel would only
        blur it, and kept from two to one on.
    """
    mass = float(profile @ np.arange(len(profile))) / float(profile.sum()) + 0.5 - before
    last = field - length
    start = min(max(CENTRE * field / SIDE - mass, 0.0), last)
    whole = min(int(np.floor(start + 0.5)), int(last))
    freedom = min(max(field / SIDE - 1, 0.0), 1.0)
    return whole, (start - whole) * freedom


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"An image must be an array of uint8 values 0-255, not {kind}.")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (3, 4)):
        raise InputError(
            f"An image must be (H, W), (H, W, 3) or (H, W, 4); this one is {image.shape}."
        )
    if image.size == 0:
        raise InputError(f"The image is empty: its shape is {image.shape}.")
    factor = -(-max(image.shape[:2]) // _LARGEST)
    if factor > 1:
        return np.asarray(Image.fromarray(np.ascontiguousarray(image)).reduce(factor))
    return image


def _gray(image: NDArray[np.uint8]) -> Gray:
    """Luminance after ITU-R 601, as everywhere in Pillow."""
    if image.ndim == 2:
        return image
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).convert("L"))


def _ink_of_transparent(image: NDArray[np.uint8]) -> Gray:
    """Ink of a picture with see-through parts.

    A drawing of one colour on nothing is its own alpha channel, whatever the colour. A picture
    that has light and dark inside is laid on its own commonest grey, so that its edge is no ink.
    """
    alpha = image[..., 3]
    gray = _gray(image)
    visible = gray[alpha >= 16]
    if visible.size == 0 or np.ptp(np.percentile(visible, (5, 95))) < 64:
        return alpha - alpha.min()
    paper = float(np.median(visible))
    share = alpha.astype(np.float32) / 255
    return _ink_of_opaque(np.rint(gray * share + paper * (1 - share)).astype(np.uint8))


def _ink_of_opaque(gray: Gray) -> Gray:
    border = np.concatenate([gray[:1].ravel(), gray[-1:].ravel(), gray[:, 0], gray[:, -1]])
    paper = np.sort(border)[border.size // 2]
    # Three quarters, so that a digit running off the picture doesn't make it a photo.
    departures = np.sort(np.maximum(border, paper) - np.minimum(border, paper))
    if departures[border.size * 3 // 4] > _CLEAN:
        return _ink_of_photo(gray)
    if gray.sum(dtype=np.uint32) > int(paper) * gray.size:
        return np.maximum(gray, paper) - paper
    return paper - np.minimum(gray, paper)


def _ink_of_photo(gray: Gray) -> Gray:
    """Ink on unevenly lit, grainy paper.

    The paper is estimated by a grey-scale closing wider than any stroke (the "black top-hat" of
    mathematical morphology), the ink by Otsu's threshold (1979) on what is left, softened so that
    anti-aliased edges stay.
    """
    image = Image.fromarray(np.ascontiguousarray(gray))
    image.thumbnail((_PHOTO_SIDE, _PHOTO_SIDE), reducing_gap=2.0)
    level = ndimage.gaussian_filter(np.asarray(image, dtype=np.float32), 1.0)
    reach = max(3, max(level.shape) // 4)
    residue = level - ndimage.uniform_filter(level, 2 * reach)
    # Strokes cover little and stand out far, so the side with the longer tail is the ink.
    if float((residue**3).sum()) > 0:
        level = 255 - level
    paper = ndimage.gaussian_filter(ndimage.grey_closing(level, size=reach), reach / 4)
    depth = np.clip(paper - level, 0, None)
    threshold = _otsu(depth)
    inked = depth > threshold
    grain = 1.4826 * float(np.median(np.abs(depth - np.median(depth))))
    if not inked.any() or float(depth[inked].mean()) < 6 * grain + _CLEAN:
        return np.zeros(depth.shape, np.uint8)
    inked = _without_litter(inked)
    solid = float(depth[inked].mean())
    near = ndimage.binary_dilation(inked, iterations=2)
    floor = threshold / 2
    soft = np.clip((depth - floor) / (solid - floor), 0, 1) * near
    return np.rint(soft * min(solid, 255)).astype(np.uint8)


def _otsu(values: NDArray[np.float32]) -> float:
    """The threshold that best splits `values` (0-255) into two classes (N. Otsu, 1979)."""
    counts, edges = np.histogram(values, bins=128, range=(0, 256))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = total / below - (total[-1] - total) / above
        between = np.nan_to_num(below * above * gap**2)
    return float(edges[int(np.argmax(between)) + 1])


def _without_litter(inked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop specks, and things that run in from the edge (a table, a shadow, the next digit)."""
    labels, count = ndimage.label(inked, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inside = sizes.copy()
    inside[np.unique(edges)] = 0
    if inside.max() >= 0.2 * sizes.max():
        sizes = inside
    keep = sizes >= 0.05 * sizes.max()
    keep[0] = False
    return keep[labels]
