"""A picture file from anywhere -> pixels that `preprocessing.to_mnist` takes.

The file is untrusted: its kind is told by its content, only a few well-trodden formats are read,
and its size is checked before anything is decoded.
"""

from __future__ import annotations

import contextlib
import io
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mnist_core.errors import InputError

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 51_000_000  # what phones call 50 megapixels
REDUCED_SIDE = 1024  # pixels, the longest side of what `open_picture` returns

_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_LARGE = 4_000_000  # pixels; larger pictures are decoded one at a time, for memory's sake
_one_large_picture = threading.Lock()


def open_picture(source: bytes | str | Path | BinaryIO) -> NDArray[np.uint8]:
    """Read the first picture of a PNG, JPEG, GIF, BMP, WebP or TIFF file.

    It comes turned the right way up (EXIF), in 8 bits a channel (16-bit grey by its upper 8 bits;
    other integers and floats by the range they use) and, if a side is longer than
    `REDUCED_SIDE`, reduced with anti-aliasing. Safe to call from many threads.

    Args:
        source: the bytes of the file, its path, or a binary file object.

    Returns:
        (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8 0-255; RGBA if something in it may be
        transparent.

    Raises:
        InputError: no such file, not readable, empty, too large, damaged, or not such a picture;
            the message says which, and what to do.
    """
    data = _read(source)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise InputError(_too_many_pixels(f"{width} x {height} pixels"))
            waiting = _one_large_picture if width * height > _LARGE else contextlib.nullcontext()
            with waiting:
                return _pixels(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(_not_a_picture(data)) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(_too_many_pixels("far too many pixels")) from error
    except MemoryError as error:
        raise InputError(
            "There is not enough memory to read the picture: save a smaller copy and use that."
        ) from error
    except Exception as error:
        # Pillow has no base class for what a broken file makes it raise: SyntaxError, OSError,
        # EOFError, ValueError, struct.error, zlib.error, IndexError, OverflowError, ...
        raise InputError(
            "The picture is damaged or cut short: save it again as PNG or JPEG, or use another."
        ) from error


def _read(source: bytes | str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(source, bytes):
            data = source
        elif isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        else:
            data = source.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError("There is no such file: check its name and folder.") from error
    except IsADirectoryError as error:
        raise InputError("This is a folder, not a picture: name a file inside it.") from error
    except (OSError, ValueError) as error:  # ValueError: closed, or a name with a NUL in it
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"The file can't be read ({reason}): use another copy.") from error
    if len(data) > MAX_BYTES:
        raise InputError(
            f"The file is larger than {MAX_BYTES >> 20} MB: save a smaller copy and use that."
        )
    if not data:
        raise InputError("The file is empty: choose another picture.")
    return data


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Decode, in a mode that the core takes, upright and not too large."""
    image.draft(None, (REDUCED_SIDE, REDUCED_SIDE))  # a JPEG decodes at a fraction of its size
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_in_8_bits(np.asarray(image), sixteen=";16" in image.mode))
    elif image.mode == "1":
        image = image.convert("L")
    elif (image.mode.upper().endswith("A") and image.mode != "RGBA") or _has_transparency(image):
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((REDUCED_SIDE, REDUCED_SIDE), reducing_gap=2.0)
    return np.asarray(upright)


def _has_transparency(image: Image.Image) -> bool:
    return image.mode != "RGBA" and "transparency" in image.info


def _in_8_bits(values: NDArray[np.generic], *, sixteen: bool) -> NDArray[np.uint8]:
    """Grey of more than 8 bits, scaled: from 16 bits, from 0-1, or from the range it has."""
    grey = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    if sixteen or (grey.min() >= 0 and 255 < grey.max() <= 65_535):
        return (grey / 257).round().astype(np.uint8)
    low, high = grey.min(), grey.max()
    if low >= 0 and high <= 255:
        low, high = 0.0, 1.0 if high <= 1 else 255.0
    return (255 * (grey - low) / (high - low)).round().astype(np.uint8)


def _too_many_pixels(found: str) -> str:
    return (
        f"The picture has {found}, more than {MAX_PIXELS // 1_000_000} million in all: "
        "save a smaller copy and use that."
    )


def _not_a_picture(data: bytes) -> str:
    start = data[:1024].lstrip()
    if start.startswith(b"%PDF"):
        return "This is a PDF document, not a picture: save the page as PNG or JPEG and use that."
    if b"<svg" in start:
        return "This is an SVG drawing, which is not read: export it as PNG and use that."
    if start[4:8] == b"ftyp":
        return "This kind of picture (HEIC or AVIF) is not read: save it as JPEG and use that."
    return "This is not a picture: use a PNG, JPEG, GIF, BMP, WebP or TIFF file."
