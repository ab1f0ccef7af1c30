import dataclasses
import os
import time

import numpy as np
import pytest

from mnist_core import datasets, paths, predictions, registry
from mnist_core.datasets import Digits
from mnist_core.errors import DataMissing, InputError
from mnist_core.inference import Classifier
from mnist_core.registry import Model
from tests.tiny_mnist import ARRAYS, TINY


class Reader:
    """Stands in for a classifier: the more ink, the higher the digit."""

    def __init__(self, model):
        self.model = model

    def predict(self, images):
        logits = np.arange(10) * images.mean(axis=(1, 2))[:, None] / 255
        odds = np.exp(logits)
        return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def tiny(home, monkeypatch):
    """A MNIST of 12 and 5 digits, read two at a time."""
    digits = {split: Digits(ARRAYS[f"x_{split}"], ARRAYS[f"y_{split}"]) for split in SPLITS}
    monkeypatch.setattr(datasets, "load_mnist", digits.__getitem__)
    monkeypatch.setattr(predictions, "MNIST", TINY)
    monkeypatch.setattr(predictions, "_STEP", 2)
    return digits


SPLITS = ("train", "test")


def no_one(share, words):
    pass


def add_model(model_id, content=b"weights"):
    with registry.new_model(model_id) as folder:
        (folder / "model.tflite").write_bytes(content)
        registry.write_card(folder, {"id": model_id})
    return registry.find(model_id)


def names():
    return sorted(file.name for file in (paths.cache() / "predictions").iterdir())


def test_what_a_model_says_is_kept_as_it_is(tiny):
    model = registry.find()
    assert predictions.kept(model, "train") is None
    said = predictions.compute(Reader(model), "train", no_one)
    np.testing.assert_array_equal(said, Reader(model).predict(tiny["train"].images))
    kept = predictions.kept(model, "train")
    assert kept.shape == (12, 10) and kept.dtype == np.float32
    np.testing.assert_array_equal(kept, said)
    assert predictions.kept(model, "test") is None


def test_it_tells_how_far_it_is(tiny):
    told = []
    predictions.compute(Reader(registry.find()), "test", lambda *words: told.append(words))
    assert told == [
        (0.0, "Reading digits: 0 of 5"),
        (0.4, "Reading digits: 2 of 5"),
        (0.8, "Reading digits: 4 of 5"),
    ]


def test_another_model_and_one_trained_again_are_others(tiny):
    first = add_model("mlp-1", b"first")
    predictions.compute(Reader(first), "test", no_one)
    assert predictions.kept(registry.find(), "test") is None
    again = add_model("mlp-1", b"second")
    assert predictions.kept(again, "test") is None
    assert predictions.kept(first, "test") is not None


@pytest.mark.parametrize("keep", [0, 10, 100, -30])
def test_a_damaged_file_is_none(tiny, keep):
    model = registry.find()
    predictions.compute(Reader(model), "test", no_one)
    (file,) = (paths.cache() / "predictions").iterdir()
    file.write_bytes(file.read_bytes()[:keep])
    assert predictions.kept(model, "test") is None
    predictions.compute(Reader(model), "test", no_one)
    assert predictions.kept(model, "test") is not None


def test_a_file_of_something_else_is_none(tiny):
    model = registry.find()
    predictions.compute(Reader(model), "test", no_one)
    (file,) = (paths.cache() / "predictions").iterdir()
    for wrong in (np.zeros((4, 10), np.float32), np.zeros((5, 10), np.int8)):
        np.savez(file, probabilities=wrong)
        assert predictions.kept(model, "test") is None


def test_another_split_is_refused(home):
    with pytest.raises(InputError):
        predictions.kept(registry.find(), "other")


def test_without_mnist_it_says_so(offline):
    with pytest.raises(DataMissing):
        predictions.compute(Reader(registry.find()), "test", no_one)


def test_models_that_are_gone_are_swept_up(tiny):
    gone, old, stays = add_model("gone"), add_model("old", b"old"), add_model("stays")
    for model in (gone, old, stays):
        predictions.compute(Reader(model), "test", no_one)
    assert len(names()) == 3
    new = add_model("old", b"new")
    (gone.folder / "card.json").unlink()
    gone.folder.joinpath("model.tflite").unlink()
    gone.folder.rmdir()
    predictions.compute(Reader(new), "train", no_one)
    assert [name.split("-")[0] for name in names()] == ["old", "stays"]
    assert predictions.kept(new, "train") is not None


def test_only_the_newest_are_kept(tiny, monkeypatch):
    monkeypatch.setattr(predictions, "_KEPT", 2)
    models = [add_model(f"mlp-{i}") for i in range(4)]
    for age, model in zip((3000, 1000, 2000, 0), models, strict=True):
        predictions.compute(Reader(model), "test", no_one)
        for file in (paths.cache() / "predictions").glob(f"{model.id}-*"):
            os.utime(file, (time.time() - age,) * 2)
    assert [name[:5] for name in names()] == ["mlp-1", "mlp-3"]


def test_a_page_has_it_fail_in_a_sentence(offline):
    model = registry.find()
    predictions.start(model, "test")
    assert predictions.status(model, "test").running
    assert not predictions.status(model, "train").running
    assert ended(model).error.startswith("MNIST was not found on this machine")


@pytest.mark.skipif(not os.environ.get("MNIST_DIR"), reason="needs MNIST_DIR")
def test_a_page_has_mnist_read(home):
    model = registry.find()
    predictions.start(model, "test")
    seen = ended(model)
    assert (seen.share, seen.error) == (1, "")
    said = predictions.kept(model, "test")
    digits = datasets.load_mnist("test")
    np.testing.assert_array_equal(said[:300], Classifier(model).predict(digits.images[:300]))
    read_right = (said.argmax(axis=1) == digits.labels).mean()
    assert read_right == pytest.approx(model.card["test_accuracy"], abs=1e-4)


def ended(model: Model):
    until = time.monotonic() + 60
    while predictions.status(model, "test").running:
        assert time.monotonic() < until
        time.sleep(0.02)
    return predictions.status(model, "test")


def test_the_name_of_the_work():
    model = dataclasses.replace(registry.find(), card={"id": "mlp-1", "files": {}})
    assert predictions.task(model, "test") == "read-mlp-1-test"
