from pathlib import Path

import pytest

from mnist_core import generated_sets
from mnist_core.trainer import tending
from tests.faults import disks
from tests.learning.conftest import tolerate


def pytest_collection_modifyitems(items):
    tolerate(items, Path(__file__).parent)


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A folder of generated digits, made once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture
def studio(home, kept, monkeypatch):
    """A home in which trainings are small."""
    home.mkdir()
    _small(home, kept, monkeypatch)
    return home


@pytest.fixture
def real(studio, monkeypatch):
    """Trainings are started, in processes of their own."""
    monkeypatch.setattr(tending, "_spawn", SPAWN)
    yield
    for child in tending._children:
        child.kill()
        child.wait()
    tending._children.clear()


SPAWN = tending._spawn


def _small(home, kept, monkeypatch):
    (home / "data").symlink_to(kept)
    monkeypatch.setattr(generated_sets, "HELD_OUT", 120)
    # Trainings are only said to be started.
    monkeypatch.setattr(tending, "_spawn", lambda run: None)


@pytest.fixture
def disk(home, kept, monkeypatch, tmp_path):
    """The same on a disk of its own, of 8 MB."""
    if not disks.can_be_mounted(tmp_path / "probe"):
        pytest.skip("no disk can be mounted here")
    with disks.mounted(home, size="8m") as disk:
        _small(home, kept, monkeypatch)
        yield disk
