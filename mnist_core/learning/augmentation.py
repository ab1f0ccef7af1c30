"""Fresh variants of every training digit in every epoch, inside TensorFlow."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

ROTATION = 15.0  # degrees, either way
SHEAR = 0.25
SCALE = 0.14  # natural logarithm, either way, x and y apart
SHIFT = 1.5  # pixels, either way
THICKEN, THIN = 0.12, 0.18  # share of batches thickened, and thinned


def vary(digits: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Turn, slant, stretch and shift each digit; thicken or thin some batches.

    Args:
        digits: (B, 28, 28, 1) float32 0-1.
        seed: (2,) int64; the same seed gives the same variants.

    Returns:
        The same shape and range.
    """
    count = tf.shape(digits)[0]
    draw = tf.random.stateless_uniform((7, count), seed, -1.0, 1.0)
    angle = draw[0] * np.deg2rad(ROTATION)
    shear = draw[1] * SHEAR
    wide, high = tf.exp(draw[2] * SCALE), tf.exp(draw[3] * SCALE)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # Rows of the matrix that takes a pixel of the result to its source, about the centre.
    a, b = cos * wide, (shear * cos - sin) * high
    c, d = sin * wide, (shear * sin + cos) * high
    middle = 14.0
    x = middle - a * middle - b * middle + draw[4] * SHIFT
    y = middle - c * middle - d * middle + draw[5] * SHIFT
    zero = tf.zeros_like(a)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=digits,
        transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=(28, 28),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    return _restroke(moved, tf.random.stateless_uniform((), seed + 1))


def _restroke(digits: tf.Tensor, chance: tf.Tensor) -> tf.Tensor:
    """Thicken (2x2 maximum) or thin (2x2 minimum) a whole batch, now and then."""

    def thicker() -> tf.Tensor:
        return tf.nn.max_pool2d(digits, 2, 1, "SAME")

    def thinner() -> tf.Tensor:
        return -tf.nn.max_pool2d(-digits, 2, 1, "SAME")

    return tf.case(
        [(chance < THICKEN, thicker), (chance < THICKEN + THIN, thinner)], default=lambda: digits
    )
