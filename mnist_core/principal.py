"""Principal components: the few directions in which digits, or their features, differ most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK = 2000  # images at a time: bounds memory


@dataclass(frozen=True)
class Components:
    """The principal components of a set of images, strongest first.

    Attributes:
        mean: (D,) float32, the mean; of images D is 784.
        axes: (D, K) float32, orthonormal columns; the largest weight of each is positive.
        share: (K,) float32, the share of the whole variance that each explains.
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    share: NDArray[np.float32]

    def places(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """(N, 28, 28) uint8, or (N, D) -> (N, K) float32: where they are along the components."""
        flat = images.reshape(len(images), math.prod(images.shape[1:]))
        out = np.empty((len(flat), self.axes.shape[1]), np.float32)
        for start in range(0, len(flat), _CHUNK):
            rows = slice(start, start + _CHUNK)
            out[rows] = (flat[rows].astype(np.float32) - self.mean) @ self.axes
        return out


def principal_components(images: NDArray[Any], count: int) -> Components:
    """Find the `count` strongest components, 1-D, of at least one image or row of numbers.

    Args:
        images: (N, 28, 28) uint8, or (N, D) float32.
        count: how many.

    Method: eigenvectors of the covariance matrix (H. Hotelling, "Analysis of a complex of
    statistical variables into principal components", 1933), which for MNIST is far smaller than
    the images; of fewer rows than columns those of the matrix of the rows' products (M. Turk,
    A. Pentland, "Eigenfaces for recognition", 1991).
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0, dtype=np.float64).astype(np.float32)
    if count < len(flat) < flat.shape[1]:
        return _of_few(flat.astype(np.float32) - mean, mean, count)
    covariance = np.zeros((flat.shape[1], flat.shape[1]), np.float32)
    for start in range(0, len(flat), _CHUNK):
        centred = flat[start : start + _CHUNK].astype(np.float32) - mean
        covariance += centred.T @ centred
    values, vectors = np.linalg.eigh(covariance / np.float32(len(flat)))
    return _components(mean, values, vectors[:, ::-1][:, :count])


def _of_few(centred: NDArray[np.float32], mean: NDArray[np.float32], count: int) -> Components:
    values, vectors = np.linalg.eigh(centred @ centred.T / np.float32(len(centred)))
    # Where the rows lie in fewer directions than are asked for, the others are any.
    axes, _ = np.linalg.qr(centred.T @ vectors[:, ::-1][:, :count])
    return _components(mean, values, axes)


def _components(
    mean: NDArray[np.float32], values: NDArray[np.float32], axes: NDArray[np.float32]
) -> Components:
    """From all eigenvalues, ascending, and the wanted eigenvectors, strongest first."""
    # Which way an eigenvector points is left to the library.
    strongest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    whole = max(float(values.sum()), 1e-9)
    return Components(
        mean,
        np.ascontiguousarray(axes * np.sign(strongest)),
        np.maximum(values[::-1][: axes.shape[1]] / np.float32(whole), 0),
    )
