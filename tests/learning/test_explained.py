"""How a unit comes by its value, against what Keras says of it, for each of the presets."""

import keras
import numpy as np
import pytest

from mnist_core import registry
from mnist_core.explanation import plain_network, through_the_layers, unit_sum
from mnist_core.generated import make_digits
from mnist_core.inference import Classifier
from mnist_core.learning import architectures, export
from mnist_core.settings import PRESETS


def unsettled(preset):
    """Its network with weights of which none is 0, in the range of those that have learned."""
    keras.utils.set_random_seed(7)
    model = architectures.build(PRESETS[preset].settings)
    random = np.random.default_rng(8)
    for variable in model.weights:
        shape = variable.shape
        if len(shape) > 1:
            spread = np.sqrt(2 / np.prod(shape[:-1]))
            values = random.normal(0, spread, shape)
        elif variable.name in ("gamma", "moving_variance"):
            values = random.uniform(0.5, 1.5, shape)
        else:
            values = random.normal(0.1, 0.3, shape)
        variable.assign(values)
    return model


@pytest.fixture(scope="module", params=PRESETS)
def explained(request, tmp_path_factory):
    """A network as Keras has it, and as it is served."""
    model = unsettled(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    export.export(model, folder, check_on=make_digits(5, seed=1).images)
    return model, Classifier(registry.write_card(folder, {"id": request.param}))


def test_units_come_to_what_keras_says(explained, as_input):
    model, classifier = explained
    network = plain_network(classifier)
    digits = make_digits(20, seed=31).images
    names = [layer["name"] for layer in network.layers]
    inner = keras.Model(model.input, [model.get_layer(name).output for name in names])
    said = [np.asarray(values) for values in inner(as_input(digits), training=False)]
    random = np.random.default_rng(32)
    found = []
    for _ in range(40):
        row, number = int(random.integers(20)), int(random.integers(len(names)))
        layer = through_the_layers(classifier, network, digits[row])[number]
        assert layer.name == names[number]
        place = tuple(int(random.integers(length)) for length in layer.values.shape)
        wanted = float(said[number][row][place])
        assert unit_sum(layer, place).value == pytest.approx(wanted, abs=1e-4)
        found.append(wanted)
    assert np.count_nonzero(found) > 15
    for name, values in zip(names[:-1], said, strict=False):
        assert 0.5 <= np.abs(values).max() <= 40, f"{name} is not as of a network that has learned"
