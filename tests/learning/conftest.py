import os
from pathlib import Path

# Before TensorFlow starts: it logs to stderr, which no warning filter can catch.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from mnist_core.datasets import Digits
from mnist_core.generated import make_digits
from mnist_core.learning import material
from mnist_core.learning.training import Training
from mnist_core.settings import Settings

# Keras reads TensorFlow's variables in a way that NumPy deprecates.
TOLERATED = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings(TOLERATED))


@pytest.fixture(scope="session")
def small_set():
    """200 digits to learn from and 50 to validate with."""
    train, validation = make_digits(200, seed=1), make_digits(50, seed=2)
    return material.Material(
        train.images,
        material.one_hot(train.labels),
        Digits(validation.images, validation.labels),
        {"generated digits": "200 from seed 1"},
    )


@pytest.fixture(scope="session")
def trained(small_set):
    """A small CNN after two epochs."""
    settings = Settings("fast", "cnn", filters=(8, 12), epochs=2, dropout=0.2, learning_rate=0.01)
    training = Training(settings, small_set)
    while not training.over:
        training.advance(3)
        if training.due:
            list(training.validate())
    return training


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
