"""Ink and paper: which pixels of a drawing, scan or photo were written."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mnist_core.errors import InputError

Gray = NDArray[np.uint8]

_LARGEST = 1024  # pixels; a larger picture is reduced first, a digit needs no more
_CLEAN = 3  # grey levels; a background that varies less is a drawing or a scan, not a photo
_PHOTO_SIDE = 256  # pixels, for cleaning photos: enough for a digit, small enough to be quick
_SMALL = 64  # pixels; smaller pictures are taken to be nothing but their digit
_FRAME = 0.06  # share of the picture's side that a frame around it may take
_COARSE = 8  # pixels; what is nearer together is one piece
_DUST = 0.01  # share of all ink; what is less and stands alone is dust


def find_ink(image: NDArray[np.uint8]) -> Gray:
    """Separate ink from paper.

    Args:
        image: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 0-255, ink dark on light or light
            on dark (found automatically), any size from 1x1.

    Returns:
        (H, W) uint8: how far each pixel stands out from the background towards the ink, in grey
        levels, 0 where there is no ink. Larger pictures come back reduced (longest side at most
        1024 pixels, photos with uneven light 256), framed ones without their frame.

    Raises:
        InputError: not a uint8 array of one of these shapes.
    """
    image = _checked(image)
    if image.ndim == 3 and image.shape[2] == 4 and not _is_opaque(image):
        return _ink_of_transparent(image)
    return _ink_of_opaque(_gray(image))


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


def _is_opaque(image: NDArray[np.uint8]) -> bool:
    # Four bytes at a time, alpha being the highest: several times faster than every fourth byte.
    pixels = np.ascontiguousarray(image).view("<u4")
    return bool(pixels.min() >= 0xFF000000)


def _ink_of_transparent(image: NDArray[np.uint8]) -> Gray:
    """Ink of a picture with see-through parts.

    A drawing of one colour on nothing is its own alpha channel, whatever the colour. Any other
    picture is laid on its own commonest grey, so that its edge is no ink.
    """
    alpha = image[..., 3]
    gray = _gray(image)
    seen = gray[alpha >= 128]
    if seen.size == 0 or ((alpha < 128).mean() > 0.25 and np.ptp(seen) < 64):
        return _without_dust(alpha - alpha.min())
    paper = float(np.median(seen))
    share = alpha.astype(np.float32) / 255
    return _ink_of_opaque(np.rint(gray * share + paper * (1 - share)).astype(np.uint8))


def _ink_of_opaque(gray: Gray) -> Gray:
    gray = _without_frame(gray)
    # The middle half: a digit running off the picture doesn't make it a photo.
    border = _middle_half(_border(gray))
    if np.ptp(border) > _CLEAN:
        return _ink_of_photo(gray)
    paper = border[border.size // 2]
    if gray.sum(dtype=np.uint32) > int(paper) * gray.size:
        return _without_dust(np.maximum(gray, paper) - paper)
    return _without_dust(paper - np.minimum(gray, paper))


def _border(gray: Gray) -> Gray:
    return np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])


def _middle_half(values: Gray) -> Gray:
    """The values between the quartiles, in order."""
    quarter = values.size // 4
    return np.sort(values)[quarter : values.size - quarter]


def _without_frame(gray: Gray) -> Gray:
    """Cut a frame of one colour off: what lies inside it is another, and the paper."""
    depth = round(_FRAME * min(gray.shape))
    if min(gray.shape) < _SMALL:
        return gray
    inside = gray[depth:-depth, depth:-depth]
    frame, paper = _border(gray), _border(inside)
    is_frame = np.ptp(frame) <= _CLEAN and 2 * np.count_nonzero(paper == frame[0]) < paper.size
    return inside if is_frame and np.ptp(_middle_half(paper)) <= _CLEAN else gray


def _without_dust(ink: Gray) -> Gray:
    """Drop pieces that stand alone and are next to nothing beside the rest."""
    if min(ink.shape) < _SMALL or not (_has_gap(ink.max(axis=0)) or _has_gap(ink.max(axis=1))):
        return ink  # dust beside the digit leaves a gap; between its lines it does no harm
    coarse = np.asarray(Image.fromarray(ink).reduce(_COARSE))
    labels, count = ndimage.label(coarse, structure=np.ones((3, 3)))
    if count < 2:
        return ink
    amounts = np.bincount(labels.ravel(), weights=coarse.ravel())
    dust = (amounts < _DUST * amounts.sum())[labels] & (labels > 0)
    height, width = ink.shape
    everywhere = dust.repeat(_COARSE, axis=0)[:height].repeat(_COARSE, axis=1)[:, :width]
    return np.where(everywhere, np.uint8(0), ink)


def _has_gap(profile: Gray) -> bool:
    places = np.flatnonzero(profile)
    return places.size > 0 and places[-1] - places[0] >= places.size


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
