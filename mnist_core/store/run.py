"""Runs: what was asked for and how it goes."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from mnist_core import paths
from mnist_core.errors import RunError
from mnist_core.settings import Settings
from mnist_core.store.database import opened

State = Literal[
    "queued", "starting", "running", "finishing",  # not over yet
    "paused", "interrupted", "failed", "stopped", "finished",
]  # fmt: skip
Request = Literal["pause", "stop"]

ACTIVE: tuple[State, ...] = ("starting", "running", "finishing")
RESUMABLE: tuple[State, ...] = ("paused", "interrupted", "failed")


@dataclass(frozen=True)
class Run:
    """One training and how it stands; the attributes are the columns of the table `runs`."""

    number: int
    id: str
    settings: Settings
    owner: str
    state: State
    request: Request | None
    asked: float | None
    phase: str
    share: float
    message: str
    created: float
    queued: float
    heartbeat: float
    pid: int | None
    ended: float | None
    step: int
    steps: int
    steps_per_epoch: int
    seconds: float
    images_per_second: float
    validation_accuracy: float | None
    test_accuracy: float | None
    model: str | None

    @property
    def active(self) -> bool:
        """Whether a process works on it, or is about to."""
        return self.state in ACTIVE

    @property
    def ending(self) -> bool:
        """Whether it is about to leave, because it was asked to or has done all."""
        return self.state == "finishing" or self.request is not None

    @property
    def resumable(self) -> bool:
        """Whether it can go on."""
        return self.state in RESUMABLE

    @property
    def epoch(self) -> int:
        """The epoch it is in, counted from 1; 0 before it began."""
        if not self.steps_per_epoch:
            return 0
        return min(self.step // self.steps_per_epoch + 1, self.settings.epochs)

    @property
    def done(self) -> float:
        """How much of the phase it is in, or else of the training, is done, 0-1."""
        if self.phase:
            return min(self.share, 1.0)
        return self.step / self.steps if self.steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Training still to come at the speed so far; None while that can't be told."""
        return self.seconds / self.step * (self.steps - self.step) if self.step else None


def add_run(database: sqlite3.Connection, settings: Settings, *, owner: str) -> Run:
    """Put a new run at the end of the queue."""
    now = time.time()
    row = database.execute("SELECT max(seq) AS last FROM sqlite_sequence").fetchone()
    # A database may be new beside models and checkpoints that are not: never take their names.
    taken = (_number(folder) for where in _HOMES for folder in where().glob("*-*"))
    number = 1 + max(row["last"] or 0, *taken, 0)
    run_id = f"{settings.preset}-{number}"
    database.execute(
        "INSERT INTO runs (number, id, settings, owner, state, created, queued, heartbeat)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
        (number, run_id, settings.as_json(), owner, now, now, now),
    )
    return select_run(database, run_id)


def find_run(run_id: str) -> Run:
    """The run with this id.

    Raises:
        RunError: there is none.
    """
    with opened() as database:
        return select_run(database, run_id)


def runs(*states: State, limit: int = 1000) -> list[Run]:
    """The runs in these states, or all; newest first."""
    with opened() as database:
        return select_runs(database, *states, limit=limit)


def select_runs(
    database: sqlite3.Connection, *states: State, order: str = "number DESC", limit: int = 1000
) -> list[Run]:
    """As `runs`, on an open database."""
    where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
    rows = database.execute(f"SELECT * FROM runs {where} ORDER BY {order} LIMIT {limit}", states)
    return [_as_run(row) for row in rows]


def update(database: sqlite3.Connection, run_id: str, **columns: Any) -> None:
    """Set columns of a run."""
    assignments = ", ".join(f"{name} = ?" for name in columns)
    database.execute(f"UPDATE runs SET {assignments} WHERE id = ?", (*columns.values(), run_id))


def select_run(database: sqlite3.Connection, run_id: str) -> Run:
    """As `find_run`, on an open database."""
    row = database.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
    if row is None:
        raise RunError(f"There is no run named {run_id!r}.")
    return _as_run(row)


_HOMES = (paths.models, paths.runs)


def _number(folder: Path) -> int:
    digits = folder.name.rpartition("-")[2]
    return int(digits) if digits.isdecimal() and not folder.name.startswith(".") else 0


def _as_run(row: sqlite3.Row) -> Run:
    values = {field.name: row[field.name] for field in fields(Run)}
    return Run(**values | {"settings": Settings.from_json(row["settings"])})
