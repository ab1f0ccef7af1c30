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
        source: the bytes of the file, its path, or a binary file object (read from its start if
            it can seek, and left open).

    Returns:
        (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8 0-255; RGBA if something in it may be
        transparent.

    Raises:
        InputError: no such file, not readable, empty, too large, damaged, or not such a picture;
            the message says which, and what to do.
    """
    data = _read(source)
    try:
        # Pillow reads the header here and refuses some sizes on its own, before our check.
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            pixels = image.width * image.height
            if pixels > MAX_PIXELS:
                raise Image.DecompressionBombError
            with _one_large_picture if pixels > _LARGE else contextlib.nullcontext():
                return _pixels(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"The picture has too many pixels, more than {MAX_PIXELS // 1_000_000} million (about "
            "7,000 x 7,000): save a smaller copy and use that."
        ) from error
    except UnidentifiedImageError as error:
        raise InputError(_not_a_picture(data)) from error
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
            if source.seekable():
                source.seek(0)
            data = source.read(MAX_BYTES + 1)
            if not isinstance(data, bytes):
                raise TypeError("it was not opened in binary mode")
    except FileNotFoundError as error:
        raise InputError("There is no such file: check its name and folder.") from error
    except IsADirectoryError as error:
        raise InputError("This is a folder, not a picture: name a file inside it.") from error
    except Exception as error:  # among them: no permission, a closed file, a name with a NUL in it
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"The file can't be read ({reason}): use another copy.") from error
    if len(data) > MAX_BYTES:
        raise InputError(
            f"The file is larger than {MAX_BYTES >> 20} MB: save a smaller copy and use that."
        )
    if not data:
        raise InputError("The file is empty: choose another picture.")
    return data


def _pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Decode: upright, grey or RGB or RGBA, and not too large."""
    size = (REDUCED_SIDE, REDUCED_SIDE)
    image.draft(None, size)  # a JPEG can be decoded at a fraction of its size
    image.load()
    with contextlib.suppress(Exception):  # a photo with broken EXIF is still a photo
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        # Reduced first, to save memory; by averaging, which makes no values of its own.
        image.thumbnail(size, Image.Resampling.BOX)
        image = Image.fromarray(_in_8_bits(np.asarray(image)))
    elif image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
    elif image.mode in ("1", "L"):
        image = image.convert("L")
    else:
        image = image if image.mode == "RGB" else image.convert("RGB")
    image.thumbnail(size)
    return np.array(image)


def _in_8_bits(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Grey that doesn't say what is white: 1, 255 or 65535, else its own range is stretched."""
    grey = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    low, high = float(grey.min()), float(grey.max())
    for white in (1.0, 255.0, 65_535.0):
        if low >= 0 and high <= 1.001 * white:  # averages are a little off
            low, high = 0.0, white
            break
    return (255 * (grey - low) / ((high - low) or 1)).clip(0, 255).round().astype(np.uint8)


def _not_a_picture(data: bytes) -> str:
    start = data[:1024].lstrip()
    if start.startswith(b"%PDF"):
        return "This is a PDF document, not a picture: save the page as PNG or JPEG and use that."
    if b"<svg" in start:
        return "This is an SVG drawing, which is not read: export it as PNG and use that."
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "This kind of picture (HEIC or AVIF) is not read: save it as JPEG and use that."
    return "This is not a picture, or a damaged one: use a PNG, JPEG, GIF, BMP, WebP or TIFF file."
