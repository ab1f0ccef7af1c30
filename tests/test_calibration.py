"""How far a network's word is trusted, against slow and plain ways of working it out."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import expit

from mnist_core.calibration import (
    calibration_error,
    digitness,
    reliability,
    temperature,
    threshold,
)

logits = arrays.arrays(np.float32, (10,), elements=st.floats(-30, 30, width=32))
shares = st.integers(0, 999).map(lambda thousandths: thousandths / 1000)


def rows(*confidences, read=0):
    """Probabilities of readings that are as sure as this, the rest shared by the other nine."""
    made = np.empty((len(confidences), 10), np.float32)
    made[:] = ((1 - np.array(confidences)) / 9)[:, None]
    made[:, read] = confidences
    return made


def labels_of(*values):
    return np.array(values, np.uint8)


def plain_error(probabilities, labels):
    bins = [[] for _ in range(15)]
    for row, label in zip(probabilities.tolist(), labels.tolist(), strict=True):
        confidence = max(row)
        bins[min(int(confidence * 15), 14)].append((confidence, row.index(confidence) == label))
    error = 0.0
    for found in bins:
        if found:
            sure = sum(confidence for confidence, _ in found) / len(found)
            right = sum(right for _, right in found) / len(found)
            error += len(found) / len(labels) * abs(sure - right)
    return error


def plain_digitness(logits):
    values = [*map(float, logits), 0.0]
    raised = [math.exp(value - max(values)) for value in values]
    return sum(raised[:10]) / sum(raised)


def share(digitness):
    """The probability whose logit that is."""
    return expit(float(digitness))


def softmax(values):
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


# The calibration error


@given(
    # Sixty-fourths are exact in any precision, so nothing tips over between two bins.
    st.lists(st.tuples(st.integers(8, 64), st.booleans()), min_size=1, max_size=40)
)
def test_the_error_by_the_book(readings):
    probabilities = rows(*(confidence / 64 for confidence, _ in readings))
    labels = labels_of(*(0 if right else 5 for _, right in readings))
    expected = plain_error(probabilities, labels)
    assert calibration_error(probabilities, labels) == pytest.approx(expected, abs=1e-6)


def test_who_is_always_sure_and_right_makes_no_error():
    assert calibration_error(rows(1, 1, 1, read=7), labels_of(7, 7, 7)) == 0


def test_who_is_always_sure_and_wrong_makes_nothing_else():
    assert calibration_error(rows(1, 1, 1, read=7), labels_of(1, 2, 3)) == 1


def test_who_is_right_as_often_as_promised_makes_no_error():
    assert calibration_error(rows(*[0.75] * 8), labels_of(*[0] * 6, 3, 4)) == pytest.approx(0)


def test_too_sure_in_one_bin_is_not_made_up_for_in_another():
    # Half sure and always right, wholly sure and half right: on average just right.
    error = calibration_error(rows(0.5, 0.5, 1, 1), labels_of(0, 0, 0, 1))
    assert error == pytest.approx(0.5)


def test_the_surest_have_a_bin_to_themselves():
    assert calibration_error(rows(0.9, 1), labels_of(0, 1)) == pytest.approx(0.55)


def test_too_sure_in_a_bin_is_made_up_for_in_the_same():
    assert calibration_error(rows(0.61, 0.65), labels_of(0, 1)) == pytest.approx(0.13, abs=1e-6)


# The reliability diagram


def test_every_reading_is_in_the_bin_of_how_sure_it_is():
    probabilities = rows(0.15, 0.61, 0.65, 0.94, 1)
    found = reliability(probabilities, labels_of(0, 0, 1, 0, 0))
    assert found.edges.tolist() == pytest.approx([i / 15 for i in range(16)])
    assert found.counts.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2]
    filled = found.counts > 0
    assert found.confidence[filled] == pytest.approx([0.15, 0.63, 0.97])
    assert found.accuracy[filled].tolist() == [1, 0.5, 1]
    for means in (found.confidence, found.accuracy):
        assert np.isnan(means[~filled]).all() and not np.isnan(means[filled]).any()
    inside = found.confidence[filled]
    assert (inside >= found.edges[:-1][filled]).all() and (inside <= found.edges[1:][filled]).all()


def test_the_diagram_and_the_error_say_the_same():
    random = np.random.default_rng(3)
    said = softmax(random.normal(0, 2, (500, 10))).astype(np.float32)
    labels = random.integers(0, 10, 500).astype(np.uint8)
    found = reliability(said, labels)
    filled = found.counts > 0
    apart = abs(found.confidence - found.accuracy)[filled] * found.counts[filled] / 500
    assert found.error == calibration_error(said, labels) == pytest.approx(apart.sum())


# The temperature


@pytest.mark.parametrize("factor", [0.3, 0.7, 1.0, 2.5, 6.0])
def test_the_temperature_is_found_again(factor):
    random = np.random.default_rng(1)
    honest = random.normal(0, 2, (20_000, 10))
    labels = (softmax(honest).cumsum(axis=1) < random.random((len(honest), 1))).sum(axis=1)
    labels = labels.clip(0, 9).astype(np.uint8)
    found = temperature((honest * factor).astype(np.float32), labels)
    assert found == pytest.approx(factor, rel=0.04)
    before = calibration_error(softmax(honest * factor).astype(np.float32), labels)
    after = calibration_error(softmax(honest * factor / found).astype(np.float32), labels)
    assert after < 0.02
    assert after <= before + 0.005
    assert (softmax(honest * factor / found).argmax(axis=1) == honest.argmax(axis=1)).all()


def test_whoever_is_never_wrong_could_be_surer_and_whoever_always_is_less_so():
    said = np.eye(10, dtype=np.float32)
    labels = np.arange(10, dtype=np.uint8)
    assert temperature(said, labels) == pytest.approx(0.25, rel=0.01)
    assert temperature(said, (labels + 1) % 10) == pytest.approx(10, rel=0.01)


@given(arrays.arrays(np.float32, (3, 10), elements=st.floats(-1000, 1000, width=32)))
def test_any_logits_have_a_temperature(said):
    assert 0.25 <= temperature(said, labels_of(0, 5, 9)) <= 10


# Whether it is a digit at all


@given(logits)
@example(np.zeros(10, np.float32))
def test_digitness_is_what_ten_of_eleven_classes_share(said):
    assert share(digitness(said)) == pytest.approx(plain_digitness(said), rel=1e-5)


def test_who_says_nothing_says_ten_in_eleven():
    assert share(digitness(np.zeros(10, np.float32))) == pytest.approx(10 / 11)


@pytest.mark.parametrize(
    ("level", "best", "expected"), [(1e3, 1e3, 1), (-1e3, 1e3, 1), (-1e3, -1e3, 0), (-1e3, 0, 0.5)]
)
def test_extreme_logits_do_not_overflow(level, best, expected):
    said = np.full(10, level, np.float32)
    said[4] = best
    assert share(digitness(said)) == pytest.approx(expected)
    assert plain_digitness(said) == pytest.approx(expected)


@given(st.lists(logits, min_size=1, max_size=5))
def test_digitness_of_many_is_that_of_each(many):
    found = digitness(np.stack(many))
    assert found.shape == (len(many),)
    np.testing.assert_allclose(found, [digitness(said) for said in many], rtol=1e-6)
    np.testing.assert_array_equal(digitness(np.stack(many)[None]), found[None])


@given(logits, st.integers(0, 9), st.floats(0.1, 5))
def test_the_likelier_any_digit_the_likelier_it_is_one(said, label, more):
    likelier = said.copy()
    likelier[label] += np.float32(more)
    assert digitness(likelier) >= digitness(said)


# Lines


@given(
    arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(0, 1, width=32)),
    shares,
)
def test_no_more_are_flagged_than_allowed(scores, share):
    found = threshold(scores, share=share)
    assert isinstance(found, float)
    assert (scores < found).mean() <= share + 1e-12
    assert found in scores
    # Any higher and it would be too many.
    assert (scores <= found).mean() > share - 1e-12


def test_none_are_flagged_where_none_may_be():
    assert threshold(np.array([0.9, 0.4, 0.7], np.float32), share=0) == pytest.approx(0.4)


def test_one_in_four():
    scores = np.array([0.9, 0.4, 0.7, 0.8], np.float32)
    assert threshold(scores, share=0.25) == pytest.approx(0.7)
    assert threshold(scores, share=0.24) == pytest.approx(0.4)


def test_all_may_be_flagged():
    scores = np.array([0.9, 0.4], np.float32)
    assert (scores < threshold(scores, share=1)).mean() <= 1
