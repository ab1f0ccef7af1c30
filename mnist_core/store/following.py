"""Drawings that are followed through a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.store.database import as_written, opened
from mnist_core.store.run import select_run


@dataclass(frozen=True)
class Pin:
    """A drawing, (28, 28) uint8, that a visit follows through a run."""

    number: int
    run: str
    owner: str
    image: NDArray[np.uint8]


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


@as_written()
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


@as_written()
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
