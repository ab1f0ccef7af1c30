"""Whether a trainer lives: it holds a lock for as long as it does."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from mnist_core import paths, store
from mnist_core.errors import RunError
from mnist_core.files import lock
from mnist_core.store import Run, State
from mnist_core.trainer import last_words


def lock_file() -> Path:
    """What the one trainer holds."""
    return paths.home() / "trainer.lock"


def is_held() -> bool:
    """Whether a trainer lives. Looking takes a shared lock for a moment: trainers are patient.

    Raises:
        RunError: that can't be seen.
    """
    try:
        handle = lock(lock_file(), shared=True)
    except OSError as error:
        if not lock_file().exists():
            return False  # and nobody can
        raise RunError(
            f"Whether something is being trained can't be seen: {error.strerror or error}."
        ) from error
    if handle is not None:
        os.close(handle)
    return handle is None


def call_over(database: sqlite3.Connection, run: Run) -> None:
    """Note that the process of a run is gone, and why if it has said so."""
    said = last_words.of_the_dead(run.id)
    state: State = "failed" if said else "interrupted"
    # What has learned something can always go on, even if it was asked to stop.
    if run.request == "stop" and not paths.checkpoint(run.id).exists():
        state, said = "stopped", ""
    store.update(
        database,
        run.id,
        state=state,
        message=said,
        request=None,
        phase="",
        ended=time.time(),
    )
