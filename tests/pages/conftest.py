"""Pages run here in this process, with a home of their own, and never start a training."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from mnist_core.trainer import tending
from tests.pages import runs


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


@pytest.fixture
def trainer_at_work() -> Iterator[None]:
    """The lock is held, as by a training process; without it no run counts as being trained."""
    handle = runs.be_the_trainer()
    yield
    os.close(handle)
