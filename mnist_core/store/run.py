"""Runs: what was asked for and how it goes."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from mnist_core import paths
from mnist_core.errors import InputError, RunError
from mnist_core.settings import Settings
from mnist_core.store.database import as_written, opened

State = Literal[
    "queued", "starting", "running", "finishing",  # not over yet
    "paused", "interrupted", "failed", "stopped", "finished",
]  # fmt: skip
Request = Literal["pause", "stop"]

ACTIVE: tuple[State, ...] = ("starting", "running", "finishing")
RESUMABLE: tuple[State, ...] = ("paused", "interrupted", "failed")
NAME_LENGTH, NOTES_LENGTH = 60, 4000  # characters


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
    name: str
    notes: str
    best_step: int | None

    @property
    def called(self) -> str:
        """What people call it, else its id."""
        return self.name or self.id

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
    row = database.execute(
        "SELECT max(seq) AS last FROM sqlite_sequence WHERE name = 'runs'"
    ).fetchone()
    # A database may be new beside models and checkpoints that are not: never take their names.
    taken = (_number(folder) for where in _HOMES for folder in where().glob("*-*"))
    number = 1 + max(row["last"] or 0, *taken, 0)
    run_id = f"{settings.preset}-{number}"
    database.execute(
        "INSERT INTO runs (number, id, settings, owner, state, created, queued, heartbeat)"
        " VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)",
        (number, run_id, settings.as_json(), owner, now, end_of_queue(database, now), now),
    )
    return select_run(database, run_id)


def end_of_queue(database: sqlite3.Connection, now: float) -> float:
    """A place behind all runs that wait: the time, unless the clock was set back since."""
    row = database.execute("SELECT max(queued) AS last FROM runs WHERE state = 'queued'").fetchone()
    return max(now, (row["last"] or 0.0) + 0.001)


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


def describe(run_id: str, *, name: str, notes: str) -> None:
    """Give a run a name and notes, in place of those it had; empty text takes them away.

    Args:
        run_id: of the run.
        name: at most `NAME_LENGTH` characters in one line.
        notes: at most `NOTES_LENGTH` characters.

    Raises:
        InputError: a text is too long.
        RunError: there is no such run.
        StoreError: it can't be kept.
    """
    name, notes = " ".join(name.split()), notes.strip()
    for what, text, most in (("name", name, NAME_LENGTH), ("notes", notes, NOTES_LENGTH)):
        if len(text) > most:
            raise InputError(f"The {what} can have {most:,} characters, not {len(text):,}.")
    with opened(write=True) as database:
        select_run(database, run_id)
        update(database, run_id, name=name, notes=notes)


def update(database: sqlite3.Connection, run_id: str, **columns: Any) -> None:
    """Set columns of a run."""
    assignments = ", ".join(f"{name} = ?" for name in columns)
    database.execute(f"UPDATE runs SET {assignments} WHERE id = ?", (*columns.values(), run_id))


def remove(database: sqlite3.Connection, run_id: str) -> None:
    """Drop a run and everything that was noted of it."""
    database.execute(
        "DELETE FROM followed WHERE pin IN (SELECT number FROM pins WHERE run = ?)", (run_id,)
    )
    for table in ("pins", "boards", "moments", "validations", "batches"):
        database.execute(f"DELETE FROM {table} WHERE run = ?", (run_id,))
    database.execute("DELETE FROM runs WHERE id = ?", (run_id,))


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


@as_written()
def _as_run(row: sqlite3.Row) -> Run:
    if row["state"] not in get_args(State):
        raise ValueError(f"{row['state']!r} is no state")
    values = {field.name: row[field.name] for field in fields(Run)}
    return Run(**values | {"settings": Settings.from_json(row["settings"])})
