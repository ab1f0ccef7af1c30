"""How long many runs take the server: `python -m tests.bench.runs` alone, or `make bench`."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from statistics import median
from time import perf_counter
from unittest.mock import patch

import numpy as np
from streamlit.testing.v1 import AppTest

from mnist_core import store
from mnist_core.paths import PROJECT
from mnist_core.settings import PRESETS
from mnist_core.store import Moment, Validation
from pages.components.comparing import MOST
from tests.bench.figure import Figure, report
from tests.shipped import add_copy

_RUNS = 500
_LONG = 100_000  # batches of one of them
_SHORT = 400  # of each of the others
_TIMES = 5

COMPARED = """
from mnist_core import store
from pages.components.comparing import MOST, compare
compare(store.runs()[:MOST])
"""


def figures() -> Iterator[Figure]:
    """Yield the figures: of 500 runs, one of which has 100,000 batches and a network."""
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, DIGIT_STUDIO_HOME=home):
        _fill()
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
        yield _page(app, "pages/runs.py", f"Runs, with {_RUNS} of them")
        yield _page(app, "pages/train.py", f"Train, with a run of {_LONG:,} batches")
        compared = AppTest.from_string(COMPARED, default_timeout=60)
        yield Figure(f"{MOST} runs side by side", milliseconds(compared), "ms", 500)


def _page(app: AppTest, page: str, title: str) -> Figure:
    app.switch_page(page)
    return Figure(title, milliseconds(app), "ms", 500)


def milliseconds(app: AppTest) -> float:
    """What a run of the page takes, once it was run."""
    app.run()
    times = []
    for _ in range(_TIMES):
        started = perf_counter()
        app.run()
        times.append(perf_counter() - started)
        assert not app.exception and not app.error, [error.value for error in app.error]
    return 1000 * median(times)


def _fill() -> None:
    """Runs as trainings leave them; the newest is the long one."""
    with store.opened(write=True) as database:
        for number in range(1, _RUNS + 1):
            _add(database, number, _LONG if number == _RUNS else _SHORT)
    # Last, for no new run takes the name of a model.
    add_copy(f"fast-{_RUNS}")


def _add(database: sqlite3.Connection, number: int, batches: int) -> None:
    settings = replace(PRESETS["fast"].settings, seed=number, data="generated")
    run = store.add_run(database, settings, owner="")
    random = np.random.default_rng(number)
    loss = 2.3 / np.arange(1, batches + 1) ** 0.5 * random.uniform(0.5, 1.5, batches)
    rows = zip(range(1, batches + 1), loss.tolist(), [0.9] * batches, [0.01] * batches, strict=True)
    store.add_batches(database, run.id, rows)
    for step in range(batches // 20, batches + 1, batches // 20):
        confusion = np.diag(np.full(10, 90, np.uint32))
        confusion[4, 9] = 10
        store.add_validation(database, run.id, Validation(step, 0.1, 0.99, confusion))
        store.add_moment(database, run.id, Moment(step, 5000.0, np.zeros(100, np.uint8)))
    store.update(
        database,
        run.id,
        state="finished",
        name=f"Try {number}",
        notes="What was tried and what came of it. " * 3,
        step=batches,
        steps=batches,
        steps_per_epoch=batches // 2,
        seconds=batches / 100,
        validation_accuracy=0.99,
        test_accuracy=0.99,
        model=run.id if number == _RUNS else None,
    )


if __name__ == "__main__":
    sys.exit(report(figures()))
