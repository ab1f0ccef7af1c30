"""The code that the page Look inside shows runs, and comes to what the page shows."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from mnist_core import generated, paths
from mnist_core.explanation import evidence, occlusion, plain_network, softmax_steps
from mnist_core.explanation import through_the_layers as through
from mnist_core.explanation.similar import index_features, vote
from mnist_core.inference import Classifier
from mnist_core.learning import architectures, export
from mnist_core.preprocessing import to_mnist
from mnist_core.settings import PRESETS
from mnist_core.templates import TEMPLATES
from pages.components.inside.snippets import SNIPPETS, written
from tests.explanation.networks import Served

DIGIT = 4


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load("default")


@pytest.fixture(scope="module")
def digit():
    return generated.make_digits(30, seed=13).images[20 + DIGIT]


@pytest.fixture(scope="module")
def layers(classifier, digit):
    return through(classifier, plain_network(classifier), digit)


@pytest.fixture
def folder(tmp_path, monkeypatch, digit):
    """Where the code runs: with the project's models, the one that ships, and a digit."""
    (tmp_path / "model.keras").symlink_to(paths.shipped_model() / "model.keras")
    (tmp_path / "models").symlink_to(paths.shipped_model().parent)
    Image.fromarray(digit).save(tmp_path / "digit.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(name, **values):
    """Run it; gives all that it names."""
    named = {}
    exec(compile(written(name, **values), name, "exec"), named)
    return named


def other_network(preset):
    """One that has learned nothing, which the code is to load; and as plain arrays."""
    keras.utils.set_random_seed(5)
    model = architectures.build(PRESETS[preset].settings)
    logits = model.get_layer("logits")
    logits.kernel.assign(logits.kernel * 30)
    logits.bias.assign(np.linspace(-1, 1, 10))
    Path("model.keras").unlink()
    model.save("model.keras")
    return Served(*export.plain_layers(model))


def test_all_of_them_are_tested():
    assert SNIPPETS.keys() == {
        "ink",
        "layers",
        "unit",
        "softmax",
        "evidence",
        "occlusion",
        "similar",
        "nudge",
    }


# From ink to numbers


def drawings(label):
    random = np.random.default_rng(label)
    return [generated.drawing(random, label, style) for style in TEMPLATES[label]]


@pytest.mark.parametrize("label", range(10))
def test_ink_is_read_as_what_the_page_makes_of_it(folder, classifier, label):
    for drawing in drawings(label):
        Image.fromarray(drawing).save("drawing.png")
        named = run("ink")
        assert named["digit"].shape == (28, 28)
        np.testing.assert_array_equal(named["x"], named["digit"] / 255)
        assert named["x"].min() == 0 and named["x"].max() == pytest.approx(1)
        both = np.stack([named["digit"].round().astype(np.uint8), to_mnist(drawing)])
        one, other = classifier.predict(both).argmax(axis=1)
        assert one == other


@pytest.mark.parametrize("label", range(10))
def test_ink_becomes_nearly_the_same_picture(folder, label):
    for drawing in drawings(label):
        Image.fromarray(drawing).save("drawing.png")
        assert np.abs(run("ink")["digit"] - to_mnist(drawing)).mean() <= 3


def test_ink_of_dark_ink_on_white_paper(folder):
    white = 255 - drawings(3)[0][..., :3]
    Image.fromarray(white).save("drawing.png")
    assert np.abs(run("ink")["digit"] - to_mnist(white)).mean() <= 3


# Layers and units


def test_layers_says_what_every_layer_gives_out(folder, layers, capsys):
    named = run("layers")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(named["model"].layers)
    for layer in layers:
        (line,) = (line for line in lines if line.startswith(f"{layer.name} "))
        assert f" (1, {', '.join(map(str, layer.values.shape))}) " in line


def test_unit_is_the_logit_that_the_network_says(folder, classifier, digit):
    named = run("unit")
    served = classifier.outputs(digit[None])["logits"][0]
    assert named["total"] == pytest.approx(float(served[named["k"]]), abs=1e-3)
    assert named["layer"]["name"] == "logits"


@pytest.mark.parametrize("true", [0, DIGIT, 9])
def test_softmax_comes_to_the_same_steps(folder, layers, true):
    named = run("softmax", true=true)
    steps = softmax_steps(layers[-2].values)
    for name in ("logits", "raised", "probabilities"):
        np.testing.assert_allclose(named[name], getattr(steps, name), atol=1e-3)
    assert named["loss"] == pytest.approx(steps.losses[true], abs=1e-3)


# Evidence

PAIRS = [(DIGIT, 9), (9, DIGIT), (DIGIT, None), (0, None)]


@pytest.mark.parametrize(("one", "against"), PAIRS)
def test_evidence_comes_to_the_same_shares(folder, layers, one, against):
    named = run("evidence", digit=one, against=against, layers=layers)
    found = evidence(layers, one, against)
    assert named["evidence"].shape == (7, 7)
    np.testing.assert_allclose(named["evidence"], found.places, atol=1e-3)


@pytest.mark.parametrize(("preset", "side"), [("fast", 7), ("softmax", 28), ("dropout", 7)])
@pytest.mark.parametrize("against", [9, None])
def test_evidence_of_other_networks(folder, digit, preset, side, against):
    served = other_network(preset)
    layers = through(served, served.network, digit)
    named = run("evidence", digit=DIGIT, against=against, layers=layers)
    found = evidence(layers, DIGIT, against)
    assert named["evidence"].shape == (side, side)
    assert np.abs(found.places).max() > 0.01
    np.testing.assert_allclose(named["evidence"], found.places, atol=1e-5)


def every_second_patch(classifier, digit, one, against):
    """Patches that don't overlap, as the code takes them; those of the page do."""
    wanted = np.zeros((28, 28))
    for row in range(0, 28, 4):
        for column in range(0, 28, 4):
            patch = slice(row, row + 4), slice(column, column + 4)
            covered = digit.copy()
            covered[patch] = 0
            before, after = classifier.outputs(np.stack([digit, covered]))["logits"].astype(float)
            fall = before - after
            others = np.delete(fall, one).mean() if against is None else fall[against]
            wanted[patch] = fall[one] - others
    return wanted


@pytest.mark.parametrize(("one", "against"), PAIRS[1:3])
def test_occlusion_comes_to_the_falls_of_its_patches(
    folder, classifier, layers, digit, one, against
):
    named = run("occlusion", digit=one, against=against, layers=layers)
    wanted = every_second_patch(classifier, digit, one, against)
    np.testing.assert_allclose(named["missed"], wanted, atol=1e-3)
    # The page's, of patches in steps of 2, tell of the same places.
    page = occlusion(classifier, digit, one, against)
    ink = digit > 0
    assert np.corrcoef(named["missed"][ink], page[ink])[0, 1] > 0.7


@pytest.mark.parametrize("preset", ["mlp", "fast", "softmax"])
def test_occlusion_of_other_networks(folder, digit, preset):
    served = other_network(preset)
    layers = through(served, served.network, digit)
    named = run("occlusion", digit=DIGIT, against=9, layers=layers)
    wanted = every_second_patch(served, digit, DIGIT, 9)
    assert np.abs(wanted).max() > 0.05
    np.testing.assert_allclose(named["missed"], wanted, atol=1e-4)


# Similar digits, changed digits


def test_similar_finds_the_same_digits(folder, classifier, layers, monkeypatch):
    made = generated.make_digits(300, seed=14)
    arrays = (made.images, made.labels), (made.images[:1], made.labels[:1])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: arrays)
    named = run("similar")
    index = index_features(classifier, made.images, lambda share, words: None)
    features = next(layer.values for layer in layers if layer.name == "features")
    nearest = index.nearest(features)
    assert named["nearest"].tolist() == nearest.rows.tolist()
    assert named["vote"] == vote(made.labels[nearest.rows])[0]


def test_nudge_reads_the_turned_digit(folder, classifier, digit):
    named = run("nudge")
    turned = np.asarray(named["turned"])
    assert turned.shape == (28, 28) and (turned != digit).any()
    np.testing.assert_allclose(
        named["probabilities"], classifier.predict(turned[None])[0], atol=1e-4
    )
