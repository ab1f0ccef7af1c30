from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core import datasets, evaluation
from mnist_core.datasets import Digits

WRITTEN = """.SEGMENT DIGIT 0 ? "1"
.COMMENT 1 3 7
.PEN_DOWN
 100 300
 102 200
 100 100
.PEN_UP
"""


def reader(answers):
    """A stand-in for a classifier that gives these answers."""
    return SimpleNamespace(predict=lambda images: np.eye(10, dtype=np.float32)[answers])


def digits(labels):
    return Digits(np.zeros((len(labels), 28, 28), np.uint8), np.array(labels, np.uint8))


def test_what_was_read_is_counted():
    seen = evaluation.evaluate(reader([1, 1, 7, 3]), digits([1, 7, 7, 7]))
    assert (seen.count, seen.accuracy) == (4, 0.5)
    assert seen.confusion[1, 1] == seen.confusion[7, 7] == 1
    assert seen.confusion[7, 1] == seen.confusion[7, 3] == 1
    assert seen.confusion.sum() == 4
    assert (seen.confusion.shape, seen.confusion.dtype) == ((10, 10), np.uint32)


@pytest.mark.parametrize(("answers", "accuracy"), [([5, 6], 1.0), ([6, 5], 0.0)])
def test_all_or_nothing(answers, accuracy):
    assert evaluation.evaluate(reader(answers), digits([5, 6])).accuracy == accuracy


def test_the_validation_set_is_what_is_held_out(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    labels = (np.arange(6000) % 10).astype(np.uint8)
    monkeypatch.setattr(datasets, "load_mnist", lambda split: {"train": (images, labels)}[split])
    held_out = evaluation.mnist_validation()
    np.testing.assert_array_equal(
        held_out.images, datasets.split_validation(images, labels)[1].images
    )
    assert len(held_out.labels) == 5000


def test_pen_drawings_are_read_as_if_drawn_on_the_canvas(tmp_path, monkeypatch):
    (tmp_path / "pendigits-orig.tra").write_text(WRITTEN * 3)
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    written = evaluation.pen_drawings()
    assert written.images.shape == (3, 28, 28)
    assert written.images.dtype == written.labels.dtype == np.uint8
    assert written.labels.tolist() == [1, 1, 1]
    tall = np.flatnonzero(written.images[0].any(axis=1))
    wide = np.flatnonzero(written.images[0].any(axis=0))
    assert len(tall) >= 18 > 3 * len(wide)


def test_without_pen_strokes_there_are_no_drawings(home, monkeypatch):
    monkeypatch.delenv("STROKES_DIR", raising=False)
    assert evaluation.pen_drawings() is None
