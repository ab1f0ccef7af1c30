"""The networks, as Keras models from (28, 28, 1) float32 in 0-1 to ten probabilities.

Every model has a layer named `features` (what the last layer decides on), one named `logits` and
one named `probabilities`, so that export and explanation need not know the architecture.
"""

from __future__ import annotations

import keras
from keras import layers


def compact_cnn() -> keras.Model:
    """A small convolutional network: about 3 million multiply-adds, 47,000 parameters.

    It sees the digit at half size from the first layer on, which is what makes it fast, and ends
    in a global average, so that each class' evidence can be traced back to places in the picture
    exactly (class activation map, Zhou et al. 2016).

    Returns:
        An uncompiled model, (N, 28, 28, 1) float32 0-1 -> (N, 10) probabilities.
    """
    image = keras.Input((28, 28, 1), name="image")
    x = _convolution(image, 16, 5, strides=2, name="conv1")
    x = _convolution(x, 32, 3, name="conv2")
    x = _convolution(x, 48, 3, strides=2, name="conv3")
    x = _convolution(x, 64, 3, name="conv4")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(10, name="logits")(x)
    x = layers.Activation("softmax", name="probabilities")(x)
    return keras.Model(image, x, name="compact_cnn")


def _convolution(
    x: keras.KerasTensor, filters: int, size: int, *, strides: int = 1, name: str
) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU; the normalisation is folded away on export."""
    x = layers.Conv2D(
        filters, size, strides=strides, padding="same", use_bias=False, name=f"{name}_linear"
    )(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation("relu", name=name)(x)
