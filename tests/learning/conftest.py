import os
from pathlib import Path

# Before TensorFlow starts: it logs to stderr, which no warning filter can catch.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from mnist_core.generated import make_digits
from mnist_core.learning import training

# Keras reads TensorFlow's variables in a way that NumPy deprecates.
TOLERATED = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"

RECIPE = training.Recipe(
    epochs=2, batch_size=52, learning_rate=0.01, generated_digits=40, scribbles=20, seed=5
)


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.filterwarnings(TOLERATED))


@pytest.fixture(scope="session")
def recipe():
    return RECIPE


@pytest.fixture(scope="session")
def small_set():
    """200 digits to train on and 50 to validate with."""
    train, validation = make_digits(200, seed=1), make_digits(50, seed=2)
    return (train.images, train.labels), (validation.images, validation.labels)


@pytest.fixture(scope="session")
def reports():
    """What the training of `trained` reported, line by line."""
    return []


@pytest.fixture(scope="session")
def trained(small_set, recipe, reports):
    return training.train(*small_set, recipe=recipe, report=reports.append)


@pytest.fixture(scope="session")
def some_digits():
    return make_digits(30, seed=9).images


@pytest.fixture(scope="session")
def as_input():
    """What Keras gets for uint8 digits."""
    return lambda digits: digits[..., None].astype(np.float32) / 255
