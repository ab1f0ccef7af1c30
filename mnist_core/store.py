"""The database of runs: what was asked for, how it goes, every batch, kept for good.

One SQLite file, `studio.db` in `paths.home()`, in WAL mode, so that the training process writes
while pages read. Pages and trainer speak through it alone: a request to pause is a column.

Every function opens the database for itself and closes it again (a fraction of a millisecond), so
all may be called from any thread of any process. They raise `StoreError`, a sentence for people,
where the file can't be used.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mnist_core import paths
from mnist_core.errors import RunError, StoreError
from mnist_core.files import locked
from mnist_core.settings import Settings

State = Literal[
    "queued", "starting", "running", "finishing",  # not over yet
    "paused", "interrupted", "failed", "stopped", "finished",
]  # fmt: skip
Request = Literal["pause", "stop"]

ACTIVE: tuple[State, ...] = ("starting", "running", "finishing")
RESUMABLE: tuple[State, ...] = ("paused", "interrupted", "failed")

_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,              -- preset and number
  settings TEXT NOT NULL,               -- JSON
  owner TEXT NOT NULL,                  -- the visit that asked for it; '' is the command line
  state TEXT NOT NULL,
  request TEXT,                         -- 'pause' or 'stop', until it is met
  asked REAL,                           -- when that was asked
  phase TEXT NOT NULL DEFAULT '',       -- what it does just now, in words
  share REAL NOT NULL DEFAULT 0,        -- how much of the phase is done, 0-1
  message TEXT NOT NULL DEFAULT '',     -- why it failed
  created REAL NOT NULL,                -- times are seconds since 1970
  queued REAL NOT NULL,                 -- its place in the queue
  heartbeat REAL NOT NULL,              -- last sign of life
  pid INTEGER,
  ended REAL,
  step INTEGER NOT NULL DEFAULT 0,      -- batches trained on
  steps INTEGER NOT NULL DEFAULT 0,     -- of the whole run
  steps_per_epoch INTEGER NOT NULL DEFAULT 0,
  seconds REAL NOT NULL DEFAULT 0,      -- of training, pauses left out
  images_per_second REAL NOT NULL DEFAULT 0,
  validation_accuracy REAL,             -- of the best weights so far
  test_accuracy REAL,
  model TEXT                            -- the id of what it made
);
CREATE TABLE batches (
  run TEXT NOT NULL, step INTEGER NOT NULL,
  loss REAL NOT NULL, accuracy REAL NOT NULL, learning_rate REAL NOT NULL,
  PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE TABLE validations (
  run TEXT NOT NULL, step INTEGER NOT NULL,
  loss REAL NOT NULL, accuracy REAL NOT NULL,
  confusion BLOB NOT NULL,              -- (10, 10) uint32, rows: the label, columns: what was read
  PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE TABLE moments (                  -- a few times a second
  run TEXT NOT NULL, step INTEGER NOT NULL,
  images_per_second REAL NOT NULL,
  board BLOB NOT NULL,                  -- (100,) uint8, how the board's digits are read
  PRIMARY KEY (run, step)
) WITHOUT ROWID;
CREATE TABLE boards (                   -- the digits of the board, the same through a run
  run TEXT PRIMARY KEY, images BLOB NOT NULL, labels BLOB NOT NULL
);
CREATE TABLE pins (                     -- drawings that are followed through a run
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL, owner TEXT NOT NULL,
  image BLOB NOT NULL,                  -- (28, 28) uint8
  UNIQUE (run, owner)
);
CREATE TABLE followed (
  pin INTEGER NOT NULL, step INTEGER NOT NULL,
  probabilities BLOB NOT NULL,          -- (10,) float32
  PRIMARY KEY (pin, step)
) WITHOUT ROWID;
"""


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


@dataclass(frozen=True)
class Curves:
    """A run's batches, gathered into at most so many points; float64 arrays (P,).

    Attributes:
        batches: how many there are in all.
        step: batches trained on, at the end of each point.
        loss, accuracy: means over the batches of each point; accuracy 0-1.
        loss_low, loss_high, accuracy_low, accuracy_high: their ranges.
        learning_rate: means.
    """

    batches: int
    step: NDArray[np.float64]
    loss: NDArray[np.float64]
    loss_low: NDArray[np.float64]
    loss_high: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    accuracy_low: NDArray[np.float64]
    accuracy_high: NDArray[np.float64]
    learning_rate: NDArray[np.float64]


@dataclass(frozen=True)
class Validation:
    """How the held-out digits were read after `step` batches.

    Attributes:
        step: batches trained on.
        loss: mean cross-entropy.
        accuracy: 0-1.
        confusion: (10, 10) uint32; rows are labels, columns what was read.
    """

    step: int
    loss: float
    accuracy: float
    confusion: NDArray[np.uint32]


@dataclass(frozen=True)
class Moment:
    """A look at a run between batches: its speed, and how the board's digits are read."""

    step: int
    images_per_second: float
    board: NDArray[np.uint8]


@dataclass(frozen=True)
class Pin:
    """A drawing, (28, 28) uint8, that a visit follows through a run."""

    number: int
    run: str
    owner: str
    image: NDArray[np.uint8]


def file() -> Path:
    """The database."""
    return paths.home() / "studio.db"


@contextmanager
def opened(*, write: bool = False) -> Iterator[sqlite3.Connection]:
    """The open database; with `write` the block is one transaction that nobody else's interleaves.

    Raises:
        StoreError: the file can't be made, opened or used.
    """
    try:
        with closing(_connect()) as database:
            if not write:
                yield database
                return
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"The database of runs, {file()}, can't be used: {error}. Make room, or move the file"
            " away to begin a new one."
        ) from error


def _connect() -> sqlite3.Connection:
    if not (database_file := file()).exists():
        database_file.parent.mkdir(parents=True, exist_ok=True)
    # Autocommit: transactions begin where we say so. Ten seconds is how long a writer waits for
    # another; all transactions here take milliseconds.
    database = sqlite3.connect(database_file, timeout=10, isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        # A power cut may lose the last batches, never the file; checkpoints are flushed apart.
        database.execute("PRAGMA synchronous = NORMAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            _create(database)
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"it is of version {version}, made by another release")
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    # SQLite waits for others everywhere but where it turns a new file to WAL.
    with locked(file().with_name(".studio.lock")):
        # Somebody else may have been quicker.
        if database.execute("PRAGMA user_version").fetchone()[0] != 0:
            return
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";\n"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("COMMIT")


# Runs.


def add_run(database: sqlite3.Connection, settings: Settings, *, owner: str) -> Run:
    """Put a new run at the end of the queue."""
    now = time.time()
    cursor = database.execute(
        "INSERT INTO runs (id, settings, owner, state, created, queued, heartbeat)"
        " VALUES (hex(randomblob(8)), ?, ?, 'queued', ?, ?, ?)",
        (settings.as_json(), owner, now, now, now),
    )
    run_id = f"{settings.preset}-{cursor.lastrowid}"
    database.execute("UPDATE runs SET id = ? WHERE number = ?", (run_id, cursor.lastrowid))
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


def _as_run(row: sqlite3.Row) -> Run:
    values = {field.name: row[field.name] for field in fields(Run)}
    return Run(**values | {"settings": Settings.from_json(row["settings"])})


# What a run leaves behind.


def forget_from(database: sqlite3.Connection, run_id: str, step: int) -> None:
    """Drop what was noted after `step` batches, where a run goes on from its checkpoint."""
    for table in ("batches", "validations", "moments"):
        database.execute(f"DELETE FROM {table} WHERE run = ? AND step > ?", (run_id, step))
    database.execute(
        "DELETE FROM followed WHERE step > ? AND pin IN (SELECT number FROM pins WHERE run = ?)",
        (step, run_id),
    )


def add_batches(
    database: sqlite3.Connection, run_id: str, rows: Iterable[tuple[int, float, float, float]]
) -> None:
    """Note batches: the step counted from 1, loss, accuracy 0-1, learning rate."""
    database.executemany(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?)", ((run_id, *row) for row in rows)
    )


def add_validation(database: sqlite3.Connection, run_id: str, seen: Validation) -> None:
    """Note a validation; one of the same step is replaced."""
    confusion = seen.confusion.astype("<u4").tobytes()
    database.execute(
        "INSERT OR REPLACE INTO validations VALUES (?, ?, ?, ?, ?)",
        (run_id, seen.step, seen.loss, seen.accuracy, confusion),
    )


def add_moment(database: sqlite3.Connection, run_id: str, seen: Moment) -> None:
    """Note a look at the board; one of the same step is replaced."""
    database.execute(
        "INSERT OR REPLACE INTO moments VALUES (?, ?, ?, ?)",
        (run_id, seen.step, seen.images_per_second, seen.board.tobytes()),
    )


def add_followed(
    database: sqlite3.Connection, pins: Sequence[Pin], step: int, rows: NDArray[np.float32]
) -> None:
    """Note what pinned drawings are read as: one row of ten probabilities for each."""
    database.executemany(
        "INSERT OR REPLACE INTO followed VALUES (?, ?, ?)",
        (
            (pin.number, step, row.astype("<f4").tobytes())
            for pin, row in zip(pins, rows, strict=True)
        ),
    )


def curves(run_id: str, *, points: int = 600) -> Curves:
    """A run's batches, gathered by the database into at most about `points` equal stretches."""
    with opened() as database:
        last = database.execute(
            "SELECT max(step) AS last FROM batches WHERE run = ?", (run_id,)
        ).fetchone()["last"]
        together = max(1, -(-(last or 0) // points))
        rows = database.execute(
            "SELECT max(step), avg(loss), min(loss), max(loss), avg(accuracy), min(accuracy),"
            " max(accuracy), avg(learning_rate) FROM batches WHERE run = ?"
            " GROUP BY (step - 1) / ? ORDER BY 1",
            (run_id, together),
        ).fetchall()
    step, *columns = np.array([tuple(row) for row in rows], np.float64).reshape(-1, 8).T
    return Curves(last or 0, step, *columns)


def batches(run_id: str) -> NDArray[np.float64]:
    """Every batch of a run: (B, 4) float64 of step, loss, accuracy, learning rate."""
    with opened() as database:
        rows = database.execute(
            "SELECT step, loss, accuracy, learning_rate FROM batches WHERE run = ? ORDER BY step",
            (run_id,),
        ).fetchall()
    return np.array([tuple(row) for row in rows], np.float64).reshape(-1, 4)


def validations(run_id: str) -> list[Validation]:
    """A run's validations in order."""
    with opened() as database:
        rows = database.execute(
            "SELECT * FROM validations WHERE run = ? ORDER BY step", (run_id,)
        ).fetchall()
    return [
        Validation(
            row["step"],
            row["loss"],
            row["accuracy"],
            np.frombuffer(row["confusion"], "<u4").reshape(10, 10),
        )
        for row in rows
    ]


def last_moment(run_id: str) -> Moment | None:
    """The latest look at the board, or None before the first."""
    with opened() as database:
        row = database.execute(
            "SELECT * FROM moments WHERE run = ? ORDER BY step DESC LIMIT 1", (run_id,)
        ).fetchone()
    if row is None:
        return None
    return Moment(row["step"], row["images_per_second"], np.frombuffer(row["board"], np.uint8))


def speeds(run_id: str, *, points: int = 300) -> NDArray[np.float64]:
    """Images a second through a run: (P, 2) float64 of step and speed, about `points` rows."""
    with opened() as database:
        rows = database.execute(
            "SELECT max(step), avg(images_per_second) FROM"
            " (SELECT step, images_per_second, ntile(?) OVER (ORDER BY step) AS part FROM moments"
            "  WHERE run = ? AND images_per_second > 0) GROUP BY part ORDER BY 1",
            (points, run_id),
        ).fetchall()
    return np.array([tuple(row) for row in rows], np.float64).reshape(-1, 2)


def set_board(
    database: sqlite3.Connection,
    run_id: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
) -> None:
    """Keep the digits of the board: (N, 28, 28) uint8 and (N,) uint8."""
    database.execute(
        "INSERT OR REPLACE INTO boards VALUES (?, ?, ?)",
        (run_id, images.tobytes(), labels.tobytes()),
    )


def board(run_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """The digits of the board and their labels; None before the run has begun."""
    with opened() as database:
        row = database.execute("SELECT * FROM boards WHERE run = ?", (run_id,)).fetchone()
    if row is None:
        return None
    labels = np.frombuffer(row["labels"], np.uint8)
    return np.frombuffer(row["images"], np.uint8).reshape(-1, 28, 28), labels


# Drawings that are followed.


def pin(run_id: str, *, owner: str, image: NDArray[np.uint8]) -> None:
    """Follow a drawing ((28, 28) uint8) through a run, in place of the owner's earlier one."""
    with opened(write=True) as database:
        select_run(database, run_id)
        database.execute(
            "DELETE FROM followed WHERE pin IN"
            " (SELECT number FROM pins WHERE run = ? AND owner = ? AND image != ?)",
            (run_id, owner, image.tobytes()),
        )
        database.execute(
            "INSERT INTO pins (run, owner, image) VALUES (?, ?, ?)"
            " ON CONFLICT (run, owner) DO UPDATE SET image = excluded.image",
            (run_id, owner, image.tobytes()),
        )


def pins(run_id: str) -> list[Pin]:
    """The drawings followed through a run."""
    with opened() as database:
        return select_pins(database, run_id)


def select_pins(database: sqlite3.Connection, run_id: str) -> list[Pin]:
    """As `pins`, on an open database."""
    rows = database.execute("SELECT * FROM pins WHERE run = ? ORDER BY number", (run_id,))
    return [
        Pin(
            row["number"],
            row["run"],
            row["owner"],
            np.frombuffer(row["image"], np.uint8).reshape(28, 28),
        )
        for row in rows
    ]


def followed(
    pin_number: int, *, points: int = 300
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What a pinned drawing was read as: steps (P,) int64 and probabilities (P, 10) float32.

    Of more than `points` looks some are left out, the first and the last never.
    """
    with opened() as database:
        rows = database.execute(
            "SELECT step, probabilities FROM followed WHERE pin = ? ORDER BY step", (pin_number,)
        ).fetchall()
    if len(rows) > points:
        rows = [rows[i] for i in np.linspace(0, len(rows) - 1, points).astype(int)]
    steps = np.array([row["step"] for row in rows], np.int64)
    values = np.frombuffer(b"".join(row["probabilities"] for row in rows), "<f4")
    return steps, values.reshape(-1, 10)
