"""What a run leaves behind: every batch, its validations, looks at the board."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.store.database import as_written, opened


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


@as_written()
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


@as_written()
def batches(run_id: str) -> NDArray[np.float64]:
    """Every batch of a run: (B, 4) float64 of step, loss, accuracy, learning rate."""
    with opened() as database:
        rows = database.execute(
            "SELECT step, loss, accuracy, learning_rate FROM batches WHERE run = ? ORDER BY step",
            (run_id,),
        ).fetchall()
    return np.array([tuple(row) for row in rows], np.float64).reshape(-1, 4)


@as_written()
def validations(run_id: str) -> list[Validation]:
    """A run's validations in order."""
    with opened() as database:
        rows = database.execute(
            "SELECT * FROM validations WHERE run = ? ORDER BY step", (run_id,)
        ).fetchall()
    return [_as_validation(row) for row in rows]


def _as_validation(row: sqlite3.Row) -> Validation:
    return Validation(
        row["step"],
        row["loss"],
        row["accuracy"],
        np.frombuffer(row["confusion"], "<u4").reshape(10, 10),
    )


@as_written()
def kept_validation(run_id: str) -> Validation | None:
    """The validation of the weights to keep so far, or of those that were kept; None before any."""
    with opened() as database:
        row = database.execute(
            "SELECT validations.* FROM validations JOIN runs ON runs.id = validations.run"
            " WHERE runs.id = ? ORDER BY validations.step = runs.best_step DESC,"
            " validations.accuracy DESC, validations.step DESC LIMIT 1",
            (run_id,),
        ).fetchone()
    return None if row is None else _as_validation(row)


@as_written()
def last_moment(run_id: str) -> Moment | None:
    """The latest look at the board, or None before the first."""
    with opened() as database:
        row = database.execute(
            "SELECT * FROM moments WHERE run = ? ORDER BY step DESC LIMIT 1", (run_id,)
        ).fetchone()
    if row is None:
        return None
    return Moment(row["step"], row["images_per_second"], np.frombuffer(row["board"], np.uint8))


@as_written()
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


@as_written()
def board(run_id: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    """The digits of the board and their labels; None before the run has begun."""
    with opened() as database:
        row = database.execute("SELECT * FROM boards WHERE run = ?", (run_id,)).fetchone()
    if row is None:
        return None
    labels = np.frombuffer(row["labels"], np.uint8)
    return np.frombuffer(row["images"], np.uint8).reshape(-1, 28, 28), labels
