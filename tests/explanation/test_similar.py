import dataclasses
import os

import numpy as np
import pytest

from mnist_core import cli, datasets, generated, paths, registry
from mnist_core.datasets import Digits
from mnist_core.errors import DataMissing
from mnist_core.explanation import similar
from mnist_core.explanation.similar import FeatureIndex, index_features, vote
from mnist_core.inference import Classifier
from tests.tiny_mnist import ARRAYS, TINY


def no_one(share, words):
    pass


class Looker:
    """Stands in for a classifier: the features are pictures of `width` numbers each, by chance."""

    def __init__(self, width=6, model=None):
        self.model = model
        self.weights = np.random.default_rng(width).normal(0, 0.01, (784, width))

    def outputs(self, images):
        values = images.reshape(len(images), 784) @ self.weights
        return {"features": values.reshape(len(images), 1, 2, -1).astype(np.float32)}


def flat(features):
    return features.reshape(len(features), -1).astype(np.float64)


def brute(places, place):
    """Every row, nearest first, and how far it is."""
    away = [
        float(np.sqrt(sum((a - b) ** 2 for a, b in zip(p, place, strict=True)))) for p in places
    ]
    return sorted(range(len(places)), key=lambda row: (away[row], row)), away


@pytest.fixture(scope="module")
def digits():
    return generated.make_digits(300, seed=5).images


@pytest.fixture(scope="module")
def others():
    return generated.make_digits(20, seed=6).images


# The nearest


@pytest.mark.parametrize("count", [1, 3, 10, 299, 300])
def test_the_nearest_are_those_of_comparing_all(digits, others, count):
    looker = Looker()
    index = index_features(looker, digits, no_one)
    features = looker.outputs(others)["features"]
    assert index.components is None and index.share == 1
    for one in features:
        found = index.nearest(one, count)
        rows, away = brute(flat(looker.outputs(digits)["features"]), flat(one[None])[0])
        assert found.rows.tolist() == rows[:count]
        np.testing.assert_allclose(found.distances, [away[row] for row in rows[:count]], atol=1e-4)
        assert found.rows.dtype == np.int64 and found.distances.dtype == np.float32


def test_so_are_those_of_the_model_that_ships(digits, others):
    classifier = Classifier.load("default")
    index = index_features(classifier, digits, no_one)
    said = classifier.outputs(others)["features"]
    everyone = flat(classifier.outputs(digits)["features"])
    for one in said:
        rows, away = brute(everyone, flat(one[None])[0])
        assert index.nearest(one).rows.tolist() == rows[:10]
        assert index.nearest(one).distances[0] == pytest.approx(away[rows[0]], abs=1e-4)


def test_a_digit_is_its_own_nearest(digits):
    looker = Looker()
    index = index_features(looker, digits, no_one)
    found = index.nearest(looker.outputs(digits[7:8])["features"][0], 4)
    assert found.rows[0] == 7 and found.distances[0] == pytest.approx(0, abs=1e-5)


def test_fewer_than_asked_for_are_all_there_is(digits):
    looker = Looker()
    index = index_features(looker, digits[:4], no_one)
    one = looker.outputs(digits[:1])["features"][0]
    assert sorted(index.nearest(one, 10).rows) == [0, 1, 2, 3]
    assert index_features(looker, digits[:1], no_one).nearest(one).rows.tolist() == [0]


def test_equals_come_in_the_order_of_the_set():
    places = np.zeros((6, 3), np.float32)
    places[3:] = 9
    found = FeatureIndex(places, None).nearest(np.zeros(3, np.float32), 5)
    assert found.rows.tolist() == [0, 1, 2, 3, 4]
    assert found.distances.tolist() == pytest.approx([0, 0, 0, 15.588457, 15.588457])


# Many features


def test_of_many_features_the_main_directions_are_compared(digits, others):
    looker = Looker(200)
    index = index_features(looker, digits, no_one)
    assert index.places.shape == (300, 128)
    features = flat(looker.outputs(digits)["features"])
    mean = features.mean(axis=0)
    _, values, axes = np.linalg.svd(features - mean, full_matrices=False)
    share = float((values[:128] ** 2).sum() / (values**2).sum())
    assert 0.9 < share < 1
    assert index.share == pytest.approx(share, abs=1e-3)
    seen = looker.outputs(others)["features"]
    places = (features - mean) @ axes[:128].T
    for one in seen:
        rows, away = brute(places, (flat(one[None])[0] - mean) @ axes[:128].T)
        found = index.nearest(one)
        assert found.rows.tolist() == rows[:10]
        np.testing.assert_allclose(found.distances, [away[row] for row in rows[:10]], rtol=1e-3)


@pytest.mark.parametrize(("width", "count"), [(128, 300), (200, 128), (200, 5)])
def test_as_many_as_that_or_of_few_digits_are_compared_as_they_are(digits, width, count):
    index = index_features(Looker(width), digits[:count], no_one)
    assert index.components is None
    assert index.places.shape == (count, width)


def test_it_tells_how_far_it_is(digits, monkeypatch):
    monkeypatch.setattr(similar, "_STEP", 100)
    told = []
    index_features(Looker(), digits[:250], lambda *words: told.append(words))
    assert told == [
        (0.0, "The network looks at all digits: 0 of 250"),
        (0.4, "The network looks at all digits: 100 of 250"),
        (0.8, "The network looks at all digits: 200 of 250"),
    ]
    told.clear()
    monkeypatch.setattr(similar, "_SAMPLE", 150)
    index_features(Looker(200), digits[:250], lambda *words: told.append(words))
    assert told[:2] == [
        (0.0, "Finding the main directions of 200 features"),
        (0.25, "Finding the main directions of 200 features"),
    ]
    assert [share for share, _ in told[2:]] == [150 / 400, 250 / 400, 350 / 400]


def test_directions_are_found_in_steps_as_all_at_once(digits, monkeypatch):
    at_once = index_features(Looker(200), digits, no_one)
    monkeypatch.setattr(similar, "_STEP", 70)
    in_steps = index_features(Looker(200), digits, no_one)
    np.testing.assert_allclose(in_steps.places, at_once.places, atol=1e-3)


# What they say together


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([3], (3, 1)),
        ([3, 5, 5], (5, 2)),
        ([5, 3, 3, 5, 9], (5, 2)),
        ([9, 3, 3, 5, 5], (3, 2)),
        ([9, 1, 0], (9, 1)),
        ([0] * 10, (0, 10)),
    ],
)
def test_the_commonest_label_wins_and_of_equally_common_ones_that_of_the_nearest(labels, says):
    assert vote(np.array(labels, np.uint8)) == says


# What is kept


@pytest.fixture
def tiny(home, monkeypatch):
    """A MNIST of 12 digits to learn from, looked at five at a time."""
    digits = Digits(ARRAYS["x_train"], ARRAYS["y_train"])
    monkeypatch.setattr(datasets, "load_mnist", {"train": digits}.__getitem__)
    monkeypatch.setattr(similar, "MNIST", TINY)
    monkeypatch.setattr(similar, "_STEP", 5)
    return digits


def add_model(model_id, content=b"weights"):
    with registry.new_model(model_id) as folder:
        (folder / "model.tflite").write_bytes(content)
        registry.write_card(folder, {"id": model_id})
    return registry.find(model_id)


def files():
    return sorted((paths.cache() / "features").iterdir())


@pytest.mark.parametrize("widest", [128, 3])
def test_an_index_is_kept_as_it_is(tiny, monkeypatch, widest):
    monkeypatch.setattr(similar, "_WIDEST", widest)
    model = registry.find()
    assert similar.kept(model) is None
    made = similar.compute(Looker(model=model), no_one)
    kept = similar.kept(model)
    assert bool(kept.components) == (widest == 3)
    np.testing.assert_array_equal(kept.places, made.places)
    assert kept.places.shape == (12, min(6, widest)) and kept.places.dtype == np.float32
    assert kept.share == pytest.approx(made.share)
    for digit in tiny.images:
        one = Looker().outputs(digit[None])["features"][0]
        assert kept.nearest(one).rows.tolist() == made.nearest(one).rows.tolist()
        assert kept.nearest(one).rows[0] == made.nearest(one, 1).rows[0]


def test_it_is_read_once_and_nobody_may_write_in_it(tiny):
    model = registry.find()
    similar.compute(Looker(model=model), no_one)
    kept = similar.kept(model)
    assert similar.kept(model) is kept
    with pytest.raises(ValueError, match="read-only"):
        kept.places[0, 0] = 1


@pytest.mark.parametrize("keep", [0, 10, 100, -30])
def test_a_damaged_file_is_none(tiny, keep):
    model = registry.find()
    similar.compute(Looker(model=model), no_one)
    (file,) = files()
    file.write_bytes(file.read_bytes()[:keep])
    assert similar.kept(model) is None
    similar.compute(Looker(model=model), no_one)
    assert similar.kept(model) is not None


@pytest.mark.parametrize(
    "arrays",
    [
        {"places": np.zeros((11, 6), np.float32)},
        {"places": np.zeros((12, 6))},
        {"others": np.zeros((12, 6), np.float32)},
        {"places": np.zeros((12, 6), np.float32), "mean": np.zeros(6, np.float32)},
    ],
)
def test_a_file_of_something_else_is_none(tiny, arrays):
    model = registry.find()
    similar.compute(Looker(model=model), no_one)
    (file,) = files()
    np.savez(file, **arrays)
    os.utime(file, (1, 1))
    assert similar.kept(model) is None


def test_another_model_and_one_trained_again_are_others(tiny):
    first = add_model("mlp-1", b"first")
    similar.compute(Looker(model=first), no_one)
    assert similar.kept(registry.find()) is None
    again = add_model("mlp-1", b"second")
    assert similar.kept(again) is None
    assert similar.kept(first) is not None


def test_what_is_of_models_that_are_gone_and_all_but_the_newest_is_swept_up(tiny, monkeypatch):
    monkeypatch.setattr(similar, "_KEPT", 2)
    models = [add_model(f"mlp-{i}") for i in range(4)]
    for age, model in zip((3000, 1000, 2000, 0), models, strict=True):
        similar.compute(Looker(model=model), no_one)
        for file in (paths.cache() / "features").glob(f"{model.id}-*"):
            now = file.stat().st_mtime
            os.utime(file, (now - age,) * 2)
    assert [file.name[:5] for file in files()] == ["mlp-1", "mlp-3"]
    new = add_model("mlp-3", b"new")
    similar.compute(Looker(model=new), no_one)
    assert [file.name[:5] for file in files()] == ["mlp-1", "mlp-3"]
    assert similar.kept(new) is not None


def test_without_mnist_it_says_so(offline):
    with pytest.raises(DataMissing):
        similar.compute(Looker(model=registry.find()), no_one)


def test_the_name_of_the_work():
    model = dataclasses.replace(registry.find(), card={"id": "mlp-1", "files": {}})
    assert similar.task(model) == "features-mlp-1"


# The command


def test_data_features(tiny, capfd, monkeypatch):
    assert cli.main(["data", "features"]) == 0
    said = "The features of 12 training digits in default are kept.\n"
    assert capfd.readouterr() == (said, "")
    classifier = Classifier.load("default")
    kept = similar.kept(classifier.model)
    wanted = classifier.outputs(tiny.images)["features"].reshape(12, -1)
    np.testing.assert_allclose(kept.places, wanted, atol=1e-4)
    monkeypatch.setattr(similar, "compute", None)
    assert cli.main(["data", "features", "--model", "default"]) == 0, "they are there"
    assert capfd.readouterr() == (said, "")


def test_data_features_of_a_model_that_is_not_there(tiny, capfd):
    assert cli.main(["data", "features", "--model", "nobody"]) == 1
    assert capfd.readouterr().err == "python -m mnist_core: There is no model named 'nobody'.\n"


def test_data_features_without_mnist(offline, capfd):
    assert cli.main(["data", "features"]) == 1
    assert capfd.readouterr().err.startswith("python -m mnist_core: MNIST was not found on this")
    assert similar.status(registry.find()).error.startswith("MNIST was not found on this machine")
