import re

import numpy as np
import pytest

from mnist_core.learning import training


def test_the_same_seed_trains_the_same_network(trained, small_set, recipe):
    again = training.train(*small_set, recipe=recipe, report=lambda line: None)
    assert again.best_epoch == trained.best_epoch
    assert again.validation_accuracy == trained.validation_accuracy
    for got, wanted in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_the_accuracy_is_of_the_weights_kept(trained, small_set, as_input):
    images, labels = small_set[1]
    answers = np.asarray(trained.model(as_input(images), training=False)).argmax(axis=1)
    assert trained.validation_accuracy == pytest.approx(np.mean(answers == labels), abs=1e-6)
    assert 1 <= trained.best_epoch <= 2
    assert trained.wall_seconds > 0


def test_each_epoch_is_reported_in_a_line(trained, reports):
    assert len(reports) == 2
    for number, line in enumerate(reports, start=1):
        assert re.match(rf"epoch {number}/2  loss \d+\.\d+  .* best [01]\.\d{{4}}$", line)
        assert "\n" not in line


def test_the_training_set_is_mnist_with_what_the_recipe_adds(small_set, recipe):
    images, labels = small_set[0]
    all_images, targets = training.training_set(images, labels, recipe=recipe)
    assert all_images.shape == (260, 28, 28)
    assert all_images.dtype == np.uint8
    assert targets.shape == (260, 10)
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(all_images[:200], images)
    np.testing.assert_array_equal(targets[:200].argmax(axis=1), labels)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (targets[:240].max(axis=1) == 1).all()
    np.testing.assert_allclose(targets[240:], 0.1)
    assert all_images[200:].any(axis=(1, 2)).all()


def test_nothing_need_be_added(small_set):
    images, labels = small_set[0]
    plain = training.Recipe(generated_digits=0, scribbles=0)
    all_images, targets = training.training_set(images, labels, recipe=plain)
    np.testing.assert_array_equal(all_images, images)
    assert targets.shape == (200, 10)
