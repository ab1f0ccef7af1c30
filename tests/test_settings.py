import json
import math
from dataclasses import replace

import pytest

from mnist_core.errors import InputError
from mnist_core.settings import (
    DEFAULT_PRESET,
    GENERATED_IMAGES,
    MNIST_IMAGES,
    PRESETS,
    Settings,
    convolutions,
    parse_layers,
)

MLP = PRESETS["mlp"].settings
BEST = PRESETS["best"].settings


# Limits


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_within_the_limits(preset):
    assert PRESETS[preset].settings.problems() == {}
    assert PRESETS[preset].settings.check() is PRESETS[preset].settings


@pytest.mark.parametrize(
    ("name", "bad", "says"),
    [
        ("dropout", [-0.1, 0.81, math.nan, "0.5", None], "Give a number from 0 to 0.8."),
        ("epochs", [0, 201, 2.0, True], "Give a whole number from 1 to 200."),
        ("batch_size", [7, 2049, 32.5], "Give a whole number from 8 to 2,048."),
        ("learning_rate", [0, 1.1, math.inf, math.nan], "Give a number from 0.00001 to 1."),
        ("images", [99, MNIST_IMAGES + 1], "Give a whole number from 100 to 55,000."),
        ("seed", [-1, 2**31, 1.5], "Give a whole number from 0 to 2,147,483,647."),
        ("weight_decay", [-0.1, 1.1], "Give a number from 0 to 1."),
        ("label_smoothing", [-0.1, 0.6], "Give a number from 0 to 0.5."),
        ("generated_digits", [-1, 100_001], "Give a whole number from 0 to 100,000."),
        ("pen_digits", [-1, 100_001], "Give a whole number from 0 to 100,000."),
        ("non_digits", [-1, 100_001, 0.5], "Give a whole number from 0 to 100,000."),
        ("family", ["rnn", "", None], "Choose one of dense, cnn."),
        ("activation", ["gelu"], "Choose one of relu, tanh, sigmoid."),
        ("optimizer", ["lion", "Adam"], "Choose one of adam, adamw, sgd, rmsprop."),
        ("schedule", ["step"], "Choose one of constant, cosine, one-cycle."),
        ("head", ["max"], "Choose one of average, flat."),
        ("data", ["emnist"], "Choose one of mnist, generated."),
        ("hidden", [(8,) * 7], "Give at most 6 layers."),
        ("hidden", [(0,), (2049,), (32, 1.5), ("32",)], "Give whole numbers from 1 to 2,048,"),
        ("filters", [(8,) * 7], "Give at most 6 layers."),
        ("filters", [(0,), (129,), (True,)], "Give whole numbers from 1 to 128,"),
    ],
)
def test_what_is_outside_the_limits_is_named_by_its_field(name, bad, says):
    for value in bad:
        problems = replace(MLP, **{name: value}).problems()
        assert list(problems) == [name], value
        assert problems[name].startswith(says), value
        assert problems[name].endswith("."), value


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("dropout", [0, 0.8]),
        ("epochs", [1, 200]),
        ("batch_size", [8, 2048]),
        ("learning_rate", [1e-5, 1]),
        ("images", [100, MNIST_IMAGES]),
        ("seed", [0, 2**31 - 1]),
        ("hidden", [(), (1,), (2048,) * 6]),
        ("filters", [(), (128,) * 6]),
    ],
)
def test_the_limits_themselves_are_allowed(name, good):
    for value in good:
        assert replace(MLP, **{name: value}).problems() == {}, value


def test_a_convolutional_network_has_at_least_one_layer():
    assert list(replace(BEST, filters=()).problems()) == ["filters"]


def test_every_problem_is_told_and_the_first_is_raised():
    wrong = replace(MLP, batch_size=0, learning_rate=7.0, optimizer="magic")
    assert list(wrong.problems()) == ["batch_size", "learning_rate", "optimizer"]
    with pytest.raises(InputError, match=r"^Batch size: Give a whole number from 8 to 2,048\.$"):
        wrong.check()


# JSON


@pytest.mark.parametrize("preset", PRESETS)
def test_settings_come_back_from_json(preset):
    settings = PRESETS[preset].settings
    assert Settings.from_json(settings.as_json()) == settings


def test_equal_settings_give_equal_text():
    assert replace(MLP, seed=7).as_json() == replace(MLP, seed=7).as_json() != MLP.as_json()


def test_what_is_unknown_or_missing_in_json_does_not_matter():
    values = json.loads(BEST.as_json())
    del values["non_digits"], values["weight_decay"]
    other = Settings.from_json(json.dumps(values | {"from_a_later_release": [1, 2]}))
    assert other == replace(BEST, non_digits=0)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "{}", '{"preset": "mlp"}'])
def test_json_that_holds_no_settings_is_refused(text):
    with pytest.raises(InputError, match=r"^These settings can't be read: .+\.$"):
        Settings.from_json(text)


def test_the_model_to_start_from_comes_back_from_json():
    further = replace(MLP, start_from="mlp-3")
    assert Settings.from_json(further.as_json()) == further != MLP
    assert Settings.from_json(further.as_json()).start_from == "mlp-3"
    assert further.problems() == {}


def test_json_from_before_one_could_start_from_a_model_says_the_same():
    values = json.loads(MLP.as_json())
    assert values.pop("start_from") == ""
    assert Settings.from_json(json.dumps(values)) == MLP
    assert MLP.are(json.dumps(values))
    assert not MLP.are(replace(MLP, start_from="mlp-3").as_json())


# Presets


def test_the_presets_are_those_that_are_promised():
    assert list(PRESETS) == ["softmax", "mlp", "fast", "dropout", "best"]
    assert DEFAULT_PRESET == "fast"
    for name, preset in PRESETS.items():
        assert preset.settings.preset == name
        assert preset.title and preset.teaches.endswith(".")


def test_softmax_has_no_hidden_layer():
    softmax = PRESETS["softmax"].settings
    assert (softmax.family, softmax.hidden) == ("dense", ())


def test_the_classic_network_is_exactly_that():
    assert (
        Settings(
            preset="mlp",
            family="dense",
            hidden=(128, 256, 512),
            activation="relu",
            optimizer="adam",
            learning_rate=1e-3,
            schedule="constant",
            batch_size=32,
            epochs=10,
            images=55_000,
        )
        == MLP
    )


def test_the_others_are_convolutional_and_drop_out_where_they_say_so():
    for name in ("fast", "dropout", "best"):
        assert PRESETS[name].settings.family == "cnn"
    assert PRESETS["fast"].settings.dropout == 0 < PRESETS["dropout"].settings.dropout


# Sizes


def test_images_of_an_epoch_are_at_most_as_many_as_there_are():
    assert MLP.total_images == 55_000
    assert replace(MLP, images=1000).total_images == 1000
    assert replace(MLP, data="generated").total_images == GENERATED_IMAGES
    assert replace(MLP, data="generated", images=300).total_images == 300
    drawn = replace(BEST, pen_digits=500, generated_digits=20, non_digits=3)
    assert drawn.total_images == 55_000 + 523
    assert replace(BEST, data="generated").total_images == GENERATED_IMAGES


def test_images_are_drawn_besides_those_of_mnist_only():
    assert MLP.drawn_images == 0
    for name in ("pen_digits", "generated_digits", "non_digits"):
        some = replace(MLP, **{name: 7})
        assert (some.drawn_images, some.total_images) == (7, 55_007)
        assert replace(some, data="generated").drawn_images == 0


def test_multiply_adds_by_hand():
    assert PRESETS["softmax"].settings.multiply_adds() == 784 * 10
    assert MLP.multiply_adds() == 784 * 128 + 128 * 256 + 256 * 512 + 512 * 10
    one = replace(BEST, filters=(8,))
    assert one.multiply_adds() == 14 * 14 * 25 * 8 + 8 * 10
    assert replace(one, head="flat").multiply_adds() == 14 * 14 * 25 * 8 + 14 * 14 * 8 * 10


def test_parameters_by_hand():
    assert PRESETS["softmax"].settings.parameters() == 784 * 10 + 10
    assert MLP.parameters() == (784 * 128 + 128 + 128 * 256 + 256 + 256 * 512 + 512 + 512 * 10 + 10)
    one = replace(BEST, filters=(8,))
    assert one.parameters() == 25 * 8 + 4 * 8 + 8 * 10 + 10
    assert replace(one, head="flat").parameters() == 25 * 8 + 4 * 8 + 14 * 14 * 8 * 10 + 10
    two = replace(BEST, filters=(8, 12), head="flat")
    assert two.parameters() == 25 * 8 + 4 * 8 + 9 * 8 * 12 + 4 * 12 + 7 * 7 * 12 * 10 + 10


def test_the_first_convolution_and_the_middle_one_halve_the_picture():
    assert convolutions(1) == [(5, 2)]
    assert convolutions(2) == [(5, 2), (3, 2)]
    assert convolutions(4) == [(5, 2), (3, 1), (3, 2), (3, 1)]


# Layers in words


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("", ()),
        (" ", ()),
        ("128", (128,)),
        ("128, 256, 512", (128, 256, 512)),
        ("16,32", (16, 32)),
        ("16 32,", (16, 32)),
    ],
)
def test_layers_in_words(text, layers):
    assert parse_layers(text) == layers


@pytest.mark.parametrize("text", ["a", "1.5", "16; 32", "16, x", "1e3"])
def test_words_that_are_no_layers_are_refused(text):
    with pytest.raises(InputError, match=r"^Give whole numbers with commas between them"):
        parse_layers(text)
