"""The nearest of many digits, pixel by pixel, exactly and at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.principal import Components

_CHUNK = 500  # digits compared at a time
_SLACK = 100  # float32 bounds, of some 1e7, are off by less


@dataclass(frozen=True)
class Nearest:
    """The digits nearest to one, nearest first.

    Attributes:
        rows: (K,) int64, which they are.
        distances: (K,) float32, Euclidean: of the 784 grey levels, or of what they are compared by.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]


class Neighbours:
    """Finds nearest digits among N.

    No distance is less than the one between projections on the principal components, made longer
    by the difference of what the projections leave out. So only the few digits whose bound is below
    the distance of the K-th found so far are compared in full, and what is found is exact (filter
    and refine: C. Faloutsos et al., "Fast subsequence matching in time-series databases", 1994).
    """

    def __init__(
        self, images: NDArray[np.uint8], components: Components, places: NDArray[np.float32]
    ) -> None:
        """Take (N, 28, 28) uint8 images and where they are along their components, (N, K)."""
        self._images = images.reshape(len(images), -1)
        self._components = components
        self._places = places
        self._norms = np.einsum("ij,ij->i", places, places)
        self._rest = np.empty(len(places), np.float32)
        for start in range(0, len(places), 2000):
            rows = slice(start, start + 2000)
            centred = self._images[rows].astype(np.float32) - components.mean
            whole = np.einsum("ij,ij->i", centred, centred)
            self._rest[rows] = np.sqrt(np.maximum(whole - self._norms[rows], 0))

    def nearest(
        self, digit: NDArray[np.uint8], count: int = 10, *, leave_out: int | None = None
    ) -> Nearest:
        """Find the nearest digits.

        Args:
            digit: (28, 28) uint8.
            count: how many, 1 or more; there may be fewer.
            leave_out: the row of the digit itself, where it is one of them.
        """
        place = self._components.places(digit[None])[0]
        centred = digit.ravel().astype(np.float32) - self._components.mean
        rest = np.sqrt(max(float(centred @ centred) - float(place @ place), 0))
        bound = self._norms - 2 * (self._places @ place) + float(place @ place)
        bound += (self._rest - rest) ** 2
        if leave_out is not None:
            bound[leave_out] = np.inf
        count = min(count, len(bound) - (leave_out is not None))
        first = (
            np.argpartition(bound, count - 1)[:count] if count < len(bound) else np.arange(count)
        )
        farthest = self._distances(first, digit).max(initial=0) + _SLACK
        rows = np.flatnonzero(bound <= farthest)
        rows = rows[np.argsort(bound[rows], kind="stable")]
        squared = np.empty(0, np.int64)
        for start in range(0, len(rows), _CHUNK):
            enough = len(squared) >= count > 0
            if enough and bound[rows[start]] > np.partition(squared, count - 1)[count - 1] + _SLACK:
                break  # nor is any of those that follow nearer
            chunk = self._distances(rows[start : start + _CHUNK], digit)
            squared = np.concatenate([squared, chunk])
        rows = rows[: len(squared)]
        order = np.lexsort((rows, squared))[:count]
        return Nearest(rows[order], np.sqrt(squared[order]).astype(np.float32))

    def _distances(self, rows: NDArray[np.intp], digit: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Squared distances, exact."""
        difference = self._images[rows].astype(np.int32) - digit.ravel()
        return np.einsum("ij,ij->i", difference, difference).astype(np.int64)
