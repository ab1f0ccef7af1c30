import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnist_core import paths, registry, strokes
from mnist_core.datasets import load_mnist
from mnist_core.errors import InputError, ModelError
from mnist_core.generated import TEMPLATES, make_digits, strokes_of
from mnist_core.inference import Classifier, read_drawing
from mnist_core.preprocessing import to_mnist

needs_mnist = pytest.mark.skipif(
    not os.environ.get("MNIST_DIR"), reason="MNIST_DIR names no folder with MNIST"
)
STYLES = [(digit, style) for digit, styles in TEMPLATES.items() for style in styles]


@pytest.fixture(scope="module")
def classifier():
    return Classifier.load()


@pytest.fixture(scope="module")
def digits():
    some = make_digits(100, seed=3).images
    turned = [np.rot90(some, quarter, axes=(1, 2)) for quarter in range(4)]
    shifted = [np.roll(digits, way, axis=2) for digits in turned for way in (-2, 0, 2)]
    return np.concatenate(shifted)[:1000]


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("card.json", "model.tflite"):
        shutil.copy(paths.shipped_model() / name, copy / name)
    return copy


def put_model(folder: Path, content: bytes) -> None:
    """Replace the model file by one that fits its card, as a bad export would."""
    (folder / "model.tflite").write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    card["files"]["model.tflite"] = hashlib.sha256(content).hexdigest()
    (folder / "card.json").write_text(json.dumps(card))


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        Classifier(registry.open_folder(folder))
    return str(caught.value)


# Loading


def test_the_shipped_model_loads_with_its_card(classifier):
    assert classifier.model.id == registry.SHIPPED
    assert classifier.model.folder == paths.shipped_model()


def test_the_shipped_model_also_has_a_name(classifier, digits):
    named = Classifier.load(registry.SHIPPED)
    np.testing.assert_array_equal(named.predict(digits[:5]), classifier.predict(digits[:5]))


@pytest.mark.parametrize("model_id", ["", "nobody", "../default", "default/", "default\0"])
def test_an_unknown_id_is_refused_by_name(model_id):
    with pytest.raises(ModelError, match="no model named") as caught:
        Classifier.load(model_id)
    assert repr(model_id) in str(caught.value)


# Predicting


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 1000])
def test_any_number_of_digits(classifier, digits, count):
    probabilities = classifier.predict(digits[:count])
    assert probabilities.shape == (count, 10)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_batch_says_what_single_digits_say(classifier, digits):
    batch = classifier.predict(digits[:300])
    singly = np.concatenate([classifier.predict(digits[i : i + 1]) for i in range(300)])
    np.testing.assert_allclose(batch, singly, atol=1e-6)


def test_an_answer_stays_when_the_next_is_asked_for(classifier, digits):
    first = classifier.predict(digits[:3])
    kept = first.copy()
    classifier.predict(digits[500:503])
    np.testing.assert_array_equal(first, kept)


def test_digits_may_be_read_only_and_in_any_memory_order(classifier, digits):
    turned = np.asfortranarray(digits[:4])
    turned.flags.writeable = False
    np.testing.assert_array_equal(classifier.predict(turned), classifier.predict(digits[:4]))
    backwards = digits[:4][::-1]
    np.testing.assert_allclose(
        classifier.predict(backwards), classifier.predict(digits[:4])[::-1], atol=1e-6
    )


@settings(deadline=None, max_examples=25)
@given(st.binary(min_size=784, max_size=784))
def test_whatever_the_pixels_are_there_are_ten_probabilities(classifier, pixels):
    digit = np.frombuffer(pixels, np.uint8).reshape(1, 28, 28)
    probabilities = classifier.predict(digit)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (np.full((1, 28, 28), np.nan), "float64"),
        (np.zeros((1, 28, 28), np.float32), "float32"),
        (np.zeros((1, 28, 28), np.int64), "int64"),
        (np.zeros((1, 28, 28), np.bool_), "bool"),
        (np.array([["ink"]]), "<U3"),
        ([[0] * 28] * 28, "list"),
        (None, "NoneType"),
    ],
)
def test_another_dtype_is_refused(classifier, wrong, named):
    with pytest.raises(InputError, match="uint8 values 0-255") as caught:
        classifier.predict(wrong)
    assert named in str(caught.value)


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=5).map(tuple))
def test_another_shape_is_refused(classifier, shape):
    assume(not (len(shape) == 3 and shape[1:] == (28, 28)))
    with pytest.raises(InputError) as caught:
        classifier.predict(np.broadcast_to(np.uint8(0), shape))
    assert str(caught.value) == f"Digits must be (N, 28, 28); these are {shape}."


def test_many_threads_get_the_answers_of_one(classifier, digits):
    pieces = [digits[start : start + 1 + start % 7] for start in range(0, 960, 5)]
    serial = [classifier.predict(piece) for piece in pieces]
    switches = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(16) as pool:
            parallel = list(pool.map(classifier.predict, pieces * 3))
    finally:
        sys.setswitchinterval(switches)
    for got, wanted in zip(parallel, serial * 3, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_outputs_hold_every_layer(classifier, digits):
    outputs = classifier.outputs(digits[:257])
    assert {"probabilities", "logits", "features"} <= outputs.keys()
    assert all(len(values) == 257 for values in outputs.values())
    assert all(values.dtype == np.float32 for values in outputs.values())
    assert outputs["logits"].shape == (257, 10)
    assert outputs["features"].ndim == 2
    raised = np.exp(outputs["logits"] - outputs["logits"].max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        outputs["probabilities"], raised / raised.sum(axis=1, keepdims=True), atol=1e-5
    )


def test_outputs_of_no_digits_have_the_same_names_and_widths(classifier, digits):
    none, one = classifier.outputs(digits[:0]), classifier.outputs(digits[:1])
    assert {n: v.shape[1:] for n, v in none.items()} == {n: v.shape[1:] for n, v in one.items()}
    assert all(len(values) == 0 for values in none.values())


# Damaged models


@pytest.mark.parametrize("name", ["model.tflite", "card.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    message = refusal(folder)
    assert str(folder / name) in message
    assert "No such file" in message


@pytest.mark.parametrize("name", ["model.tflite", "card.json"])
@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_is_named(folder, name, share):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * share)])
    assert str(folder / name) in refusal(folder)


def test_a_single_flipped_bit_is_noticed(folder):
    file = folder / "model.tflite"
    content = file.read_bytes()
    for at in np.linspace(0, len(content) - 1, 40).astype(int):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 8)
        file.write_bytes(flipped)
        message = refusal(folder)
        assert str(file) in message
        assert "SHA-256" in message


def test_a_longer_file_is_noticed(folder):
    file = folder / "model.tflite"
    file.write_bytes(file.read_bytes() + b"\0")
    assert str(file) in refusal(folder)


def test_a_folder_in_place_of_a_file_is_named(folder):
    (folder / "model.tflite").unlink()
    (folder / "model.tflite").mkdir()
    assert str(folder / "model.tflite") in refusal(folder)


def test_a_flipped_bit_in_the_card_never_changes_an_answer(folder, classifier, digits):
    card = folder / "card.json"
    content = card.read_bytes()
    right = classifier.predict(digits[:2])
    for at in np.linspace(0, len(content) - 1, 60).astype(int):
        flipped = bytearray(content)
        flipped[at] ^= 1 << (at % 7)
        card.write_bytes(flipped)
        try:
            answer = Classifier(registry.open_folder(folder)).predict(digits[:2])
        except ModelError as error:
            assert str(folder) in str(error)
        else:
            np.testing.assert_array_equal(answer, right)


def test_a_model_that_fits_its_card_but_is_none_is_refused(folder):
    random = np.random.default_rng(1)
    good = (folder / "model.tflite").read_bytes()
    for garbage in (
        b"",
        b"\0" * 1000,
        b"this is no model",
        good[:8],
        good[:8] + random.bytes(5000),
        good[: len(good) // 2],
        good[: len(good) // 2] + bytes(len(good) // 2),
        good[100:],
        random.bytes(5000),
    ):
        put_model(folder, garbage)
        assert "can't be run" in refusal(folder)


# Reading drawings


@pytest.mark.parametrize("side", [1, 2, 28, 280, 1500])
@pytest.mark.parametrize(
    "paper",
    [0, 255, 97, (255, 255, 255), (*strokes.BOARD, 255), (0, 0, 0, 0), (255, 255, 255, 0)],
    ids=str,
)
def test_an_empty_canvas_is_blank(classifier, side, paper):
    shape = (side, side) if isinstance(paper, int) else (side, side, len(paper))
    canvas = np.empty(shape, np.uint8)
    canvas[:] = paper
    reading = read_drawing(canvas, classifier)
    assert reading.verdict == "blank"
    assert reading.reason
    assert reading.confidence == 0
    assert not reading.image.any()
    np.testing.assert_allclose(reading.probabilities, 0.1)


def test_a_canvas_full_of_ink_is_no_digit(classifier):
    canvas = np.full((280, 280, 4), (*strokes.INK, 255), np.uint8)
    assert read_drawing(canvas, classifier).verdict != "digit"


@pytest.mark.parametrize("radius", [30, 100, 120])
def test_a_solid_shape_is_no_digit(classifier, radius):
    y, x = np.mgrid[:280, :280] - 139.5
    canvas = np.zeros((280, 280, 4), np.uint8)
    canvas[np.hypot(x, y) < radius] = (0, 0, 0, 255)
    reading = read_drawing(canvas, classifier)
    assert reading.verdict in {"unsure", "not a digit"}
    assert reading.reason


def test_specks_that_vanish_are_blank(classifier):
    image = np.full((1000, 1000), 255, np.uint8)
    image[[0, -1], [0, -1]] = 0
    assert read_drawing(image, classifier).verdict == "blank"


def test_one_inked_pixel_is_a_dot(classifier):
    canvas = np.full((280, 280, 4), (*strokes.BOARD, 255), np.uint8)
    canvas[140, 140] = (*strokes.INK, 255)
    reading = read_drawing(canvas, classifier)
    assert reading.verdict == "unsure"
    assert "dot" in reading.reason


@pytest.mark.parametrize("canvas", [np.uint8([[200]]), np.uint8([[[9, 9, 9, 255]]])])
def test_a_canvas_of_one_pixel_is_blank(classifier, canvas):
    assert read_drawing(canvas, classifier).verdict == "blank"


@pytest.mark.parametrize(
    "wrong",
    [
        np.full((280, 280), np.nan),
        np.full((280, 280, 4), np.nan, np.float32),
        np.zeros((280, 280, 4), np.int64),
        np.zeros((280, 280, 4), np.uint16),
        np.zeros((280, 280, 2), np.uint8),
        np.zeros((280, 280, 5), np.uint8),
        np.zeros((2, 280, 280, 4), np.uint8),
        np.zeros(280, np.uint8),
        np.zeros((), np.uint8),
        np.zeros((0, 280), np.uint8),
        np.zeros((280, 0, 4), np.uint8),
        [[0, 0], [0, 0]],
        "digit.png",
        None,
    ],
    ids=lambda wrong: f"{getattr(wrong, 'dtype', type(wrong))}{getattr(wrong, 'shape', '')}",
)
def test_what_is_no_picture_is_refused_in_a_sentence(classifier, wrong):
    with pytest.raises(InputError, match=r"^(An|The) image .*\.$"):
        read_drawing(wrong, classifier)


@settings(deadline=None, max_examples=40)
@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    channels=st.sampled_from([(), (3,), (4,)]),
    seed=st.integers(0, 1000),
    levels=st.sampled_from([2, 20, 256]),
)
def test_any_picture_gets_a_consistent_reading(classifier, height, width, channels, seed, levels):
    random = np.random.default_rng(seed)
    picture = random.integers(0, levels, (height, width, *channels), np.uint8)
    reading = read_drawing(picture, classifier)
    assert reading.image.shape == (28, 28)
    assert reading.image.dtype == np.uint8
    assert reading.probabilities.shape == (10,)
    assert reading.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert (reading.verdict == "digit") == (reading.reason == "")
    if reading.verdict != "blank":
        assert reading.label == reading.probabilities.argmax()
        assert reading.confidence == pytest.approx(float(reading.probabilities.max()))
        assert reading.runner_up != reading.label
        np.testing.assert_array_equal(reading.image, to_mnist(picture))


@pytest.mark.parametrize(("digit", "style"), STYLES)
def test_every_style_of_every_digit_is_read(classifier, digit, style):
    reading = read_drawing(strokes.render(strokes_of(digit, style)), classifier)
    assert (reading.label, reading.verdict, reading.reason) == (digit, "digit", "")
    assert reading.runner_up != digit


# MNIST itself


@needs_mnist
def test_the_card_tells_the_accuracy_on_mnist(classifier):
    images, labels = load_mnist("test")
    accuracy = float(np.mean(classifier.predict(images).argmax(axis=1) == labels))
    assert accuracy >= 0.993
    # One image in ten thousand may tip over between processors.
    assert accuracy == pytest.approx(classifier.model.card["test_accuracy"], abs=1.01e-4)


@needs_mnist
def test_mnist_passes_through_preprocessing_unharmed(classifier):
    images, _ = load_mnist("test")
    passed = np.stack([to_mnist(image) for image in images])
    differing = classifier.predict(images).argmax(1) != classifier.predict(passed).argmax(1)
    assert differing.mean() < 0.002
