import shutil

import numpy as np
import pytest

from mnist_core import generated, paths, registry
from mnist_core.errors import InputError, ModelError
from mnist_core.explanation import LayerSeen, through_the_layers
from mnist_core.inference import Classifier
from mnist_core.weights import PlainNetwork


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load("default")


@pytest.fixture(scope="module")
def digit():
    return generated.make_digits(5, seed=1).images[4]


def test_every_layer_is_there_with_the_values_of_plain_arithmetic(classifier, digit):
    seen = through_the_layers(classifier, digit)
    plain = PlainNetwork.load(classifier.model.folder).forward(digit[None])
    assert [layer.name for layer in seen] == list(plain)
    for layer in seen:
        np.testing.assert_allclose(layer.values, plain[layer.name][0], atol=1e-3)


def test_parameters_add_up_to_the_card_and_the_last_layer_is_the_reading(classifier, digit):
    seen = through_the_layers(classifier, digit)
    # The card counts batch normalisation apart; here it is folded into the layers.
    assert 0 < sum(layer.parameters for layer in seen) <= classifier.model.card["parameters"]
    assert seen[-1].values.sum() == pytest.approx(1, abs=1e-5)
    assert seen[-1].values.argmax() == classifier.predict(digit[None])[0].argmax()
    assert seen[0].window == (5, 5)
    assert seen[-1].window is None


def test_pictures_are_black_where_relu_lets_nothing_through():
    values = np.zeros((2, 2, 3), np.float32)
    values[0, 1, 2] = 4
    values[1, 0, 0] = 2
    pictures = LayerSeen("c", "conv2d", "relu", (3, 3), 1, values).pictures()
    assert pictures.shape == (3, 2, 2)
    assert pictures[2].tolist() == [[0, 255], [0, 0]]
    assert pictures[0].tolist() == [[0, 0], [128, 0]]


def test_pictures_of_values_below_zero_go_from_the_lowest_to_the_highest():
    values = np.array([-1, 0, 1], np.float32).reshape(1, 1, 3)
    assert LayerSeen("c", "conv2d", "tanh", (3, 3), 1, values).pictures().ravel().tolist() == [
        0,
        128,
        255,
    ]


def test_a_layer_that_says_nothing_at_all_is_black():
    values = np.zeros((4, 4, 2), np.float32)
    assert not LayerSeen("c", "conv2d", "relu", (3, 3), 1, values).pictures().any()


def test_another_shape_is_refused(classifier):
    with pytest.raises(InputError, match="must be"):
        through_the_layers(classifier, np.zeros((20, 20), np.uint8))


def test_a_description_of_another_network_is_refused(tmp_path):
    folder = tmp_path / "default"
    shutil.copytree(paths.shipped_model(), folder)
    renamed = (folder / "weights.json").read_text().replace('"conv1"', '"other"')
    (folder / "weights.json").write_text(renamed)
    classifier = Classifier(registry.write_card(folder, registry.open_folder(folder).card))
    with pytest.raises(ModelError, match="default has no layers named other"):
        through_the_layers(classifier, np.zeros((28, 28), np.uint8))


def test_an_altered_description_is_refused(tmp_path):
    folder = tmp_path / "default"
    shutil.copytree(paths.shipped_model(), folder)
    classifier = Classifier(registry.open_folder(folder))
    (folder / "weights.json").write_text("{}")
    with pytest.raises(ModelError, match="damaged or was altered"):
        through_the_layers(classifier, np.zeros((28, 28), np.uint8))
