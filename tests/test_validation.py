"""The digits by which networks are chosen, and where they are to be found again."""

import numpy as np
import pytest

from mnist_core import datasets, generated_sets
from mnist_core.datasets import Digits
from mnist_core.errors import DataError, DataMissing
from mnist_core.validation import validation_digits


def test_those_of_mnist_come_with_their_place_in_the_training_set(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    train = Digits(images, (np.arange(6000) % 10).astype(np.uint8))
    monkeypatch.setattr(datasets, "load_mnist", {"train": train}.__getitem__)
    found = validation_digits("mnist")
    expected = datasets.split_validation(*train)[1]
    assert found.data == "mnist"
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(train.images[found.rows], found.images)
    assert len(found.rows) == 5000 and (np.diff(found.rows) > 0).all()
    assert not any(a.flags.writeable for a in (found.images, found.labels, found.rows))
    assert train.images.flags.writeable, "what was loaded stays as it was"


def test_without_mnist_there_are_none_of_it(offline):
    with pytest.raises(DataMissing):
        validation_digits("mnist")


def test_generated_ones_are_those_that_trainings_choose_by(home, monkeypatch):
    monkeypatch.setattr(generated_sets, "HELD_OUT", 20)
    found = validation_digits("generated")
    chosen_by = generated_sets.validation()
    assert found.data == "generated"
    np.testing.assert_array_equal(found.images, chosen_by.images)
    np.testing.assert_array_equal(found.labels, chosen_by.labels)
    assert found.rows.tolist() == list(range(20))
    assert not np.array_equal(found.images, generated_sets.test().images)


def test_generated_ones_that_can_not_be_kept_are_a_sentence(home, monkeypatch):
    monkeypatch.setattr(generated_sets, "HELD_OUT", 20)
    home.write_text("a file where the folder should be")
    with pytest.raises(DataError, match="can't be kept: Not a directory"):
        validation_digits("generated")
