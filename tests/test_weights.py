import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core import paths, weights
from mnist_core.errors import ModelError
from mnist_core.generated import make_digits
from mnist_core.inference import Classifier
from mnist_core.weights import PlainNetwork

# A slow oracle, one sum at a time. Pictures are nested (28, 28, channels) arrays of one digit.


def first_places(length, extent, step, padding):
    """Where each window starts along one axis, as TensorFlow's documentation defines it."""
    if padding == "valid":
        return [i * step for i in range(math.ceil((length - extent + 1) / step))]
    count = math.ceil(length / step)
    lacking = max((count - 1) * step + extent - length, 0)
    return [i * step - lacking // 2 for i in range(count)]


def windows(picture, size, strides, padding):
    """For each place of the result, the pixels under the window as (dy, dx, channels)."""
    height, width, _ = picture.shape
    rows = first_places(height, size[0], strides[0], padding)
    columns = first_places(width, size[1], strides[1], padding)
    for y, top in enumerate(rows):
        for x, left in enumerate(columns):
            yield (
                y,
                x,
                [
                    (dy, dx, picture[top + dy, left + dx])
                    for dy in range(size[0])
                    for dx in range(size[1])
                    if 0 <= top + dy < height and 0 <= left + dx < width
                ],
            )


def slow_conv2d(picture, layer):
    kernel = layer["kernel"]
    result = {}
    for y, x, seen in windows(picture, kernel.shape[:2], layer["strides"], layer["padding"]):
        for filter_ in range(kernel.shape[3]):
            total = float(layer["bias"][filter_])
            for dy, dx, pixel in seen:
                for channel in range(kernel.shape[2]):
                    total += float(pixel[channel]) * float(kernel[dy, dx, channel, filter_])
            result[y, x, filter_] = total
    return as_array(result)


def slow_pool(picture, layer, combine):
    result = {}
    for y, x, seen in windows(picture, layer["size"], layer["strides"], layer["padding"]):
        for channel in range(picture.shape[2]):
            result[y, x, channel] = combine([float(pixel[channel]) for _, _, pixel in seen])
    return as_array(result)


def slow_dense(values, layer):
    kernel = layer["kernel"]
    return np.array(
        [
            float(layer["bias"][j])
            + sum(float(values[i]) * float(kernel[i, j]) for i in range(kernel.shape[0]))
            for j in range(kernel.shape[1])
        ]
    )


def as_array(result):
    array = np.empty([1 + max(places) for places in zip(*result, strict=True)])
    for place, value in result.items():
        array[place] = value
    return array


def mean(values):
    return sum(values) / len(values)


def image_layer():
    """The 28x28 image itself as the output of a layer, to test a single layer on it."""
    return {"type": "activation", "name": "image", "activation": "linear"}


def run(digit, *layers):
    return PlainNetwork((image_layer(), *layers), 0).forward(digit[None])


def a_digit(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (28, 28), np.uint8)


def convolution(shape, *, strides=(1, 1), padding="same", activation="linear", name="conv"):
    random = np.random.default_rng(sum(shape))
    return {
        "type": "conv2d",
        "name": name,
        "kernel": random.normal(0, 0.3, shape).astype(np.float32),
        "bias": random.normal(0, 0.3, shape[3]).astype(np.float32),
        "strides": list(strides),
        "padding": padding,
        "activation": activation,
    }


def dense(inputs, outputs, *, activation="linear", name="dense"):
    random = np.random.default_rng(inputs)
    return {
        "type": "dense",
        "name": name,
        "kernel": random.normal(0, 0.1, (inputs, outputs)).astype(np.float32),
        "bias": random.normal(0, 0.3, outputs).astype(np.float32),
        "activation": activation,
    }


def pool(kind, size, strides, padding):
    return {
        "type": kind,
        "name": "pool",
        "size": list(size),
        "strides": list(strides),
        "padding": padding,
    }


window = st.tuples(st.integers(1, 6), st.integers(1, 6))
steps = st.tuples(st.integers(1, 5), st.integers(1, 5))
paddings = st.sampled_from(["same", "valid"])
some_windows = settings(deadline=None, max_examples=12)


# Single layers


@some_windows
@given(size=window, strides=steps, padding=paddings)
def test_convolution(size, strides, padding):
    layer = convolution((*size, 1, 2), strides=strides, padding=padding)
    outputs = run(a_digit(), layer)
    wanted = slow_conv2d(a_digit()[..., None] / 255, layer)
    assert outputs["conv"].shape == (1, *wanted.shape)
    np.testing.assert_allclose(outputs["conv"][0], wanted, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 2)])
def test_convolution_of_several_channels(strides, padding):
    first = convolution((5, 5, 1, 3), strides=(3, 3), name="first")
    layer = convolution((3, 2, 3, 4), strides=strides, padding=padding)
    outputs = run(a_digit(), first, layer)
    wanted = slow_conv2d(outputs["first"][0], layer)
    np.testing.assert_allclose(outputs["conv"][0], wanted, atol=1e-5)


@some_windows
@given(size=window, strides=steps, padding=paddings)
def test_max_pool(size, strides, padding):
    layer = pool("max_pool", size, strides, padding)
    # Shifted below zero, where padding with zeros would show.
    shifted = convolution((1, 1, 1, 2))
    shifted["bias"] = np.array([-5, 3], np.float32)
    outputs = run(a_digit(), shifted, layer)
    wanted = slow_pool(outputs["conv"][0], layer, max)
    np.testing.assert_array_equal(outputs["pool"][0], wanted.astype(np.float32))


@some_windows
@given(size=window, strides=steps, padding=paddings)
def test_average_pool_leaves_padding_out(size, strides, padding):
    layer = pool("average_pool", size, strides, padding)
    outputs = run(a_digit(), layer)
    wanted = slow_pool(a_digit()[..., None] / 255, layer, mean)
    np.testing.assert_allclose(outputs["pool"][0], wanted, atol=1e-6)


def test_average_pool_of_ones_is_ones_up_to_the_edge():
    white = np.full((28, 28), 255, np.uint8)
    outputs = run(white, pool("average_pool", (5, 5), (3, 3), "same"))
    np.testing.assert_allclose(outputs["pool"], 1, atol=1e-6)


def test_global_average():
    layer = convolution((3, 3, 1, 4), strides=(2, 2))
    outputs = run(a_digit(), layer, {"type": "global_average", "name": "average"})
    maps = outputs["conv"][0]
    wanted = [mean([float(v) for v in maps[:, :, c].ravel()]) for c in range(4)]
    assert outputs["average"].shape == (1, 4)
    np.testing.assert_allclose(outputs["average"][0], wanted, atol=1e-5)


def test_flatten_goes_row_by_row_with_the_channels_last():
    layer = convolution((3, 3, 1, 2), strides=(7, 7))
    outputs = run(a_digit(), layer, {"type": "flatten", "name": "flat"})
    maps = outputs["conv"][0]
    wanted = [maps[y, x, c] for y in range(4) for x in range(4) for c in range(2)]
    np.testing.assert_array_equal(outputs["flat"][0], wanted)


def test_dense():
    layer = dense(784, 5)
    outputs = run(a_digit(), {"type": "flatten", "name": "flat"}, layer)
    np.testing.assert_allclose(
        outputs["dense"][0], slow_dense(outputs["flat"][0], layer), atol=1e-4
    )


@pytest.mark.parametrize("alone", [True, False])
def test_relu_and_softmax_inside_a_layer_or_as_one_of_their_own(alone):
    flat = {"type": "flatten", "name": "flat"}
    for activation in ("relu", "softmax"):
        linear = run(a_digit(), flat, dense(784, 5))["dense"][0]
        if alone:
            own = {"type": "activation", "name": "own", "activation": activation}
            got = run(a_digit(), flat, dense(784, 5), own)["own"][0]
        else:
            got = run(a_digit(), flat, dense(784, 5, activation=activation))["dense"][0]
        if activation == "relu":
            wanted = [max(float(value), 0.0) for value in linear]
            assert 0 in wanted
            assert any(wanted)
        else:
            total = sum(math.exp(value) for value in linear)
            wanted = [math.exp(value) / total for value in linear]
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "by_hand"),
    [("tanh", math.tanh), ("sigmoid", lambda value: 1 / (1 + math.exp(-value)))],
)
def test_tanh_and_sigmoid(activation, by_hand):
    flat = {"type": "flatten", "name": "flat"}
    linear = run(a_digit(), flat, dense(784, 5))["dense"][0]
    got = run(a_digit(), flat, dense(784, 5, activation=activation))["dense"]
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[0], [by_hand(float(value)) for value in linear], atol=1e-6)


def test_sigmoid_of_huge_sums_overflows_nowhere():
    layer = dense(784, 3, activation="sigmoid")
    layer["kernel"][:] = 0
    layer["bias"] = np.array([1e4, 0, -1e4], np.float32)
    halves = run(a_digit(), {"type": "flatten", "name": "flat"}, layer)["dense"]
    np.testing.assert_array_equal(halves, [[1, 0.5, 0]])


def test_softmax_of_huge_logits_overflows_nowhere():
    layer = dense(784, 3, activation="softmax")
    layer["bias"] = np.array([1e4, 0, -1e4], np.float32)
    probabilities = run(a_digit(), {"type": "flatten", "name": "flat"}, layer)["dense"]
    np.testing.assert_allclose(probabilities, [[1, 0, 0]], atol=1e-6)


# A whole network


def small_network():
    return [
        convolution((3, 3, 1, 4), strides=(2, 2), activation="relu", name="conv"),
        pool("max_pool", (2, 2), (2, 2), "valid"),
        {"type": "flatten", "name": "features"},
        dense(7 * 7 * 4, 10, name="logits"),
        {"type": "activation", "name": "probabilities", "activation": "softmax"},
    ]


def test_multiply_adds_by_hand():
    convolution_ = 14 * 14 * (3 * 3 * 1) * 4
    decision = 7 * 7 * 4 * 10
    assert weights.count_multiply_adds(small_network()) == convolution_ + decision


def test_layers_without_weights_multiply_nothing():
    assert (
        weights.count_multiply_adds([image_layer(), pool("max_pool", (2, 2), (2, 2), "same")]) == 0
    )


def test_any_number_of_digits_gives_each_its_own_answer():
    network = PlainNetwork(tuple(small_network()), 0)
    digits = np.stack([a_digit(seed) for seed in range(5)])
    together = network.forward(digits)
    assert list(together) == ["conv", "pool", "features", "logits", "probabilities"]
    for i in range(5):
        alone = network.forward(digits[i : i + 1])
        for name, values in together.items():
            assert values.dtype == np.float32
            np.testing.assert_allclose(values[i], alone[name][0], atol=1e-5)
    assert network.forward(digits[:0])["probabilities"].shape == (0, 10)


# Files


def test_a_saved_network_comes_back(tmp_path):
    layers = small_network()
    weights.save(tmp_path, layers)
    loaded = PlainNetwork.load(tmp_path)
    assert loaded.multiply_adds == weights.count_multiply_adds(layers)
    for got, wanted in zip(loaded.layers, layers, strict=True):
        assert got.keys() == wanted.keys()
        for key, value in wanted.items():
            np.testing.assert_array_equal(got[key], value)
    digits = make_digits(3, seed=1).images
    np.testing.assert_array_equal(
        loaded.forward(digits)["probabilities"],
        PlainNetwork(tuple(layers), 0).forward(digits)["probabilities"],
    )


def test_the_files_are_what_the_module_says(tmp_path):
    layers = small_network()
    weights.save(tmp_path, layers)
    described = json.loads((tmp_path / "weights.json").read_text())
    assert described["format"] == 1
    assert described["input"] == [28, 28, 1]
    arrays = [layers[0]["kernel"], layers[0]["bias"], layers[3]["kernel"], layers[3]["bias"]]
    content = b"".join(array.astype("<f4").tobytes() for array in arrays)
    assert (tmp_path / "weights.bin").read_bytes() == content
    assert described["layers"][3]["kernel"] == {"offset": 36 + 4, "shape": [196, 10]}


@pytest.mark.parametrize("name", ["weights.bin", "weights.json"])
@pytest.mark.parametrize("share", [None, 0, 0.5, 0.9])
def test_missing_and_truncated_files_are_refused(tmp_path, name, share):
    weights.save(tmp_path, small_network())
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).unlink()
    if share is not None:
        (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelError, match="can't be read"):
        PlainNetwork.load(tmp_path)


def test_weights_left_over_are_refused(tmp_path):
    weights.save(tmp_path, small_network())
    with (tmp_path / "weights.bin").open("ab") as file:
        file.write(bytes(4))
    with pytest.raises(ModelError, match=r"weights\.bin holds 2011 values, not 2010"):
        PlainNetwork.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"format": 2, "layers": [], "multiply_adds": 0}',
        b'{"format": 1, "multiply_adds": 0}',
        b'{"format": 1, "layers": [], "multiply_adds": 0}',
        b'{"format": 1, "layers": ["dense"], "multiply_adds": 0}',
        b'{"format": 1, "layers": 7, "multiply_adds": 0}',
        b'{"format": 1, "layers": [{"name": "conv"}], "multiply_adds": 0}',
        b'{"format": 1, "layers": [{"type": "lstm", "name": "x"}], "multiply_adds": 0}',
        b'{"format": 1, "layers": [{"type": "dense", "kernel": {"shape": [2]}}]}',
    ],
)
def test_what_describes_no_network_is_refused(tmp_path, text):
    weights.save(tmp_path, small_network())
    (tmp_path / "weights.json").write_bytes(text)
    with pytest.raises(ModelError, match=r"can't be read: .+\.$"):
        PlainNetwork.load(tmp_path)


def test_the_shipped_weights_agree_with_the_network_that_serves():
    digits = make_digits(50, seed=11).images
    plain = PlainNetwork.load(paths.shipped_model())
    served = Classifier.load()
    outputs = plain.forward(digits)
    np.testing.assert_allclose(outputs["probabilities"], served.predict(digits), atol=1e-4)
    assert outputs.keys() == served.outputs(digits).keys()
    assert plain.multiply_adds == weights.count_multiply_adds(list(plain.layers))
