"""Digits to be browsed: what they are, and in which order they can be looked at.

What takes a moment to work out (measures, principal components) is worked out once, when it is
first asked for, and shared by all who browse.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mnist_core import datasets, generated
from mnist_core.datasets import Digits
from mnist_core.errors import InputError
from mnist_core.measures import Measures, measure
from mnist_core.neighbours import Neighbours
from mnist_core.principal import Components, principal_components

Part = Literal["train", "test", "generated"]
Order = Literal["dataset", "random", "typical", "unusual", "thick", "slanted", "hard"]
PARTS = get_args(Part)
ORDERS = get_args(Order)

_GENERATED = 400  # about a second of making
_COMPONENTS = 64  # keep 86 % of MNIST's variance; enough for the nearest digits within a few ms
_SHAPE = 40  # components that say how unusual a digit is; the others are mostly noise


class Collection:
    """Digits with their labels, and what is known of them.

    Attributes:
        part: "train" or "test" of MNIST, or "generated".
        images: (N, 28, 28) uint8, bright ink on 0.
        labels: (N,) uint8, 0-9.
    """

    def __init__(self, part: Part, digits: Digits) -> None:
        self.part = part
        self.images, self.labels = digits
        self._working = threading.RLock()  # the first to ask works it out, the others wait

    @property
    def measures(self) -> Measures:
        """Ink, thickness and slant of each digit; counts, mean and spread of each class."""
        with self._working:
            return self._measures

    @property
    def components(self) -> Components:
        """The principal components of the images."""
        with self._working:
            return self._components

    @property
    def places(self) -> NDArray[np.float32]:
        """(N, 64) float32, where the images are along the components; fewer than 64 if N is."""
        with self._working:
            return self._places

    @property
    def neighbours(self) -> Neighbours:
        """Finds the nearest of these digits."""
        with self._working:
            return self._neighbours

    @property
    def unusual(self) -> NDArray[np.float32]:
        """(N,) float32: the share, 0-1, of its class that is more usual than a digit.

        By the Mahalanobis distance from the mean of the class (P. Mahalanobis, "On the generalised
        distance in statistics", 1936) along the 40 strongest components. A share, because the
        classes differ: by distance alone the most unusual digits were nearly all 1s.
        """
        with self._working:
            return self._unusual

    def order(
        self,
        classes: Sequence[int],
        order: Order,
        *,
        seed: int = 0,
        probabilities: NDArray[np.float32] | None = None,
    ) -> NDArray[np.int64]:
        """The rows of some classes' digits in an order.

        Args:
            classes: labels, 0-9; none means all.
            order: "dataset"; "random", by the seed; "typical" or "unusual" of their class first;
                "thick", the thickest first; "slanted", those first that lean most to either side,
                compared with the median of their class (a 5 leans by its shape); "hard", those
                first whose label a network finds least probable.
            seed: 0 and up; the same seed gives the same order everywhere.
            probabilities: (N, 10), what the network says; needed for "hard" only.

        Raises:
            InputError: no such order, or "hard" without probabilities.
        """
        wanted = np.isin(self.labels, list(classes)) if classes else np.ones(len(self.labels), bool)
        rows = np.flatnonzero(wanted)
        key: NDArray[Any]
        match order:
            case "dataset":
                return rows
            case "random":
                # The raw stream of a bit generator never changes; `permutation` is free to.
                key = np.random.PCG64(seed).random_raw(len(self.labels))
            case "typical":
                key = self.unusual
            case "unusual":
                key = -self.unusual
            case "thick":
                key = -self.measures.thickness
            case "slanted":
                key = -self._leaning
            case "hard":
                if probabilities is None:
                    raise InputError("Which digits are hard only a network can say.")
                key = probabilities[np.arange(len(self.labels)), self.labels]
            case _:
                raise InputError(f"There is no order {order!r}: choose one of {', '.join(ORDERS)}.")
        return rows[np.argsort(key[rows], kind="stable")]

    @cached_property
    def _measures(self) -> Measures:
        return measure(self.images, self.labels)

    @cached_property
    def _components(self) -> Components:
        return principal_components(self.images, min(_COMPONENTS, len(self.images)))

    @cached_property
    def _places(self) -> NDArray[np.float32]:
        return self._components.places(self.images)

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self.images, self._components, self._places)

    @cached_property
    def _unusual(self) -> NDArray[np.float32]:
        places = self._places[:, :_SHAPE].astype(np.float64)
        out = np.zeros(len(places), np.float32)
        for label in range(10):
            rows = np.flatnonzero(self.labels == label)
            if not len(rows):
                continue
            centred = places[rows] - places[rows].mean(axis=0)
            covariance = centred.T @ centred / len(rows)
            # A little of the mean variance, so that few digits can be measured as well.
            covariance += np.eye(len(covariance)) * (1e-3 * np.trace(covariance) + 1e-6)
            squared = np.einsum("ij,ij->i", centred @ np.linalg.inv(covariance), centred)
            out[rows[np.argsort(squared, kind="stable")]] = np.arange(len(rows)) / len(rows)
        return out

    @property
    def _leaning(self) -> NDArray[np.float32]:
        """(N,) degrees, between the slant of a digit and the median of its class."""
        slant = self.measures.slant
        medians = [np.median(slant[self.labels == c]) if c in self.labels else 0 for c in range(10)]
        return np.abs(slant - np.array(medians, np.float32)[self.labels])


_kept: dict[Part, Collection] = {}
_opening = threading.Lock()


def collection(part: Part) -> Collection:
    """The digits of a part, shared by all who ask; read anew when its file was replaced.

    Raises:
        DataMissing: MNIST is not on this machine.
        DataDamaged: it is not exactly MNIST.
        InputError: no such part.
    """
    with _opening:
        if part == "generated":
            if part not in _kept:
                made = generated.make_digits(_GENERATED, seed=2**32 + 3)
                _kept[part] = Collection(part, Digits(made.images, made.labels))
            return _kept[part]
        digits = datasets.load_mnist(part)
        if part not in _kept or _kept[part].images is not digits.images:
            _kept[part] = Collection(part, digits)
        return _kept[part]
