"""How long one drawing takes, and how LiteRT compares with Keras, on one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import numpy as np

from mnist_core import generated
from mnist_core.inference import Classifier
from mnist_core.preprocessing import to_mnist
from tests.bench.figure import Figure

_REPEATS = 400


def figures() -> Iterator[Figure]:
    """Yield the figures; TensorFlow is imported here, as it never is in the web process."""
    # Threads take over the core they are started on.
    with _one_core():
        classifier = Classifier.load()
        drawing = generated.drawing(np.random.default_rng(1), 4, "open")
        digit = to_mnist(drawing)[None]
        # Alone, as in the web process: TensorFlow's threads would share the core.
        (whole,) = _medians(lambda: classifier.predict(to_mnist(drawing)[None]))
        yield Figure("to_mnist and prediction of one 280x280 RGBA drawing", 1000 * whole, "ms", 1.0)

        import keras
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        model = keras.models.load_model(classifier.model.folder / "model.keras")
        batch = digit[..., None].astype(np.float32) / 255
        lite, call, predict = _medians(
            lambda: classifier.predict(digit),
            lambda: model(batch),
            lambda: model.predict(batch, verbose=0),
        )
    print(
        f"     one image: LiteRT {1000 * lite:.3f} ms, Keras model(x) {1000 * call:.2f} ms,"
        f" model.predict {1000 * predict:.1f} ms (medians of interleaved repeats)"
    )
    yield Figure("LiteRT against Keras' model.predict", predict / lite, "times faster", 50, True)
    yield Figure("LiteRT against Keras' model(x)", call / lite, "times faster", 5, True)


def _medians(*sides: Callable[[], object]) -> list[float]:
    """Median seconds of each side, one after the other in every repeat; the slow ones get fewer."""
    times: list[list[float]] = [[] for _ in sides]
    for repeat in range(-5, _REPEATS):
        for side, taken in zip(sides, times, strict=True):
            if repeat >= 60 and sum(taken) > 4:
                continue
            started = perf_counter()
            side()
            if repeat >= 0:
                taken.append(perf_counter() - started)
    return [median(taken) for taken in times]


@contextmanager
def _one_core() -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
