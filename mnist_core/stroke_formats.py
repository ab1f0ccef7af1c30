"""The formats in which collections of pen strokes travel: zip, Unix' compress, Omniglot's letters.

Memory follows a fixed limit, whatever a damaged or hostile file declares or unpacks to.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from mnist_core.strokes import Stroke

UNPACKED = 16_000_000  # bytes at most; the letters have 9.5 MB, the pen digits 3.6 MB

_PACKED_PENDIGITS = re.compile(r"(?:.*/)?(pendigits-orig\.tra\.Z)")
# Whoever packed the letters on a Mac left notes of the system's beside them.
_LETTER = re.compile(r"(?!__MACOSX/)(?:.*/)?(([^/]+)/character([0-9]{2})/[0-9]{4}_([0-9]{2})\.txt)")


@dataclass(frozen=True)
class Letter:
    """One letter as somebody drew it: its strokes, which letter of which alphabet, and who.

    `drawer` counts within an alphabet: the same number in another one may be another person.
    """

    strokes: tuple[Stroke, ...]
    alphabet: str
    character: int
    drawer: int


def file_digest(stream: BinaryIO) -> str:
    """The SHA-256 of a file, in hex."""
    # No more of it than the limit: what is larger is none of the collections anyway.
    return hashlib.sha256(stream.read(UNPACKED + 1)).hexdigest()


def letters_digest(stream: BinaryIO) -> str:
    """The SHA-256, in hex, of the names and contents of an archive's letters.

    That of what `sha256sum` prints for `ALPHABET/character*/*.txt`, in the order of names. Raises
    `ValueError` with a clause if the archive can't be unpacked.
    """
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {member[1]}\n"
        for member, content in _unzip(stream, _LETTER)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def letters_in(stream: BinaryIO) -> list[Letter]:
    """The letters of an archive, as `stroke_files.read_letters` tells.

    Raises `ValueError` with a clause for anything else, and `OSError` if reading itself fails.
    """
    letters: dict[tuple[str, int, int], Letter] = {}
    for member, content in _unzip(stream, _LETTER):
        key = member[2], int(member[3]), int(member[4])
        if key in letters:
            raise ValueError(f"it holds {member[1]} twice")
        letters[key] = Letter(tuple(_strokes(member[1], content)), *key)
    if not letters:
        raise ValueError("it holds none")
    return [letters[key] for key in sorted(letters)]


def unpack_pendigits(content: bytes) -> bytes:
    """The plain text of pen digits: as it is, packed by Unix' compress, or that in a zip.

    Raises `ValueError` with a clause if it can't be unpacked.
    """
    # The first bytes decide, whatever the file is called.
    if content.startswith(b"PK"):
        members = [packed for _, packed in _unzip(io.BytesIO(content), _PACKED_PENDIGITS)]
        if len(members) != 1:
            raise ValueError("it holds no pendigits-orig.tra.Z")
        content = members[0]
    return _unpack_lzw(content) if content.startswith(b"\x1f\x9d") else content


def _strokes(name: str, content: bytes) -> Iterator[Stroke]:
    """The strokes of one letter's file, y pointing down."""
    first, *lines = content.decode("ascii").splitlines() or [""]
    if first != "START" or lines[-1:] != ["BREAK"]:
        raise ValueError(f"{name} does not go from START to BREAK")
    points: list[list[float]] = []
    for line in lines:
        if line != "BREAK":
            points.append([float(number) for number in line.split(",")])
            continue
        stroke = np.array(points, np.float64)
        if stroke.shape != (len(points), 3) or not np.isfinite(stroke).all():
            raise ValueError(f"{name} holds a stroke that is no list of x, y, t")
        yield stroke[:, :2] * (1.0, -1.0)
        points = []


def _unzip(stream: BinaryIO, wanted: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    """The wanted members of a zip, in the order of the first group, which is their name.

    Raises `ValueError` with a clause for anything that can't be unpacked, or only to too much.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            found = [
                (match, member)
                for member in archive.infolist()
                if (match := wanted.fullmatch(member.filename))
            ]
            # zipfile stops at the size that a member declares, so this bounds what is unpacked ...
            if sum(member.file_size for _, member in found) > UNPACKED:
                raise ValueError(f"it unpacks to more than the expected {UNPACKED} bytes")
            # ... but for other methods than these two, which it unpacks without a limit.
            methods = {member.compress_type for _, member in found}
            if not methods <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise ValueError("it is packed in an unknown way")
            for match, member in sorted(found, key=lambda pair: pair[0][1]):
                yield match, archive.read(member)
    except EOFError as error:
        raise ValueError("it ends too early") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError) as error:  # the last: it is encrypted
        raise ValueError(f"it can't be unpacked ({error})") from error


def _unpack_lzw(packed: bytes) -> bytes:
    """What Unix' compress packed; `ValueError` with a clause if it can't be unpacked.

    T. Welch, "A Technique for High-Performance Data Compression", IEEE Computer, 1984, with the
    variable widths of Unix' compress: codes come in groups of eight, so that a group is whole
    bytes; the rest of a group is void when codes get wider or the table is cleared. Written out
    here since the libraries there are for it unpack without a limit.
    """
    if len(packed) < 3:
        raise ValueError("it ends too early")
    widest, clears = max(packed[2] & 31, 10), packed[2] & 128
    table = [bytes([i]) for i in range(256)] + [b""] * bool(clears)
    unpacked = bytearray()
    before, at, width = b"", 3, 9
    while at < len(packed):
        group = packed[at : at + width]
        at += width
        codes = int.from_bytes(group, "little")
        mask = (1 << width) - 1
        for position in range(8 * len(group) // width):
            code = codes >> position * width & mask
            if clears and code == 256:
                del table[256:]
                width = 9
                break
            if code > len(table) or (code == len(table) and not before):
                raise ValueError("it can't be unpacked (a code comes before its meaning)")
            entry = table[code] if code < len(table) else before + before[:1]
            if before and len(table) <= mask:
                table.append(before + entry[:1])
            unpacked += entry
            if len(unpacked) > UNPACKED:
                raise ValueError(f"it unpacks to more than the expected {UNPACKED} bytes")
            before = entry
            if len(table) > mask and width < widest:
                width += 1
                break
    return bytes(unpacked)
