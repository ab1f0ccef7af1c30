import gzip
import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from mnist_core.containers import read_array
from tests.tiny_mnist import idx

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("x.npy", content)
    return stream.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + body


def read(content: bytes, shape: tuple[int, ...] = IMAGES.shape) -> np.ndarray:
    return read_array(io.BytesIO(content), key="x", shape=shape)


GOOD = {
    "idx": idx(IMAGES),
    "gzip": gzip.compress(idx(IMAGES)),
    "npz": npz(x=IMAGES),
    "npz in Fortran order": npz(x=np.asfortranarray(IMAGES)),
    "npz with other arrays": npz(a=np.zeros(9), x=IMAGES),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_every_format_gives_the_same_read_only_array(content):
    array = read(content)
    np.testing.assert_array_equal(array, IMAGES)
    assert array.dtype == np.uint8
    assert array.flags.c_contiguous
    assert not array.flags.writeable


BAD = {
    "empty": (b"", "empty"),
    "text": (b"<html>not found</html>", "not an IDX"),
    "two bytes": (b"\0\0", "not an IDX"),
    "labels for images": (idx(np.zeros(3, np.uint8)), "1 dimensions instead of type 8 with 3"),
    "floats": (b"\0\0\x0d\x03" + idx(IMAGES)[4:], "type 13"),
    "other count": (idx(IMAGES[:2]), r"\(2, 4, 5\) instead of \(3, 4, 5\)"),
    "2^32 - 1 images": (idx(IMAGES).replace(b"\0\0\0\x03", b"\xff\xff\xff\xff", 1), "4294967295"),
    "cut header": (idx(IMAGES)[:9], "too early"),
    "cut body": (idx(IMAGES)[:-1], "too early"),
    "one byte more": (idx(IMAGES) + b"\0", "goes on"),
    "cut gzip": (gzip.compress(idx(IMAGES))[:-9], "too early"),
    "gzip without its check sum": (gzip.compress(idx(IMAGES))[:-8], "too early"),
    "gzip with a wrong check sum": (gzip.compress(idx(IMAGES))[:-8] + b"12345678", "unpacked"),
    "gzip, one byte more": (gzip.compress(idx(IMAGES) + b"\0"), "goes on"),
    "only the start of a gzip": (gzip.compress(b"x")[:2], "too early"),
    "cut npz": (npz(x=IMAGES)[:-30], "unpacked"),
    "npz without the array": (npz(y=IMAGES), "no array x"),
    "npz of another shape": (npz(x=IMAGES[:1]), r"\(1, 4, 5\)"),
    "npz of floats": (npz(x=IMAGES.astype(np.float16)), "float16"),
    "npz of objects": (npz(x=np.array([None], object)), "object"),
    "npz, one byte more": (
        zipped(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4, 5), }\n", b"-" * 61)),
        "goes on",
    ),
    "npz that is no npy": (zipped(b"hello, this is no array at all"), "unreadable header"),
    "npz with code for a header": (zipped(npy("__import__('os').abort()\n")), "unreadable header"),
    "npz packed in a way that unpacks without limit": (zipped(b"0" * 99, zipfile.ZIP_LZMA), "way"),
}


@pytest.mark.parametrize(("content", "reason"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_with_the_reason(content, reason):
    with pytest.raises(ValueError, match=reason):
        read(content)


@pytest.mark.parametrize(
    "bomb",
    [gzip.compress(idx(IMAGES) + bytes(20_000_000), 1), npz(x=np.zeros((20_000, 1_000), np.uint8))],
    ids=["gzip", "npz"],
)
def test_a_bomb_is_not_unpacked(bomb):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"goes on|larger"):
            read(bomb)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["gzip", "npz"])
def test_whatever_is_flipped_raises_a_value_error_or_changes_nothing_else(name):
    content = GOOD[name]
    random = np.random.default_rng(1)
    for position in random.integers(0, len(content), 300):
        changed = bytearray(content)
        changed[position] ^= 1 << random.integers(8)
        try:
            array = read(bytes(changed))
        except ValueError:
            continue
        # Bits outside the data, such as a time stamp; CRCs protect the rest.
        np.testing.assert_array_equal(array, IMAGES)
