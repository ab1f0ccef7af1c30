import hashlib
import json
import os
import shutil
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_core import datasets, doubts
from mnist_core.errors import InputError, ModelError
from mnist_core.inference import Classifier
from mnist_core.registry import SHIPPED

needs_mnist = pytest.mark.skipif(
    not os.environ.get("MNIST_DIR"), reason="MNIST_DIR names no folder with MNIST"
)
# Fewer than three of five people keep the labels of these test digits (Northcutt, Athalye and
# Mueller, "Pervasive Label Errors in Test Sets", 2021). They have no part in the ranking.
KNOWN = (
    *(947, 1621, 1901, 2130, 2462, 2597, 2654, 3520),
    *(3558, 5937, 6651, 6783, 8527, 9679, 9729),
)


def sure_of(*classes, by=0.91):
    """Rows that are this sure of a class each; the rest is spread evenly."""
    rows = np.full((len(classes), 10), (1 - by) / 9)
    rows[np.arange(len(classes)), classes] = by
    return rows


def labels(*values):
    return np.array(values, np.uint8)


def by_the_book(given_labels, probabilities):
    """Algorithm 1 of the paper (confident joint), digit by digit: the digits off its diagonal."""
    thresholds = []
    for j in range(10):
        own = [float(p[j]) for y, p in zip(given_labels, probabilities, strict=True) if y == j]
        thresholds.append(sum(own) / len(own) if own else float("inf"))
    off_diagonal = []
    for row, (label, p) in enumerate(zip(given_labels, probabilities, strict=True)):
        sure = [j for j in range(10) if p[j] >= thresholds[j]]
        if sure and max(sure, key=lambda j: (p[j], -j)) != label:
            off_diagonal.append(row)
    return off_diagonal


def sets(max_size=40):
    """Labels, and probabilities in sixteenths, whose means are exact and which are often equal."""

    def of(count):
        rows = arrays.arrays(np.uint8, (count, 10), elements=st.integers(0, 16))
        return st.tuples(
            arrays.arrays(np.uint8, count, elements=st.integers(0, 9)),
            rows.map(lambda values: values.astype(np.float32) / 16),
        )

    return st.integers(0, max_size).flatmap(of)


# Ranking


def test_the_clearest_contradiction_comes_first():
    probabilities = np.concatenate([sure_of(3, 3, 5), sure_of(8, by=0.6)])
    ranking = doubts.rank(labels(3, 5, 5, 5), probabilities)
    assert ranking.rows.tolist() == [1, 3, 0, 2]
    assert ranking.suggested.tolist()[1::2] == [3, 8]
    np.testing.assert_allclose(ranking.scores, [1 / 92, 91 / 92, 1 / 92, 54 / 58], rtol=1e-6)


def test_dtypes_and_shapes():
    ranking = doubts.rank(labels(3, 5), sure_of(3, 5).astype(np.float16))
    assert (ranking.rows.dtype, ranking.rows.shape) == (np.int64, (2,))
    assert (ranking.scores.dtype, ranking.scores.shape) == (np.float32, (2,))
    assert (ranking.suggested.dtype, ranking.suggested.shape) == (np.uint8, (2,))
    assert (ranking.flagged.dtype, ranking.flagged.shape) == (np.bool_, (2,))
    assert type(ranking.issues) is int


def test_a_network_that_cannot_tell_scores_a_half():
    torn = np.zeros((1, 10))
    torn[0, [4, 9]] = 0.5
    ranking = doubts.rank(labels(9), torn)
    assert (ranking.scores.tolist(), ranking.suggested.tolist()) == ([0.5], [4])


def test_near_certainties_are_told_apart():
    probabilities = np.zeros((3, 10), np.float32)
    probabilities[:, 6] = 1
    probabilities[:, 0] = [1e-9, 1e-12, 1e-10]
    assert doubts.rank(labels(0, 0, 0), probabilities).rows.tolist() == [1, 2, 0]


def test_equals_are_in_the_order_of_the_set():
    ranking = doubts.rank(labels(1, 2, 1, 2, 1), sure_of(1, 7, 1, 7, 1))
    assert ranking.rows.tolist() == [1, 3, 0, 2, 4]
    everything = doubts.rank(np.zeros(1000, np.uint8), np.full((1000, 10), 0.1, np.float32))
    np.testing.assert_array_equal(everything.rows, np.arange(1000))


def test_certainty_of_zero_and_one_is_no_obstacle():
    ranking = doubts.rank(labels(0, 1, 2), np.eye(10, dtype=np.float32)[[0, 1, 7]])
    assert ranking.rows.tolist() == [2, 0, 1]
    assert ranking.scores.tolist() == [0, 0, 1]
    assert ranking.suggested[2] == 7
    nothing = doubts.rank(labels(0, 1), np.zeros((2, 10), np.float32))
    assert nothing.scores.tolist() == [0.5, 0.5]


def test_no_digits_at_all():
    ranking = doubts.rank(labels(), np.empty((0, 10), np.float32))
    assert ranking.rows.shape == ranking.scores.shape == ranking.suggested.shape == (0,)
    assert ranking.issues == 0


@given(sets())
def test_whatever_is_said_of_them_every_digit_is_ranked_once(digits):
    given_labels, probabilities = digits
    ranking = doubts.rank(given_labels, probabilities)
    np.testing.assert_array_equal(np.sort(ranking.rows), np.arange(len(given_labels)))
    assert (np.diff(ranking.scores[ranking.rows]) <= 0).all()
    assert ((ranking.scores >= 0) & (ranking.scores <= 1)).all()
    assert (ranking.suggested != given_labels).all()
    np.testing.assert_array_equal(
        ranking.scores > 0.5,
        probabilities.max(axis=1) > probabilities[np.arange(len(given_labels)), given_labels],
    )


def test_what_was_given_stays_as_it_was():
    given_labels, probabilities = labels(3, 5), sure_of(3, 3)
    for array in (given_labels, probabilities):
        array.flags.writeable = False
    doubts.rank(given_labels, probabilities)
    np.testing.assert_array_equal(probabilities, sure_of(3, 3))


# Confident learning


@given(sets())
def test_what_is_flagged_is_what_the_paper_counts(digits):
    given_labels, probabilities = digits
    ranking = doubts.rank(given_labels, probabilities)
    assert np.flatnonzero(ranking.flagged).tolist() == by_the_book(given_labels, probabilities)
    assert ranking.issues == len(by_the_book(given_labels, probabilities))


def test_labels_that_were_changed_are_flagged():
    random = np.random.default_rng(5)
    true = random.integers(0, 10, 2000).astype(np.uint8)
    probabilities = random.dirichlet(np.full(10, 0.02), 2000) * 0.3 + sure_of(*true) * 0.7
    noisy = true.copy()
    changed = random.choice(2000, 60, replace=False)
    noisy[changed] = (true[changed] + random.integers(1, 10, 60)) % 10
    ranking = doubts.rank(noisy, probabilities)
    assert set(ranking.rows[:60]) == set(changed)
    np.testing.assert_array_equal(ranking.suggested[changed], true[changed])
    assert set(np.flatnonzero(ranking.flagged)) <= set(changed)
    assert ranking.issues > 0
    assert np.flatnonzero(ranking.flagged).tolist() == by_the_book(noisy, probabilities)


def test_how_sure_is_sure_depends_on_the_class():
    # It is sure of its 1s and never of its 7s, so that little speaks for a 7 already.
    probabilities = np.concatenate([sure_of(1, 1), sure_of(7, 7, 7, by=0.4)])
    given_labels = labels(1, 1, 7, 7, 1)
    limits = doubts.thresholds(given_labels, probabilities)
    assert limits[1] == pytest.approx((2 * 0.91 + 0.6 / 9) / 3)
    assert limits[7] == pytest.approx(0.4)
    assert np.isinf(np.delete(limits, [1, 7])).all()
    assert np.flatnonzero(doubts.rank(given_labels, probabilities).flagged).tolist() == [4]


def test_a_class_without_any_digit_is_suggested_but_never_counted():
    ranking = doubts.rank(labels(1, 1), sure_of(1, 4))
    assert ranking.rows.tolist() == [1, 0]
    assert ranking.suggested[1] == 4
    assert ranking.issues == 0


# Refusing


@pytest.mark.parametrize(
    ("given_labels", "probabilities", "problem"),
    [
        ([1, 2], sure_of(1, 2), r"Labels must be an array \(N,\) of uint8"),
        (np.array([1, 2]), sure_of(1, 2), r"Labels must be an array \(N,\) of uint8"),
        (labels(1, 2)[None], sure_of(1, 2), r"Labels must be an array \(N,\) of uint8"),
        (labels(1, 2), sure_of(1, 2).tolist(), "Probabilities must be an array"),
        (labels(1, 2), np.eye(10, dtype=np.uint8)[:2], "Probabilities must be an array"),
        (
            labels(1, 2),
            sure_of(1),
            r"2 labels need .* of shape \(2, 10\), not \(1, 10\)",
        ),
        (labels(1, 2), sure_of(1, 2)[:, :9], r"not \(2, 9\)"),
        (labels(), np.empty((0, 9)), r"0 labels need .* not \(0, 9\)"),
        (labels(1, 10), sure_of(1, 2), "0 to 9; one is 10"),
        (labels(1), np.full((1, 10), np.nan), "from 0 to 1"),
        (labels(1), np.full((1, 10), 1.1), "from 0 to 1"),
        (labels(1), np.full((1, 10), -0.1), "from 0 to 1"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_a_sentence(given_labels, probabilities, problem):
    with pytest.raises(InputError, match=problem) as caught:
        doubts.rank(given_labels, probabilities)
    assert str(caught.value).count(". ") == 0 and str(caught.value).endswith(".")


# What ships


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(doubts.FOLDER, tmp_path / "copy")


def refusal(folder):
    with pytest.raises(ModelError) as caught:
        doubts.cross_validated(folder)
    said = str(caught.value)
    assert said.count(". ") == 0 and said.endswith("run `make cross-validation`.")
    return said


def put(folder, content):
    """Replace the predictions by a file that fits its card."""
    (folder / doubts.PREDICTIONS).write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    card["files"][doubts.PREDICTIONS] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))


def test_predictions_ship_for_every_training_digit():
    probabilities = doubts.cross_validated()
    assert (probabilities.shape, probabilities.dtype) == ((60_000, 10), np.float32)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=0.01)
    assert (doubts.FOLDER / doubts.PREDICTIONS).stat().st_size < 500_000


@pytest.mark.parametrize("name", [doubts.PREDICTIONS, "card.json"])
def test_what_is_missing_is_named(folder, name):
    (folder / name).unlink()
    assert f"{folder / name} can't be read (No such file or directory)" in refusal(folder)


def test_an_altered_byte_is_noticed(folder):
    content = bytearray((folder / doubts.PREDICTIONS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / doubts.PREDICTIONS).write_bytes(content)
    assert "its SHA-256 is not the one in card.json" in refusal(folder)


@pytest.mark.parametrize("card", ["", "[]", "{}", '{"files": []}', '{"files": {}}', "[" * 100_000])
def test_a_damaged_card_is_refused(folder, card):
    (folder / "card.json").write_text(card)
    refusal(folder)


def test_a_file_that_fits_its_card_and_is_no_predictions_is_refused(folder):
    put(folder, b"PK\x03\x04 and no more")
    refusal(folder)
    put(folder, b"")
    refusal(folder)
    np.savez(folder / "other.npz", other=np.zeros(3))
    put(folder, (folder / "other.npz").read_bytes())
    refusal(folder)
    np.savez(folder / "other.npz", probabilities=np.zeros((59_999, 10), np.float16))
    put(folder, (folder / "other.npz").read_bytes())
    assert "shape (59999, 10)" in refusal(folder)


# On MNIST itself


@needs_mnist
def test_the_card_says_what_the_predictions_are_of():
    digits = datasets.load_mnist("train")
    card = json.loads((doubts.FOLDER / "card.json").read_text())
    for name, array in zip(("images", "labels"), digits, strict=True):
        assert card["data"][f"MNIST train {name}"] == hashlib.sha256(array.data).hexdigest()
    right = (doubts.cross_validated().argmax(axis=1) == digits.labels).mean()
    assert right == pytest.approx(card["out_of_sample_accuracy"], abs=1e-9)
    assert right > 0.995


@needs_mnist
def test_known_doubtful_labels_are_among_the_first_of_the_test_set():
    digits = datasets.load_mnist("test")
    ranking = doubts.rank(digits.labels, Classifier.load(SHIPPED).predict(digits.images))
    assert len(set(KNOWN) & set(ranking.rows[:60].tolist())) >= 6


@needs_mnist
def test_ranking_all_of_mnist_is_quick():
    given_labels = np.resize(datasets.load_mnist("train").labels, 70_000)
    probabilities = np.resize(doubts.cross_validated(), (70_000, 10))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        doubts.rank(given_labels, probabilities)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.2, "it takes 20 ms on a machine at rest"
