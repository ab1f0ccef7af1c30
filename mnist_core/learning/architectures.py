"""The networks, as Keras models from (28, 28, 1) float32 in 0-1 to ten probabilities.

Every model has a layer named `features` (what the last layer decides on), one named `logits` and
one named `probabilities`, so that export and explanation need not know the architecture.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from mnist_core.learning.normalisation import FusedBatchNormalization
from mnist_core.settings import Settings, convolutions

Precision = Literal["float32", "mixed_bfloat16"]


def build(
    settings: Settings, *, fused: bool = False, precision: Precision = "float32"
) -> keras.Model:
    """The network that the settings describe.

    Args:
        settings: `family`, `hidden`, `activation`, `filters`, `head` and `dropout` are used.
        fused: with batch normalisation that trains faster, but needs this project to be loaded;
            the weights are the same and go from one to the other.
        precision: what the convolutions calculate in; weights, logits and probabilities are
            float32 in any case.

    Returns:
        An uncompiled model, (N, 28, 28, 1) float32 0-1 -> (N, 10) probabilities.
    """
    image = keras.Input((28, 28, 1), name="image")
    if settings.family == "dense":
        x = _dense(image, settings)
    else:
        normalisation = FusedBatchNormalization if fused else layers.BatchNormalization
        x = _convolutional(image, settings, normalisation, precision)
    x = layers.Dense(10, name="logits")(x)
    x = layers.Activation("softmax", name="probabilities")(x)
    return keras.Model(image, x, name=settings.family)


def _dense(x: keras.KerasTensor, settings: Settings) -> keras.KerasTensor:
    """The pixels in a row, then layers in which each neuron is joined to all before."""
    names = [f"hidden{i + 1}" for i in range(len(settings.hidden))]
    if names:
        names[-1] = "features"
    x = layers.Flatten(name="pixels" if names else "features")(x)
    for width, name in zip(settings.hidden, names, strict=True):
        x = layers.Dense(width, activation=settings.activation, name=name)(x)
        if settings.dropout:
            x = layers.Dropout(settings.dropout, name=f"{name}_dropout")(x)
    return x


def _convolutional(
    x: keras.KerasTensor,
    settings: Settings,
    normalisation: type[layers.Layer],
    precision: Precision,
) -> keras.KerasTensor:
    """Convolutions, each with batch normalisation and ReLU; then what the last layer decides on.

    The digit is seen at half size from the first layer on, which is what makes these networks
    fast. Nothing but weighted sums comes after the last convolution, so each class' evidence can
    be traced back to places in the picture exactly (class activation map, Zhou et al. 2016).
    """
    shapes = convolutions(len(settings.filters))
    for i, (filters, (size, stride)) in enumerate(zip(settings.filters, shapes, strict=True), 1):
        x = layers.Conv2D(
            filters,
            size,
            strides=stride,
            padding="same",
            use_bias=False,
            name=f"conv{i}_linear",
            dtype=precision,
        )(x)
        # The normalisation is folded away on export.
        # Short runs need moving averages that are soon up to date.
        x = normalisation(momentum=0.9, name=f"conv{i}_norm", dtype=precision)(x)
        x = layers.Activation("relu", name=f"conv{i}", dtype=precision)(x)
    if settings.head == "average":
        x = layers.GlobalAveragePooling2D(name="features")(x)
    else:
        x = layers.Flatten(name="features")(x)
    if settings.dropout:
        x = layers.Dropout(settings.dropout, name="dropout")(x)
    return x
