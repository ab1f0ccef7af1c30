from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core import generated
from mnist_core.errors import InputError
from mnist_core.explanation import adding_up, plain_network, through_the_layers, unit_sum
from mnist_core.inference import Classifier
from tests.explanation.networks import convolution, decision, dense, noise, plain, pool, seen

# A layer of each kind, and those that come before it.

FIRST = convolution((4, 4, 1, 3), strides=(4, 4), name="first")
SECOND = convolution((3, 3, 3, 2), strides=(2, 2), name="second", activation="tanh")
KINDS = {
    "conv2d of one picture": [convolution((5, 5, 1, 2), strides=(3, 3), activation="relu")],
    "conv2d, same": [FIRST, convolution((3, 3, 3, 2), activation="relu")],
    "conv2d, valid": [FIRST, convolution((3, 2, 3, 2), padding="valid", activation="sigmoid")],
    "conv2d, same, in steps": [FIRST, convolution((3, 5, 3, 2), strides=(2, 3))],
    "conv2d, valid, in steps": [
        FIRST,
        convolution((2, 3, 3, 2), strides=(2, 1), padding="valid", activation="tanh"),
    ],
    "conv2d of one pixel": [FIRST, convolution((1, 1, 3, 4), activation="relu")],
    "dense of numbers": [FIRST, plain("global_average"), dense(3, 6, activation="sigmoid")],
    "dense of pixels": [plain("flatten"), dense(784, 5, activation="relu")],
    "dense of pictures": [FIRST, plain("flatten"), dense(7 * 7 * 3, 6, activation="tanh")],
    "dense of dense": [FIRST, plain("flatten"), dense(147, 6), dense(6, 4, name="second")],
    "max_pool": [FIRST, pool("max_pool", (2, 2), (2, 2), "valid")],
    # Of values that are all below 0, beyond the edge would be the highest if it were 0.
    "max_pool, same": [
        FIRST | {"bias": np.full(3, -40, np.float32)},
        pool("max_pool", (3, 2), (2, 2), "same"),
    ],
    "average_pool": [FIRST, pool("average_pool", (2, 3), (1, 2), "valid")],
    "average_pool, same": [FIRST, pool("average_pool", (3, 3), (2, 2), "same")],
    "global_average": [FIRST, SECOND, plain("global_average")],
    "flatten": [FIRST, SECOND, plain("flatten")],
    "relu of pictures": [FIRST, plain("activation", activation="relu")],
    "relu of numbers": [
        FIRST,
        plain("global_average"),
        dense(3, 9),
        plain("activation", activation="relu"),
    ],
    "nothing at all": [FIRST, plain("activation", activation="linear")],
    "softmax": [FIRST, plain("flatten"), *decision(147)],
}


@pytest.fixture(scope="module")
def shipped():
    classifier = Classifier.load("default")
    digit = generated.make_digits(9, seed=3).images[8]
    return through_the_layers(classifier, plain_network(classifier), digit)


@pytest.mark.parametrize("kind", KINDS)
def test_every_unit_comes_to_what_its_layer_says(kind):
    layer = seen(noise(), *KINDS[kind])[-1]
    said = np.empty(layer.values.shape)
    for place in np.ndindex(said.shape):
        unit = unit_sum(layer, place)
        assert (unit.kind, unit.place, unit.activation) == (layer.kind, place, layer.activation)
        said[place] = unit.value
    np.testing.assert_allclose(said, layer.values, atol=1e-5)
    assert len(np.unique(said)) > 1


@pytest.mark.parametrize(
    "layers",
    [
        [FIRST, plain("flatten"), dense(147, 6, activation="softmax")],
        [FIRST, convolution((3, 3, 3, 2), activation="softmax")],
        [FIRST, plain("activation", activation="softmax")],
    ],
)
def test_softmax_of_other_layers_than_the_last(layers):
    layer = seen(noise(), *layers)[-1]
    said = np.empty(layer.values.shape)
    for place in np.ndindex(said.shape):
        said[place] = unit_sum(layer, place).value
    np.testing.assert_allclose(said, layer.values, atol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "conv2d" in kind or "dense" in kind])
def test_the_parts_of_a_weighted_sum_add_up_to_what_comes_before_the_activation(kind):
    layers = KINDS[kind]
    layer = seen(noise(), *layers)[-1]
    before_activation = seen(noise(), *layers[:-1], layers[-1] | {"activation": "linear"})[-1]
    for place in np.ndindex(layer.values.shape):
        unit = unit_sum(layer, place)
        assert unit.weights.shape == unit.inputs.shape
        parts = [
            one * weight for one, weight in zip(unit.inputs.flat, unit.weights.flat, strict=True)
        ]
        assert unit.products.ravel().tolist() == parts
        assert unit.bias == layer.spec["bias"][place[-1]]
        assert unit.total == pytest.approx(sum(parts) + unit.bias)
        assert unit.total == pytest.approx(before_activation.values[place], abs=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "conv2d" in kind or "pool" in kind])
def test_a_window_holds_what_is_there_from_its_corner_on_and_0_beyond_the_edge(kind):
    layer = seen(noise(), *KINDS[kind])[-1]
    height, width, _ = layer.inputs.shape
    beyond = 0
    for place in np.ndindex(layer.values.shape):
        unit = unit_sum(layer, place)
        one = slice(None) if layer.kind == "conv2d" else slice(place[2], place[2] + 1)
        assert unit.inputs.shape[:2] == layer.window
        for down, across in np.ndindex(layer.window):
            row, column = unit.corner[0] + down, unit.corner[1] + across
            if 0 <= row < height and 0 <= column < width:
                wanted = layer.inputs[row, column, one]
            else:
                wanted = np.zeros(unit.inputs.shape[2])
                beyond += 1
            np.testing.assert_array_equal(unit.inputs[down, across], wanted)
    assert bool(beyond) == (kind in BEYOND)


BEYOND = {
    "conv2d of one picture",
    "conv2d, same",
    "conv2d, same, in steps",
    "max_pool, same",
    "average_pool, same",
}


def test_layers_without_weights_have_none():
    for kind in ("max_pool", "average_pool", "global_average", "flatten", "relu of pictures"):
        layer = seen(noise(), *KINDS[kind])[-1]
        unit = unit_sum(layer, (0,) * layer.values.ndim)
        assert unit.weights is None and unit.bias == 0
        assert unit.products is unit.inputs
        assert unit.corner == (0, 0)


def test_sums_by_hand():
    kernel = np.array([[1, 2], [3, -4]], np.float32).reshape(2, 2, 1, 1)
    layer = {
        **convolution((2, 2, 1, 1), activation="relu"),
        "kernel": kernel,
        "bias": np.array([0.5], np.float32),
    }
    digit = np.zeros((28, 28), np.uint8)
    digit[3:5, 6:8] = [[255, 51], [102, 0]]  # 1, 0.2, 0.4 and 0
    (conv,) = seen(digit, layer)
    unit = unit_sum(conv, (3, 6, 0))
    assert unit.inputs[..., 0].ravel() == pytest.approx([1, 0.2, 0.4, 0])
    assert unit.products[..., 0].ravel() == pytest.approx([1, 0.4, 1.2, 0])
    assert (unit.total, unit.value) == pytest.approx((3.1, 3.1))
    assert unit.corner == (3, 6)
    unit = unit_sum(conv, (2, 5, 0))  # just -4 times the first pixel, which ReLU cuts off
    assert (unit.total, unit.value) == pytest.approx((-3.5, 0))
    assert unit_sum(conv, (27, 27, 0)).inputs[..., 0].tolist() == [[0, 0], [0, 0]]


def test_the_units_of_the_model_that_ships(shipped):
    random = np.random.default_rng(1)
    for layer in shipped:
        for _ in range(40):
            place = tuple(int(random.integers(length)) for length in layer.values.shape)
            value = unit_sum(layer, place).value
            assert value == pytest.approx(float(layer.values[place]), abs=1e-4)


def test_places_may_be_numbers_of_any_kind(shipped):
    plainly = unit_sum(shipped[0], (3, 4, 5))
    assert unit_sum(shipped[0], list(np.array([3, 4, 5], np.uint8))).place == plainly.place
    assert all(type(index) is int for index in plainly.place)


@pytest.mark.parametrize(
    "place",
    [(14, 0, 0), (0, 14, 0), (0, 0, 12), (-1, 0, 0), (0, 0, -1), (0, 0), (0,), (), (0,) * 4],
)
def test_a_place_outside_of_pictures_is_refused(shipped, place):
    with pytest.raises(InputError, match=r"conv1 has no unit .* \(14, 14, 12\)"):
        unit_sum(shipped[0], place)


@pytest.mark.parametrize("place", [(10,), (-1,), (0, 0), (0, 0, 0), ()])
def test_a_place_outside_of_a_line_is_refused(shipped, place):
    with pytest.raises(InputError, match="logits has no unit"):
        unit_sum(shipped[-2], place)


# Rounding

parts_of_sums = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=60)
some_decimals = st.integers(0, 6)


def exactly(numbers):
    return sum((Decimal(repr(number)) for number in numbers), Decimal())


def check(got, parts, decimals):
    unit = Decimal(1).scaleb(-decimals)
    assert len(got) == len(parts)
    for rounded, part in zip(got, parts, strict=True):
        assert Decimal(repr(rounded)) % unit == 0, "no more decimals than asked for"
        assert abs(Decimal(repr(rounded)) - Decimal(part)) <= unit * Decimal("1.000001")


@settings(deadline=None)
@given(parts_of_sums, some_decimals)
def test_rounded_numbers_add_up_to_their_rounded_sum(parts, decimals):
    got = adding_up(parts, decimals)
    check(got, parts, decimals)
    unit = Decimal(1).scaleb(-decimals)
    off = abs(exactly(got) - sum(map(Decimal, parts)))
    assert off <= unit * Decimal("0.50001"), "the nearest sum there is"


@settings(deadline=None)
@given(parts_of_sums, some_decimals, st.floats(-1e-9, 1e-9))
def test_they_add_up_to_a_total_that_is_theirs_but_for_rounding(parts, decimals, astray):
    total = float(np.round(sum(parts), decimals)) + astray
    got = adding_up(parts, decimals, total=total)
    check(got, parts, decimals)
    assert exactly(got) == round(Decimal(total), decimals)


@settings(deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(-50, 50), min_size=width, max_size=width), min_size=1, max_size=12
        )
    )
)
def test_rows_add_up_to_their_sums_and_those_to_the_sum_of_all(rows):
    sums = adding_up(np.sum(rows, axis=1))
    for row, total in zip(rows, sums, strict=True):
        got = adding_up(row, total=total)
        check(got, row, 4)
        assert exactly(got) == Decimal(repr(total))


@settings(deadline=None)
@given(st.lists(st.floats(-9, 9), min_size=1, max_size=6))
def test_no_other_rounding_that_adds_up_is_nearer(parts):
    got = adding_up(parts, 1)
    wanted = exactly(got)
    scaled = [part * 10 for part in parts]
    low = [int(np.floor(value)) for value in scaled]

    def worst(chosen):
        return sum(abs(value - part) for value, part in zip(chosen, scaled, strict=True))

    others = product(*((value, value + 1) for value in low))
    best = min(worst(each) for each in others if Decimal(sum(each)) / 10 == wanted)
    assert worst([float(number * 10) for number in got]) == pytest.approx(best, abs=1e-6)


def test_rounding_by_hand():
    assert adding_up([1 / 3, 1 / 3, 1 / 3], 2) == [0.34, 0.33, 0.33]
    assert adding_up([0.26, 0.26, 0.26, 0.22], 1) == [0.3, 0.3, 0.2, 0.2]
    assert adding_up([-0.04, 0.04], 1) == [0, 0]
    assert adding_up([0.12345]) == [0.1234] or adding_up([0.12345]) == [0.1235]
    assert adding_up([0.15, 0.15], 1, total=0.4) == [0.2, 0.2]
    assert adding_up(np.zeros(3)) == [0, 0, 0]
