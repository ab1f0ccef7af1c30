import hashlib
import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mnist_core import paths, registry, shapes, strokes
from mnist_core.datasets import load_mnist
from mnist_core.errors import InputError, ModelError
from mnist_core.generated import TEMPLATES, curve, make_digits, strokes_of
from mnist_core.inference import Classifier, read_drawing
from mnist_core.preprocessing import to_mnist
from mnist_core.templates import corners

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


@pytest.mark.parametrize("line", ["often", "", [0.5], {}])
def test_a_line_that_is_no_number_is_refused(folder, line):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"digit_from": line}))
    assert "can't be run: " in refusal(folder)


@pytest.mark.parametrize(("line", "expected"), [(0.25, 0.25), (1, 1.0), (None, None)])
def test_the_card_says_from_where_on_it_is_a_digit(folder, line, expected):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"digit_from": line}))
    assert Classifier(registry.open_folder(folder)).digit_from == expected
    (folder / "card.json").write_text(json.dumps({k: card[k] for k in card if k != "digit_from"}))
    assert Classifier(registry.open_folder(folder)).digit_from is None


# Verdicts


def saying(digit_from, **logits):
    """A stand-in for a classifier that says this of every picture: `_3=5` is 5 for a 3."""
    said = np.full((1, 10), -20, np.float32)
    for name, value in logits.items():
        said[0, int(name[1:])] = value
    raised = np.exp(said - said.max())
    outputs = {"logits": said, "probabilities": raised / raised.sum()}
    return SimpleNamespace(outputs=lambda digits: outputs, digit_from=digit_from)


def verdict(classifier):
    reading = read_drawing(strokes.render(strokes_of(3, "round")), classifier)
    return reading.verdict, reading.reason


EITHER = "It could be a 4 or a 9: it lies between the two."
UNLIKE = "It is unlike any digit the network has learned."


@pytest.mark.parametrize("digit_from", [-1.0, 0.0, 4.5, None])
def test_whoever_is_sure_is_believed(digit_from):
    assert verdict(saying(digit_from, _4=9, _9=2)) == ("digit", "")


@pytest.mark.parametrize("digit_from", [-1.0, 0.0, 4.5, None])
def test_between_two_digits_both_are_named_the_likelier_one_first(digit_from):
    assert verdict(saying(digit_from, _4=8.1, _9=8)) == ("unsure", EITHER)
    assert verdict(saying(digit_from, _4=8, _9=8.1))[1].startswith("It could be a 9 or a 4:")


def test_an_8_has_its_own_article():
    reason = verdict(saying(0.0, _8=8.1, _3=8))[1]
    assert reason == "It could be an 8 or a 3: it lies between the two."


def test_what_is_likelier_none_is_no_digit_however_much_it_looks_like_one():
    assert verdict(saying(0.0, _4=-1, _9=-15)) == ("not a digit", UNLIKE)
    assert verdict(saying(0.0, _4=-1, _9=-1)) == ("not a digit", UNLIKE)
    # Whoever has not learned what is none says the same, and is believed.
    assert verdict(saying(None, _4=-1, _9=-15)) == ("digit", "")


def test_the_line_is_where_the_card_draws_it():
    assert verdict(saying(0.99, _4=1)) == ("digit", "")
    assert verdict(saying(1.01, _4=1)) == ("not a digit", UNLIKE)


def test_many_digits_together_may_make_it_a_digit():
    # None is likelier than being none, all are: a digit, but which?
    said = {f"_{label}": -0.5 for label in range(10)} | {"_4": -0.2, "_9": -0.3}
    assert verdict(saying(1.8, **said)) == ("unsure", EITHER)


def test_a_model_that_did_not_learn_what_is_none_goes_by_probabilities():
    assert verdict(saying(None, _4=1.5, _9=0)) == ("digit", "")
    assert verdict(saying(None, _4=1.3, _9=0)) == ("unsure", EITHER)
    assert verdict(saying(None, _4=1.3, _9=0, _2=0)) == ("unsure", EITHER)
    assert verdict(saying(None, _4=1, _9=0.9, _2=0.5)) == ("not a digit", UNLIKE)
    # The other kind is believed sooner: it would have said that it is none.
    assert verdict(saying(0.0, _4=1.3, _9=0)) == ("digit", "")


# Reasons, whatever the network says


@pytest.fixture(params=[0.5, None], ids=["knows none", "knows digits"])
def sure(request):
    """A stand-in that takes everything for a 7, with full certainty."""
    return saying(request.param, _7=20)


def test_a_digit_without_a_fault_is_what_the_network_says(sure, classifier):
    assert verdict(sure) == ("digit", "")
    assert verdict(classifier) == ("digit", "")


def test_a_blank_canvas_says_so(sure, classifier):
    for reader in (sure, classifier):
        reading = read_drawing(strokes.render([]), reader)
        assert reading.verdict == "blank"
        assert reading.reason.startswith("There is nothing to read:")


def test_faint_ink_says_so(sure, classifier):
    pale = 255 - strokes.cover(strokes_of(3, "round")) // 9
    for reader in (sure, classifier):
        reading = read_drawing(pale, reader)
        assert reading.verdict == "unsure"
        assert reading.reason.startswith("The ink is very faint:")


def test_a_tiny_digit_says_so(sure, classifier):
    tiny = strokes.fit(strokes_of(3, "round"), size=36)
    for reader in (sure, classifier):
        reading = read_drawing(strokes.render(tiny, pen_width=8), reader)
        assert reading.verdict == "unsure"
        assert reading.reason.startswith("It is very small,")


@pytest.mark.parametrize("centre", [(30, 140), (250, 140), (140, 40), (140, 240)])
def test_a_digit_that_runs_off_the_canvas_says_so(sure, classifier, centre):
    cut = strokes.fit(strokes_of(3, "round"), size=200, centre=centre)
    for reader in (sure, classifier):
        reading = read_drawing(strokes.render(cut), reader)
        assert reading.verdict == "unsure"
        assert reading.reason.startswith("It touches the edge,")


def test_two_digits_say_so(sure, classifier):
    left = strokes.fit(strokes_of(3, "round"), size=120, centre=(75, 140))
    right = strokes.fit(strokes_of(7, "plain"), size=120, centre=(205, 140))
    for reader in (sure, classifier):
        reading = read_drawing(strokes.render(left + right, pen_width=14), reader)
        assert reading.verdict == "unsure"
        assert reading.reason.startswith("There seem to be several separate things:")


def test_a_blot_says_so(sure, classifier):
    there = np.linspace(70, 210, 20)
    across = [there if row % 2 else there[::-1] for row in range(18)]
    to_and_fro = np.array([(x, 72 + 8 * row) for row, xs in enumerate(across) for x in xs])
    for reader in (sure, classifier):
        reading = read_drawing(strokes.render([to_and_fro], pen_width=20), reader)
        assert reading.verdict == "not a digit"
        assert reading.reason == "It is a filled shape: draw a digit with lines."


# Reasons, by what the network that ships has learned


def between(share):
    """A 1 with a flag at 0, at 1 a 7, and all there is in between."""
    one = np.array([(0.25, 0.26), (0.55, 0), (0.55, 1)])
    seven = np.array([(0.1, 0), (0.9, 0), (0.4, 1)])
    points = (1 - share) * one + share * seven
    return strokes.render(strokes.fit([curve(corners(*map(tuple, points))) * (0.7, 1.0)]))


def test_half_way_from_a_1_to_a_7_both_are_named(classifier):
    ways = [read_drawing(between(share), classifier) for share in np.linspace(0, 1, 201)]
    for end, label in ((ways[0], 1), (ways[-1], 7)):
        assert (end.label, end.verdict) == (label, "digit")
    named = [way for way in ways if re.match("It could be a (1 or a 7|7 or a 1):", way.reason)]
    assert named
    for reading in named:
        assert reading.verdict == "unsure"
        assert {reading.label, reading.runner_up} == {1, 7}


# Capital letters that look like no digit, stroke by stroke in a unit box.
CAPITALS = {
    "A": [corners((0, 1), (0.5, 0), (1, 1)), [(0.2, 0.6), (0.8, 0.6)]],
    "E": [corners((0.9, 0), (0, 0), (0, 1), (0.9, 1)), [(0, 0.5), (0.7, 0.5)]],
    "F": [corners((0.9, 0), (0, 0), (0, 1)), [(0, 0.5), (0.7, 0.5)]],
    "H": [[(0, 0), (0, 1)], [(0.9, 0), (0.9, 1)], [(0, 0.5), (0.9, 0.5)]],
    "K": [[(0, 0), (0, 1)], corners((0.8, 0), (0, 0.55), (0.9, 1))],
    "M": [corners((0, 1), (0.1, 0), (0.5, 0.7), (0.9, 0), (1, 1))],
    "N": [corners((0, 1), (0, 0), (0.8, 1), (0.8, 0))],
    "W": [corners((0, 0), (0.25, 1), (0.5, 0.3), (0.75, 1), (1, 0))],
    "X": [[(0, 0), (0.8, 1)], [(0.8, 0), (0, 1)]],
}


@pytest.mark.parametrize("name", ["letters", "shapes"])
def test_most_of_what_is_no_digit_is_not_called_one(classifier, name):
    drawn = {"letters": CAPITALS, "shapes": {n: shapes.SHAPES[n] for n in shapes.UNSEEN}}[name]
    random = np.random.default_rng(5)
    readings = [
        read_drawing(strokes.render(strokes.fit(strokes.perturb(whole, random))), classifier)
        for whole in ([curve(points) for points in strokes_] for strokes_ in drawn.values())
        for _ in range(8)
    ]
    flagged = [reading for reading in readings if reading.verdict != "digit"]
    assert len(flagged) >= 0.8 * len(readings)
    assert any(reading.reason == UNLIKE for reading in flagged)


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
