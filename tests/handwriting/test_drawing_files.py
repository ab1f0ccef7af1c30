import io
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from mnist_core import handwriting
from mnist_core.errors import InputError
from mnist_core.handwriting import MOST, read_file
from tests.archives import zipped
from tests.handwriting.made import image, new

IMAGES = np.array([image(i) for i in range(1, 8)])
LABELS = np.array([3, 1, 4, 1, 5, 9, 2], np.uint8)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def npy(shape, body=b"", descr="'|u1'"):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def table(images=IMAGES, labels=LABELS, *, head=None, separator=","):
    head = head or ["label", *(f"pixel{i}" for i in range(784))]
    rows = [[label, *flat] for label, flat in zip(labels, images.reshape(-1, 784), strict=True)]
    return "\n".join(separator.join(map(str, row)) for row in [head, *rows]).encode()


@pytest.fixture
def drawings(profile):
    """Seven drawings, of which one was never read, newest first."""
    strokes = (np.array([[1.5, 2], [3, 4]]),)
    for label, read in zip(LABELS.tolist(), (3, 7, 4, None, 5, 9, 2), strict=True):
        verdict = "" if read is None else "digit"
        handwriting.keep(profile, new(label, strokes=strokes, pen_width=12, read=read,
                                      verdict=verdict, at=100.5))  # fmt: skip
    return handwriting.drawings(profile)


def same(read, drawings, *, held_out=True):
    assert len(read) == len(drawings)
    for new_drawing, drawing in zip(read, drawings, strict=True):
        np.testing.assert_array_equal(new_drawing.image, drawing.image)
        assert new_drawing.label == drawing.label
        assert new_drawing.held_out is (drawing.held_out if held_out else None)
        assert (new_drawing.read, new_drawing.strokes, new_drawing.at) == (None, (), None)


# Taken along


def test_arrays_are_read_by_numpy_without_unpickling(drawings):
    with np.load(io.BytesIO(handwriting.as_npz(drawings)), allow_pickle=False) as kept:
        assert {name: (kept[name].shape, kept[name].dtype.str) for name in kept} == {
            "images": ((7, 28, 28), "|u1"),
            "labels": ((7,), "|u1"),
            "held_out": ((7,), "|u1"),
            "read": ((7,), "|i1"),
        }
        assert kept["read"].tolist() == [2, 9, 5, -1, 4, 7, 3]
        assert kept["held_out"].tolist() == [0, 0, 0, 1, 0, 0, 0]
        np.testing.assert_array_equal(kept["labels"], LABELS[::-1])
        np.testing.assert_array_equal(kept["images"], [d.image for d in drawings])


def test_a_table_names_the_drawings(drawings):
    head, *rows = handwriting.as_csv(drawings).decode().splitlines()
    assert head.startswith("index,label,pixel0,") and head.endswith(",pixel783,held_out")
    values = np.array([row.split(",") for row in rows], int)
    assert values[:, 0].tolist() == [d.number for d in drawings]
    assert values[:, 1].tolist() == LABELS[::-1].tolist()
    np.testing.assert_array_equal(values[:, 2:-1].reshape(-1, 28, 28), [d.image for d in drawings])
    assert values[:, -1].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_strokes_go_along_as_json(drawings):
    records = json.loads(handwriting.as_json(drawings))
    assert records[3] == {
        "number": drawings[3].number, "label": 1, "read": None, "at": 100.5, "pen_width": 12.0,
        "held_out": True, "strokes": [[[1.5, 2.0], [3.0, 4.0]]],
    }  # fmt: skip
    assert [record["read"] for record in records] == [2, 9, 5, None, 4, 7, 3]


def test_a_sheet_shows_all(drawings):
    sheet = np.asarray(Image.open(io.BytesIO(handwriting.as_sheet(drawings))))
    assert sheet.shape == (84, 84)
    np.testing.assert_array_equal(sheet[28:56, :28], drawings[3].image)


def test_of_nothing_there_are_empty_files():
    with np.load(io.BytesIO(handwriting.as_npz([]))) as kept:
        assert kept["images"].shape == (0, 28, 28)
    assert len(handwriting.as_csv([]).splitlines()) == 1
    assert handwriting.as_json([]) == b"[]"
    with pytest.raises(InputError, match="choose some first"):
        handwriting.as_sheet([])


# Brought in


def test_what_was_taken_along_can_be_brought_in(drawings):
    same(read_file("any name", handwriting.as_npz(drawings)), drawings)
    same(read_file("any name", handwriting.as_csv(drawings)), drawings)


def test_a_table_that_tells_nonsense_of_who_is_held_out_is_refused(drawings):
    content = handwriting.as_csv(drawings).replace(b",1\r\n", b",2\r\n")
    with pytest.raises(InputError, match="line 5 of it has neither 0 nor 1 under held_out"):
        read_file("any name", content)


def test_what_was_deleted_comes_back_out_of_a_file(profile, drawings):
    content = handwriting.as_npz(drawings[::-1])
    handwriting.delete(drawings[2].number)
    assert handwriting.keep_all(profile, read_file("a", content)) == handwriting.Kept(1, 6)
    handwriting.delete_all(profile)
    assert handwriting.keep_all(profile, read_file("a", content)) == handwriting.Kept(7, 0)
    again = handwriting.drawings(profile)
    assert [d.held_out for d in again] == [d.held_out for d in drawings]
    assert [d.read for d in again] == [None] * 7


SWAPPED = ["pixel783", *(f"pixel{i}" for i in range(783)), "label"]
PLACES = ["label", *(f"{y}x{x}" for y in range(1, 29) for x in range(1, 29))]
GOOD = {
    "npz": npz(images=IMAGES, labels=LABELS),
    "npz of Keras": npz(x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:1], y_test=LABELS[:1]),
    "npz of x and y": npz(x=IMAGES, y=LABELS),
    "npz, flat": npz(images=IMAGES.reshape(-1, 784), labels=LABELS),
    "npz in Fortran order": npz(images=np.asfortranarray(IMAGES), labels=LABELS),
    "npz with wide labels": npz(images=IMAGES, labels=LABELS.astype(">i8")),
    "npz with pickles beside": npz(images=IMAGES, labels=LABELS, notes=np.array([{}], object)),
    "npz that holds out nonsense": npz(images=IMAGES, labels=LABELS, held_out=LABELS),
    "npz that holds out others": npz(images=IMAGES, labels=LABELS, held_out=LABELS[:3]),
    "npz that holds out objects": npz(
        images=IMAGES, labels=LABELS, held_out=np.array([None] * 7, object)
    ),
    "table": table(),
    "table with a byte order mark": b"\xef\xbb\xbf" + table(),
    "table of Windows": table().replace(b"\n", b"\r\n") + b"\r\n",
    "table with empty lines": table().replace(b"\n", b"\n\n") + b"\n\n",
    "table with semicolons": table(separator=";"),
    "table with quotes": table(head=[f'"{n}"' for n in ["label", *SWAPPED[1:-1], "pixel783"]]),
    "table by places": table(head=PLACES),
    "table with large letters": table(head=["Label", *(f"Pixel{i}" for i in range(784))]),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD)
def test_every_form_gives_the_same_drawings(content):
    read = read_file("any.txt", content)
    np.testing.assert_array_equal([d.image for d in read], IMAGES)
    assert [(d.label, d.held_out) for d in read] == [(label, None) for label in LABELS]


def test_a_table_may_have_its_columns_in_any_order_and_others():
    flat = IMAGES.reshape(-1, 784)
    lines = [",".join([*SWAPPED, "writer"])]
    for label, row in zip(LABELS, flat, strict=True):
        lines.append(",".join(map(str, [row[783], *row[:783], label, "Anna"])))
    read = read_file("t.csv", "\n".join(lines).encode())
    np.testing.assert_array_equal([d.image for d in read], IMAGES)
    assert [d.label for d in read] == LABELS.tolist()


@pytest.mark.parametrize("kind", [np.uint8, np.int64, bool])
def test_who_is_held_out_is_kept_to(kind):
    told = np.array([1, 0, 0, 1, 1, 0, 1], kind)
    read = read_file("a.npz", npz(images=IMAGES, labels=LABELS, held_out=told))
    assert [d.held_out for d in read] == told.astype(bool).tolist()


GOOD_NPZ = GOOD["npz"]


def with_cell(line, column, cell):
    lines = [text.split(",") for text in table().decode().split("\n")]
    lines[line - 1][column] = cell
    return "\n".join(",".join(cells) for cells in lines).encode()


def encrypted():
    content = bytearray(GOOD_NPZ)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(signature, place + 1)) >= 0:
            content[place + offset] |= 1
    return bytes(content)


BLANK, INVERTED = IMAGES.copy(), IMAGES.copy()
BLANK[4] = 0
INVERTED[2] = 255 - INVERTED[2]
BAD = {
    "empty": (b"", "it is empty"),
    "white space": (b" \n ", "it is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "neither an npz nor a table"),
    "a page": (b"<html>not found</html>", "does not name the columns"),
    "text of Windows": (("größe;" * 9).encode("utf-16"), "neither an npz"),
    "one array": (npy((1, 28, 28), bytes(784)), "neither an npz"),
    "a pickle": (b"\x80\x04\x95\x00\x00", "neither an npz"),
    "too large": (b"1," * (11 << 20), "larger than 20 MB"),
    "an empty zip": (zipped({}), "no array images or x or x_train"),
    "a zip of something else": (zipped({"word/document.xml": b"<a/>"}), "no array images"),
    "a cut npz": (GOOD_NPZ[:-30], "unpacked"),
    "the start of an npz": (GOOD_NPZ[:5], "unpacked"),
    "an encrypted npz": (encrypted(), "its array images is encrypted"),
    "packed in another way": (
        zipped({"images.npy": npy((1, 28, 28), IMAGES[0].tobytes())}, zipfile.ZIP_LZMA),
        "packed in an unknown way",
    ),
    "no labels": (npz(images=IMAGES), "no array labels or y or y_train"),
    "no drawings": (npz(images=IMAGES[:0], labels=LABELS[:0]), "it holds no drawings"),
    "pickled images": (npz(images=np.array([None] * 7, object), labels=LABELS), "holds object"),
    "pickled labels": (npz(images=IMAGES, labels=np.array([{}] * 7, object)), "holds object"),
    "images of floats": (npz(images=IMAGES / 255, labels=LABELS), "float64"),
    "images of wide numbers": (npz(images=IMAGES.astype("i4"), labels=LABELS), "int32 instead"),
    "labels of floats": (npz(images=IMAGES, labels=LABELS / 2), "float64"),
    "labels of text": (npz(images=IMAGES, labels=LABELS.astype(str)), "instead of whole numbers"),
    "ten columns": (npz(images=IMAGES, labels=np.eye(10, dtype="u1")[:7]), "and its labels"),
    "too few labels": (npz(images=IMAGES, labels=LABELS[:6]), "and its labels"),
    "too many labels": (npz(images=IMAGES[:6], labels=LABELS), "and its labels"),
    "smaller images": (npz(images=IMAGES[:, :14], labels=LABELS), r"\(7, 14, 28\)"),
    "coloured images": (npz(images=np.stack([IMAGES] * 3, -1), labels=LABELS), "28, 3"),
    "one image": (npz(images=IMAGES[0], labels=LABELS[:1]), r"\(28, 28\)"),
    "a number": (npz(images=np.uint8(3), labels=LABELS), r"its images are \(\)"),
    "a label of 10": (npz(images=IMAGES, labels=LABELS + 1), r"label 6 in it is 10"),
    "a label of -1": (npz(images=IMAGES, labels=LABELS.astype(int) - 2), r"label 2 in it is -1"),
    "a label of 256": (npz(images=IMAGES, labels=LABELS.astype(int) + 256), "is 259"),
    "a blank": (npz(images=BLANK, labels=LABELS), "drawing 5 in it is blank"),
    "dark on white": (npz(images=255 - IMAGES, labels=LABELS), "drawing 1 in it is dark ink"),
    "one dark on white": (npz(images=INVERTED, labels=LABELS), "drawing 3 in it is dark ink"),
    "white paper": (npz(images=IMAGES * 0 + 255, labels=LABELS), "dark ink on white"),
    "one drawing too many": (
        npz(images=np.ones((MOST + 1, 28, 28), np.uint8), labels=np.ones(MOST + 1, np.uint8)),
        "its array images is larger|it holds more than 10,000 drawings",
    ),
    "a thin drawing too many": (
        npz(images=np.ones((MOST + 1, 28, 1), np.uint8), labels=np.ones(MOST + 1, np.uint8)),
        r"instead of \(N, 28, 28\)",
    ),
    "a header that lies": (
        zipped({"images.npy": npy((10**9, 28, 28)), "labels.npy": npy((10**9,))}),
        "is larger",
    ),
    "a header without a body": (zipped({"images.npy": npy((9, 28, 28))}), "ends too early"),
    "a body that goes on": (zipped({"images.npy": npy((1, 28, 28), bytes(785))}), "goes on"),
    "a header of minus ones": (zipped({"images.npy": npy((-1, -784), bytes(784))}), "is larger"),
    "a huge header of nothing": (zipped({"images.npy": npy((0, 10**30))}), "is larger"),
    "a header that is code": (
        zipped({"images.npy": npy("__import__('os').system('false')")}), "unreadable header",
    ),
    "a header of brackets": (zipped({"images.npy": npy("(" * 9000)}), "unreadable header"),
    "no npy": (zipped({"images.npy": b"hello"}), "unreadable header"),
    "a table of its head": (table(IMAGES[:0], LABELS[:0]), "it holds no drawings"),
    "a table without a head": (table().split(b"\n", 1)[1], "does not name the columns"),
    "a table without labels": (table(head=["x", *SWAPPED[1:-1], "y"]), "does not name the columns"),
    "a table that lacks a pixel": (table(head=["label", *["pixel0"] * 784]), "does not name"),
    "a table with a short line": (table() + b"\n1,2,3", "line 9 of it has 3 cells instead of 785"),
    "a table with a word": (with_cell(4, 3, "ink"), "line 4 of it has no whole number .+ pixel2"),
    "a table with 256": (with_cell(4, 784, "256"), "line 4 of it .+ under pixel783"),
    "a table with -1": (with_cell(2, 1, "-1"), "line 2 of it .+ under pixel0"),
    "a table with a fraction": (with_cell(2, 1, "0.5"), "line 2 of it .+ under pixel0"),
    "a table with a gap": (with_cell(2, 1, ""), "line 2 of it .+ under pixel0"),
    "a table with an endless number": (with_cell(2, 1, "9" * 9000), "line 2 of it .+ under pixel0"),
    "a table with a label of 10": (with_cell(8, 0, "10"), "line 8 of it has no label 0 to 9"),
    "a table with a label of a word": (with_cell(8, 0, "seven"), "line 8 of it has no label"),
    "a table with a formula": (with_cell(3, 0, "=1+1"), "line 3 of it has no label"),
    "a table with a NUL": (with_cell(3, 5, "\0"), "line 3 of it .+ under pixel4"),
    "a table with a blank": (table(BLANK), "drawing 5 in it is blank"),
    "a dark table": (table(255 - IMAGES), "drawing 1 in it is dark ink on white"),
    "a line without an end": (b"label," + b"0," * 20_000, "line 1 of it is too long"),
    "a table of too many": (
        table(IMAGES[:1], LABELS[:1]) + b"\n" + (table(IMAGES[:1], LABELS[:1]).split(b"\n")[1]
        + b"\n") * MOST,
        "it holds more than 10,000 drawings",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "said"), BAD.values(), ids=BAD)
def test_everything_else_is_refused_in_one_sentence(content, said):
    words = r"^my \?digits\.npz can't be brought in, because [^\n]+: mend it, or choose another"
    with pytest.raises(InputError, match=said) as refused:
        read_file("my \0digits.npz", content)
    with pytest.raises(InputError, match=words + r" file\.$"):
        raise refused.value


def test_a_bomb_takes_no_memory():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("images.npy", "w") as member:
            member.write(npy((10**6, 28, 28)))
            for _ in range(300):
                member.write(bytes(1 << 20))
        archive.writestr("labels.npy", npy((10**6,), bytes(10**6)))
    bomb = stream.getvalue()
    # The same, with a directory that makes it out to be small.
    size = struct.pack("<I", 300 * (1 << 20) + len(npy((10**6, 28, 28))))
    assert bomb.count(size) >= 1
    many = zipped({f"{i}.npy": b"" for i in range(20_000)})
    commas = b"label" + b"," * 19_000_000
    for content in (bomb, bomb.replace(size, struct.pack("<I", 800)), many, commas):
        tracemalloc.start()
        with pytest.raises(InputError):
            read_file("bomb.npz", content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 100 << 20


def test_whatever_is_damaged_in_a_file_it_is_said_in_a_sentence():
    random = np.random.default_rng(7)
    refused = 0
    for whole in (GOOD_NPZ, GOOD["npz in Fortran order"], table(IMAGES[:2], LABELS[:2])):
        for number in range(400):
            content = bytearray(whole)
            for place in random.integers(len(content), size=1 + number % 8):
                content[place] = random.integers(256)
            try:
                read_file("a", bytes(content[: random.integers(1, 2 * len(content))]))
            except InputError as error:
                assert "\n" not in str(error)
                refused += 1
    assert refused > 600
