import os
from dataclasses import replace
from pathlib import Path

# Before TensorFlow starts: it logs to stderr, which no warning filter can catch.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from mnist_core import shapes
from mnist_core.datasets import Digits
from mnist_core.generated import make_digits, strokes_of
from mnist_core.learning import material
from mnist_core.learning.renewal import Recipe
from mnist_core.learning.training import Training
from mnist_core.nondigits import Source
from mnist_core.settings import Settings
from mnist_core.strokes import PenDigit
from mnist_core.templates import TEMPLATES

# Keras reads TensorFlow's variables in a way that NumPy deprecates.
TOLERATED = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


def pytest_collection_modifyitems(items):
    tolerate(items, Path(__file__).parent)


def tolerate(items, folder):
    """Tolerate that warning in the tests of a folder."""
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.filterwarnings(TOLERATED))


@pytest.fixture(scope="session")
def small_set():
    """200 digits to learn from and 50 to validate with."""
    train, validation = make_digits(200, seed=1), make_digits(50, seed=2)
    return material.Material(
        train.images,
        train.labels,
        Digits(validation.images, validation.labels),
        {"generated digits": "200 from seed 1"},
    )


@pytest.fixture(scope="session")
def written():
    """30 pen digits: of each digit one by each of three writers."""
    plain = [tuple(strokes_of(label, min(TEMPLATES[label]))) for label in range(10)]
    return tuple(PenDigit(plain[i % 10], i % 10, writer=i // 10) for i in range(30))


@pytest.fixture(scope="session")
def recipe(written):
    """20 digits and 20 non-digits, anew for every epoch."""
    return Recipe(12, 8, 20, written, Source((), written, shapes.TRAIN), seed=5)


@pytest.fixture(scope="session")
def drawn_set(small_set, recipe):
    """240 to learn from, of which 40 are drawn anew for every epoch."""
    return replace(small_set, drawn=recipe)


def _trained(learned):
    settings = Settings("fast", "cnn", filters=(8, 12), epochs=2, dropout=0.2, learning_rate=0.01)
    training = Training(settings, learned)
    while not training.over:
        training.advance(3)
        if training.due:
            list(training.validate())
    return training


@pytest.fixture(scope="session")
def trained(small_set):
    """A small CNN after two epochs."""
    return _trained(small_set)


@pytest.fixture(scope="session")
def trained_with_none(drawn_set):
    """The same, which has also seen what is no digit."""
    return _trained(drawn_set)


@pytest.fixture(scope="session")
def model(trained):
    return trained.best_model()[0]


@pytest.fixture(scope="session")
def some_digits():
    return make_digits(30, seed=9).images


@pytest.fixture(scope="session")
def as_input():
    """What Keras gets for uint8 digits."""
    return lambda digits: digits[..., None].astype(np.float32) / 255
