from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import evaluation
from mnist_core.datasets import Digits

labels = st.integers(0, 9)


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


def test_every_digit_has_its_recall_and_those_that_are_missing_have_none():
    seen = evaluation.evaluate(reader([1, 1, 7, 3]), digits([1, 7, 7, 7]))
    assert seen.recalls[1] == 1
    assert seen.recalls[7] == pytest.approx(1 / 3)
    missing = [label for label in range(10) if label not in (1, 7)]
    assert np.isnan(seen.recalls[missing]).all()
    assert seen.worst == (7, pytest.approx(1 / 3))


def test_of_equally_bad_digits_the_first_is_the_worst():
    assert evaluation.evaluate(reader([0, 0, 0]), digits([0, 4, 9])).worst == (4, 0.0)


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=60))
def test_recalls_by_counting(pairs):
    read, meant = zip(*pairs, strict=True)
    seen = evaluation.tally(np.eye(10, dtype=np.float32)[list(read)], np.array(meant, np.uint8))
    shares = {m: np.mean([r == m for r, n in pairs if n == m]) for m in meant}
    for label in range(10):
        assert seen.recalls[label] == pytest.approx(shares.get(label, np.nan), nan_ok=True)
    assert seen.worst[1] == pytest.approx(min(shares.values()))
    assert shares[seen.worst[0]] == min(shares.values())


# As computed by hand from Wilson's formula with 1.959964.
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(7, 10, 0.3968, 0.8922), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_of_few_digits_little_is_known(right, count, low, high):
    assert evaluation.interval(right, count) == pytest.approx((low, high), abs=1e-4)


def test_of_many_more_is_known():
    low, high = evaluation.interval(990, 1000)
    assert low < 0.99 < high
    assert high - low < 0.015
