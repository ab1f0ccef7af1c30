import json

import keras
import numpy as np
import pytest
from keras import layers

from mnist_core import registry, weights
from mnist_core.errors import ModelError
from mnist_core.inference import Classifier
from mnist_core.learning import export
from mnist_core.weights import PlainNetwork


def network(*inner, head=True):
    """The layers given, between the image and the ten probabilities."""
    keras.utils.set_random_seed(1)
    decision = [
        layers.Dense(10, name="logits"),
        layers.Activation("softmax", name="probabilities"),
    ]
    image = x = keras.Input((28, 28, 1), name="image")
    for layer in [*inner, *(decision if head else [])]:
        x = layer(x)
    return keras.Model(image, x)


def unsettle(model):
    """Give every weight, also means and variances, a value that shows when it is left out."""
    random = np.random.default_rng(2)
    for variable in model.weights:
        if len(variable.shape) == 1:
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    return model


def plain_answer(model, digits):
    return PlainNetwork(tuple(export.plain_layers(model)), 0).forward(digits)


def served_answer(folder, digits):
    card = {"id": "test", "files": registry.checksums(folder)}
    (folder / "card.json").write_text(json.dumps(card))
    return Classifier(registry.open_folder(folder)).outputs(digits)


@pytest.fixture(scope="module")
def exported(model, some_digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    export.export(model, folder, check_on=some_digits)
    return folder


# The trained network


def test_four_files_are_written(exported):
    names = {file.name for file in exported.iterdir()} - {"card.json"}
    assert names == {"model.keras", "model.tflite", "weights.bin", "weights.json"}


def test_the_files_agree_on_digits_not_checked_before(exported, model, small_set, as_input):
    digits = small_set.validation.images
    wanted = np.asarray(model(as_input(digits), training=False))
    read_back = keras.models.load_model(exported / "model.keras", compile=False)
    served = served_answer(exported, digits)
    plain = PlainNetwork.load(exported).forward(digits)
    np.testing.assert_array_equal(np.asarray(read_back(as_input(digits), training=False)), wanted)
    np.testing.assert_allclose(served["probabilities"], wanted, atol=1e-5)
    assert served.keys() == plain.keys()
    for name, values in served.items():
        np.testing.assert_allclose(plain[name], values, atol=1e-3)


def test_the_served_layers_are_named_as_in_the_architecture(exported, some_digits):
    assert list(PlainNetwork.load(exported).forward(some_digits)) == [
        "conv1",
        "conv2",
        "features",
        "logits",
        "probabilities",
    ]


# Other networks


def softmax_regression():
    return network(layers.Flatten(name="features"))


def multilayer_perceptron():
    return network(
        layers.Flatten(name="pixels"),
        layers.Dense(32, activation="relu", name="hidden"),
        layers.Dropout(0.3),
        layers.Dense(16, name="features_linear"),
        layers.BatchNormalization(),
        layers.ReLU(name="features"),
    )


def network_of_curves():
    """Activations that are neither zero nor straight."""
    return network(
        layers.Flatten(name="pixels"),
        layers.Dense(16, activation="tanh", name="hidden1"),
        layers.Dense(12, activation="sigmoid", name="hidden2"),
        layers.Activation("tanh", name="features"),
    )


def max_pool_network():
    return network(
        layers.Conv2D(4, 3, activation="relu", name="conv1"),
        layers.MaxPooling2D(2, name="pool1"),
        layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(scale=False),
        layers.Activation("relu", name="conv2"),
        layers.MaxPooling2D(3, strides=2, padding="same", name="pool2"),
        layers.Flatten(name="features"),
    )


def average_pool_network():
    return network(
        layers.Conv2D(4, (5, 3), strides=2, padding="same"),
        layers.BatchNormalization(center=False),
        layers.Activation("relu", name="conv"),
        layers.AveragePooling2D(3, strides=2, padding="same", name="pool"),
        layers.GlobalAveragePooling2D(name="features"),
        layers.Dense(10, name="logits"),
        layers.Softmax(name="probabilities"),
        head=False,
    )


@pytest.mark.parametrize(
    "build",
    [
        softmax_regression,
        multilayer_perceptron,
        network_of_curves,
        max_pool_network,
        average_pool_network,
    ],
)
def test_other_networks_can_be_served_too(build, some_digits, as_input, tmp_path):
    model = unsettle(build())
    export.export(model, tmp_path, check_on=some_digits[:10])
    wanted = np.asarray(model(as_input(some_digits), training=False))
    served = served_answer(tmp_path, some_digits)
    plain = PlainNetwork.load(tmp_path).forward(some_digits)
    np.testing.assert_allclose(served["probabilities"], wanted, atol=1e-5)
    np.testing.assert_allclose(plain["probabilities"], wanted, atol=1e-5)
    assert served.keys() == plain.keys() >= {"features", "logits", "probabilities"}
    for name, values in served.items():
        np.testing.assert_allclose(plain[name], values, atol=1e-4)


# Layers one by one


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}])
def test_batch_normalisation_is_folded_away(some_digits, as_input, bias, options):
    model = unsettle(
        network(
            layers.Conv2D(3, 5, strides=3, use_bias=bias),
            layers.BatchNormalization(**options),
            layers.Flatten(name="features"),
        )
    )
    plain = export.plain_layers(model)
    assert [layer["type"] for layer in plain] == ["conv2d", "flatten", "dense", "activation"]
    inner = keras.Model(model.input, model.get_layer("features").output)
    np.testing.assert_allclose(
        plain_answer(model, some_digits)["features"],
        np.asarray(inner(as_input(some_digits), training=False)),
        atol=1e-5,
    )


def test_a_relu_of_its_own_gives_its_name_to_the_layer_before():
    plain = export.plain_layers(network(layers.Conv2D(2, 3, name="linear"), layers.ReLU(name="on")))
    assert (plain[0]["name"], plain[0]["activation"]) == ("on", "relu")


def test_softmax_keeps_the_logits():
    plain = export.plain_layers(softmax_regression())
    assert [layer["name"] for layer in plain] == ["features", "logits", "probabilities"]
    assert plain[1]["activation"] == "linear"


def test_softmax_as_a_layer_is_no_relu():
    assert export.plain_layers(average_pool_network())[-1]["activation"] == "softmax"


def test_dropout_leaves_no_trace():
    kinds = [layer["type"] for layer in export.plain_layers(multilayer_perceptron())]
    assert kinds == ["flatten", "dense", "dense", "dense", "activation"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: layers.DepthwiseConv2D(3),
        lambda: layers.Conv2DTranspose(2, 3),
        lambda: layers.SeparableConv2D(2, 3),
        lambda: layers.Conv2D(2, 3, dilation_rate=2),
        lambda: layers.Conv2D(2, 3, activation="gelu"),
        lambda: layers.Dense(4, activation="elu"),
        lambda: layers.Activation("selu"),
        lambda: layers.ReLU(max_value=6),
        lambda: layers.ReLU(negative_slope=0.1),
        lambda: layers.LeakyReLU(),
        lambda: layers.Softmax(axis=1),
        lambda: layers.Rescaling(2.0),
        lambda: layers.LayerNormalization(),
        lambda: layers.BatchNormalization(),
    ],
)
def test_what_the_files_cannot_say_is_refused(build):
    model = network(build(), layers.Flatten(name="features"))
    with pytest.raises(ModelError, match="exported"):
        export.plain_layers(model)


@pytest.mark.parametrize(
    "before",
    [
        lambda: layers.MaxPooling2D(2),
        lambda: layers.Conv2D(2, 3, activation="relu"),
        lambda: layers.Flatten(),
    ],
)
def test_a_normalisation_that_can_not_be_folded_is_refused(before):
    model = network(before(), layers.BatchNormalization(), layers.Flatten(name="features"))
    with pytest.raises(ModelError, match="must follow a layer without activation"):
        export.plain_layers(model)


def test_branches_are_refused():
    image = keras.Input((28, 28, 1), name="image")
    flat = layers.Flatten(name="features")(image)
    both = layers.Add(name="logits")([layers.Dense(10)(flat), layers.Dense(10)(flat)])
    model = keras.Model(image, layers.Activation("softmax", name="probabilities")(both))
    with pytest.raises(ModelError, match="Add can't be exported"):
        export.plain_layers(model)


def test_a_model_without_the_agreed_names_is_refused(some_digits, tmp_path):
    model = network(
        layers.Flatten(), layers.Dense(10, activation="softmax", name="probabilities"), head=False
    )
    with pytest.raises(ModelError, match="no layer named features or logits"):
        export.export(model, tmp_path, check_on=some_digits)
    assert not list(tmp_path.iterdir())


# Files that disagree


def test_weights_that_disagree_with_the_model_are_refused(some_digits, tmp_path, monkeypatch):
    def save_something_else(folder, layers):
        layers[-2]["bias"] = layers[-2]["bias"] + np.arange(10, dtype=np.float32)
        write(folder, layers)

    write = weights.save
    monkeypatch.setattr(weights, "save", save_something_else)
    with pytest.raises(ModelError, match=r"weights\.bin disagrees with model\.keras by 0\.\d+"):
        export.export(softmax_regression(), tmp_path, check_on=some_digits)


def test_weights_that_are_no_numbers_are_refused(some_digits, tmp_path):
    model = softmax_regression()
    model.get_layer("logits").bias.assign(np.full(10, np.nan))
    with pytest.raises(ModelError, match="disagrees"):
        export.export(model, tmp_path, check_on=some_digits)
