"""Whether a model reads worse than another, on what is on this machine."""

from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core import (
    comparison,
    datasets,
    generated_sets,
    handwriting,
    heldout,
    strokes,
    writers,
)
from mnist_core.comparison import Difference, Yardstick
from mnist_core.datasets import Digits
from mnist_core.errors import DataError
from mnist_core.preprocessing import to_mnist
from tests.handwriting.made import new
from tests.tiny_pens import write_pendigits

FEW = 30  # generated digits, in place of a thousand
VALIDATING, LEARNING, UNSEEN = 7, 1, 2  # writers


@pytest.fixture(autouse=True)
def forget():
    """What a process has made once and keeps."""

    def clear():
        comparison._validation.cache_clear()
        comparison._made.clear()

    clear()
    yield
    clear()


@pytest.fixture
def bare(offline, monkeypatch):
    """A machine with nothing on it, where generated sets are small."""
    monkeypatch.setattr(generated_sets, "HELD_OUT", FEW)
    monkeypatch.setattr(generated_sets, "_CHUNK", 10)


@pytest.fixture
def mnist(bare, tmp_path, monkeypatch):
    """What stands in for MNIST's training digits."""
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "mnist.npz").touch()
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mnist"))
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    train = Digits(images, (np.arange(6000) % 10).astype(np.uint8))
    monkeypatch.setattr(datasets, "load_mnist", {"train": train}.__getitem__)
    return train


@pytest.fixture
def pens(bare, tmp_path, monkeypatch):
    """The file of pen digits by three writers, of whom one validates."""
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    return write_pendigits(tmp_path, writers=(LEARNING, VALIDATING, UNSEEN))


@pytest.fixture
def told():
    """What is reported, and a function to report to."""
    shares = []

    def report(words, share):
        assert words
        shares.append(share)

    return SimpleNamespace(shares=shares, report=report)


def reader(*answers):
    """A stand-in for a classifier: what it reads in the first set, in the second, and so on."""
    left = iter(answers)

    def predict(images):
        read = np.eye(10, dtype=np.float32)[next(left)]
        assert len(read) == len(images)
        return read

    return SimpleNamespace(predict=predict)


def yardstick(*labels):
    return Yardstick("digits", np.zeros((len(labels), 28, 28), np.uint8), np.uint8(labels))


def names(found):
    return [each.name for each in found]


# Reading the same


def test_what_both_read_is_counted_by_hand():
    on = yardstick(1, 7, 7, 3, 4, 4)
    (seen,) = comparison.compare(reader([1, 7, 1, 3, 9, 4]), reader([1, 1, 7, 5, 9, 2]), (on,))
    assert seen.on is on
    assert (seen.before.tolist(), seen.after.tolist()) == ([1, 7, 1, 3, 9, 4], [1, 1, 7, 5, 9, 2])
    assert seen.before.dtype == seen.after.dtype == np.uint8
    assert (seen.right_before, seen.right_after, seen.worse) == (4, 2, 2)
    assert seen.newly_wrong.tolist() == [1, 3, 5]
    assert seen.newly_right.tolist() == [2]


def test_one_that_reads_more_is_not_worse_although_it_errs_anew():
    (seen,) = comparison.compare(reader([5, 5, 5]), reader([0, 1, 2]), (yardstick(5, 1, 2),))
    assert (seen.right_before, seen.right_after, seen.worse) == (1, 2, -1)
    assert seen.newly_wrong.tolist() == [0]
    assert seen.newly_right.tolist() == [1, 2]


def test_every_set_is_told_of_in_order():
    on = yardstick(1, 2), yardstick(3)
    first, second = comparison.compare(reader([1, 2], [8]), reader([1, 0], [3]), on)
    assert (first.on, first.worse) == (on[0], 1)
    assert (second.on, second.worse) == (on[1], -1)
    assert len(second.newly_wrong) == 0


def test_what_reads_alike_differs_in_nothing():
    (seen,) = comparison.compare(reader([1, 0]), reader([1, 0]), (yardstick(1, 2),))
    assert (seen.worse, len(seen.newly_wrong), len(seen.newly_right)) == (0, 0, 0)


# What they read


def test_on_a_bare_machine_there_are_the_digits_that_generated_trainings_choose_by(bare):
    (found,) = comparison.yardsticks()
    assert found.name == "generated validation digits"
    chosen_by = generated_sets.validation()
    np.testing.assert_array_equal(found.images, chosen_by.images)
    np.testing.assert_array_equal(found.labels, chosen_by.labels)


def test_with_mnist_there_are_its_validation_digits_and_generated_ones(mnist, told):
    found = comparison.yardsticks(report=told.report)
    assert names(found) == ["MNIST validation digits", "generated drawings"]
    held_out = datasets.split_validation(*mnist)[1]
    np.testing.assert_array_equal(found[0].images, held_out.images)
    np.testing.assert_array_equal(found[0].labels, held_out.labels)
    assert found[1].images.shape == (FEW, 28, 28)
    for other in (generated_sets.validation(), generated_sets.test()):
        assert not np.array_equal(found[1].images, other.images)
    assert told.shares == [pytest.approx(1 / 3), pytest.approx(2 / 3)]


def test_with_pen_strokes_there_are_drawings_by_validation_writers_alone(pens, told):
    found = comparison.yardsticks(report=told.report)
    assert names(found) == ["generated validation digits", "pen drawings"]
    assert told.shares == [0]
    written = strokes.read_pendigits(pens)
    of = {writer: [each for each in written if each.writer == writer] for writer in (1, 7, 2)}
    assert {each.writer for each in writers.split(written).validation} == {VALIDATING}
    drawn = {w: [to_mnist(d) for d in heldout.standard(digits)] for w, digits in of.items()}
    np.testing.assert_array_equal(found[1].images, drawn[VALIDATING])
    assert found[1].labels.tolist() == [each.label for each in of[VALIDATING]]
    others = {image.tobytes() for w in (LEARNING, UNSEEN) for image in drawn[w]}
    assert not others & {image.tobytes() for image in found[1].images}


def test_how_much_is_drawn_is_told_now_and_then(pens, told, monkeypatch):
    digits = heldout.pen_digits("validation")
    monkeypatch.setattr(heldout, "pen_digits", lambda part: digits * 12)
    monkeypatch.setattr(comparison, "to_mnist", lambda drawing: np.zeros((28, 28), np.uint8))
    comparison.yardsticks(report=told.report)
    assert told.shares == [0, pytest.approx(50 / 120), pytest.approx(100 / 120)]


def test_with_both_nothing_is_generated(mnist, pens, home):
    assert names(comparison.yardsticks()) == ["MNIST validation digits", "pen drawings"]
    assert not home.exists()


@pytest.mark.parametrize("files", [[], ["mnist"], ["pens"], ["mnist", "pens"]])
def test_nobody_can_change_what_is_compared_on(bare, files, request):
    for name in files:
        request.getfixturevalue(name)
    for each in comparison.yardsticks():
        assert (each.images.dtype, each.labels.dtype) == (np.uint8, np.uint8)
        assert len(each.images) == len(each.labels) > 0
        assert not each.images.flags.writeable and not each.labels.flags.writeable


@pytest.mark.parametrize("files", ["bare", "mnist", "pens"])
def test_a_second_time_nothing_is_drawn_again(files, request, told, monkeypatch):
    request.getfixturevalue(files)
    once = comparison.yardsticks()
    monkeypatch.setattr(comparison, "to_mnist", None)
    twice = comparison.yardsticks(report=told.report)
    assert told.shares == []
    for one, other in zip(once, twice, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.images, other.images)


def test_another_file_of_pen_strokes_is_drawn_anew(pens, told):
    (_, before) = comparison.yardsticks()
    write_pendigits(pens.parent, writers=(VALIDATING,))
    (_, after) = comparison.yardsticks(report=told.report)
    assert told.shares == [0]
    assert not np.array_equal(before.images, after.images)


def test_whoever_tells_of_it_may_end_it_and_nothing_half_made_stays(pens):
    def leave(words, share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        comparison.yardsticks(report=leave)
    (_, drawn) = comparison.yardsticks()
    assert drawn.images.any(axis=(1, 2)).all()


@pytest.mark.parametrize("files", ["bare", "mnist"])
def test_generated_ones_that_can_not_be_kept_are_a_sentence(files, request, home):
    request.getfixturevalue(files)
    home.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"^The .*digits can't be kept: Not a directory\.$"):
        comparison.yardsticks()


def test_a_damaged_file_of_pen_strokes_is_named(pens):
    pens.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"pendigits-orig\.tra is no "):
        comparison.yardsticks()


# Somebody's own drawings


def test_held_out_drawings_come_first(bare):
    profile = handwriting.add_profile("Anna").number
    assert comparison.OWN not in names(comparison.yardsticks(profile=profile)), "none yet"
    for label in (3, 3, 3, 5):
        handwriting.keep(profile, new(label))
    held_out = handwriting.drawings(profile, held_out=True)
    own, *others = comparison.yardsticks(profile=profile)
    assert own.name == comparison.OWN
    assert own.labels.tolist() == [3]
    np.testing.assert_array_equal(own.images, [drawing.image for drawing in held_out])
    assert own.may_lose == 0
    assert names(others) == names(comparison.yardsticks())
    assert comparison.OWN not in names(comparison.yardsticks(profile=profile + 1)), "nobody's"


def test_how_much_may_be_lost_for_a_hand_that_is_learned(bare, mnist):
    validation, drawn = comparison.yardsticks()
    assert (validation.may_lose, drawn.may_lose) == (0.003, 0.005)


@pytest.mark.parametrize(
    ("lost", "taught", "too_many"),
    [(3, True, False), (4, True, True), (1, False, True), (0, False, False), (-1, True, False)],
)
def test_too_many_are_lost(lost, taught, too_many):
    labels = np.zeros(1000, np.uint8)
    on = Yardstick("digits", np.zeros((1000, 28, 28), np.uint8), labels, may_lose=0.003)
    before, after = labels.copy(), labels.copy()
    (after if lost > 0 else before)[: abs(lost)] = 1
    assert Difference(on, before, after).too_many(taught=taught) is too_many
