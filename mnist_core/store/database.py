"""The file: its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mnist_core import paths
from mnist_core.errors import StoreError
from mnist_core.files import locked
from mnist_core.store.trouble import in_a_sentence, kind_of

_VERSION = 4
_RUNS = """
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
  validation_accuracy REAL,             -- of the weights to keep so far
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
) WITHOUT ROWID
"""
_MARKS = """
CREATE TABLE marks (                    -- what people think of the labels of the data set
  part TEXT NOT NULL, number INTEGER NOT NULL,
  mark TEXT NOT NULL,                   -- 'right', 'wrong' or 'unclear'
  at REAL NOT NULL,
  PRIMARY KEY (part, number)
) WITHOUT ROWID
"""
# Name and notes are given by people; best_step is the validation of the weights to keep. (SQLite
# takes a comment within as part of the table.)
_WORDS = """
ALTER TABLE runs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN best_step INTEGER
"""
_DRAWINGS = """
CREATE TABLE profiles (                 -- a person's or a class's collection of drawings
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,          -- the name as names are compared
  owner TEXT NOT NULL,                  -- the visit that began it
  made REAL NOT NULL
);
CREATE TABLE drawings (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  profile INTEGER NOT NULL,
  label INTEGER NOT NULL,               -- 0-9, what the person says it is
  image BLOB NOT NULL,                  -- (28, 28) uint8
  strokes TEXT NOT NULL,                -- JSON: points of strokes, in pixels of the canvas
  pen_width REAL NOT NULL,
  read INTEGER,                         -- 0-9, what it was read as
  confidence REAL,
  verdict TEXT NOT NULL,
  model TEXT NOT NULL,                  -- the id of what read it
  at REAL NOT NULL,
  held_out INTEGER NOT NULL             -- 1: never to be learned from
);
CREATE INDEX drawings_in_order ON drawings (profile);
CREATE INDEX drawings_by_label ON drawings (profile, label, held_out, read, verdict)
"""
_STEPS = (_RUNS, _MARKS, _WORDS, _DRAWINGS)  # from an empty file to version 1, from there to 2, ...

# Seconds to wait for another writer; all transactions here take milliseconds.
_PATIENCE = 3.0  # where somebody waits for a page
_PERSEVERANCE = 120.0  # where nobody waits, and much would be lost
_AGAIN = 0.1  # after one who has just waited in vain

_persevering = 0  # how many in this process are
_gave_up = -_PATIENCE  # when somebody in this process last waited in vain


def file() -> Path:
    """The database."""
    return paths.home() / "studio.db"


@contextmanager
def opened(*, write: bool = False, for_good: bool = False) -> Iterator[sqlite3.Connection]:
    """The open database; with `write` the block is one transaction that nobody else's interleaves.

    Args:
        write: begin a transaction.
        for_good: what is written then survives a power cut, and what is deleted is overwritten.

    Raises:
        StoreError: the file can't be made, opened or used.
    """
    try:
        with closing(_connect()) as database:
            if not write:
                yield database
                return
            if for_good:
                database.execute("PRAGMA synchronous = FULL")
                database.execute("PRAGMA secure_delete = ON")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                if database.in_transaction:  # SQLite itself gives up where the disk is full
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        kind = kind_of(error, file())
        if kind == "busy":
            global _gave_up
            _gave_up = time.monotonic()
        raise StoreError(in_a_sentence(kind, file(), error)) from error


@contextmanager
def persevering() -> Iterator[None]:
    """Have everything in this process wait for minutes where the database is busy."""
    global _persevering
    _persevering += 1
    try:
        yield
    finally:
        _persevering -= 1


def _patience() -> float:
    """Seconds to wait for another writer.

    A page opens the database a few times: it must not be kept waiting by each of them.
    """
    if _persevering:
        return _PERSEVERANCE
    return _AGAIN if time.monotonic() - _gave_up < _PATIENCE else _PATIENCE


@contextmanager
def as_written() -> Iterator[None]:
    """Take what can't be read back as it was written for damage, which SQLite doesn't always see.

    Raises:
        StoreError: there was such an error in the block.
    """
    try:
        yield
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise StoreError(in_a_sentence("damaged", file())) from error


def _connect() -> sqlite3.Connection:
    if not (database_file := file()).exists():
        database_file.parent.mkdir(parents=True, exist_ok=True)
    # Autocommit: transactions begin where we say so.
    database = sqlite3.connect(database_file, timeout=_patience(), isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        # A power cut may lose the last batches, never the file; checkpoints are flushed apart.
        database.execute("PRAGMA synchronous = NORMAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version < _VERSION:
            _bring_up(database)
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"it is of version {version}, made by another release")
    except BaseException:
        database.close()
        raise
    return database


def _bring_up(database: sqlite3.Connection) -> None:
    """Make the tables that a new file, or one of an earlier release, lacks."""
    # SQLite waits for others everywhere but where it turns a new file to WAL.
    with locked(file().with_name(".studio.lock"), patience=_patience()):
        # Somebody else may have been quicker.
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        for statements in _STEPS[version:]:
            for statement in statements.split(";\n"):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {_VERSION}")
        database.execute("COMMIT")
