import pytest

from mnist_core import handwriting


@pytest.fixture(autouse=True)
def studio(home):
    return home


@pytest.fixture
def profile():
    """The number of a profile that holds nothing."""
    return handwriting.add_profile("Class 4b").number
