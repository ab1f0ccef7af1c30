import csv
import io

import numpy as np
import pytest
from PIL import Image

from mnist_core import exports
from mnist_core.errors import InputError

random = np.random.default_rng(2)
IMAGES = random.integers(0, 256, (7, 28, 28), np.uint8)
LABELS = random.integers(0, 10, 7).astype(np.uint8)
ROWS = np.array([9, 3, 59_999, 0, 4, 12, 5], np.int64)


def test_a_sheet_holds_the_images_row_by_row():
    sheet = np.asarray(Image.open(io.BytesIO(exports.as_sheet(IMAGES))))
    assert sheet.shape == (3 * 28, 3 * 28)
    for place, image in enumerate(IMAGES):
        y, x = divmod(place, 3)
        assert (sheet[y * 28 : y * 28 + 28, x * 28 : x * 28 + 28] == image).all()
    assert not sheet[56:, 28:].any()


def test_a_sheet_is_about_as_high_as_wide():
    assert Image.open(io.BytesIO(exports.as_sheet(IMAGES))).size == (84, 84)


def test_a_sheet_of_nothing_is_refused():
    with pytest.raises(InputError, match="choose some first"):
        exports.as_sheet(IMAGES[:0])


def test_arrays_come_back_as_they_were():
    with np.load(io.BytesIO(exports.as_npz(IMAGES, LABELS, ROWS))) as kept:
        assert set(kept) == {"images", "labels", "index"}
        for name, array in (("images", IMAGES), ("labels", LABELS), ("index", ROWS)):
            assert kept[name].dtype == array.dtype
            assert (kept[name] == array).all()


def test_a_table_comes_back_as_it_was():
    text = exports.as_csv(IMAGES, LABELS, ROWS).decode()
    head, *rows = csv.reader(io.StringIO(text))
    assert head[:3] == ["index", "label", "pixel0"]
    assert head[-1] == "pixel783"
    values = np.array(rows, int)
    assert (values[:, 0] == ROWS).all()
    assert (values[:, 1] == LABELS).all()
    assert (values[:, 2:].reshape(-1, 28, 28) == IMAGES).all()


def test_arrays_and_tables_of_nothing_hold_nothing():
    nothing = IMAGES[:0], LABELS[:0], ROWS[:0]
    with np.load(io.BytesIO(exports.as_npz(*nothing))) as kept:
        assert kept["images"].shape == (0, 28, 28)
    assert len(exports.as_csv(*nothing).splitlines()) == 1
