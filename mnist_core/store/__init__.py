"""The database: runs with every batch, and marks on the labels of the data set, kept for good.

One SQLite file, `studio.db` in `paths.home()`, in WAL mode, so that the training process writes
while pages read. Pages and trainer speak through it alone: a request to pause is a column.

Functions that take no open database open it for themselves and close it again (a fraction of a
millisecond), so they may be called from any thread of any process. They raise `StoreError`, a
sentence for people, where the file can't be used.
"""

from mnist_core.store.database import file, opened, persevering
from mnist_core.store.following import Pin, add_followed, followed, pin, pins, select_pins
from mnist_core.store.marks import Mark, marked, set_mark
from mnist_core.store.records import (
    Curves,
    Moment,
    Validation,
    add_batches,
    add_moment,
    add_validation,
    batches,
    board,
    curves,
    forget_from,
    kept_validation,
    last_moment,
    set_board,
    speeds,
    validations,
)
from mnist_core.store.run import (
    ACTIVE,
    NAME_LENGTH,
    NOTES_LENGTH,
    RESUMABLE,
    Request,
    Run,
    State,
    add_run,
    describe,
    end_of_queue,
    find_run,
    remove,
    runs,
    select_run,
    select_runs,
    update,
)

__all__ = [
    "ACTIVE",
    "NAME_LENGTH",
    "NOTES_LENGTH",
    "RESUMABLE",
    "Curves",
    "Mark",
    "Moment",
    "Pin",
    "Request",
    "Run",
    "State",
    "Validation",
    "add_batches",
    "add_followed",
    "add_moment",
    "add_run",
    "add_validation",
    "batches",
    "board",
    "curves",
    "describe",
    "end_of_queue",
    "file",
    "find_run",
    "followed",
    "forget_from",
    "kept_validation",
    "last_moment",
    "marked",
    "opened",
    "persevering",
    "pin",
    "pins",
    "remove",
    "runs",
    "select_pins",
    "select_run",
    "select_runs",
    "set_board",
    "set_mark",
    "speeds",
    "update",
    "validations",
]
