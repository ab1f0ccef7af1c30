import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from mnist_core import heldout, registry, stroke_files
from mnist_core.datasets import Digits
from mnist_core.errors import RunError
from mnist_core.generated import make_digits
from mnist_core.heldout import Drawings
from mnist_core.inference import Classifier
from mnist_core.learning import packing
from mnist_core.learning.training import Training
from mnist_core.strokes import fit
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


@pytest.fixture(scope="module")
def aware(trained_with_none, written, test_set, tmp_path_factory):
    """A model that knows what is no digit, packed where there are pen digits, and its card."""
    folder = tmp_path_factory.mktemp("aware")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(heldout, "pen_digits", {"validation": written}.__getitem__)
        card = packing.pack(
            trained_with_none, folder, model_id="best-7", test=test_set, wall_seconds=1
        )
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


# How far it is to be trusted


@pytest.fixture
def no_pen_digits(home, monkeypatch):
    """No pen strokes on this machine."""
    monkeypatch.delenv("STROKES_DIR", raising=False)


def logits_of(model, pixels):
    return keras.Model(model.input, model.get_layer("logits").output)(pixels).numpy()


@pytest.mark.parametrize("kind", ["packed", "aware"])
def test_what_serves_is_the_network_at_its_temperature(
    kind, request, trained, trained_with_none, test_set, as_input
):
    model, card = request.getfixturevalue(kind)
    network = {"packed": trained, "aware": trained_with_none}[kind].best_model()[0]
    logits = logits_of(network, as_input(test_set.images))
    served = Classifier(model).outputs(test_set.images)
    assert card["temperature"] != pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(served["logits"], logits / card["temperature"], atol=2e-3)
    wanted = softmax(logits / card["temperature"], axis=1)
    np.testing.assert_allclose(served["probabilities"], wanted, atol=1e-3)
    np.testing.assert_array_equal(served["probabilities"].argmax(axis=1), logits.argmax(axis=1))


def test_the_temperature_makes_the_validation_digits_likeliest(trained, small_set, as_input):
    digits = small_set.validation
    logits = logits_of(trained.best_model()[0], as_input(digits.images)).astype(float)
    divisors = np.geomspace(0.25, 10, 2000)
    likely = [
        log_softmax(logits / divisor, axis=1)[np.arange(50), digits.labels].mean()
        for divisor in divisors
    ]
    judged = packing.trust(trained.best_model()[0], small_set)
    assert judged == {"temperature": pytest.approx(divisors[np.argmax(likely)], rel=0.01)}


def test_only_who_learned_what_is_none_says_from_when_on_it_is_a_digit(packed, aware):
    assert "digit_from" not in packed[1]
    assert Classifier(packed[0]).digit_from is None
    model, card = aware
    assert np.isfinite(card["digit_from"])
    assert Classifier(model).digit_from == card["digit_from"]


def test_who_learned_from_drawn_digits_alone_does_not_know_what_is_none(
    trained, drawn_set, recipe, no_pen_digits
):
    digits_alone = replace(drawn_set, drawn=replace(recipe, non_digits=0))
    assert packing.trust(trained.best_model()[0], digits_alone).keys() == {"temperature"}


@pytest.mark.parametrize("flagged", [0.005, 0.1, 0.3])
def test_of_what_is_read_right_no_more_is_flagged_than_wanted(
    trained_with_none, drawn_set, as_input, no_pen_digits, monkeypatch, flagged
):
    monkeypatch.setattr(packing, "_FLAGGED", flagged)
    model = trained_with_none.best_model()[0]
    digit_from = packing.trust(model, drawn_set)["digit_from"]
    logits = logits_of(model, as_input(drawn_set.validation.images)).astype(float)
    right = logits[logits.argmax(axis=1) == drawn_set.validation.labels]
    together = np.log(np.exp(right).sum(axis=1))
    assert (together < digit_from - 1e-5).sum() == int(flagged * len(right)), "and no less"


def test_who_reads_nothing_right_can_be_packed_all_the_same(
    trained_with_none, drawn_set, as_input, no_pen_digits
):
    model = trained_with_none.best_model()[0]
    read = logits_of(model, as_input(drawn_set.validation.images)).argmax(axis=1)
    wrong = drawn_set.validation._replace(labels=((read + 1) % 10).astype(np.uint8))
    assert packing.trust(model, replace(drawn_set, validation=wrong))["digit_from"] == 0


def test_where_pen_digits_are_harder_they_decide(
    trained_with_none, drawn_set, written, no_pen_digits, monkeypatch
):
    monkeypatch.setattr(packing, "_FLAGGED", 0.3)
    alone = packing.trust(trained_with_none.best_model()[0], drawn_set)
    asked = []
    monkeypatch.setattr(heldout, "pen_digits", lambda part: asked.append(part) or written)

    def thin(digits, part, *, times):
        drawn = [(fit(digit.strokes), 2.0) for digit in digits] * times
        return Drawings(drawn, np.array([digit.label for digit in digits] * times, np.uint8))

    monkeypatch.setattr(heldout, "anywhere", thin)
    both = packing.trust(trained_with_none.best_model()[0], drawn_set)
    assert asked == ["validation"], "those of unseen writers are for reports alone"
    assert both["digit_from"] < alone["digit_from"]


def test_pen_digits_that_are_damaged_cost_no_training(
    trained_with_none, drawn_set, home, tmp_path, monkeypatch
):
    (tmp_path / stroke_files.PENDIGITS.file_name).write_bytes(b"damaged")
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    assert "digit_from" in packing.trust(trained_with_none.best_model()[0], drawn_set)
