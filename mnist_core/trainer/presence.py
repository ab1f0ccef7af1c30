"""Whether a trainer lives: it holds a lock for as long as it does."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from mnist_core import paths, store
from mnist_core.files import lock
from mnist_core.store import Run


def lock_file() -> Path:
    """What the one trainer holds."""
    return paths.home() / "trainer.lock"


def is_held() -> bool:
    """Whether a trainer lives. Looking takes a shared lock for a moment: trainers are patient."""
    handle = lock(lock_file(), shared=True)
    if handle is not None:
        os.close(handle)
    return handle is None


def call_over(database: sqlite3.Connection, run: Run) -> None:
    """Note that the process of a run is gone."""
    # What has learned something can always go on, even if it was asked to stop.
    lost = run.request == "stop" and not paths.checkpoint(run.id).exists()
    store.update(
        database,
        run.id,
        state="stopped" if lost else "interrupted",
        request=None,
        phase="",
        ended=time.time(),
    )
