"""MNIST: find, download, verify, split.

MNIST is 70,000 handwritten digits, bright ink on 0, from the United States in the early 1990s.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.errors import DataDamaged, DataMissing, InputError
from mnist_core.mnist_files import (
    BRING_YOUR_OWN,
    FETCH_COMMAND,
    MNIST,
    ArraySpec,
    MnistLocation,
    MnistSpec,
    Place,
    Split,
    describe_places,
    locations,
    project_folder,
)

__all__ = [
    "MIRRORS",
    "MNIST",
    "ArrayReport",
    "ArraySpec",
    "Digits",
    "MnistLocation",
    "MnistSpec",
    "Split",
    "fetch_mnist",
    "find_mnist",
    "load_mnist",
    "split_validation",
    "validation_rows",
    "verify_mnist",
]

# Addresses as `mnist_mirrors.fetch_arrays` takes them: two hosts, since either may be blocked.
MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


class Digits(NamedTuple):
    """Digits with their labels: `images` (N, 28, 28) uint8, ink 255 on 0; `labels` (N,) uint8."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class ArrayReport:
    """What `verify_mnist` found out about one of MNIST's four arrays in one place.

    `problem` is None for an intact array, else a sentence that says what is wrong and what to do.
    """

    place: Place
    file: Path
    title: str
    shape: tuple[int, ...]
    problem: str | None


def find_mnist() -> MnistLocation | None:
    """Where `load_mnist` would read MNIST, or None if it is not on this machine.

    Cheap: it looks at file names only, so the files may still turn out to be damaged.
    """
    return next(iter(locations()), None)


def load_mnist(split: Split, *, download: bool = False, spec: MnistSpec = MNIST) -> Digits:
    """Load "train" (60,000 digits) or "test" (10,000), verified, as `(images, labels)`.

    Returns images (N, 28, 28) uint8, 0 background to 255 ink, and labels (N,) uint8, 0-9; both
    read-only and shared between callers, since a process keeps what it has read and verified.

    The first of these that holds MNIST is read: the folder named by `MNIST_DIR`, the project's
    own (`paths.data() / "mnist"`), Keras' cache (`KERAS_HOME`, else `~/.keras`). With `download`
    an absent MNIST is fetched first, as by `fetch_mnist`; without it the network is not used.

    Raises `DataMissing` if no place holds it, `DataDamaged`, naming the file, if it is not
    exactly MNIST, and `InputError` for another split.
    """
    spec.of(split)
    if download:
        fetch_mnist(spec=spec)
    return _read(_found(spec)[0], split, spec)


def fetch_mnist(
    *,
    progress: Callable[[int, int | None], None] | None = None,
    mirrors: Sequence[str] = MIRRORS,
    timeout: float = 10.0,
    spec: MnistSpec = MNIST,
) -> MnistLocation:
    """Make sure that an intact MNIST is on this machine; returns where it is.

    A copy that `load_mnist` would read and that is intact is left as it is. Otherwise `mirrors`
    are tried in turn, about 11 MB each, the content is verified, and only then does
    `paths.data() / "mnist" / "mnist.npz"` (55 MB, unpacked for speed) appear, all at once.

    `progress(bytes_done, bytes_total)` is called as bytes arrive; the total may be None, and both
    start again with each mirror. To cancel, raise from it anything that is no
    `DigitStudioError`: it reaches the caller and nothing is written. `timeout` is how many
    seconds a server may stay silent before the next is tried.

    Raises `DataMissing` if no mirror serves MNIST or it can't be written, and `DataDamaged` if
    `MNIST_DIR` holds a damaged one, which would go on hiding a download.
    """
    for location in locations(spec)[:1]:
        try:
            _read(location, "train", spec)
            _read(location, "test", spec)
            return location
        except DataDamaged:
            if location.place == "MNIST_DIR":
                raise

    # Imported here: HTTP is slow to import, and most processes never download.
    from mnist_core import mnist_mirrors

    arrays = mnist_mirrors.fetch_arrays(mirrors, spec=spec, timeout=timeout, progress=progress)
    folder = project_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = mnist_mirrors.save(arrays, folder, spec=spec)
    except OSError as error:
        raise DataMissing(
            f"MNIST could not be saved in {folder} ({error.strerror or error}):"
            f" make room there, set DIGIT_STUDIO_HOME to another folder, or {BRING_YOUR_OWN}."
        ) from error
    return MnistLocation("project", (file,))


def verify_mnist(*, spec: MnistSpec = MNIST) -> list[ArrayReport]:
    """Read and verify MNIST afresh in every place that holds it; four reports a place.

    The first four are about the place that `load_mnist` reads. Raises `DataMissing` if there is
    no MNIST at all.
    """
    return [_report(location, array, spec) for location in _found(spec) for array in spec.arrays]


def split_validation(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], *, size: int = 5000, seed: int = 0
) -> tuple[Digits, Digits]:
    """Hold out `size` digits for choosing; returns `(train, validation)`, read-only copies.

    Takes images (N, ...) uint8 and labels (N,) uint8. Stratified: each label keeps its share of
    the whole to within one digit. The same arguments give the same split with every version of
    NumPy, so that models stay comparable; both parts keep the order of the input.

    MNIST doesn't say who wrote what, so both parts share writers, while the test set's writers
    are new: expect validation accuracy to flatter a little. Raises `InputError` unless
    0 < size < N and images and labels go together.
    """
    if labels.ndim != 1 or len(images) != len(labels):
        raise InputError(f"{len(images)} images don't go with labels of shape {labels.shape}.")
    held_out = np.zeros(len(labels), bool)
    held_out[validation_rows(labels, size=size, seed=seed)] = True
    return _select(images, labels, ~held_out), _select(images, labels, held_out)


def validation_rows(
    labels: NDArray[np.uint8], *, size: int = 5000, seed: int = 0
) -> NDArray[np.int64]:
    """Which digits `split_validation` holds out: (size,) places in (N,) labels, ascending.

    Raises `InputError` unless 0 < size < N.

    Method: systematic sampling from the digits in order of label, shuffled within each label
    (W. G. Cochran, "Sampling Techniques", chapter 8).
    """
    count = len(labels)
    if not 0 < size < count:
        raise InputError(f"Can't hold {size} of {count} digits out for validation.")
    # The raw stream of a bit generator never changes; `Generator.permutation` is free to.
    shuffle = np.random.PCG64(seed).random_raw(count)
    by_label = np.lexsort((shuffle, labels))
    return np.sort(by_label[(np.arange(size) * count + count // 2) // size])


def _select(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], mask: NDArray[np.bool_]
) -> Digits:
    part = Digits(images[mask], labels[mask])
    for array in part:
        array.flags.writeable = False
    return part


def _found(spec: MnistSpec) -> list[MnistLocation]:
    if found := locations(spec):
        return found
    raise DataMissing(
        f"MNIST was not found on this machine ({describe_places(spec)}):"
        f" run `{FETCH_COMMAND}` with a network connection, or {BRING_YOUR_OWN}."
    )


_reading = threading.Lock()


def _read(location: MnistLocation, split: Split, spec: MnistSpec) -> Digits:
    # One at a time: a room full of first visitors must not each hold a copy of their own.
    with _reading:
        return _read_once(location, split, spec, tuple(map(_stamp, location.files)))


@functools.lru_cache(maxsize=2)
def _read_once(location: MnistLocation, split: Split, spec: MnistSpec, _stamps: object) -> Digits:
    images, labels = spec.of(split)
    return Digits(location.read(images, spec), location.read(labels, spec))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file does, so that a replaced file is read and verified again."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _report(location: MnistLocation, array: ArraySpec, spec: MnistSpec) -> ArrayReport:
    try:
        location.read(array, spec)
        problem = None
    except DataDamaged as error:
        problem = str(error)
    file = location.file_of(array, spec)
    return ArrayReport(location.place, file, array.title, array.shape, problem)
