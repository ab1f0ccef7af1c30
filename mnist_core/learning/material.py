"""What a training learns from, is chosen by, and is measured on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core import datasets, generated, paths
from mnist_core.datasets import Digits
from mnist_core.files import writing
from mnist_core.mnist_files import MNIST
from mnist_core.settings import GENERATED_IMAGES, MNIST_IMAGES, Settings
from mnist_core.words import downloaded

# Told now and then what is being done and how much of it is, 0-1; may raise to end it.
Report = Callable[[str, float], None]

_CHUNK = 100  # digits made between two reports: a third of a second
_HELD_OUT = 1000  # generated digits for validation, and as many for the test
_VALIDATION_SEED, _TEST_SEED = 2**32, 2**32 + 1  # beyond any seed that settings allow


@dataclass(frozen=True)
class Material:
    """The data of one training.

    Attributes:
        images: (N, 28, 28) uint8.
        targets: (N, 10) float32: one-hot for digits, 0.1 everywhere for what is none.
        validation: digits for choosing; never learned from.
        described: what goes into the card under `data`.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    validation: Digits
    described: dict[str, Any]


def gather(settings: Settings, *, report: Report) -> Material:
    """Load, download or make what these settings learn from.

    Raises:
        DataError: MNIST is not to be had, or damaged.
    """
    if settings.data == "generated":
        return _generated(settings, report)
    report("Loading MNIST", 0.0)
    datasets.fetch_mnist(
        progress=lambda done, total: report(downloaded(done, total), done / (total or 12e6))
    )
    train, validation = datasets.split_validation(*datasets.load_mnist("train"))
    described: dict[str, Any] = {
        "MNIST train images": MNIST.train_images.sha256,
        "MNIST train labels": MNIST.train_labels.sha256,
        "MNIST test images (measured once)": MNIST.test_images.sha256,
        "MNIST test labels (measured once)": MNIST.test_labels.sha256,
        "learned from MNIST": min(settings.images, MNIST_IMAGES),
        "held out for validation": len(validation.labels),
    }
    if settings.images < MNIST_IMAGES:
        _, train = datasets.split_validation(*train, size=settings.images, seed=settings.seed)
    images, targets = [train.images], [one_hot(train.labels)]
    if settings.generated_digits:
        made = _kept("digits", settings.generated_digits, settings.seed, report)
        images.append(made.images)
        targets.append(one_hot(made.labels))
        described["generated digits"] = f"{settings.generated_digits} from seed {settings.seed}"
    if settings.scribbles:
        images.append(_kept("scribbles", settings.scribbles, settings.seed, report).images)
        targets.append(np.full((settings.scribbles, 10), 0.1, np.float32))
        described["generated scribbles"] = f"{settings.scribbles} from seed {settings.seed}"
    return Material(np.concatenate(images), np.concatenate(targets), validation, described)


def load_test(settings: Settings, *, report: Report) -> Digits:
    """The digits that a training is measured on, once, at its end."""
    if settings.data == "generated":
        return _kept("digits", _HELD_OUT, _TEST_SEED, report)
    return datasets.load_mnist("test")


def one_hot(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N,) labels 0-9 as (N, 10) rows with a single 1."""
    return np.eye(10, dtype=np.float32)[labels]


def _generated(settings: Settings, report: Report) -> Material:
    count = min(settings.images, GENERATED_IMAGES)
    train = _kept("digits", count, settings.seed, report)
    return Material(
        train.images,
        one_hot(train.labels),
        _kept("digits", _HELD_OUT, _VALIDATION_SEED, report),
        {
            "generated digits, no MNIST": f"{count} from seed {settings.seed}",
            "held out for validation": _HELD_OUT,
        },
    )


def _kept(kind: str, count: int, seed: int, report: Report) -> Digits:
    """Generated "digits" or "scribbles"; kept on disk, since making them takes 3 ms each."""
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(-(-count // _CHUNK))]
    file = paths.data() / "generated" / f"{kind}-{count}-{seed}.npz"
    first = _make(kind, min(_CHUNK, count), seeds[0])
    # Whatever is wrong with the file, its digits can be made anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        kept = Digits(arrays["images"], arrays["labels"])
        # They are as they would be made today.
        if len(kept.labels) == count and np.array_equal(kept.images[:_CHUNK], first.images):
            return kept
    parts = [first]
    for i, part_seed in enumerate(seeds[1:], 1):
        report(f"Making {kind}: {i * _CHUNK:,} of {count:,}", i * _CHUNK / count)
        parts.append(_make(kind, min(_CHUNK, count - i * _CHUNK), part_seed))
    made = Digits(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    with writing(file) as beside:
        np.savez_compressed(beside, images=made.images, labels=made.labels)
    return made


def _make(kind: str, count: int, seed: int) -> Digits:
    if kind == "digits":
        made = generated.make_digits(count, seed=seed)
        return Digits(made.images, made.labels)
    return Digits(generated.make_scribbles(count, seed=seed), np.zeros(count, np.uint8))
