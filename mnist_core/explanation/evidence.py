"""Which places of a digit speak for reading it as one digit, and not as another.

Two methods, since neither shows everything. An exact decomposition adds up to what the network
says, but is as coarse as its last pictures, and says nothing of what would be without a place.
Occlusion says what would be, place by place, but its answers don't add up to anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import InputError
from mnist_core.explanation.layers import LayerSeen
from mnist_core.inference import Classifier

_PATCH, _STEP = 4, 2  # pixels


@dataclass(frozen=True, eq=False)
class Evidence:
    """How much each place speaks for a digit, exactly.

    Attributes:
        places: (h, w) float64: the share of each place, positive for the digit, negative for the
            other; h and w are those of the last pictures, or 28 where it is the pixels themselves.
        bias: what the network holds for or against it whatever is drawn.
        total: the difference of the two logits; the sum of all places and the bias.
    """

    places: NDArray[np.float64]
    bias: float
    total: float


def evidence(
    layers: tuple[LayerSeen, ...], digit: int, against: int | None = None
) -> Evidence | None:
    """Decompose the difference of two logits into what each place contributes.

    Args:
        layers: from `through_the_layers`.
        digit: 0-9, which is spoken for.
        against: 0-9, another one, which is spoken against; None: the mean of all the others.

    Returns:
        None if the network doesn't allow it: its logits must be weighted sums of its last
        pictures, or of their means.

    Raises:
        InputError: there are no such digits, or both are the same.

    Method: class activation map (B. Zhou et al., "Learning deep features for discriminative
    localization", CVPR 2016); without the mean over places the same holds for each place's own
    weights.
    """
    contrast = _contrast(digit, against)
    at = [layer.name for layer in layers].index("logits")
    logits, features = layers[at], layers[at - 1] if at else None
    weights = logits.spec["kernel"].astype(np.float64) @ contrast
    if features is not None and features.kind == "global_average":
        pictures = features.inputs.astype(np.float64)
        places = pictures @ weights / (pictures.shape[0] * pictures.shape[1])
    elif logits.inputs.ndim == 3:
        places = (logits.inputs * weights.reshape(logits.inputs.shape)).sum(axis=2)
    else:
        return None
    bias = float(logits.spec["bias"].astype(np.float64) @ contrast)
    return Evidence(places, bias, float(logits.values.astype(np.float64) @ contrast))


def occlusion(
    classifier: Classifier,
    image: NDArray[np.uint8],
    digit: int,
    against: int | None = None,
) -> NDArray[np.float64]:
    """How much each pixel is missed when a patch around it is covered.

    Args:
        classifier: the network that reads.
        image: (28, 28) uint8.
        digit: 0-9, which is spoken for.
        against: as for `evidence`.

    Returns:
        (28, 28) float64: by how much the difference of the two logits falls when a patch of 4x4
        pixels that holds the pixel is made black, the mean of all such patches in steps of 2
        (those without ink change nothing).
        Positive: the ink there speaks for the digit. 0 where a patch holds no ink.

    Raises:
        InputError: as for `evidence` and `Classifier.predict`.

    Method: occlusion (M. Zeiler, R. Fergus, "Visualizing and understanding convolutional
    networks", ECCV 2014).
    """
    contrast = _contrast(digit, against)
    side = image.shape[-1]
    starts = range(_STEP - _PATCH, side, _STEP)
    patches = [
        (slice(max(top, 0), top + _PATCH), slice(max(left, 0), left + _PATCH))
        for top in starts
        for left in starts
    ]
    times = np.zeros(image.shape)
    for patch in patches:
        times[patch] += 1
    patches = [patch for patch in patches if image[patch].any()]
    covered = np.repeat(image[None], len(patches) + 1, axis=0)
    for picture, patch in zip(covered, patches, strict=False):
        picture[patch] = 0
    scores = classifier.outputs(covered)["logits"].astype(np.float64) @ contrast
    fall = np.zeros(image.shape)
    for patch, score in zip(patches, scores, strict=False):
        fall[patch] += scores[-1] - score
    return fall / times


def _contrast(digit: int, against: int | None) -> NDArray[np.float64]:
    """(10,): what to multiply the logits by to get the difference that is asked for."""
    if digit not in range(10) or against not in (None, *range(10)) or digit == against:
        raise InputError(f"Choose two different digits 0-9, not {digit} and {against}.")
    contrast = np.full(10, -1 / 9) if against is None else np.zeros(10)
    if against is not None:
        contrast[against] = -1
    contrast[digit] = 1
    return contrast
