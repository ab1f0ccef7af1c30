"""Small networks, and what stands in for one that serves them."""

import numpy as np

from mnist_core.explanation import through_the_layers
from mnist_core.weights import PlainNetwork


class Served:
    """Stands in for a classifier: the arithmetic of plain arrays."""

    def __init__(self, *layers):
        self.network = PlainNetwork(tuple(layers), 0)

    def outputs(self, digits):
        return self.network.forward(digits)


def seen(digit, *layers):
    served = Served(*layers)
    return through_the_layers(served, served.network, digit)


def noise(seed=0):
    """A digit in which every pixel tells."""
    return np.random.default_rng(seed).integers(0, 256, (28, 28), np.uint8)


def convolution(
    shape, *, strides=(1, 1), padding="same", activation="linear", name="conv", lowest=-1.0
):
    """`shape`: (height, width, in, out). `lowest` and 1 are the limits of its weights."""
    random = np.random.default_rng(shape)
    return {
        "type": "conv2d",
        "name": name,
        "kernel": random.uniform(lowest, 1, shape).astype(np.float32),
        "bias": random.normal(0, 0.5, shape[3]).astype(np.float32),
        "strides": list(strides),
        "padding": padding,
        "activation": activation,
    }


def dense(inputs, outputs, *, activation="linear", name="dense"):
    random = np.random.default_rng([inputs, outputs])
    return {
        "type": "dense",
        "name": name,
        "kernel": random.normal(0, 0.3, (inputs, outputs)).astype(np.float32),
        "bias": random.normal(0, 0.5, outputs).astype(np.float32),
        "activation": activation,
    }


def pool(kind, size, strides, padding, *, name="pool"):
    return {
        "type": kind,
        "name": name,
        "size": list(size),
        "strides": list(strides),
        "padding": padding,
    }


def plain(kind, *, name=None, **options):
    """A layer without weights."""
    return {"type": kind, "name": name or kind, **options}


def decision(inputs):
    return (
        dense(inputs, 10, name="logits"),
        plain("activation", name="probabilities", activation="softmax"),
    )


def average_head():
    return (
        convolution((5, 5, 1, 3), strides=(2, 2), activation="relu", name="conv1"),
        convolution((3, 3, 3, 6), strides=(2, 2), activation="relu", name="conv2"),
        plain("global_average", name="features"),
        *decision(6),
    )


def flat_head():
    return (
        convolution((5, 5, 1, 3), strides=(3, 2), activation="relu", name="conv1"),
        plain("flatten", name="features"),
        *decision(10 * 14 * 3),
    )


def softmax_regression():
    return plain("flatten", name="features"), *decision(784)


def multilayer_perceptron():
    return (
        plain("flatten", name="pixels"),
        dense(784, 12, activation="tanh", name="hidden1"),
        dense(12, 8, activation="relu", name="features"),
        *decision(8),
    )
