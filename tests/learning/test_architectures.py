import keras
import numpy as np
import pytest

from mnist_core import weights
from mnist_core.learning import architectures, export


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(3)
    return architectures.compact_cnn()


def test_digits_in_probabilities_out(model, some_digits, as_input):
    probabilities = np.asarray(model(as_input(some_digits)))
    assert probabilities.shape == (len(some_digits), 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_the_layers_that_others_look_for_are_there(model):
    assert model.get_layer("features").output.shape == (None, 64)
    assert model.get_layer("logits").output.shape == (None, 10)
    assert model.get_layer("probabilities").output.shape == (None, 10)
    assert [tensor.name for tensor in model.inputs] == ["image"]


def test_it_is_as_small_as_it_says(model):
    assert model.count_params() == pytest.approx(47_000, rel=0.03)
    multiply_adds = weights.count_multiply_adds(export.plain_layers(model))
    by_hand = (
        14 * 14 * (5 * 5 * 1 * 16 + 3 * 3 * 16 * 32)
        + 7 * 7 * (3 * 3 * 32 * 48 + 3 * 3 * 48 * 64)
        + 64 * 10
    )
    assert multiply_adds == by_hand == pytest.approx(3e6, rel=0.03)


def test_the_evidence_can_be_traced_to_places(model, some_digits, as_input):
    """A class activation map, averaged over the picture, is the logit."""
    inner = keras.Model(
        model.input, [model.get_layer("conv4").output, model.get_layer("logits").output]
    )
    maps, logits = (np.asarray(t) for t in inner(as_input(some_digits), training=False))
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose((maps @ kernel).mean(axis=(1, 2)) + bias, logits, atol=1e-4)


def test_the_same_seed_gives_the_same_weights(model):
    keras.utils.set_random_seed(3)
    for got, wanted in zip(
        architectures.compact_cnn().get_weights(), model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
