"""How long a training will take on this computer, said beforehand."""

from __future__ import annotations

import functools
import time

import numpy as np

from mnist_core import store
from mnist_core.settings import Settings

# Measured on two cores of a server (AMD EPYC, Zen 5), where `_yardstick` takes so many seconds.
_YARDSTICK = 0.004
_START = 1.0  # seconds to build a network
_MAKING = 3e-3  # seconds to make a digit
_DRAWING = 4e-4  # seconds, half of what drawing an image takes: it has one core of two


def expected_seconds(settings: Settings) -> float:
    """About how long these settings train here, from making digits to the last validation.

    From the last run that was alike and got under way, else from how quickly this computer
    multiplies: then expect to be off by half.
    """
    images = settings.total_images * settings.epochs
    made = settings.total_images - settings.drawn_images if settings.data == "generated" else 0
    for run in store.runs(limit=50):
        if run.step and run.seconds > 3 and _alike(run.settings) == _alike(settings):
            seen = run.step / run.steps * run.settings.total_images * run.settings.epochs
            return images * run.seconds / seen + made * _MAKING
    slower = _yardstick() / _YARDSTICK
    drawn = settings.drawn_images * settings.epochs
    learning = images * _seconds_an_image(settings)
    return (_START + learning + drawn * _DRAWING + made * _MAKING) * slower


def _alike(settings: Settings) -> tuple[object, ...]:
    """What decides the time an image takes."""
    return (settings.family, settings.hidden, settings.filters, settings.batch_size,
            settings.augment, settings.drawn_images)  # fmt: skip


def _seconds_an_image(settings: Settings) -> float:
    """What the presets take on the computer that `_YARDSTICK` is of, to within a factor of two."""
    step = 400 / settings.batch_size  # what a batch costs whatever its size
    variants = 15 if settings.augment else 0
    return 1e-6 * (25 * settings.multiply_adds() / 1e6 + variants + step + 1)


@functools.cache
def _yardstick() -> float:
    """Seconds that a multiplication of two matrices takes here, the best of five."""
    matrix = np.random.default_rng(0).random((768, 768), np.float32)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - started)
    return min(times)
