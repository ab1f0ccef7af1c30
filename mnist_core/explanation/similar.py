"""The training digits that are nearest to one in the network's own feature space.

Features are what the last layer decides by: digits that are near there are alike to the network,
whatever their pixels. An index of them is made once for each model, in the background.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core import background, datasets
from mnist_core.background import Status, Tell
from mnist_core.files import writing
from mnist_core.inference import Classifier
from mnist_core.mnist_files import MNIST
from mnist_core.model_cache import file_for, sweep
from mnist_core.neighbours import Nearest
from mnist_core.principal import Components, principal_components
from mnist_core.registry import Model

_KIND = "features"
_STEP = 256  # digits at a time, since wide networks say a lot of each
_KEPT = 6  # files, of at most 32 MB each
_WIDEST = 128  # features compared; of more, so many main directions
_SAMPLE, _SAMPLE_OF_WIDE = 10_000, 2_000  # digits by which those directions are found
_WIDE = 2_000  # features; of more, what is compared would take minutes and gigabytes


@dataclass(frozen=True)
class FeatureIndex:
    """Digits by their features.

    Attributes:
        places: (N, K) float32, where each of N digits is; K is at most 128.
        components: the main directions of the features, along which the places are; None where
            the places are the features themselves.
    """

    places: NDArray[np.float32]
    components: Components | None

    @property
    def share(self) -> float:
        """The share, 0-1, of the features' variance that is compared."""
        return 1.0 if self.components is None else float(self.components.share.sum())

    @functools.cached_property
    def _norms(self) -> NDArray[np.float32]:
        return np.einsum("ij,ij->i", self.places, self.places)

    def nearest(self, features: NDArray[np.float32], count: int = 10) -> Nearest:
        """Find the nearest digits.

        Args:
            features: of one digit, as the network's output "features", of any shape.
            count: how many, 1 or more; there may be fewer.
        """
        flat = features.reshape(1, -1)
        place = (flat if self.components is None else self.components.places(flat))[0]
        squared = self._norms - 2 * (self.places @ place) + place @ place
        count = min(count, len(squared))
        rows = np.argpartition(squared, count - 1)[:count]
        # Exact distances, for what is added up above from large numbers is a little off.
        distances = np.linalg.norm(self.places[rows] - place, axis=1)
        order = np.lexsort((rows, distances))
        return Nearest(rows[order].astype(np.int64), distances[order].astype(np.float32))


def vote(labels: NDArray[np.uint8]) -> tuple[int, int]:
    """What the nearest digits say together.

    Args:
        labels: (K,) uint8, theirs, nearest first.

    Returns:
        The commonest label, of equally common ones that of the nearest digit; and how many have it.

    Method: nearest neighbours (T. Cover, P. Hart, "Nearest neighbor pattern classification", 1967).
    """
    counts = np.bincount(labels, minlength=10)
    first = next(int(label) for label in labels if counts[label] == counts.max())
    return first, int(counts[first])


def index_features(classifier: Classifier, images: NDArray[np.uint8], tell: Tell) -> FeatureIndex:
    """Index (N, 28, 28) uint8 images, one or more; seconds for 60,000, minutes for large networks.

    Args:
        classifier: whose features.
        images: the digits.
        tell: is told the share that is done, 0-1, and words.
    """

    def features(rows: slice) -> NDArray[np.float32]:
        said = classifier.outputs(images[rows])["features"]
        return said.reshape(len(said), -1)

    width = features(slice(0, 1)).shape[1]
    sampled = 0
    components = None
    if width > _WIDEST and len(images) > _WIDEST:
        sampled = min(_SAMPLE if width <= _WIDE else _SAMPLE_OF_WIDE, len(images))
        words = f"Finding the main directions of {width:,} features"
        parts = []
        for begin in range(0, sampled, _STEP):
            tell(begin / (len(images) + sampled), words)
            parts.append(features(slice(begin, min(begin + _STEP, sampled))))
        components = principal_components(np.concatenate(parts), _WIDEST)
    places = np.empty((len(images), _WIDEST if components else width), np.float32)
    for begin in range(0, len(images), _STEP):
        done = (sampled + begin) / (sampled + len(images))
        tell(done, f"The network looks at all digits: {begin:,} of {len(images):,}")
        rows = slice(begin, begin + _STEP)
        said = features(rows)
        places[rows] = said if components is None else components.places(said)
    return FeatureIndex(places, components)


# What is worked out once for all, by `python -m mnist_core data features`.


def task(model: Model) -> str:
    """The name of the work in the background."""
    return f"features-{model.id}"


def start(model: Model) -> None:
    """Have the training digits be indexed for a model, in a process of its own."""
    background.start(task(model), ["data", "features", "--model", model.id])


def status(model: Model) -> Status:
    """How the indexing is going."""
    return background.status(task(model))


def kept(model: Model) -> FeatureIndex | None:
    """The index of MNIST's training digits for a model; None if there is none that is whole."""
    file = _file(model)
    try:
        return _read(file, file.stat().st_mtime_ns, MNIST.of("train")[1].shape[0])
    except OSError:
        return None


def compute(classifier: Classifier, tell: Tell) -> FeatureIndex:
    """Index MNIST's training digits and keep the index.

    Args:
        classifier: of the model.
        tell: as for `index_features`.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
        OSError: the index can't be written.
    """
    made = index_features(classifier, datasets.load_mnist("train").images, tell)
    arrays = {"places": made.places}
    if made.components:
        arrays |= {name: getattr(made.components, name) for name in _COMPONENTS}
    with writing(_file(classifier.model)) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]
    sweep(_KIND, [_digits()], keep=_KEPT)
    return made


_COMPONENTS = ("mean", "axes", "share")


@functools.lru_cache(maxsize=2)  # asked for at every turn of a page
def _read(file: Path, _changed: int, count: int) -> FeatureIndex | None:
    # Whatever is wrong with the file, the index can be made anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        whole = "mean" in arrays
        components = Components(*(arrays[name] for name in _COMPONENTS)) if whole else None
        index = FeatureIndex(arrays["places"], components)
        if len(index.places) == count and index.places.dtype == np.float32:
            index.places.flags.writeable = False
            return index
    return None


def _digits() -> str:
    return f"train-{MNIST.of('train')[0].sha256[:12]}"


def _file(model: Model) -> Path:
    return file_for(_KIND, model, _digits())
