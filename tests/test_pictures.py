import functools
import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFile

from mnist_core import pictures
from mnist_core.errors import InputError
from mnist_core.pictures import MAX_BYTES, REDUCED_SIDE, open_picture
from mnist_core.preprocessing import to_mnist


def seven(mode: str = "L", size: tuple[int, int] = (60, 90)) -> Image.Image:
    """A dark 7 on white, drawn in `mode`'s nearest relative."""
    image = Image.new("L", size, 255)
    width, height = size
    points = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.8)]
    ImageDraw.Draw(image).line(
        [(x * width, y * height) for x, y in points], fill=0, width=max(1, width // 12)
    )
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def grey(picture: np.ndarray) -> np.ndarray:
    """What is seen of `picture` on white paper, (H, W) float."""
    paper = Image.new("RGBA", picture.shape[1::-1], "white")
    paper.alpha_composite(Image.fromarray(picture).convert("RGBA"))
    return np.asarray(paper.convert("L"), float)


def looks_like(picture: np.ndarray, wanted: Image.Image, tolerance: float = 3.0) -> bool:
    seen = grey(picture)
    return (
        seen.shape == wanted.size[::-1]
        and float(np.abs(seen - np.asarray(wanted.convert("L"), float)).mean()) < tolerance
    )


def chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, data: bytes = b"", *, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG by hand: `data` is the rows, unpacked, each with its leading filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(data)),
            chunk(b"IEND"),
        )
    )


def refusal(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        open_picture(source)
    message = str(caught.value)
    assert message.endswith(".") and ": " in message and "\n" not in message
    assert "Traceback" not in message and "object at" not in message
    return message


# Every kind that is read.


@pytest.mark.parametrize(
    ("format", "mode", "shape"),
    [
        ("PNG", "1", (90, 60)),
        ("PNG", "L", (90, 60)),
        ("PNG", "LA", (90, 60, 4)),
        ("PNG", "P", (90, 60, 3)),
        ("PNG", "RGB", (90, 60, 3)),
        ("PNG", "RGBA", (90, 60, 4)),
        ("JPEG", "L", (90, 60)),
        ("JPEG", "RGB", (90, 60, 3)),
        ("JPEG", "CMYK", (90, 60, 3)),
        ("GIF", "L", (90, 60, 3)),
        ("GIF", "P", (90, 60, 3)),
        ("BMP", "1", (90, 60)),
        ("BMP", "L", (90, 60)),
        ("BMP", "P", (90, 60)),
        ("BMP", "RGB", (90, 60, 3)),
        ("WEBP", "RGB", (90, 60, 3)),
        ("WEBP", "RGBA", (90, 60, 3)),  # opaque, which the format notes
        ("TIFF", "1", (90, 60)),
        ("TIFF", "L", (90, 60)),
        ("TIFF", "LA", (90, 60, 4)),
        ("TIFF", "P", (90, 60, 3)),
        ("TIFF", "RGB", (90, 60, 3)),
        ("TIFF", "RGBA", (90, 60, 4)),
        ("TIFF", "CMYK", (90, 60, 3)),
        ("TIFF", "YCbCr", (90, 60, 3)),
    ],
)
def test_reads_every_format_and_mode(format: str, mode: str, shape: tuple[int, ...]) -> None:
    picture = open_picture(saved(seven(mode), format))
    assert picture.dtype == np.uint8
    assert picture.shape == shape
    assert looks_like(picture, seven())
    assert np.abs(to_mnist(picture).astype(int) - to_mnist(np.asarray(seven()))).mean() < 6


@pytest.mark.parametrize(
    "compression",
    ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group3", "group4"],
)
def test_reads_compressed_tiff(compression: str) -> None:
    image = seven("1" if compression.startswith("group") else "L")
    assert looks_like(open_picture(saved(image, "TIFF", compression=compression)), seven())


def test_reads_big_endian_tiff() -> None:
    values = np.asarray(seven(), np.uint16) * 257
    data = saved(Image.frombytes("I;16B", (60, 90), values.astype(">u2").tobytes()), "TIFF")
    assert data.startswith(b"MM")
    assert looks_like(open_picture(data), seven(), tolerance=0.5)


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 30}, {"subsampling": 0}])
def test_reads_jpeg_variants(options: dict[str, Any]) -> None:
    assert looks_like(open_picture(saved(seven("RGB"), "JPEG", **options)), seven())


def test_reads_interlaced_png_row_by_row() -> None:
    # Adam7 of a 1x1 picture has one pass; enough to see that the flag survives.
    data = bytearray(png(1, 1, b"\0\x7b"))
    data[28] = 1
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    assert open_picture(bytes(data)).tolist() == [[123]]


@pytest.mark.parametrize(
    ("dtype", "white"),
    [(np.uint16, 65535), (np.int32, 65535), (np.int32, 255)]
    + [(np.float32, white) for white in (1, 255, 65535)],
)
def test_deep_grey_is_scaled_not_clipped(dtype: type, white: int) -> None:
    values = (np.asarray(seven(), np.float64) / 255 * white).astype(dtype)
    picture = open_picture(saved(Image.fromarray(values), "TIFF"))
    assert picture.shape == (90, 60)
    assert looks_like(picture, seven(), tolerance=1.0)


def test_16_bit_png() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None]
    picture = open_picture(saved(Image.fromarray(ramp), "PNG"))
    np.testing.assert_array_equal(picture, np.arange(256, dtype=np.uint8)[None])


def test_16_bit_png_in_colour_and_with_a_transparent_grey() -> None:
    rows = b"\0" + struct.pack(">6H", 65535, 0, 0, 0, 65535, 32768)
    np.testing.assert_array_equal(
        open_picture(png(2, 1, rows, depth=16, colour=2)), [[[255, 0, 0], [0, 255, 128]]]
    )
    data = png(2, 1, b"\0" + struct.pack(">2H", 65535, 0), depth=16)
    data = data[:33] + chunk(b"tRNS", struct.pack(">H", 65535)) + data[33:]
    np.testing.assert_array_equal(open_picture(data)[..., 3], [[0, 255]])


def test_unusual_range_is_stretched() -> None:
    values = np.asarray(seven(), np.float32) * 7 - 5000
    assert looks_like(open_picture(saved(Image.fromarray(values), "TIFF")), seven(), 1.0)


def test_flat_picture_of_an_unusual_value_is_flat() -> None:
    picture = open_picture(saved(Image.new("F", (5, 5), -3.0), "TIFF"))
    assert np.ptp(picture) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_numbers(value: float) -> None:
    values = np.zeros((5, 5), np.float32)
    values[2, 2] = value
    assert "not numbers" in refusal(saved(Image.fromarray(values), "TIFF"))


def test_transparency_of_palette_and_grey() -> None:
    image = seven().quantize(2)
    lightest = int(np.argmax(np.asarray(image.convert("L"))))
    white = int(np.asarray(image).flat[lightest])
    clear = bytes(0 if index == white else 255 for index in range(2))
    assert open_picture(saved(image, "PNG", transparency=clear))[0, 0, 3] == 0
    for format in ("PNG", "GIF"):
        assert open_picture(saved(image, format, transparency=white))[0, 0, 3] == 0
    assert open_picture(saved(seven(), "PNG", transparency=255))[0, 0, 3] == 0
    assert open_picture(saved(seven("1"), "PNG", transparency=255))[0, 0, 3] == 0
    ink = seven("RGBA")
    ink.putalpha(Image.eval(seven(), lambda level: 255 - level))
    for format in ("PNG", "WEBP", "TIFF"):
        picture = open_picture(saved(ink, format))
        assert picture.shape == (90, 60, 4)
        assert looks_like(picture, seven())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_of_many_pictures(format: str) -> None:
    others = [Image.new("L", (60, 90), level) for level in (0, 128)]
    data = saved(seven(), format, save_all=True, append_images=others)
    assert looks_like(open_picture(data), seven())


def test_gif_frame_smaller_or_larger_than_its_screen() -> None:
    data = bytearray(saved(seven(), "GIF"))
    for screen in ((100, 120), (20, 20)):
        data[6:10] = struct.pack("<2H", *screen)
        picture = open_picture(bytes(data))
        assert picture.shape[:2] == (max(90, screen[1]), max(60, screen[0]))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turned_the_right_way_up(format: str, orientation: int) -> None:
    as_stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = seven("RGB")
    stored = image.transpose(as_stored[orientation]) if orientation > 1 else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert looks_like(open_picture(saved(stored, format, exif=exif)), image)


def test_mislabelled(tmp_path: Path) -> None:
    file = tmp_path / "seven.jpg"
    file.write_bytes(saved(seven(), "PNG"))
    assert looks_like(open_picture(file), seven())


# Size.


def test_large_photo_is_reduced_with_anti_aliasing() -> None:
    stripes = np.zeros((1500, 3000), np.uint8)
    stripes[:, ::2] = 254
    for image in (Image.fromarray(stripes), Image.fromarray(stripes).convert("RGBA")):
        picture = open_picture(saved(image, "PNG", compress_level=1))
        assert picture.shape[:2] == (REDUCED_SIDE // 2, REDUCED_SIDE)
        seen = grey(picture)
        assert seen.min() > 60 and seen.max() < 195


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_large_jpeg_is_decoded_small(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(seven(mode, (4000, 3000)), "JPEG")
    decoded = []
    reduced = pictures._reduced
    monkeypatch.setattr(
        pictures, "_reduced", lambda image: decoded.append(image.size) or reduced(image)
    )
    picture = open_picture(data)
    assert picture.shape[:2] == (768, 1024)
    assert decoded[0] == (4000 // 2, 3000 // 2)
    assert looks_like(picture, seven("L", (1024, 768)), 6.0)


def test_large_16_bit_and_float() -> None:
    image = seven("L", (1500, 1200))
    for values in (np.asarray(image, np.uint16) * 257, np.asarray(image, np.float32) / 255):
        picture = open_picture(saved(Image.fromarray(values), "TIFF"))
        assert picture.shape == (819, 1024)
        assert looks_like(picture, seven("L", (1024, 819)), 6.0)


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA"])
def test_one_pixel_wide(size: tuple[int, int], mode: str) -> None:
    picture = open_picture(saved(Image.new(mode, size), "PNG"))
    assert picture.shape[:2] == tuple(min(side, REDUCED_SIDE) for side in size[::-1])


def bombs() -> list[bytes]:
    side = 30_000
    jpeg = bytearray(saved(seven(), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">2H", side, side)
    screen = bytearray(saved(seven(), "GIF"))
    screen[6:10] = struct.pack("<2H", side, side)
    frame = bytearray(saved(seven(), "GIF"))
    at = frame.index(b"," + struct.pack("<4H", 0, 0, 60, 90))
    frame[at + 5 : at + 9] = struct.pack("<2H", 9500, 9500)
    bmp = bytearray(saved(seven(), "BMP"))
    bmp[18:26] = struct.pack("<2i", side, -side)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + 2 * (side - 1).to_bytes(3, "little")
    lossless = b"RIFF\x1e\0\0\0WEBPVP8L\x0a\0\0\0\x2f\xff\xff\xff\x0f" + bytes(9)
    lossy = b"RIFF\x1e\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\xff\x3f\xff\x3f"
    tiff = bytearray(saved(Image.new("L", (7001, 9001)), "TIFF", compression="tiff_lzw"))
    return [
        png(side, side, b"little"),
        png(9_500, 9_500),  # between Pillow's warning and its error
        png(1, 5_000_000),
        bytes(jpeg),
        bytes(screen),
        bytes(frame),
        bytes(bmp),
        webp,
        lossless,
        lossy,
        bytes(tiff),
    ]


@pytest.mark.parametrize("data", bombs(), ids=lambda data: repr(data[:3]))
def test_decompression_bombs_are_refused_undecoded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert "too large" in refusal(data)


def test_too_many_bytes(tmp_path: Path) -> None:
    file = tmp_path / "huge.png"
    with file.open("wb") as huge:
        huge.truncate(MAX_BYTES * 1000)  # sparse: takes no room

    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    for source in (file, bytes(MAX_BYTES + 1), io.BufferedReader(Endless()), Path("/dev/zero")):
        assert "larger than 20 MB" in refusal(source)


def test_jpeg_with_absurdly_many_scans() -> None:
    data = saved(seven(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    assert "damaged" in refusal(data[:at] + 200 * data[at:-2] + data[-2:])


# What is no picture, or no longer.


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (bytes(1000), "not a picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "PostScript"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><svg/>", "SVG"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"PK\x03\x04" + bytes(40), "not a picture"),
        (b"P5 2 2 255 abcd", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture is damaged"),
        (b"\xff\xd8\xff", "JPEG picture is damaged"),
        (b"GIF89a", "GIF picture is damaged"),
        (b"BM", "BMP picture is damaged"),
        (b"RIFF\0\0\0\0WEBP", "WebP picture is damaged"),
        (b"II*\0\x08\0\0\0", "TIFF picture is damaged"),
        (b"\xff\xd8" + b"\xff" * 100_000, "JPEG picture is damaged"),
        (png(0, 0), "damaged"),
    ],
)
def test_not_a_picture(data: bytes, says: str) -> None:
    assert says in refusal(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_truncated(format: str) -> None:
    data = saved(seven("RGB"), format)
    for share in (0.1, 0.5, 0.9):
        assert "damaged, cut short" in refusal(data[: int(len(data) * share)])


def test_paths(tmp_path: Path) -> None:
    file = tmp_path / "sieben ünd\n7.png"
    file.write_bytes(saved(seven(), "PNG"))
    assert looks_like(open_picture(file), seven())
    assert looks_like(open_picture(str(file)), seven())
    assert "no such file" in refusal(tmp_path / "missing.png")
    assert "folder" in refusal(tmp_path)
    assert "can't be read" in refusal(file / "inside.png")
    assert "can't be read" in refusal("nul\0.png")
    assert "can't be read" in refusal(tmp_path / ("long" * 100))


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    # chmod would not stop root.
    monkeypatch.setattr(Path, "open", refuse)
    assert "permissions" in refusal(tmp_path / "secret.png")


def test_file_objects(tmp_path: Path) -> None:
    data = saved(seven(), "PNG")
    file = io.BytesIO(data)
    assert looks_like(open_picture(file), seven())
    assert looks_like(open_picture(file), seven()), "read from its start again"
    assert not file.closed
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert looks_like(open_picture(pipe), seven())
    file.close()
    assert "can't be read" in refusal(file)
    assert "binary" in refusal(io.StringIO("text"))
    assert "can't be read" in refusal(None)
    assert "can't be read" in refusal(7)


def test_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    assert "memory" in refusal(saved(seven(), "BMP"))


# Metadata, warnings, threads.


def broken_exif() -> bytes:
    """A directory whose entries point outside, which makes Pillow warn."""
    entries = [(0x010E, 2, 1000, 9999), (0x0112, 3, 1, 6), (0x011A, 5, 1, 1 << 30)]
    return (
        b"Exif\0\0II*\0\x08\0\0\0"
        + struct.pack("<H", len(entries))
        + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    )


def noisy() -> list[bytes]:
    """Readable pictures that make Pillow warn when they are opened as they are."""
    first = saved(seven(), "PNG")
    jpeg = saved(seven(), "JPEG")
    multi = b"\xff\xe2" + struct.pack(">H", 2 + 40) + b"MPF\0II*\0\x08\0\0\0" + bytes(28)
    exif = b"\xff\xe1" + struct.pack(">H", 2 + len(broken_exif())) + broken_exif()
    tiff = bytearray(saved(seven(), "TIFF", description="x" * 40))
    at = tiff.index(struct.pack("<HH", 270, 2))
    tiff[at + 4 : at + 8] = struct.pack("<I", 1 << 20)
    return [
        first[:33] + chunk(b"acTL", bytes(8)) + first[33:],
        first[:33] + chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(1 << 22))) + first[33:],
        jpeg[:2] + exif + jpeg[2:],
        jpeg[:2] + multi + jpeg[2:],
        bytes(tiff),
    ]


@pytest.mark.parametrize("data", noisy(), ids=["apng", "text bomb", "exif", "mpo", "tiff"])
def test_broken_metadata_neither_warns_nor_spoils(data: bytes) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        picture = open_picture(data)
    assert not seen
    image = seven().transpose(Image.Transpose.ROTATE_270) if b"Exif" in data else seven()
    assert looks_like(picture, image)


def test_pillow_and_warning_filters_are_left_alone() -> None:
    def state() -> tuple[object, ...]:
        return (
            Image.MAX_IMAGE_PIXELS,
            ImageFile.LOAD_TRUNCATED_IMAGES,
            warnings.filters[:],
            warnings.showwarning,
        )

    before = state()
    for data in [*noisy(), saved(seven(), "WEBP")]:
        open_picture(data)
    assert state() == before


def test_many_threads() -> None:
    large = saved(seven("L", (2400, 2000)), "PNG", compress_level=1)
    small = saved(seven(), "GIF")
    results: list[bool] = []

    def read() -> None:
        results.append(looks_like(open_picture(small), seven()))
        results.append(open_picture(large).shape == (853, 1024))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


# Anything at all.


@functools.cache
def valid() -> tuple[bytes, ...]:
    image = seven("L", (12, 16))
    frames = [Image.new("L", (12, 16), level) for level in (0, 128)]
    exif = Image.Exif()
    exif[0x0112] = 6
    many: dict[str, Any] = {"save_all": True, "append_images": frames}
    return (
        saved(image, "PNG", exif=exif),
        saved(image.quantize(4), "PNG", transparency=0),
        saved(image, "PNG", **many),
        saved(image.convert("RGB"), "JPEG", exif=exif),
        saved(image.convert("CMYK"), "JPEG", progressive=True),
        saved(image, "GIF", transparency=255, **many),
        saved(image, "BMP"),
        saved(image.convert("1"), "BMP"),
        saved(image.convert("RGB"), "WEBP", exif=exif),
        saved(image.convert("RGBA"), "WEBP", lossless=True, **many),
        saved(image, "TIFF", **many),
        saved(image.convert("RGB"), "TIFF", compression="tiff_lzw"),
        saved(image.convert("RGB"), "TIFF", compression="jpeg"),
        saved(image.convert("1"), "TIFF", compression="group4"),
        saved(image.convert("F"), "TIFF"),
        saved(image.quantize(4), "TIFF", compression="packbits"),
    )


mutations: dict[str, Callable[[bytes, int, int, bytes], bytes]] = {
    "overwrite": lambda data, at, _, new: data[:at] + new + data[at + len(new) :],
    "insert": lambda data, at, _, new: data[:at] + new + data[at:],
    "delete": lambda data, at, length, _: data[:at] + data[at + length :],
    "repeat": lambda data, at, length, _: data[:at] + 3 * data[at : at + length] + data[at:],
    "truncate": lambda data, at, *_: data[:at],
}
NASTY = [b"\0", b"\xff", b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]


def mend_png(data: bytes) -> bytes:
    """Set the check sums right again, so that mutations get past them."""
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack_from(">I", data, at)[0]
        parts += [data[at:end], struct.pack(">I", zlib.crc32(data[at + 4 : end]))]
        at = end + 4
    return b"".join(parts)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    index=st.integers(0, len(valid()) - 1),
    edits=st.lists(
        st.tuples(
            st.sampled_from(sorted(mutations)),
            st.floats(0, 1),
            st.integers(0, 40),
            st.sampled_from(NASTY) | st.binary(min_size=1, max_size=6),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_mutated_files_give_an_array_or_an_input_error(
    index: int, edits: list[tuple[str, float, int, bytes]]
) -> None:
    data = valid()[index]
    for kind, share, length, new in edits:
        data = mutations[kind](data, int(share * len(data)), length, new)
    if data.startswith(b"\x89PNG"):
        data = mend_png(data)
    check(data)


@settings(max_examples=100, deadline=None)
@given(start=st.sampled_from([data[:12] for data in valid()] + [b""]), rest=st.binary(max_size=200))
@example(start=b"", rest=b"")
def test_any_bytes_give_an_array_or_an_input_error(start: bytes, rest: bytes) -> None:
    check(start + rest)


def check(data: bytes) -> None:
    try:
        picture = open_picture(data)
    except InputError as error:
        assert str(error).endswith(".")
    else:
        assert picture.dtype == np.uint8 and picture.size
        assert picture.ndim == 2 or picture.shape[2:] in ((3,), (4,))
        assert max(picture.shape[:2]) <= REDUCED_SIDE
