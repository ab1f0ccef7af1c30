import json

import numpy as np
import pytest

from mnist_core import registry
from mnist_core.datasets import Digits
from mnist_core.errors import RunError
from mnist_core.generated import make_digits
from mnist_core.inference import Classifier
from mnist_core.learning import packing
from mnist_core.learning.training import Training
from mnist_core.weights import PlainNetwork


@pytest.fixture(scope="module")
def test_set():
    made = make_digits(40, seed=3)
    return Digits(made.images, made.labels)


@pytest.fixture(scope="module")
def packed(trained, test_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packed")
    card = packing.pack(trained, folder, model_id="fast-7", test=test_set, wall_seconds=12.34)
    return registry.open_folder(folder), card


def test_a_packed_model_is_whole(packed):
    model, card = packed
    assert model.card == json.loads(json.dumps(card))
    assert set(card["files"]) == {"model.keras", "model.tflite", "weights.bin", "weights.json"}
    model.check()


def test_the_card_says_what_others_read(packed, trained):
    _, card = packed
    assert (card["id"], card["preset"], card["seed"]) == ("fast-7", "fast", 1)
    assert (card["epochs"], card["wall_seconds"]) == (2, 12.3)
    model, best = trained.best_model()
    assert card["best_epoch"] == best.step / trained.steps_per_epoch
    assert card["parameters"] == model.count_params()
    assert card["multiply_adds"] == trained.settings.multiply_adds()
    assert card["data"] == {"generated digits": "200 from seed 1"}
    assert card["settings"]["filters"] == (8, 12)
    assert card["architecture"] == (
        "conv 5x5x8 /2, conv 3x3x12 /2, global average, dense 10, softmax"
    )
    assert card["created"].endswith("Z")
    assert {"python", "tensorflow", "keras", "numpy", "ai-edge-litert"} == card["versions"].keys()


def test_the_accuracies_are_of_the_file_that_serves(packed, trained, test_set):
    model, card = packed
    classifier = Classifier(model)
    validation = trained.material.validation
    for digits, name in ((validation, "validation_accuracy"), (test_set, "test_accuracy")):
        answers = classifier.predict(digits.images).argmax(axis=1)
        assert card[name] == pytest.approx((answers == digits.labels).mean())
    assert card["validation_accuracy"] == pytest.approx(trained.best[1].accuracy)


def test_a_dense_network_in_a_line():
    layers = (
        {"type": "flatten", "name": "pixels"},
        {"type": "dense", "name": "features", "kernel": np.zeros((784, 16))},
        {"type": "activation", "name": "probabilities", "activation": "softmax"},
    )
    assert packing.describe(PlainNetwork(layers, 0)) == "flatten, dense 16, softmax"


def test_before_the_first_validation_there_is_nothing_to_pack(small_set, trained, tmp_path):
    fresh = Training(trained.settings, small_set)
    with pytest.raises(RunError, match="no network to keep"):
        packing.pack(fresh, tmp_path, model_id="x-1", test=small_set.validation, wall_seconds=0)
    assert not list(tmp_path.iterdir())
