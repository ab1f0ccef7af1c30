"""What people think of the labels of the data set."""

from __future__ import annotations

import time
from typing import Literal, get_args

from mnist_core.errors import InputError
from mnist_core.store.database import as_written, opened

Mark = Literal["right", "wrong", "unclear"]


def set_mark(part: str, number: int, mark: Mark | None) -> None:
    """Mark the label of one digit, in place of an earlier mark; None takes the mark away.

    Args:
        part: "train" or "test".
        number: of the digit in its part, from 0.
        mark: the label looks "right" or "wrong", or it is "unclear" what the digit is.

    Raises:
        InputError: no such mark.
        StoreError: it can't be kept.
    """
    if mark not in (*get_args(Mark), None):
        raise InputError(f"{mark!r} is no mark: choose one of {', '.join(get_args(Mark))}.")
    with opened(write=True) as database:
        if mark is None:
            database.execute("DELETE FROM marks WHERE part = ? AND number = ?", (part, number))
        else:
            database.execute(
                "INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)",
                (part, number, mark, time.time()),
            )


@as_written()
def marked(part: str) -> dict[int, Mark]:
    """The marks in a part, by the numbers of the digits, ascending."""
    with opened() as database:
        rows = database.execute(
            "SELECT number, mark FROM marks WHERE part = ? ORDER BY number", (part,)
        )
        return dict(map(tuple, rows))
