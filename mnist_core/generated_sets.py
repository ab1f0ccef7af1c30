"""The sets of generated digits that trainings learn from, choose by and are measured on.

They are kept on disk, since making a digit takes 3 ms.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from mnist_core import generated, paths
from mnist_core.datasets import Digits
from mnist_core.files import writing

# Told now and then what is being done and how much of it is, 0-1; may raise to end it.
Report = Callable[[str, float], None]

HELD_OUT = 1000  # digits for validation, and as many for the test
# Beyond any seed that settings allow; `heldout` and `collection` have those between.
VALIDATION_SEED, TEST_SEED, COMPARISON_SEED = 2**32, 2**32 + 1, 2**32 + 4

_CHUNK = 100  # digits made between two reports: a third of a second


def silent(what: str, share: float) -> None:
    """Say nothing of it."""


def training(count: int, seed: int, *, report: Report = silent) -> Digits:
    """So many digits to learn from, as a run's seed has them; others for every seed.

    Raises:
        OSError: they can't be kept.
    """
    return _kept(count, seed, report)


def validation(*, report: Report = silent) -> Digits:
    """The 1,000 digits by which networks are chosen that learned from generated ones.

    Raises:
        OSError: they can't be kept.
    """
    return _kept(HELD_OUT, VALIDATION_SEED, report)


def test(*, report: Report = silent) -> Digits:
    """The 1,000 digits on which such networks are measured, once, at the end.

    Raises:
        OSError: they can't be kept.
    """
    return _kept(HELD_OUT, TEST_SEED, report)


def comparison(*, report: Report = silent) -> Digits:
    """1,000 digits on which models are compared where nobody's drawings are.

    Raises:
        OSError: they can't be kept.
    """
    return _kept(HELD_OUT, COMPARISON_SEED, report)


def _kept(count: int, seed: int, report: Report) -> Digits:
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(-(-count // _CHUNK))]
    file = paths.data() / "generated" / f"digits-{count}-{seed}.npz"
    first = _make(min(_CHUNK, count), seeds[0])
    # Whatever is wrong with the file, its digits can be made anew.
    with contextlib.suppress(Exception), file.open("rb") as stream, np.load(stream) as arrays:
        kept = Digits(arrays["images"], arrays["labels"])
        # They are as they would be made today.
        if len(kept.labels) == count and np.array_equal(kept.images[:_CHUNK], first.images):
            return kept
    parts = [first]
    for i, part_seed in enumerate(seeds[1:], 1):
        report(f"Making digits: {i * _CHUNK:,} of {count:,}", i * _CHUNK / count)
        parts.append(_make(min(_CHUNK, count - i * _CHUNK), part_seed))
    made = Digits(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    with writing(file) as beside:
        np.savez_compressed(beside, images=made.images, labels=made.labels)
    return made


def _make(count: int, seed: int) -> Digits:
    made = generated.make_digits(count, seed=seed)
    return Digits(made.images, made.labels)
