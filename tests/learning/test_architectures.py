from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_core import weights
from mnist_core.learning import architectures, export
from mnist_core.settings import PRESETS, Settings

BEST = Settings("best", "cnn", filters=(16, 32, 48, 64), dropout=0.2)
DENSE = Settings("mlp", "dense", hidden=(12, 8), activation="tanh", dropout=0.5)


@pytest.fixture(scope="module")
def best():
    keras.utils.set_random_seed(3)
    return architectures.build(BEST)


@pytest.mark.parametrize("preset", PRESETS)
def test_digits_in_probabilities_out(preset, some_digits, as_input):
    model = architectures.build(PRESETS[preset].settings)
    assert [tensor.name for tensor in model.inputs] == ["image"]
    assert model.input.shape == (None, 28, 28, 1)
    probabilities = np.asarray(model(as_input(some_digits)))
    assert probabilities.shape == (len(some_digits), 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "features"),
    [
        (PRESETS["softmax"].settings, 784),
        (PRESETS["mlp"].settings, 512),
        (replace(BEST, head="flat"), 7 * 7 * 64),
        (BEST, 64),
    ],
)
def test_the_layers_that_others_look_for_are_there(settings, features):
    model = architectures.build(settings)
    assert model.get_layer("features").output.shape == (None, features)
    assert model.get_layer("logits").output.shape == (None, 10)
    assert model.get_layer("probabilities").output.shape == (None, 10)


@pytest.mark.parametrize("preset", PRESETS)
def test_it_has_the_size_and_takes_the_work_that_the_settings_say(preset):
    settings = PRESETS[preset].settings
    model = architectures.build(settings)
    assert model.count_params() == settings.parameters()
    assert weights.count_multiply_adds(export.plain_layers(model)) == settings.multiply_adds()


@pytest.mark.parametrize("head", ["average", "flat"])
@pytest.mark.parametrize("filters", [(3,), (3, 4), (3, 4, 5), (2, 3, 4, 5, 6), (2,) * 6])
def test_so_do_networks_of_any_depth(head, filters):
    settings = replace(BEST, head=head, filters=filters)
    model = architectures.build(settings)
    assert model.count_params() == settings.parameters()
    assert weights.count_multiply_adds(export.plain_layers(model)) == settings.multiply_adds()


@pytest.mark.parametrize("hidden", [(), (7,), (12, 8), (3, 4, 5, 6)])
def test_dense_networks_of_any_depth_have_the_size_that_the_settings_say(hidden):
    settings = replace(DENSE, hidden=hidden)
    assert architectures.build(settings).count_params() == settings.parameters()


def test_it_is_as_small_as_it_says(best):
    assert best.count_params() == pytest.approx(47_000, rel=0.03)
    by_hand = (
        14 * 14 * (5 * 5 * 1 * 16 + 3 * 3 * 16 * 32)
        + 7 * 7 * (3 * 3 * 32 * 48 + 3 * 3 * 48 * 64)
        + 64 * 10
    )
    assert BEST.multiply_adds() == by_hand == pytest.approx(3e6, rel=0.03)


def test_the_classic_network_is_784_128_256_512_10():
    model = architectures.build(PRESETS["mlp"].settings)
    assert [w.shape for w in model.get_weights()] == [
        (784, 128),
        (128,),
        (128, 256),
        (256,),
        (256, 512),
        (512,),
        (512, 10),
        (10,),
    ]
    activations = [
        layer.activation.__name__ for layer in model.layers if isinstance(layer, keras.layers.Dense)
    ]
    assert activations == ["relu", "relu", "relu", "linear"]


def test_a_dense_network_is_as_it_was_told():
    layers = export.plain_layers(architectures.build(DENSE))
    assert [(la["name"], la.get("activation")) for la in layers] == [
        ("pixels", None),
        ("hidden1", "tanh"),
        ("features", "tanh"),
        ("logits", "linear"),
        ("probabilities", "softmax"),
    ]


@pytest.mark.parametrize("settings", [DENSE, replace(BEST, dropout=0.5)])
def test_dropout_works_in_training_alone(settings, some_digits, as_input):
    model, plain = architectures.build(settings), architectures.build(replace(settings, dropout=0))
    x = as_input(some_digits)
    once, again = (np.asarray(model(x, training=True)) for _ in range(2))
    assert not np.array_equal(once, again)
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(x, training=False), plain(x, training=False))


def test_the_fused_network_takes_the_weights_of_the_plain_one(some_digits, as_input):
    settings = PRESETS["fast"].settings
    fused, plain = architectures.build(settings, fused=True), architectures.build(settings)
    plain.set_weights([w + 0.01 for w in fused.get_weights()])
    fused.set_weights(plain.get_weights())
    x = as_input(some_digits)
    np.testing.assert_allclose(fused(x), plain(x), atol=1e-6)
    np.testing.assert_allclose(fused(x, training=True), plain(x, training=True), atol=1e-4)


@pytest.mark.parametrize("training", [False, True])
def test_half_the_precision_is_about_the_same_network(some_digits, as_input, training):
    settings = replace(BEST, dropout=0.0)
    exact, coarse = (
        architectures.build(settings, fused=True, precision=precision)
        for precision in ("float32", "mixed_bfloat16")
    )
    coarse.set_weights(exact.get_weights())
    assert {weight.dtype for weight in coarse.weights} == {"float32"}
    x = as_input(some_digits)
    got, wanted = coarse(x, training=training), exact(x, training=training)
    assert got.dtype == wanted.dtype == "float32"
    np.testing.assert_allclose(got, wanted, atol=0.03)
    assert not np.array_equal(got, wanted)


def test_the_evidence_can_be_traced_to_places(best, some_digits, as_input):
    """A class activation map, averaged over the picture, is the logit."""
    inner = keras.Model(
        best.input, [best.get_layer("conv4").output, best.get_layer("logits").output]
    )
    maps, logits = (np.asarray(t) for t in inner(as_input(some_digits), training=False))
    kernel, bias = best.get_layer("logits").get_weights()
    np.testing.assert_allclose((maps @ kernel).mean(axis=(1, 2)) + bias, logits, atol=1e-4)


def test_the_same_seed_gives_the_same_weights(best):
    keras.utils.set_random_seed(3)
    for got, wanted in zip(
        architectures.build(BEST).get_weights(), best.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
