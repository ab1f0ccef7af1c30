"""What can be measured of digits without a network: of each its ink, width and slant; of each class
how many there are, their mean and their spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import InputError

_CHUNK = 500  # images at a time: stays in the processor's cache, and bounds memory


@dataclass(frozen=True)
class Measures:
    """Measured of N digits.

    Attributes:
        ink: (N,) float32, mean grey level, 0-255.
        thickness: (N,) float32, mean width of the stroke in pixels; 0 where there is no ink.
        slant: (N,) float32, degrees from upright, -90 to 90; positive leans to the right.
        counts: (10,) int64, digits of each class.
        mean: (10, 28, 28) float32, mean digit of each class, 0-255; 0 for a class without digits.
        spread: (10, 28, 28) float32, standard deviation of each pixel within its class, in grey
            levels.
    """

    ink: NDArray[np.float32]
    thickness: NDArray[np.float32]
    slant: NDArray[np.float32]
    counts: NDArray[np.int64]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]


def measure(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Measures:
    """Measure digits.

    A stroke of width w and length l has the area w·l and an edge of about 2·l, so its width is
    twice the area over the edge. The length of a grey picture's edge is its total variation (coarea
    formula; H. Federer, "Geometric Measure Theory", 1969). The slant is that of the second moments,
    as in deskewing (Y. LeCun et al., "Gradient-based learning applied to document recognition",
    1998).

    Args:
        images: (N, 28, 28) uint8, bright ink on 0.
        labels: (N,) uint8, 0-9.

    Raises:
        InputError: the shapes don't go together.
    """
    count = len(labels)
    if images.shape != (count, 28, 28) or labels.shape != (count,):
        raise InputError(f"Images of shape {images.shape} don't go with {labels.shape} labels.")
    y, x = np.mgrid[:28, :28].astype(np.float32) - 13.5
    monomials = np.stack([np.ones_like(x), x, y, x * y, y * y], axis=-1).reshape(784, 5)
    moments = np.empty((count, 5), np.float32)
    edge = np.empty(count, np.float32)
    sums, squares = np.zeros((10, 784)), np.zeros((10, 784))
    for start in range(0, count, _CHUNK):
        rows = slice(start, start + _CHUNK)
        grey = images[rows].astype(np.float32)
        flat = grey.reshape(len(grey), 784)
        moments[rows] = flat @ monomials
        edge[rows] = _total_variation(grey)
        of_class = (labels[rows] == np.arange(10)[:, None]).astype(np.float32)
        sums += of_class @ flat
        squares += of_class @ (flat * flat)
    counts = np.bincount(labels, minlength=10)
    per_class = np.maximum(counts, 1)[:, None]
    mean = sums / per_class
    variance = np.maximum(squares / per_class - mean**2, 0)
    return Measures(
        ink=(moments[:, 0] / 784).astype(np.float32),
        thickness=(2 * moments[:, 0] / np.maximum(edge, 1)).astype(np.float32),
        slant=_slant(moments),
        counts=counts,
        mean=mean.reshape(10, 28, 28).astype(np.float32),
        spread=np.sqrt(variance).reshape(10, 28, 28).astype(np.float32),
    )


def _total_variation(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 28, 28) -> (N,), in grey levels times pixels."""
    corner = grey[:, :-1, :-1]
    across = grey[:, :-1, 1:] - corner
    down = grey[:, 1:, :-1] - corner
    return np.sqrt(across * across + down * down).sum(axis=(1, 2))


def _slant(moments: NDArray[np.float32]) -> NDArray[np.float32]:
    """Degrees; of a picture without height there is none."""
    mass, x, y, xy, yy = moments.astype(np.float64).T
    mass = np.maximum(mass, 1)
    together = xy / mass - x * y / mass**2
    height = yy / mass - (y / mass) ** 2
    # Down is positive in pictures, so what leans to the right has a negative covariance.
    leaning = np.divide(-together, height, out=np.zeros_like(height), where=height > 1e-3)
    return np.degrees(np.arctan(leaning)).astype(np.float32)
