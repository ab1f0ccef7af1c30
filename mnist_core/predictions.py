"""What a model says of every digit of a split, worked out once for all."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from mnist_core import background, datasets
from mnist_core.background import Status, Tell
from mnist_core.files import writing
from mnist_core.inference import Classifier
from mnist_core.mnist_files import MNIST, Split
from mnist_core.model_cache import file_for, sweep
from mnist_core.registry import Model

_KIND = "predictions"
_STEP = 2048  # digits from one word about the progress to the next
_KEPT = 20  # files, of at most 2 MB each


def task(model: Model, split: Split) -> str:
    """The name of the work in the background."""
    return f"read-{model.id}-{split}"


def start(model: Model, split: Split) -> None:
    """Have the digits of a split be read by a model, in a process of its own."""
    background.start(task(model, split), ["data", "read", split, "--model", model.id])


def status(model: Model, split: Split) -> Status:
    """How the reading is going."""
    return background.status(task(model, split))


def kept(model: Model, split: Split) -> NDArray[np.float32] | None:
    """What a model says of "train" or "test", if it was read.

    Returns:
        (N, 10) float32 probabilities in the order of MNIST, read-only, rows sum to 1; None if
        there are none that are whole.

    Raises:
        InputError: another split.
    """
    file = _file(model, split)
    try:
        return _read(file, file.stat().st_mtime_ns, MNIST.of(split)[1].shape[0])
    except OSError:
        return None


def compute(classifier: Classifier, split: Split, tell: Tell) -> NDArray[np.float32]:
    """Read all digits of a split and keep what the model says; (N, 10) float32, as `kept`.

    Args:
        classifier: of the model.
        split: "train" or "test".
        tell: is told the share that is done, 0-1, and words.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
        OSError: the outcome can't be written.
    """
    images, labels = datasets.load_mnist(split)
    count = len(labels)
    # As exact as they are: rounded ones would tie where the model doesn't.
    probabilities = np.empty((count, 10), np.float32)
    for begin in range(0, count, _STEP):
        tell(begin / count, f"Reading digits: {begin:,} of {count:,}")
        rows = slice(begin, begin + _STEP)
        probabilities[rows] = classifier.predict(images[rows])
    with writing(_file(classifier.model, split)) as stream:
        np.savez_compressed(stream, probabilities=probabilities)
    sweep(_KIND, [_digits(each) for each in get_args(Split)], keep=_KEPT)
    return probabilities


@functools.lru_cache(maxsize=4)  # asked for at every turn of a page
def _read(file: Path, _changed: int, count: int) -> NDArray[np.float32] | None:
    # Whatever is wrong with the file, the digits can be read anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        probabilities: NDArray[np.float32] = arrays["probabilities"]
        if probabilities.shape == (count, 10) and probabilities.dtype == np.float32:
            probabilities.flags.writeable = False
            return probabilities
    return None


def _digits(split: Split) -> str:
    return f"{split}-{MNIST.of(split)[0].sha256[:12]}"


def _file(model: Model, split: Split) -> Path:
    return file_for(_KIND, model, _digits(split))
