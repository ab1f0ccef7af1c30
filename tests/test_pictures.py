import io
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFile

from mnist_core.errors import InputError
from mnist_core.pictures import MAX_BYTES, REDUCED_SIDE, open_picture

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"]


def seven(mode: str = "L", size: tuple[int, int] = (60, 90)) -> Image.Image:
    """A dark 7 on white."""
    image = Image.new("L", size, 255)
    w, h = size
    points = [(w // 4, h // 5), (3 * w // 4, h // 5), (w // 2, 4 * h // 5)]
    ImageDraw.Draw(image).line(points, fill=0, width=w // 12)
    return image.convert(mode)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def looks_like(picture: np.ndarray, wanted: Image.Image, tolerance: float = 3.0) -> bool:
    """Whether `picture` on white paper is `wanted`, but for so many grey levels on average."""
    paper = Image.new("RGBA", picture.shape[1::-1], "white")
    paper.alpha_composite(Image.fromarray(picture).convert("RGBA"))
    difference = np.asarray(paper.convert("L"), float) - np.asarray(wanted.convert("L"), float)
    return float(np.abs(difference).mean()) < tolerance


def refusal(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        open_picture(source)
    message = str(caught.value)
    assert message.endswith(".") and ": " in message and "\n" not in message
    return message


# What is read, and how it comes out.


@pytest.mark.parametrize(
    ("format", "modes", "channels"),
    [
        *[("PNG", "1 L", 1), ("PNG", "P RGB", 3), ("PNG", "LA RGBA", 4)],
        *[("JPEG", "L", 1), ("JPEG", "RGB CMYK", 3), ("GIF", "L P", 3), ("WEBP", "RGB", 3)],
        *[("BMP", "1 L", 1), ("BMP", "RGB", 3)],
        *[("TIFF", "1 L", 1), ("TIFF", "P RGB CMYK YCbCr", 3), ("TIFF", "LA RGBA", 4)],
    ],
)
def test_every_format_and_mode(format: str, modes: str, channels: int) -> None:
    for mode in modes.split():
        picture = open_picture(saved(seven(mode), format))
        assert picture.dtype == np.uint8
        assert picture.shape == ((90, 60) if channels == 1 else (90, 60, channels))
        assert looks_like(picture, seven())


@pytest.mark.parametrize("size", [(60, 90), (1500, 1200)])
def test_16_bit_grey(size: tuple[int, int]) -> None:
    values = np.asarray(seven("L", size), np.uint16) * 257
    little = Image.fromarray(values)
    big = Image.frombytes("I;16B", size, values.astype(">u2").tobytes())
    for data in (saved(little, "PNG"), saved(little, "TIFF"), saved(big, "TIFF")):
        picture = open_picture(data)
        assert picture.ndim == 2 and max(picture.shape) == min(REDUCED_SIDE, max(size))
        assert looks_like(picture, seven("L", picture.shape[::-1]), 6.0)


@pytest.mark.parametrize("size", [(60, 90), (1500, 1200)])
@pytest.mark.parametrize(("white", "black"), [(1, 0), (255, 0), (65535, 0), (20, -5000)])
def test_float_grey(white: int, black: int, size: tuple[int, int]) -> None:
    values = black + np.asarray(seven("L", size), np.float32) / 255 * (white - black)
    picture = open_picture(saved(Image.fromarray(values), "TIFF"))
    assert looks_like(picture, seven("L", picture.shape[::-1]), 6.0)


def test_float_grey_that_is_flat_or_not_a_number() -> None:
    assert np.ptp(open_picture(saved(Image.new("F", (5, 5), -3.0), "TIFF"))) == 0
    values = np.full((5, 5), 0.5, np.float32)
    values[2, 1:4] = np.nan, np.inf, -np.inf
    assert open_picture(saved(Image.fromarray(values), "TIFF"))[0, 0] == 128


def test_transparency() -> None:
    paper = Image.new("P", (60, 90), 0)
    paper.putpalette([255, 255, 255, 0, 0, 0])
    assert open_picture(saved(paper, "PNG", transparency=b"\0\xff"))[0, 0, 3] == 0
    assert open_picture(saved(paper, "GIF", transparency=0))[0, 0, 3] == 0
    for mode in ("1", "L"):
        assert open_picture(saved(seven(mode), "PNG", transparency=255))[0, 0, 3] == 0
    ink = Image.new("RGBA", (60, 90))
    ink.putalpha(Image.eval(seven(), lambda level: 255 - level))
    for format in ("PNG", "WEBP", "TIFF"):
        assert looks_like(open_picture(saved(ink, format)), seven())


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_of_many_pictures(format: str) -> None:
    others = [Image.new("L", (60, 90), level) for level in (0, 128)]
    data = saved(seven(), format, save_all=True, append_images=others)
    assert looks_like(open_picture(data), seven())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_turned_the_right_way_up(format: str) -> None:
    quarter = seven().transpose(Image.Transpose.ROTATE_90)
    mirrored = seven().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    deep = Image.fromarray(np.asarray(quarter, np.uint16) * 257)
    for stored, orientation in ((seven(), 1), (mirrored, 2), (quarter, 6), (deep, 6)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        if stored is not deep or format in ("PNG", "TIFF"):
            assert looks_like(open_picture(saved(stored, format, exif=exif)), seven())


def test_a_photo_with_broken_exif_is_still_a_photo() -> None:
    directory = struct.pack("<HHHIIHHII", 2, 0x010E, 2, 1000, 9999, 0x0112, 3, 1, 6)
    for exif in (b"Exif\0\0nonsense", b"Exif\0\0II*\0\x08\0\0\0" + directory):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = open_picture(saved(seven(), "JPEG", exif=exif))
        assert sorted(picture.shape) == [60, 90]


# Size.


@pytest.mark.parametrize("mode", ["L", "RGBA", "F"])
def test_large_picture_is_reduced_with_anti_aliasing(mode: str) -> None:
    stripes = np.zeros((1500, 3000), np.uint8)
    stripes[:, ::2] = 254
    image = Image.fromarray(stripes).convert(mode)
    picture = open_picture(saved(image, "TIFF"))
    assert picture.shape[:2] == (REDUCED_SIDE // 2, REDUCED_SIDE)
    assert picture[..., :3].min() > 60 and picture[..., 0].max() < 195


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_large_jpeg_is_decoded_small(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(seven(mode, (4000, 3000)), "JPEG")
    decoded = []
    load = ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda i: decoded.append(i.size) or load(i))
    assert looks_like(open_picture(data), seven("L", (1024, 768)), 6.0)
    assert decoded[0] == (2000, 1500)


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1), (1, 1)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "I;16", "F"])
def test_one_pixel_wide(size: tuple[int, int], mode: str) -> None:
    picture = open_picture(saved(Image.new(mode, size), "TIFF"))
    assert picture.shape[:2] == tuple(min(side, REDUCED_SIDE) for side in size[::-1])


# How each format writes the size of the picture.
SIZES: dict[str, Callable[[int, int], bytes]] = {
    "PNG": lambda w, h: struct.pack(">II", w, h),
    "JPEG": lambda w, h: struct.pack(">HH", h, w),
    "GIF": lambda w, h: struct.pack("<HH", w, h),
    "BMP": lambda w, h: struct.pack("<ii", w, h),
    "WEBP": lambda w, h: (w - 1).to_bytes(3, "little") + (h - 1).to_bytes(3, "little"),
    "TIFF": lambda w, h: struct.pack("<HHIIHHII", 256, 4, 1, w, 257, 4, 1, h),
}


def of_claimed_size(format: str, size: tuple[int, int]) -> bytes:
    """A small file whose header says that the picture is this large."""
    written = SIZES[format]
    data = saved(seven(), format, **({"exif": Image.Exif()} if format == "WEBP" else {}))
    data = data.replace(written(60, 90), written(*size), 1)
    if format == "PNG":
        data = data[:29] + struct.pack(">I", zlib.crc32(data[12:29])) + data[33:]
    return data


@pytest.mark.parametrize("format", FORMATS)
def test_too_many_pixels_are_refused_undecoded(
    format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    # Of 90 million pixels Pillow only warns, of 60 million not even that. (Its WebP plugin wants
    # to see more than a header if the size is still one that it accepts.)
    sizes = [(10_000, 6_000), (10_000, 9_000), (30_000, 30_000)]
    for size in sizes[2:] if format == "WEBP" else sizes:
        for warnings_are in ("error", "ignore"):
            with warnings.catch_warnings():
                warnings.simplefilter(warnings_are)
                message = refusal(of_claimed_size(format, size))
            assert "too many pixels, more than 51 million" in message


def test_too_many_bytes(tmp_path: Path) -> None:
    file = tmp_path / "huge.png"
    file.write_bytes(bytes(MAX_BYTES + 1))
    for source in (file, file.read_bytes(), io.BytesIO(file.read_bytes())):
        assert "larger than 20 MB" in refusal(source)


# What can't be read.


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (bytes(1000), "not a picture"),
        (b"P5 2 2 255 abcd", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><svg/>", "SVG"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (b"\xff\xd8\xff", "damaged"),
    ],
)
def test_not_a_picture(data: bytes, says: str) -> None:
    assert says in refusal(data)


@pytest.mark.parametrize("format", FORMATS)
def test_cut_short(format: str) -> None:
    data = saved(seven("RGB"), format)
    for share in (0.1, 0.5, 0.9):
        assert "damaged" in refusal(data[: int(len(data) * share)])


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sieben ünd 7.jpg"  # wrongly named: it is its content that counts
    file.write_bytes(saved(seven(), "PNG"))
    assert looks_like(open_picture(file), seven())
    assert looks_like(open_picture(str(file)), seven())
    assert "no such file" in refusal(tmp_path / "missing.png")
    assert "folder" in refusal(tmp_path)
    assert "can't be read" in refusal(file / "inside.png")
    assert "can't be read" in refusal("nul\0.png")
    denied = PermissionError(13, "Permission denied")
    monkeypatch.setattr(Path, "open", Mock(side_effect=denied))  # chmod would not stop root
    assert "can't be read (Permission denied)" in refusal(file)


def test_file_objects() -> None:
    data = saved(seven(), "PNG")
    file = io.BytesIO(data)
    for _ in range(2):  # from its start again
        assert looks_like(open_picture(file), seven())
    file.close()
    assert "can't be read" in refusal(file)
    assert "binary" in refusal(io.StringIO("text"))
    assert "can't be read" in refusal(None)


def test_many_threads() -> None:
    large = saved(seven("L", (2400, 2000)), "PNG", compress_level=1)
    with ThreadPoolExecutor(4) as pool:
        assert all(
            looks_like(small, seven())
            for small in pool.map(open_picture, 8 * [saved(seven(), "GIF")])
        )
        assert all(picture.shape == (853, 1024) for picture in pool.map(open_picture, 4 * [large]))


# Anything at all.


def valid() -> tuple[bytes, ...]:
    image = seven("L", (12, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    many: dict[str, Any] = {"save_all": True, "append_images": [Image.new("L", (12, 16))]}
    return (
        *(saved(image.convert("RGB"), format, exif=exif) for format in ("PNG", "JPEG", "WEBP")),
        *(saved(image, format, **many) for format in ("PNG", "GIF", "WEBP", "TIFF")),
        *(saved(image.quantize(4), format, transparency=0) for format in ("PNG", "GIF")),
        *(saved(image.convert(mode), "BMP") for mode in ("1", "L", "RGB")),
        *(saved(image.convert(mode), "TIFF") for mode in ("F", "P", "CMYK")),
        saved(image.convert("RGB"), "TIFF", compression="tiff_lzw"),
        saved(image.convert("CMYK"), "JPEG", progressive=True),
    )


@settings(max_examples=500, deadline=None)
@given(
    data=st.sampled_from(valid()),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.sampled_from([0, 1, 4, 1000]),
            st.binary(max_size=200),
        ),
        max_size=4,
    ),
)
def test_any_bytes_give_an_array_or_an_input_error(
    data: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    for where, length, new in edits:
        at = int(where * len(data))
        data = data[:at] + new + data[at + length :]
    try:
        picture = open_picture(data)
    except InputError:
        return
    assert picture.dtype == np.uint8 and picture.size
    assert picture.ndim == 2 or picture.shape[2:] in ((3,), (4,))
    assert max(picture.shape[:2]) <= REDUCED_SIDE
