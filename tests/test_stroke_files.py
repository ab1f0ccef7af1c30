import contextlib
import dataclasses
import hashlib
import io
import os
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import paths, stroke_formats
from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.stroke_files import (
    COLLECTIONS,
    LETTERS,
    PENDIGITS,
    STROKES_MIRRORS,
    fetch_letters,
    fetch_pendigits,
    find_letters,
    find_pendigits,
    read_letters,
    verify,
)
from mnist_core.strokes import read_pendigits
from tests.archives import zipped
from tests.tiny_mnist import serve, stalling, truncated

REAL = {name: os.environ.get(name) for name in ("STROKES_DIR", "LETTERS_DIR")}
needs_pendigits = pytest.mark.skipif(not REAL["STROKES_DIR"], reason="STROKES_DIR names no folder")
needs_letters = pytest.mark.skipif(not REAL["LETTERS_DIR"], reason="LETTERS_DIR names no folder")


@pytest.fixture(autouse=True)
def empty_machine(home, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in REAL:
        monkeypatch.delenv(name, raising=False)


def lzw(content):
    """The codes of some bytes, at least one."""
    table = {bytes([byte]): byte for byte in range(256)}
    codes, word = [], b""
    for byte in content:
        longer = word + bytes([byte])
        if longer in table:
            word = longer
            continue
        codes.append(table[word])
        if len(table) < 65_535:
            table[longer] = len(table) + 1
        word = bytes([byte])
    return [*codes, table[word]]


def compress(codes):
    """A `.Z` file of codes, as Unix' compress writes it; 256 clears the table."""
    content, group = bytearray(b"\x1f\x9d\x90"), []
    width, since_cleared = 9, 0

    def write(size):
        joined = sum(code << position * width for position, code in enumerate(group))
        content.extend(joined.to_bytes(size, "little"))
        group.clear()

    for code in codes:
        if 255 + since_cleared >= 2**width - 1 and width < 16:
            write(width if group else 0)
            width += 1
        group.append(code)
        since_cleared += 1
        if len(group) == 8 or code == 256:
            write(width)
        if code == 256:
            width, since_cleared = 9, 0
    write(-(-len(group) * width // 8))
    return bytes(content)


TEXT = b"".join(
    b'.SEGMENT DIGIT ? "%d"\n.COMMENT %d 7 %d\n.PEN_DOWN\n %d 10\n 30 40\n.PEN_UP\n'
    % (row % 10, row % 10, row, row * row)
    for row in range(200)
)
PACKED = compress(lzw(TEXT))
MEMBERS = {
    "set/Runes/character01/0001_02.txt": b"START\n1.5,-2,0\n3,-4,56\nBREAK\n5,-6,90\nBREAK\n",
    "set/Runes/character01/0001_01.txt": b"START\n7,-8.25,0\nBREAK\n",
    "set/Ogham/character12/0002_03.txt": b"START\n0,0,0\n105,-105,1\nBREAK\n",
}
NOTES = {"set/": b"", "set/.DS_Store": b"Mac", "__MACOSX/set/._Runes": b"Mac"}
FIRST = "set/Ogham/character12/0002_03.txt"


ARCHIVE = zipped(NOTES | MEMBERS)
TINY_DIGITS = dataclasses.replace(PENDIGITS, sha256=hashlib.sha256(TEXT).hexdigest())
TINY_LETTERS = dataclasses.replace(LETTERS, sha256=LETTERS.digest(io.BytesIO(ARCHIVE)))
TINY = (TINY_DIGITS, TINY_LETTERS)


def fetch_digits(*mirrors, **options):
    return fetch_pendigits(mirrors=mirrors, spec=TINY_DIGITS, **options)


def fetch_tiny_letters(*mirrors, **options):
    return fetch_letters(mirrors=mirrors, spec=TINY_LETTERS, **options)


KINDS = pytest.mark.parametrize(
    ("fetch", "spec", "sent", "content"),
    [
        pytest.param(fetch_digits, TINY_DIGITS, PACKED, TEXT, id="digits"),
        pytest.param(fetch_tiny_letters, TINY_LETTERS, ARCHIVE, ARCHIVE, id="letters"),
    ],
)


def own(spec, content=None):
    file = paths.data() / "strokes" / spec.file_name
    if content is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return file


def own_files():
    return sorted(path.name for path in paths.home().rglob("*") if path.is_file())


# Finding


def test_find_pendigits(tmp_path, monkeypatch):
    assert find_pendigits() is None
    file = own(PENDIGITS, b"")
    assert find_pendigits() == file
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    assert find_pendigits() == file
    (tmp_path / file.name).touch()
    assert find_pendigits() == tmp_path / file.name


def test_find_letters(tmp_path, monkeypatch):
    assert find_letters() is None
    file = own(LETTERS, b"")
    assert find_letters() == file
    for variable in ("STROKES_DIR", "LETTERS_DIR"):
        folder = tmp_path / variable
        monkeypatch.setenv(variable, str(folder))
        assert find_letters() == file
        folder.mkdir()
        file = folder / file.name
        file.touch()
        assert find_letters() == file


# Fetching


@KINDS
def test_fetch_from_the_first_mirror_that_is_up(fetch, spec, sent, content):
    seen = []
    with serve({"/good": sent}) as url:
        file = fetch(f"{url}/gone", f"{url}/good", progress=lambda *counts: seen.append(counts))
    assert file == own(spec)
    assert file.read_bytes() == content
    assert own_files() == [spec.file_name]
    assert seen[-1] == (len(sent), len(sent))


@KINDS
def test_fetch_leaves_an_intact_copy_alone(tmp_path, monkeypatch, fetch, spec, sent, content):
    file = own(spec, content)
    assert fetch() == file
    named = tmp_path / spec.file_name
    named.write_bytes(content)
    file.write_bytes(b"damaged, and hidden")
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    assert fetch() == named
    assert file.read_bytes() == b"damaged, and hidden"


@KINDS
def test_fetch_repairs_a_damaged_copy(fetch, spec, sent, content):
    own(spec, content[:-30])
    with serve({"/good": sent}) as url:
        fetch(f"{url}/good")
    assert own(spec).read_bytes() == content
    assert own_files() == [spec.file_name]


@KINDS
def test_a_damaged_file_in_a_named_folder_is_not_hidden(
    tmp_path, monkeypatch, fetch, spec, sent, content
):
    own(spec, content)
    (tmp_path / spec.file_name).write_bytes(content[:-30])
    variable = spec.variables[0]
    monkeypatch.setenv(variable, str(tmp_path))
    with pytest.raises(DataDamaged) as error:
        fetch()
    file = tmp_path / spec.file_name
    assert str(error.value).startswith(f"{file} can't be used for the {spec.title}, because it")
    assert str(error.value).endswith(f"replace it with an intact copy, or unset {variable}.")


@pytest.mark.parametrize("name", ["pendigits-orig.tra.Z", "pen/pendigits-orig.tra.Z"])
def test_pendigits_in_a_zip(name):
    archive = zipped({"pendigits-orig.tes.Z": b"another file", name: PACKED})
    with serve({"/a": archive}) as url:
        assert fetch_digits(f"{url}/a").read_bytes() == TEXT


def test_pendigits_as_plain_text():
    with serve({"/a": TEXT}) as url:
        assert fetch_digits(f"{url}/a").read_bytes() == TEXT


def test_letters_in_another_container():
    archive = zipped({name[4:]: MEMBERS[name] for name in sorted(MEMBERS)}, zipfile.ZIP_STORED)
    with serve({"/a": archive}) as url:
        assert fetch_tiny_letters(f"{url}/a").read_bytes() == archive


def lying(archive, offset, value):
    """An archive that says something else of its first member, at an offset of both its entries."""
    content = bytearray(archive)
    for signature, at in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        start = content.index(signature) + at
        content[start : start + len(value)] = value
    return bytes(content)


HUGE = compress([0, *range(257, 6500)])  # 19 MB of zeros in 9 kB
BAD_DIGITS = {
    "html": (b"<html>Please log in to the hotel network</html>", "differs from the original"),
    "other": (compress(lzw(TEXT[1:])), "differs from the original"),
    "half": (PACKED[: len(PACKED) // 2], "can't be unpacked|differs from the original"),
    "header": (PACKED[:2], "ends too early"),
    "no codes": (PACKED[:3], "differs from the original"),
    "wild": (compress([65, 300]), "can't be unpacked"),
    "bomb": (HUGE, "more than the expected 16000000 bytes"),
    "bomb in a zip": (zipped({"pendigits-orig.tra.Z": HUGE}), "more than the expected"),
    "large": (zipped({"pendigits-orig.tra.Z": bytes(17_000_000)}), "more than the expected"),
    "lacking": (zipped({"pendigits-orig.tes.Z": PACKED}), "no pendigits-orig.tra.Z"),
    "half a zip": (zipped({"pendigits-orig.tra.Z": PACKED})[:-30], "can't be unpacked"),
}
# A member whose size is a lie, and one that is said to be encrypted, or packed by LZMA.
DEFLATED, STORED = zipped(MEMBERS), zipped(MEMBERS, zipfile.ZIP_STORED)
BAD_LETTERS = {
    "html": (b"<html>Please log in to the hotel network</html>", "can't be unpacked"),
    "other": (zipped(MEMBERS | {FIRST: b"START\n0,0,0\nBREAK\n"}), "differs from the original"),
    "more": (zipped(MEMBERS | {FIRST.replace("03", "04"): b""}), "differs from the original"),
    "lacking": (zipped(NOTES), "differs from the original"),
    "half": (ARCHIVE[: len(ARCHIVE) // 2], "can't be unpacked"),
    "bomb": (zipped(MEMBERS | {FIRST: bytes(17_000_000)}), "more than the expected"),
    "many": (
        zipped({f"A/character{n:02}/0000_01.txt": bytes(1_000_000) for n in range(17)}),
        "more than the expected",
    ),
    "liar": (lying(DEFLATED, 22, (9).to_bytes(4, "little")), "can't be unpacked"),
    "encrypted": (lying(STORED, 6, b"\1"), "can't be unpacked"),
    "lzma": (lying(STORED, 8, b"\x0e"), "packed in an unknown way"),
    "damaged": (STORED.replace(b"-8.25", b"-8.35"), "can't be unpacked"),
}


@pytest.mark.parametrize("case", BAD_DIGITS)
def test_bad_pendigits_are_refused(case):
    content, reason = BAD_DIGITS[case]
    with serve({"/a": content}) as url, pytest.raises(DataMissing, match=reason) as error:
        fetch_digits(f"{url}/a")
    assert f"{url}/a sent something that is not the pen digits: it" in str(error.value)
    assert str(error.value).endswith("set STROKES_DIR to a folder that holds pendigits-orig.tra.")
    assert own_files() == []


@pytest.mark.parametrize("case", BAD_LETTERS)
def test_bad_letters_are_refused(tmp_path, case):
    content, reason = BAD_LETTERS[case]
    with serve({"/a": content}) as url, pytest.raises(DataMissing, match=reason) as error:
        fetch_tiny_letters(f"{url}/a")
    assert f"{url}/a sent something that is not the letters: it" in str(error.value)
    assert "set LETTERS_DIR to a folder" in str(error.value)
    assert own_files() == []


def test_each_bad_mirror_is_skipped_until_one_serves_the_pen_digits():
    files = {f"/{number}": content for number, (content, _) in enumerate(BAD_DIGITS.values())}
    files |= {"/truncated": truncated(PACKED), "/good": PACKED}
    with serve(files) as url:
        assert fetch_digits(*(url + path for path in files)).read_bytes() == TEXT


def test_too_much_is_not_even_downloaded():
    def endless(request):
        request.send_response(200)
        request.send_header("Content-Length", str(10**12))
        request.end_headers()
        request.wfile.write(b"x")

    with serve({"/a": endless}) as url, pytest.raises(DataMissing, match="more than the expected"):
        fetch_tiny_letters(f"{url}/a")


@KINDS
@pytest.mark.parametrize("reason", [KeyboardInterrupt, OSError, ValueError])
def test_what_progress_raises_cancels(fetch, spec, sent, content, reason):
    release = threading.Event()

    def cancel(done, total):
        raise reason("enough")

    with serve({"/a": stalling(sent, release)}) as url:
        try:
            with pytest.raises(reason, match="enough"):
                fetch(f"{url}/a", f"{url}/a", progress=cancel)
        finally:
            release.set()
    assert own_files() == []


@KINDS
def test_nowhere_to_save(fetch, spec, sent, content):
    paths.home().write_text("a file in the way")
    with (
        serve({"/a": sent}) as url,
        pytest.raises(DataMissing, match=r"could not be saved in .*DIGIT_STUDIO_HOME"),
    ):
        fetch(f"{url}/a")


def test_no_mirror_left():
    with serve({}) as url, pytest.raises(DataMissing, match=r"404 Not Found.*check the network"):
        fetch_digits(f"{url}/a")


# What `compress` packed


def test_a_long_file_with_cleared_tables_is_unpacked():
    random = np.random.default_rng(5)
    parts = [random.integers(0, 40, 9000, np.uint8).tobytes() for _ in range(3)]
    packed = compress([code for part in parts for code in (*lzw(part), 256)][:-1])
    assert stroke_formats.unpack_pendigits(packed) == b"".join(parts)


@given(
    st.binary(min_size=1, max_size=600),
    st.lists(st.tuples(st.integers(2, 900), st.integers(0, 255)), max_size=2),
    st.booleans(),
)
def test_what_was_packed_comes_back_and_what_was_altered_does_no_harm(content, changes, long):
    whole = content * (9 if long else 1)
    packed = bytearray(compress(lzw(whole)))
    assert stroke_formats.unpack_pendigits(bytes(packed)) == whole
    for at, byte in changes:
        packed[at % len(packed)] = byte
    with contextlib.suppress(ValueError):
        assert len(stroke_formats.unpack_pendigits(bytes(packed))) < stroke_formats.UNPACKED


# Verifying


def test_verify_reports_each_file_of_each_place(tmp_path, monkeypatch):
    assert verify(specs=TINY) == []
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    monkeypatch.setenv("LETTERS_DIR", str(tmp_path))
    (tmp_path / LETTERS.file_name).write_bytes(ARCHIVE)
    own(PENDIGITS, TEXT[1:])
    own(LETTERS, b"")
    digits, named, letters = verify(specs=TINY)
    assert (digits.title, digits.file) == ("pen digits", own(PENDIGITS))
    assert "differs from the original" in digits.problem
    assert digits.problem.endswith("run `python -m mnist_core data fetch --strokes` to replace it.")
    assert (named.title, named.file) == ("letters", tmp_path / LETTERS.file_name)
    assert named.problem is None
    assert letters.file == own(LETTERS)
    assert letters.problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read():
    own(PENDIGITS, TEXT).chmod(0)
    [report] = verify(specs=TINY)
    assert "because Permission denied" in report.problem


# Reading letters


def test_read_letters(tmp_path):
    file = tmp_path / "letters.zip"
    file.write_bytes(ARCHIVE)
    letters = read_letters(file)
    assert [(letter.alphabet, letter.character, letter.drawer) for letter in letters] == [
        ("Ogham", 12, 3),
        ("Runes", 1, 1),
        ("Runes", 1, 2),
    ]
    first, second = letters[2].strokes
    assert first.dtype == np.float64
    assert first.tolist() == [[1.5, 2.0], [3.0, 4.0]]
    assert second.tolist() == [[5.0, 6.0]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"START\n",
        b"1,2,3\nBREAK\n",
        b"START\n1,2,3\n",
        b"START\nBREAK\n",
        b"START\n1,2,3\nBREAK\nBREAK\n",
        b"START\n1,2\nBREAK\n",
        b"START\n1,2,3\n1,2\nBREAK\n",
        b"START\n1,2,x\nBREAK\n",
        b"START\n1,nan,3\nBREAK\n",
        b"START\n1,1e999,3\nBREAK\n",
        b"START\n1,2,3\nSTART\n1,2,3\nBREAK\n",
        b"START\n1,\xb2,3\nBREAK\n",
        b"START\n1,2,3\n\nBREAK\n",
    ],
)
def test_letters_of_another_format_are_refused(tmp_path, content):
    file = tmp_path / "letters.zip"
    file.write_bytes(zipped(MEMBERS | {FIRST: content}))
    with pytest.raises(DataDamaged, match=r"^letters\.zip is no archive of letters: .*\.$"):
        read_letters(file)


@pytest.mark.parametrize("case", sorted(set(BAD_LETTERS) - {"other"}))
def test_archives_that_hold_no_letters_are_refused(tmp_path, case):
    file = tmp_path / "letters.zip"
    file.write_bytes(BAD_LETTERS[case][0])
    with pytest.raises(DataDamaged, match=r"^letters\.zip is no archive of letters: .*\.$"):
        read_letters(file)


def test_the_same_letter_twice_is_refused(tmp_path):
    file = tmp_path / "letters.zip"
    file.write_bytes(zipped(MEMBERS | {FIRST.replace("set", "again"): MEMBERS[FIRST]}))
    with pytest.raises(DataDamaged, match="twice"):
        read_letters(file)


def test_no_file_at_all(tmp_path):
    with pytest.raises(DataDamaged, match="No such file"):
        read_letters(tmp_path / "letters.zip")


@given(st.integers(0, len(ARCHIVE) - 1), st.integers(0, 255))
def test_an_archive_damaged_anywhere_is_read_or_refused(at, byte):
    content = bytearray(ARCHIVE)
    content[at] = byte
    with contextlib.suppress(ValueError):
        assert stroke_formats.letters_in(io.BytesIO(content))


# The module


def test_titles_and_mirrors():
    assert [spec.title for spec in COLLECTIONS] == ["pen digits", "letters"]
    assert len(STROKES_MIRRORS) >= 2


# The real data


@needs_pendigits
def test_pendigits_are_pendigits(monkeypatch):
    monkeypatch.setenv("STROKES_DIR", REAL["STROKES_DIR"])
    file = find_pendigits()
    assert file == Path(REAL["STROKES_DIR"]) / "pendigits-orig.tra"
    assert fetch_pendigits(mirrors=[]) == file
    assert [report.problem for report in verify(specs=[PENDIGITS])] == [None]
    assert len(read_pendigits(file)) == 7494


@needs_pendigits
def test_pendigits_packed_are_unpacked():
    content = (Path(REAL["STROKES_DIR"]) / "pendigits-orig.tra").read_bytes()[:1_000_000]
    assert stroke_formats.unpack_pendigits(compress(lzw(content))) == content


@needs_letters
def test_letters_are_letters(monkeypatch):
    monkeypatch.setenv("LETTERS_DIR", REAL["LETTERS_DIR"])
    file = find_letters()
    assert fetch_letters(mirrors=[]) == file
    assert [report.problem for report in verify(specs=[LETTERS])] == [None]
    start = time.perf_counter()
    letters = read_letters(file)
    assert time.perf_counter() - start < 4, "usually 0.6 s"
    assert len(letters) == 2720
    assert {letter.drawer for letter in letters} == set(range(1, 21))
    assert len({(letter.alphabet, letter.character) for letter in letters}) == 136
    assert letters[0].alphabet == "Balinese"
    assert letters[0].strokes[0][0].tolist() == [18.954528, 43.534334]
    assert sum(len(letter.strokes) for letter in letters) == 6170
    points = np.concatenate([stroke for letter in letters for stroke in letter.strokes])
    assert points.min() > 0 and points.max() < 120
