"""A picture file from anywhere -> pixels that `preprocessing.to_mnist` takes.

The file is untrusted. Only six formats are read, told by their content, not by their name. What
Pillow gets to decode is not the file as it came but the parts of it that make up its first
picture: metadata, further frames and pages stay outside. That keeps their holes and surprises
away, and leaves Pillow nothing to warn about, so no warning has to be silenced (in Python before
3.14 that can't be done for one thread alone).
"""

import contextlib
import io
import os
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    TiffTags,
    WebPImagePlugin,
)

from mnist_core.errors import InputError

MAX_BYTES = 20 * 2**20
MAX_PIXELS = 51_000_000  # what phones call 50 megapixels
MAX_SIDE = 65_535  # pixels, the most a JPEG can have
REDUCED_SIDE = 1024  # pixels, the longest side of what `open_picture` returns

_LARGE = 4_000_000  # pixels; larger pictures are decoded one at a time
_one_large_picture = threading.Lock()

_USE_ANOTHER = "save it again as PNG or JPEG, or use another picture"


def open_picture(source: bytes | str | Path | BinaryIO) -> NDArray[np.uint8]:
    """Read the first picture of a PNG, JPEG, GIF, BMP, WebP or TIFF file.

    It comes turned the right way up (EXIF), in 8 bits a channel (16-bit grey by its upper 8 bits;
    other integers and floats by the range they use) and, if a side is longer than
    `REDUCED_SIDE`, reduced with anti-aliasing. Sizes are checked before anything is decoded:
    at most `MAX_BYTES`, `MAX_PIXELS`, and `MAX_SIDE` a side. Safe to call from many threads;
    Pillow's settings and the warning filters are left alone.

    Args:
        source: the bytes of the file, its path, or a binary file object (read from its start if
            it can seek, and left open).

    Returns:
        (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8 0-255; RGBA if the file can say that
        something is transparent.

    Raises:
        InputError: no such file, not readable, empty, too large, damaged, or not such a picture;
            the message says which, and what to do.
    """
    data = _read(source)
    found = next((kind for kind in _KINDS if kind.accepts(data)), None)
    if found is None:
        raise InputError(_not_a_picture(data))
    try:
        return _decode(found, data)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            "There is not enough memory to read the picture: save a smaller copy and use that."
        ) from error
    except Exception as error:
        # Pillow has no base class for what a broken file makes it raise: SyntaxError, OSError,
        # EOFError, ValueError, struct.error, zlib.error, IndexError, OverflowError, ...
        raise InputError(
            f"The {found.name} picture is damaged, cut short or of a rare kind: {_USE_ANOTHER}."
        ) from error


# Getting the bytes.


def _read(source: bytes | str | Path | BinaryIO) -> bytes:
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source[: MAX_BYTES + 1])
        elif isinstance(source, str | Path):
            with Path(source).open("rb") as file:
                # Asked first: a huge file is refused without reading 20 MB of it.
                too_large = os.fstat(file.fileno()).st_size > MAX_BYTES
                data = b"" if too_large else file.read(MAX_BYTES + 1)
            if too_large:
                raise InputError(_too_many_bytes())
        else:
            if source.seekable():
                source.seek(0)
            data = source.read(MAX_BYTES + 1)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError("There is no such file: check its name and folder.") from error
    except IsADirectoryError as error:
        raise InputError("This is a folder, not a picture: name a file inside it.") from error
    except PermissionError as error:
        raise InputError(
            "The file may not be read: change its permissions or use another copy."
        ) from error
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # ValueError: a closed file object, or a name with a NUL in it.
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(
            f"The file can't be read ({reason or error}): use another copy."
        ) from error
    if not isinstance(data, bytes):
        raise InputError("The file was opened as text: open it in binary mode.")
    if len(data) > MAX_BYTES:
        raise InputError(_too_many_bytes())
    if not data:
        raise InputError("The file is empty: choose another picture.")
    return data


def _too_many_bytes() -> str:
    return f"The file is larger than {MAX_BYTES >> 20} MB: save a smaller copy and use that."


def _not_a_picture(data: bytes) -> str:
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"%PDF"):
        return "This is a PDF document, not a picture: save the page as PNG or JPEG and use that."
    if start.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        return "This is a PostScript drawing, which is not read: export it as PNG and use that."
    if start.startswith(b"<") and b"<svg" in start:
        return "This is an SVG drawing, which is not read: export it as PNG and use that."
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heif", b"mif1", b"avif"):
        return "This is a HEIC or AVIF photo, which is not read: save it as JPEG and use that."
    return "This is not a picture that can be read: use a PNG, JPEG, GIF, BMP, WebP or TIFF file."


# Decoding.


def _decode(kind: "_Kind", data: bytes) -> NDArray[np.uint8]:
    first = kind.first_picture(data)
    # The plugin itself instead of `Image.open`, which would warn of large pictures: it reads the
    # header only.
    image: Image.Image = kind.plugin(io.BytesIO(first.data))
    _check_size(*image.size)
    turn = _one_large_picture if image.width * image.height > _LARGE else contextlib.nullcontext()
    with turn:
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            # JPEGs can be decoded at a half, quarter or eighth of the size, in far less time.
            image.draft(None, _reduced_size(image.size))
        image.load()
        image = _reduced(_eight_bits(image))
    if first.orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[first.orientation])
    return np.array(image)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise InputError(
            f"The picture is too large ({width:,} x {height:,} pixels): save a smaller copy, "
            f"of at most {MAX_PIXELS // 10**6} million pixels, and use that."
        )


def _eight_bits(image: Image.Image) -> Image.Image:
    """The same picture as L, RGB or RGBA."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        # Four bytes a pixel: the arithmetic is done on the reduced picture.
        return Image.fromarray(_scaled(np.asarray(_reduced(image), np.float64)))
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _scaled(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Numbers of any range as 0-255.

    A usual range (0-1, 0-255, 0-65535) is taken as such, so that a faint picture stays faint; any
    other is stretched, since the file doesn't say what is white.
    """
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InputError(f"The picture holds values that are not numbers: {_USE_ANOTHER}.")
    white = next((white for white in (1.0, 255.0, 65535.0) if low >= 0 and high <= white), None)
    if white is None:
        values, white = values - low, high - low
    return np.rint(values * (255.0 / (white or 1.0))).astype(np.uint8)


def _reduced_size(size: tuple[int, int]) -> tuple[int, int]:
    share = min(1.0, REDUCED_SIDE / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def _reduced(image: Image.Image) -> Image.Image:
    size = _reduced_size(image.size)
    if size == image.size:
        return image
    return image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)


# What each EXIF orientation but 1, "as it is", needs.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# Cutting the first picture out of the file. A broken file may raise anything here, too.


class _First(NamedTuple):
    """A file that holds one picture and no metadata; `orientation` is EXIF's, 1 to 8."""

    data: bytes
    orientation: int = 1


class _Damaged(Exception):
    """The structure of the file makes no sense, or is refused."""


_PNG_PARTS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def _first_of_png(data: bytes) -> _First:
    parts = [data[:8]]
    orientation = 1
    at = 8
    while at + 8 <= len(data):
        name = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if name in _PNG_PARTS:
            parts.append(data[at:end])
        elif name == b"eXIf":
            orientation = _exif_orientation(data[at + 8 : end - 4])
        at = end
    return _First(b"".join(parts), orientation)


_JPEG_WITHOUT_LENGTH = (0x00, 0x01, *range(0xD0, 0xD9))
_JPEG_METADATA = (*range(0xE1, 0xEE), 0xEF, 0xFE)  # APP0 and APP14 tell the colour space
_JPEG_SEGMENTS = 10_000
_JPEG_SCANS = 100  # cameras and editors write 1 to about 12; each costs time for the whole size


def _first_of_jpeg(data: bytes) -> _First:
    parts = [data[:2]]
    orientation = 1
    at = 2
    for _ in range(_JPEG_SEGMENTS):
        at = data.index(b"\xff", at)
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            at += 2
        elif marker == 0xDA:
            break
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
            segment = data[at:end]
            if marker not in _JPEG_METADATA:
                parts.append(segment)
            elif marker == 0xE1 and segment[4:10] == b"Exif\0\0":
                orientation = _exif_orientation(segment[10:])
            at = end
    else:
        raise _Damaged
    if data.count(b"\xff\xda", at, data.find(b"\xff\xd9", at)) > _JPEG_SCANS:
        raise _Damaged
    return _First(b"".join([*parts, data[at:]]), orientation)


def _first_of_gif(data: bytes) -> _First:
    at = head = 13 + _gif_colours(data[10])
    control = b""
    while data[at] != ord(","):
        if data[at] != ord("!"):
            raise _Damaged
        end = _after_gif_blocks(data, at + 2)
        if data[at + 1] == 0xF9:
            control = data[at:end]
        at = end
    left, top, width, height, flags = struct.unpack_from("<4HB", data, at + 1)
    # Pillow widens the picture for a frame that sticks out.
    screen_width, screen_height = struct.unpack_from("<2H", data, 6)
    _check_size(max(screen_width, left + width), max(screen_height, top + height))
    end = _after_gif_blocks(data, at + 11 + _gif_colours(flags))
    return _First(data[:head] + control + data[at:end] + b";")


def _gif_colours(flags: int) -> int:
    """Bytes of the colour table that follows these flags."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 128 else 0


def _after_gif_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += data[at] + 1
    return at + 1


def _first_of_bmp(data: bytes) -> _First:
    header = int.from_bytes(data[14:18], "little")
    if header >= 40 and int.from_bytes(data[30:34], "little") in (1, 2):
        # Run lengths, which nobody writes any more: Pillow unpacks them in slow Python.
        raise _Damaged
    return _First(data)


def _first_of_webp(data: bytes) -> _First:
    # The decoder takes memory for the whole picture as soon as it is created.
    _check_size(*_webp_size(data))
    orientation = 1
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            orientation = _exif_orientation(
                data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0")
            )
        at += 8 + length + length % 2
    return _First(data, orientation)


def _webp_size(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            width, height = data[24:27], data[27:30]
            return 1 + int.from_bytes(width, "little"), 1 + int.from_bytes(height, "little")
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width_bits, height_bits = struct.unpack_from("<2H", data, 26)
            return width_bits & 0x3FFF, height_bits & 0x3FFF
    raise _Damaged


# Everything that says how the pixels lie, and nothing else; numbers as in the TIFF 6.0 standard.
_TIFF_PARTS = (
    *(256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320),
    *(322, 323, 324, 325, 338, 339, 347, 529, 530, 532),
)
_TIFF_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32773, 32946)  # none, fax, LZW, JPEG, Deflate, PackBits
_TIFF_UNITS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes
_TIFF_STRIPS = 200_000


class _Entry(NamedTuple):
    """One entry of a TIFF or EXIF directory; `number` is its value if it is a single integer."""

    tag: int
    type: int
    values: int
    number: int | None
    raw: bytes


def _first_of_tiff(data: bytes) -> _First:
    order = "<" if data.startswith(b"II") else ">"
    entries = {e.tag: e for e in _directory(data) if e.tag in _TIFF_PARTS}
    numbers = {tag: entry.number or 0 for tag, entry in entries.items()}
    total = 0
    for entry in entries.values():
        size = entry.values * _TIFF_UNITS[entry.type]
        if size > 4:
            total += size
            if struct.unpack(order + "I", entry.raw[8:])[0] + size > len(data):
                raise _Damaged
        if TiffTags.lookup(entry.tag).length == 1 and entry.values != 1:
            raise _Damaged
    _check_size(numbers[256], numbers[257])
    _check_size(numbers.get(322, 0), numbers.get(323, 0))  # of a tile
    if (
        total > len(data)
        or numbers.get(259, 1) not in _TIFF_COMPRESSIONS
        or numbers.get(277, 1) > 6  # samples a pixel
        or any(entries[tag].values > _TIFF_STRIPS for tag in (273, 324) if tag in entries)
    ):
        raise _Damaged
    # A new directory at the end, with no next page.
    start = len(data) + len(data) % 2
    directory = struct.pack(order + "H", len(entries)) + b"".join(
        entries[tag].raw for tag in sorted(entries)
    )
    head = data[:4] + struct.pack(order + "I", start)
    return _First(head + data[8:].ljust(start - 8, b"\0") + directory + bytes(4))


def _directory(data: bytes) -> Iterator[_Entry]:
    """The entries of the first directory of a TIFF file or an EXIF block."""
    order = "<" if data.startswith(b"II") else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (entries,) = struct.unpack_from(order + "H", data, at)
    for start in range(at + 2, at + 2 + 12 * entries, 12):
        raw = data[start : start + 12]
        tag, kind, count = struct.unpack_from(order + "HHI", raw)
        number = None
        if kind in (3, 4) and count == 1:
            (number,) = struct.unpack_from(order + ("H" if kind == 3 else "I"), raw, 8)
        if kind in _TIFF_UNITS:
            yield _Entry(tag, kind, count, number, raw)


def _exif_orientation(exif: bytes) -> int:
    # A photo with broken EXIF is still a photo.
    with contextlib.suppress(struct.error):
        return next((e.number or 1 for e in _directory(exif) if e.tag == 274), 1)
    return 1


class _Kind(NamedTuple):
    """A format that is read."""

    name: str
    plugin: type[ImageFile.ImageFile]
    accepts: Callable[[bytes], bool]
    first_picture: Callable[[bytes], _First]


def _starts(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(magic)


_KINDS = (
    _Kind("PNG", PngImagePlugin.PngImageFile, _starts(b"\x89PNG\r\n\x1a\n"), _first_of_png),
    _Kind("JPEG", JpegImagePlugin.JpegImageFile, _starts(b"\xff\xd8\xff"), _first_of_jpeg),
    _Kind("GIF", GifImagePlugin.GifImageFile, _starts(b"GIF87a", b"GIF89a"), _first_of_gif),
    _Kind("BMP", BmpImagePlugin.BmpImageFile, _starts(b"BM"), _first_of_bmp),
    _Kind(
        "WebP",
        WebPImagePlugin.WebPImageFile,
        lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP",
        _first_of_webp,
    ),
    _Kind("TIFF", TiffImagePlugin.TiffImageFile, _starts(b"II*\0", b"MM\0*"), _first_of_tiff),
)
