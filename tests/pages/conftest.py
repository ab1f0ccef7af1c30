"""Pages run here in this process, with a home of their own, and never start a training."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from streamlit import config
from streamlit.runtime.scriptrunner import script_runner

from mnist_core import datasets, doubts, fetching, generated_sets, maps, predictions
from mnist_core.explanation import similar
from mnist_core.trainer import tending
from tests.pages import runs
from tests.pages.browsed import DOUBTFUL, TRAIN, arrays, forget_maps, never, save_mnist, spec


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty `DIGIT_STUDIO_HOME`; training processes are only said to be started."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(folder))
    monkeypatch.setattr(tending, "_spawn", lambda run: None)
    st.cache_data.clear()  # the digits of a run's board are kept by the id of the run
    yield folder
    st.cache_data.clear()


@pytest.fixture(autouse=True)
def no_passcode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever guards the app that people use on this computer."""
    monkeypatch.delenv("DIGIT_STUDIO_PASSCODE", raising=False)
    config.set_option("secrets.files", [])


@pytest.fixture(autouse=True)
def keras_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages never load Keras, but other tests in this process have.

    Streamlit would clean up after it whenever a page has run, for a quarter of a second: ten times
    as long as the page takes.
    """
    monkeypatch.setattr(script_runner, "_clean_problem_modules", lambda: None, raising=False)


@pytest.fixture(autouse=True)
def few_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the generated validation digits, or making them would take seconds."""
    monkeypatch.setattr(generated_sets, "HELD_OUT", 100)


@pytest.fixture
def trainer_at_work() -> Iterator[None]:
    """The lock is held, as by a training process; without it no run counts as being trained."""
    handle = runs.be_the_trainer()
    yield
    os.close(handle)


@pytest.fixture
def small_mnist(offline: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is a whole MNIST on this computer is the stand-in; there is none yet."""
    small, load = spec(), datasets.load_mnist
    monkeypatch.setattr(datasets, "load_mnist", lambda split: load(split, spec=small))
    for module in (predictions, maps, doubts, similar):
        monkeypatch.setattr(module, "MNIST", small)
    # Maps are kept by what only tells digits apart that are in memory together.
    forget_maps()
    yield
    forget_maps()


@pytest.fixture
def mnist(small_mnist: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, named by MNIST_DIR; gives its file."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "mnist"))
    return save_mnist(tmp_path / "mnist")


@pytest.fixture
def folds(mnist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What networks say of the training digits that had not seen them; gives the folder."""
    folder = tmp_path / "folds"
    folder.mkdir()
    labels = arrays()["y_train"].copy()
    for row, other in DOUBTFUL.items():
        labels[row] = other
    said = np.full((TRAIN, 10), 0.01, np.float32)
    said[np.arange(TRAIN), labels] = 0.91
    said[41] = np.eye(10)[7]
    np.savez(folder / "predictions.npz", probabilities=said)
    digest = hashlib.sha256((folder / "predictions.npz").read_bytes()).hexdigest()
    (folder / "card.json").write_text(json.dumps({"files": {"predictions.npz": digest}}))
    monkeypatch.setattr(doubts.cross_validated, "__defaults__", (folder,))
    return folder


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fetching, predictions, maps, similar):
        monkeypatch.setattr(module, "start", never)


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Callable[[], bytes], bool]]:
    """What can be downloaded: by its file's name, what makes it, and whether it is greyed out."""
    offered: dict[str, tuple[Callable[[], bytes], bool]] = {}

    def note(_: str, make: Callable[[], bytes], *, file_name: str, **options: Any) -> None:
        offered[file_name] = make, options.get("disabled", False)

    monkeypatch.setattr(st, "download_button", note)
    return offered
