"""What is made small: cross-entropy, with "no digit" as an eleventh class where it is learned."""

from __future__ import annotations

import tensorflow as tf

from mnist_core.nondigits import NO_DIGIT


def with_none(logits: tf.Tensor, classes: int) -> tf.Tensor:
    """(B, 10) logits, or with 11 classes those of all: the last, "no digit", always has 0.

    So the network needs no other output: how large its ten logits are together (their logsumexp,
    the free energy of W. Liu et al., "Energy-based Out-of-distribution Detection", 2020) says
    whether it is a digit, and their softmax says which.
    """
    return tf.pad(logits, [[0, 0], [0, classes - 10]])


def cross_entropy(
    labels: tf.Tensor, logits: tf.Tensor, classes: int, smoothing: float
) -> tf.Tensor:
    """(B,) labels, 10 being "no digit" where there are 11 classes, and (B, 10) logits -> (B,)."""
    aim = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    return tf.nn.softmax_cross_entropy_with_logits(aim, with_none(logits, classes))


def decidedness(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """How far the ten digits are from equally likely, for what is none; for digits 0.

    The ten are what a person sees (outlier exposure, D. Hendrycks et al. 2019).
    """
    undecided = tf.nn.softmax_cross_entropy_with_logits(tf.ones_like(logits) / 10, logits)
    return tf.where(labels == NO_DIGIT, undecided, 0.0)
