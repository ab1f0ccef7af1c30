import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core.learning.normalisation import FusedBatchNormalization

PICTURES = np.random.default_rng(5).normal(2, 3, (16, 7, 7, 4)).astype(np.float32)


@pytest.fixture
def both():
    """Keras' layer and ours, with the same weights that are none of the defaults."""
    layers = [
        kind(momentum=0.9) for kind in (keras.layers.BatchNormalization, FusedBatchNormalization)
    ]
    random = np.random.default_rng(6)
    values = [random.uniform(0.5, 1.5, 4) for _ in range(4)]
    for layer in layers:
        layer.build(PICTURES.shape)
        layer.set_weights(values)
    return layers


def gradients(layer):
    x = tf.constant(PICTURES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.sin(layer(x, training=True)))
    return [g.numpy() for g in tape.gradient(loss, [x, *layer.trainable_variables])]


def test_it_normalises_a_batch_as_keras_does(both):
    keras_layer, ours = both
    wanted, got = (layer(PICTURES, training=True).numpy() for layer in both)
    np.testing.assert_allclose(got, wanted, atol=1e-4)
    assert keras_layer.variables[0].path.split("/")[-1] == ours.variables[0].path.split("/")[-1]


def test_its_gradients_are_those_of_keras(both):
    for got, wanted in zip(*map(gradients, both[::-1]), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=2e-3)


def test_its_moving_averages_move_as_those_of_keras(both):
    for part in np.split(PICTURES, 4):
        for layer in both:
            layer(part, training=True)
    keras_layer, ours = both
    np.testing.assert_allclose(ours.moving_mean, keras_layer.moving_mean, rtol=1e-4)
    # The kernel corrects the variance for the size of the batch (196 values a channel): 0.5 %.
    np.testing.assert_allclose(ours.moving_variance, keras_layer.moving_variance, rtol=0.007)


def test_in_use_it_goes_by_the_moving_averages_as_keras_does(both):
    wanted, got = (layer(PICTURES, training=False).numpy() for layer in both)
    np.testing.assert_allclose(got, wanted, atol=1e-5)
    np.testing.assert_allclose(both[1](PICTURES).numpy(), wanted, atol=1e-5)


def test_in_use_nothing_moves(both):
    before = both[1].get_weights()
    both[1](PICTURES, training=False)
    np.testing.assert_array_equal(both[1].get_weights(), before)
