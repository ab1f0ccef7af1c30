"""One fold of a cross-validation: what is held out, and the training in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from mnist_core.datasets import Digits
from mnist_core.errors import InputError, RunError
from mnist_core.generated_sets import Report
from mnist_core.learning import material
from mnist_core.learning.material import Material
from mnist_core.settings import Settings

# Told the share of a training that is done, 0-1.
Watch = Callable[[float], None]
# Learns from the material and reads the digits held out, (N, 28, 28) uint8 -> (N, 10) float32.
Train = Callable[[Settings, Material, NDArray[np.uint8], Watch], NDArray[np.float32]]

NO_DIGITS = Digits(np.empty((0, 28, 28), np.uint8), np.empty(0, np.uint8))
_NICE = 10  # trainings step back: drawing must stay quick
_AT_A_TIME = 20  # batches between two reports


def deal(labels: NDArray[np.uint8], count: int, *, seed: int) -> NDArray[np.uint8]:
    """Deal digits out to `count` folds, by chance but each label evenly.

    Args:
        labels: (N,) uint8.
        count: of folds, 2 to 255 and at most N.
        seed: the same one gives the same folds with every version of NumPy.

    Returns:
        (N,) uint8, the fold of each digit, from 0. The sizes of the folds differ by at most one,
        and so does what each has of a label.

    Raises:
        InputError: the labels are not (N,), or can't be dealt out to so many folds.

    Method: stratified cross-validation (R. Kohavi, "A Study of Cross-Validation and Bootstrap for
    Accuracy Estimation and Model Selection", IJCAI 1995).
    """
    if labels.ndim != 1:
        raise InputError(f"Labels must be (N,); these are {labels.shape}.")
    if not 2 <= count <= min(255, len(labels)):
        raise InputError(f"{len(labels):,} digits can't be dealt out to {count} folds.")
    # The raw stream of a bit generator never changes; `Generator.permutation` is free to.
    shuffle = np.random.PCG64(seed).random_raw(len(labels))
    dealt = np.empty(len(labels), np.uint8)
    # Like cards, label after label, and each goes on where the one before ended.
    dealt[np.lexsort((shuffle, labels))] = np.arange(len(labels)) % count
    return dealt


def everything(settings: Settings, digits: Digits, *, report: Report) -> Material:
    """All the digits, and what the settings have drawn besides.

    Raises:
        DataError: something is to be drawn, for which MNIST is needed, and it is not to be had.
    """
    drawn = None
    if settings.drawn_images:
        drawn = material.gather(settings, report=lambda phase, _: report(phase, 0.0)).drawn
    return Material(digits.images, digits.labels, NO_DIGITS, {}, drawn)


def without(whole: Material, held_out: NDArray[np.bool_]) -> Material:
    """What is learned from while some digits are held out.

    It has no validation digits, for nothing is chosen: the last weights are taken. So the digits
    held out have no part in the network that reads them, not even through the choice of an epoch.

    Args:
        whole: all there is.
        held_out: (N,) bool, of its images.
    """
    kept = ~held_out
    return replace(
        whole, images=whole.images[kept], labels=whole.labels[kept], validation=NO_DIGITS
    )


def learn_here(
    settings: Settings, learned: Material, held_out: NDArray[np.uint8], watch: Watch
) -> NDArray[np.float32]:
    """Train to the end and read other digits with the last weights.

    Seeds are this process' own: one training a process.

    Args:
        settings: of the training.
        learned: what it learns from; its validation digits are not looked at.
        held_out: (N, 28, 28) uint8.
        watch: told how far it is.

    Returns:
        (N, 10) float32 probabilities.

    Raises:
        RunError: the loss grew beyond all bounds.
    """
    from mnist_core.learning.training import Training  # TensorFlow takes seconds to import

    training = Training(settings, learned)
    while not training.over:
        if not np.isfinite(training.advance(_AT_A_TIME).loss).all():
            raise RunError("The loss grew beyond all bounds: choose another preset or seed.")
        watch(training.step / training.steps)
    return training.probabilities(held_out)


def learn_apart(
    settings: Settings, learned: Material, held_out: NDArray[np.uint8], watch: Watch
) -> NDArray[np.float32]:
    """Do as `learn_here` in a process of its own, which ends when this one is interrupted.

    Raises:
        RunError: the loss grew beyond all bounds, or the process ended early.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    context = multiprocessing.get_context("spawn")  # a fork of what has threads may hang
    ours, theirs = context.Pipe(duplex=False)
    task = (theirs, settings, learned, held_out)
    process = context.Process(target=_child, args=task, daemon=True)
    process.start()
    theirs.close()  # so that the end of the process is the end of what is received
    try:
        while isinstance(said := ours.recv(), float):
            watch(said)
    except EOFError:
        process.join()
        raise RunError(
            f"The training's process ended early (exit status {process.exitcode}):"
            " start again, and what is done is kept."
        ) from None
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(said, RunError):
        raise said
    return said


def _child(
    pipe: Connection, settings: Settings, learned: Material, held_out: NDArray[np.uint8]
) -> None:
    from mnist_core.cli import quiet_libraries

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which ends this one
    os.nice(max(0, _NICE - os.nice(0)))
    with quiet_libraries():
        import mnist_core.learning.training  # noqa: F401 - TensorFlow has much to say
    try:
        pipe.send(learn_here(settings, learned, held_out, pipe.send))
    except RunError as error:
        pipe.send(error)
