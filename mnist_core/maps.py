"""Digits as points in the plane, like beside like."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core import background, datasets, paths
from mnist_core.background import Status, Tell
from mnist_core.errors import InputError
from mnist_core.files import writing
from mnist_core.mnist_files import MNIST, Split
from mnist_core.principal import principal_components

# In the name of a map's file: another recipe needs another word here, or old maps stay in use.
_RECIPE = "tsne-1"
_SEED = 0

_SAMPLE = 10_000  # digits on a map: more are no clearer, and take longer to arrange and to show
_DIMENSIONS = 50
_PERPLEXITY = 30.0
_EXAGGERATED, _PLAIN = 250, 500  # steps of the two phases, as openTSNE has them
_EVERY = 10  # steps from one word about the progress to the next
_FEWEST = 10  # digits that t-SNE can tell neighbours among


@dataclass(frozen=True)
class DigitMap:
    """Where digits are on a square map.

    Attributes:
        rows: (M,) int32, which of a split's digits these are, ascending.
        places: (M, 2) float32, 0-1, across and down. One of the two goes from 0 to 1; the other,
            drawn to the same scale, is centred.
    """

    rows: NDArray[np.int32]
    places: NDArray[np.float32]


def sampled_rows(labels: NDArray[np.uint8], size: int = _SAMPLE) -> NDArray[np.int32]:
    """Which digits a map shows: all of them, or `size`, with each label's share of the whole.

    Args:
        labels: (N,) uint8, 0-9.
        size: how many digits at most, 1 or more.

    Returns:
        (M,) int32, ascending; the same on every computer.

    Method: as for `datasets.split_validation`.
    """
    count = len(labels)
    if count <= size:
        return np.arange(count, dtype=np.int32)
    # The raw stream of a bit generator never changes; `Generator.permutation` is free to.
    by_label = np.lexsort((np.random.PCG64(_SEED).random_raw(count), labels))
    chosen = by_label[(np.arange(size) * count + count // 2) // size]
    return np.sort(chosen).astype(np.int32)


def pca_map(images: NDArray[np.uint8], rows: NDArray[np.int32]) -> DigitMap:
    """Map digits by the two directions in which they differ most; well under a second.

    Args:
        images: (N, 28, 28) uint8, a split's.
        rows: (M,) int32, ascending, which of them to map; at least one.
    """
    shown = images[rows]
    return DigitMap(rows, _square(principal_components(shown, 2).places(shown)))


def neighbour_map(
    images: NDArray[np.uint8], rows: NDArray[np.int32], *, seed: int = _SEED, tell: Tell
) -> DigitMap:
    """Map digits so that those which look alike are neighbours; a minute for 10,000.

    The same seed gives the same map on the same computer with as many threads; elsewhere rounding
    may lead to another. To be run in a process of its own, since scikit-learn stays in memory.

    Args:
        images: (N, 28, 28) uint8, a split's.
        rows: (M,) int32, ascending, which of them to map; at least 10.
        seed: 0 and up.
        tell: is told the share that is done, 0-1, and words.

    Raises:
        InputError: there are too few digits.

    Method: t-SNE (L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008) on
    the 50 strongest principal components, begun with the first two (D. Kobak, P. Berens, "The art
    of using t-SNE for single-cell transcriptomics", Nature Communications 10, 2019), by openTSNE
    (P. Policar, M. Strazar, B. Zupan, Journal of Statistical Software 109, 2024).
    """
    if len(rows) < _FEWEST:
        raise InputError(f"A map needs at least {_FEWEST} digits; these are {len(rows)}.")
    tell(0.0, f"Comparing {len(rows):,} digits")
    # Imported here: it takes a second and 140 MB that nobody needs who only looks at maps.
    from openTSNE import TSNE, initialization  # type: ignore[import-untyped]

    shown = images[rows]
    components = principal_components(shown, min(_DIMENSIONS, len(shown) - 1))
    values = components.places(shown).astype(np.float64)
    # Digits that are equal must begin apart; a spread this small lets them go anywhere.
    begin = initialization.jitter(initialization.rescale(values[:, :2]), random_state=seed)
    embedding = TSNE(
        # A digit has about three times as many neighbours, and there may be few digits.
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        initialization=begin,
        neighbors="exact",  # seconds for 10,000, and the same every time
        # Threads that wait for each other take many times as long where the computer is busy.
        n_jobs=1,
        random_state=seed,
    ).prepare_initial(values)

    def progress(before: int, begun: float, ended: float, steps: int) -> dict[str, Any]:
        def told(step: int, *_: object) -> None:
            whole = _EXAGGERATED + _PLAIN
            tell(
                begun + (ended - begun) * step / steps,
                f"Arranging {len(rows):,} digits: step {before + step} of {whole}",
            )

        return {"n_iter": steps, "callbacks": told, "callbacks_every_iters": _EVERY}

    # Steps get slower as the map spreads.
    embedding.optimize(
        exaggeration=12, momentum=0.8, inplace=True, **progress(0, 0.05, 0.2, _EXAGGERATED)
    )
    embedding.optimize(momentum=0.8, inplace=True, **progress(_EXAGGERATED, 0.2, 1.0, _PLAIN))
    return DigitMap(rows, _square(np.asarray(embedding)))


def neighbour_agreement(
    places: NDArray[np.float32], labels: NDArray[np.uint8], count: int = 10
) -> float:
    """How well a map keeps labels together: the share, 0-1, of nearest neighbours that agree.

    Args:
        places: (M, 2) float32, on the map.
        labels: (M,) uint8, of the same digits.
        count: how many nearest neighbours of each digit are asked, less than M.
    """
    from scipy.spatial import cKDTree

    _, nearest = cKDTree(places).query(places, count + 1)
    return float((labels[nearest[:, 1:]] == labels[:, None]).mean())


# What is worked out once for all, by `python -m mnist_core data map`.


def task(split: Split) -> str:
    """The name of the work in the background."""
    return f"map-{split}"


def start(split: Split) -> None:
    """Have the map of a split be made."""
    background.start(task(split), ["data", "map", split])


def status(split: Split) -> Status:
    """How the making is going."""
    return background.status(task(split))


def kept_map(split: Split) -> DigitMap | None:
    """The map of "train" or "test" that was made; None if there is none that is whole.

    Raises:
        InputError: another split.
    """
    file = _file(split)
    # Whatever is wrong with the file, the map can be made anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        kept = DigitMap(arrays["rows"], arrays["places"])
        if kept.places.shape == (len(kept.rows), 2) and kept.places.dtype == np.float32:
            return kept
    return None


def make_map(split: Split, tell: Tell) -> DigitMap:
    """Make the map of a split and keep it.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
        OSError: the map can't be written.
    """
    images, labels = datasets.load_mnist(split)
    made = neighbour_map(images, sampled_rows(labels), tell=tell)
    with writing(_file(split)) as stream:
        np.savez_compressed(stream, rows=made.rows, places=made.places)
    return made


def _file(split: Split) -> Path:
    # `load_mnist` gives out exactly these digits or none.
    digits = MNIST.of(split)[0].sha256[:12]
    return paths.cache() / "maps" / f"{_RECIPE}-{split}-{digits}.npz"


def _square(places: NDArray[Any]) -> NDArray[np.float32]:
    """Fit (M, 2) places into the unit square, keeping their aspect; (M, 2) float32, 0-1."""
    lowest, highest = places.min(axis=0), places.max(axis=0)
    side = float((highest - lowest).max()) or 1.0
    fitted = 0.5 + (places - (lowest + highest) / 2) / side
    return np.clip(fitted, 0, 1).astype(np.float32)
