"""One array of known shape or size out of an IDX, gzipped IDX or npz file, and never more.

The caller says what it expects, so a header is compared and never believed: memory follows the
expected shape or size, whatever a damaged or hostile file declares or unpacks to.

IDX is the format of the original MNIST files: two zero bytes, a type (8 is uint8), the number of
dimensions, each dimension as a big-endian uint32, then the bytes in C order.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
# Room for the header of an npy array; NumPy itself writes 128 bytes.
_NPY_HEADER = 16_384


def read_array(stream: BinaryIO, *, key: str, shape: tuple[int, ...]) -> Bytes:
    """Read the array of `shape` from a seekable `stream`: IDX, gzipped IDX or npz.

    The first bytes decide which format it is, since browsers unpack `.gz` files and keep the
    name. `key` names the array in an npz and is ignored otherwise.

    Returns a read-only uint8 array of `shape`, values 0-255, C order. Raises `ValueError` with a
    clause ("it ends too early") for anything else that the stream holds, and `OSError` if reading
    itself fails.
    """
    start = stream.read(4)
    stream.seek(0)
    with _in_a_clause():
        if start == _ZIP:
            with _member(stream, (key,), math.prod(shape)) as array:
                return _read_npy(array, shape)
        if start[:2] == _GZIP:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                return _read_idx(cast(BinaryIO, unpacked), shape)
        return _read_idx(stream, shape)


def read_small(stream: BinaryIO, *, keys: Sequence[str], largest: int) -> NDArray[Any]:
    """Read whole numbers or truth values of any shape, `largest` bytes at most, out of an npz.

    `keys` are the names that the array may have; the first that is there counts.

    Raises `ValueError` with a clause for anything else that the seekable `stream` holds.
    """
    with _in_a_clause(), _member(stream, keys, largest) as array:
        declared, fortran, dtype = _header(array)
        if dtype.kind not in "iub":
            raise ValueError(f"its array {keys[0]} holds {dtype} instead of whole numbers")
        size = math.prod(declared) * dtype.itemsize
        if size > largest or not all(0 <= side <= largest for side in declared):
            raise ValueError(f"its array {keys[0]} is larger than {largest:,} bytes")
        values = np.frombuffer(_rest(array, size), dtype)
        return values.reshape(declared, order="F" if fortran else "C")


@contextmanager
def _in_a_clause() -> Iterator[None]:
    try:
        yield
    except EOFError as error:
        raise ValueError("it ends too early") from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(f"it can't be unpacked ({error})") from error


def _read_idx(stream: BinaryIO, shape: tuple[int, ...]) -> Bytes:
    if not (magic := stream.read(4)):
        raise ValueError("it is empty")
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError("it is not an IDX file")
    if magic[2] != 8 or magic[3] != len(shape):
        raise ValueError(
            f"it is an IDX file of type {magic[2]} with {magic[3]} dimensions"
            f" instead of type 8 with {len(shape)}"
        )
    sizes = _exactly(stream, 4 * len(shape))
    _compare(struct.unpack(f">{len(shape)}I", sizes), shape)
    return _body(stream, shape)


@contextmanager
def _member(stream: BinaryIO, keys: Sequence[str], largest: int) -> Iterator[BinaryIO]:
    """The array of an npz under the first of these names that is there, to be read."""
    with zipfile.ZipFile(stream) as archive:
        names = set(archive.namelist())
        key = next((key for key in keys if f"{key}.npy" in names), None)
        if key is None:
            raise ValueError(f"it holds no array {' or '.join(keys)}")
        member = archive.getinfo(f"{key}.npy")
        # zipfile unpacks other methods without a limit; NumPy writes only these two.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"its array {key} is packed in an unknown way")
        if member.flag_bits & 1:
            raise ValueError(f"its array {key} is encrypted")
        # zipfile stops reading at this size, so it also bounds the header.
        if member.file_size > largest + _NPY_HEADER:
            raise ValueError(f"its array {key} is larger than {largest:,} bytes")
        with archive.open(member) as array:
            yield cast(BinaryIO, array)


def _read_npy(stream: BinaryIO, shape: tuple[int, ...]) -> Bytes:
    declared, fortran, dtype = _header(stream)
    if dtype != np.uint8:
        raise ValueError(f"it holds {dtype} instead of uint8")
    _compare(declared, shape)
    if not fortran:
        return _body(stream, shape)
    array = np.ascontiguousarray(_body(stream, shape[::-1]).T)
    array.flags.writeable = False
    return array


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """The shape, whether in Fortran order, and the type that an npy file declares."""
    # Not `np.load`: it reserves what the header asks for. Nothing here can unpickle.
    try:
        if np.lib.format.read_magic(stream) == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        return np.lib.format.read_array_header_2_0(stream)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
        raise
    except Exception as error:  # NumPy parses the header as Python: many ways to fail
        raise ValueError("its array has an unreadable header") from error


def _body(stream: BinaryIO, shape: tuple[int, ...]) -> Bytes:
    return np.frombuffer(_rest(stream, math.prod(shape)), np.uint8).reshape(shape)


def _rest(stream: BinaryIO, size: int) -> bytes:
    """All that is left, which must be `size` bytes."""
    body = _exactly(stream, size)
    # Reading on past the end is also what makes gzip and zip check their CRC.
    if stream.read(1):
        raise ValueError("it goes on after its last value")
    return body


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError("it ends too early")
    return data


def _compare(declared: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if declared != expected:
        raise ValueError(f"its shape is {declared} instead of {expected}")
