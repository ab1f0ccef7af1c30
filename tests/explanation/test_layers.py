import shutil
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core import generated, paths, registry
from mnist_core.errors import InputError, ModelError
from mnist_core.explanation import plain_network, through_the_layers
from mnist_core.inference import Classifier
from tests.explanation.networks import (
    Served,
    convolution,
    flat_head,
    multilayer_perceptron,
    noise,
    plain,
    pool,
    seen,
)


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load("default")


@pytest.fixture(scope="module")
def network(classifier):
    return plain_network(classifier)


@pytest.fixture(scope="module")
def digit():
    return generated.make_digits(5, seed=1).images[4]


@pytest.fixture
def folder(tmp_path):
    """A copy of the model that ships."""
    return shutil.copytree(paths.shipped_model(), tmp_path / "default")


# What the layers say


def test_every_layer_is_there_with_the_values_of_plain_arithmetic(classifier, network, digit):
    layers = through_the_layers(classifier, network, digit)
    wanted = network.forward(digit[None])
    assert [layer.name for layer in layers] == list(wanted)
    for layer in layers:
        assert layer.values.dtype == np.float32
        np.testing.assert_allclose(layer.values, wanted[layer.name][0], atol=1e-3)


def test_parameters_add_up_to_the_card_and_the_last_layer_is_the_reading(
    classifier, network, digit
):
    layers = through_the_layers(classifier, network, digit)
    # The card counts batch normalisation apart, four numbers a filter; here it is folded into the
    # layers, one bias a filter.
    filters = sum(layer.values.shape[2] for layer in layers if layer.kind == "conv2d")
    counted = sum(layer.parameters for layer in layers)
    assert counted == classifier.model.card["parameters"] - 3 * filters
    assert layers[0].parameters == 5 * 5 * 12 + 12
    assert layers[-1].parameters == 0
    np.testing.assert_allclose(layers[-1].values, classifier.predict(digit[None])[0])


def test_kind_activation_and_window_are_those_of_the_description():
    layers = seen(
        noise(),
        convolution((5, 3, 1, 2), activation="tanh"),
        pool("max_pool", (2, 4), (2, 2), "valid"),
        plain("global_average"),
    )
    said = [(layer.kind, layer.activation, layer.window) for layer in layers]
    assert said == [
        ("conv2d", "tanh", (5, 3)),
        ("max_pool", "linear", (2, 4)),
        ("global_average", "linear", None),
    ]


def test_each_layer_gets_what_the_one_before_says(classifier, network, digit):
    layers = through_the_layers(classifier, network, digit)
    np.testing.assert_array_equal(layers[0].inputs, np.float32(digit[..., None]) / np.float32(255))
    for before, layer in pairwise(layers):
        assert layer.inputs is before.values


def test_a_dense_layer_gets_pictures_as_they_were_before_they_were_put_in_one_line():
    conv, flat, logits, _ = seen(noise(), *flat_head())
    assert logits.inputs is conv.values
    np.testing.assert_array_equal(logits.inputs.ravel(), flat.values)
    pixels, hidden, features, logits, _ = seen(noise(), *multilayer_perceptron())
    assert hidden.inputs is pixels.inputs and hidden.inputs.shape == (28, 28, 1)
    assert features.inputs is hidden.values
    assert logits.inputs is features.values


# Receptive fields


@st.composite
def windowed_layers(draw):
    """One to three layers that look through windows without gaps, of weights above 0."""
    padding = draw(st.sampled_from(["same", "valid"]))
    step = st.integers(1, 3 if padding == "same" else 2)
    layers = []
    for i in range(draw(st.integers(1, 3))):
        strides = draw(step), draw(step)
        size = tuple(along + draw(st.integers(0, 2)) for along in strides)
        kind = draw(st.sampled_from(["conv2d", "max_pool", "average_pool"]))
        if kind == "conv2d":
            layer = convolution((*size, 1, 1), strides=strides, padding=padding, lowest=0.5)
            layer["bias"][:] = 0
        else:
            layer = pool(kind, size, strides, padding)
        layers.append(layer | {"name": f"layer{i}"})
    layers.append(plain("activation", activation="relu"))
    return layers


@settings(deadline=None, max_examples=20)
@given(windowed_layers())
def test_a_unit_sees_exactly_the_pixels_that_change_it(layers):
    layers_seen = seen(np.zeros((28, 28), np.uint8), *layers)
    one_pixel_each = np.eye(784, dtype=np.uint8).reshape(784, 28, 28) * 255
    changed = Served(*layers).network.forward(one_pixel_each)
    for layer in layers_seen:
        assert layer.field is not None
        for place in np.ndindex(layer.values.shape):
            pixels = changed[layer.name][:, *place].reshape(28, 28) != 0
            rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
            box = layer.seen_by(place)
            assert (box.top, box.bottom) == (rows[0], rows[-1] + 1)
            assert (box.left, box.right) == (columns[0], columns[-1] + 1)
            assert pixels.sum() == box.height * box.width


def test_what_is_outside_its_field_never_changes_a_unit_of_the_model_that_ships(
    classifier, network, digit
):
    random = np.random.default_rng(0)
    others = generated.make_digits(4, seed=2).images
    for layer in through_the_layers(classifier, network, digit):
        if layer.field is None:
            continue
        changes = 0
        for _ in range(12):
            # All filters at one place, since ReLU silences most.
            row, column = random.integers(layer.values.shape[:2]).tolist()
            box = layer.seen_by((row, column, 0))
            inside = slice(box.top, box.bottom), slice(box.left, box.right)
            outside = random.integers(0, 256, (4, 28, 28), np.uint8)
            outside[:, *inside] = digit[inside]
            within = np.repeat(digit[None], 4, axis=0)
            within[:, *inside] = others[:, *inside]
            said = classifier.outputs(outside)[layer.name][:, row, column]
            np.testing.assert_allclose(said - layer.values[row, column], 0, atol=1e-4)
            said = classifier.outputs(within)[layer.name][:, row, column]
            changes += np.abs(said - layer.values[row, column]).max() > 0.01
        assert changes >= 3


def test_fields_grow_with_the_depth_and_end_with_all_pixels(classifier, network, digit):
    layers = through_the_layers(classifier, network, digit)
    # The convolutions are 5x5 in steps of 2, then 3x3; the fourth goes in steps of 2, too.
    fields = [layer.field for layer in layers if layer.field]
    assert [box.height for box, _ in fields] == [5, 9, 13, 17, 25, 33]
    assert [apart for _, apart in fields] == [(2, 2)] * 3 + [(4, 4)] * 3
    box = layers[-1].seen_by((3,))
    assert (box.top, box.left, box.bottom, box.right) == (0, 0, 28, 28)


# Refusals


def test_another_shape_is_refused(classifier, network):
    with pytest.raises(InputError, match="must be"):
        through_the_layers(classifier, network, np.zeros((20, 20), np.uint8))
    with pytest.raises(InputError, match="uint8"):
        through_the_layers(classifier, network, np.zeros((28, 28)))


def test_a_description_of_another_network_is_refused(folder):
    renamed = (folder / "weights.json").read_text().replace('"conv1"', '"other"')
    (folder / "weights.json").write_text(renamed)
    classifier = Classifier(registry.write_card(folder, registry.open_folder(folder).card))
    with pytest.raises(ModelError, match="default has no layers named other"):
        plain_network(classifier)


@pytest.mark.parametrize("name", ["weights.json", "weights.bin"])
def test_an_altered_description_is_refused(folder, name):
    classifier = Classifier(registry.open_folder(folder))
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b" ")
    with pytest.raises(ModelError, match="damaged or was altered"):
        plain_network(classifier)


@pytest.mark.parametrize("name", ["weights.json", "weights.bin"])
def test_a_missing_description_is_refused(folder, name):
    classifier = Classifier(registry.open_folder(folder))
    (folder / name).unlink()
    with pytest.raises(ModelError):
        plain_network(classifier)
