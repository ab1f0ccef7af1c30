"""Why a database can't be used, as a sentence that says what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Literal

Kind = Literal["busy", "full", "read-only", "damaged", "no memory", "unknown"]

_MEMORY = (sqlite3.SQLITE_IOERR_NOMEM, sqlite3.SQLITE_IOERR_SHMMAP)
_LITTLE = 200_000  # bytes left on a disk that count as none
_ERRNO: dict[int, Kind] = {
    errno.ETIMEDOUT: "busy",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
}


def in_a_sentence(kind: Kind, file: Path, error: Exception | None = None) -> str:
    """What is wrong with the database in a file, and what to do."""
    what = f"The database of runs and drawings, {file},"
    match kind:
        case "busy":
            return f"{what} is busy: another program has been writing to it. Try again in a moment."
        case "full":
            return f"{what} has no room left on its disk: make room, then try again."
        case "read-only":
            return f"{what} can't be written: see that its folder can be, then try again."
        case "damaged":
            return (
                f"{what} is damaged: move it away to begin a new one, or put back a copy of it. The"
                " models that were trained stay."
            )
        case "no memory":
            return f"{what} can't be opened, out of memory: close other programs, then try again."
    return f"{what} can't be used: {error}. Move it away to begin a new one."


def kind_of(error: sqlite3.Error | OSError | UnicodeDecodeError, file: Path) -> Kind:
    """What an error says of the database in a file."""
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, "unknown")
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return "damaged"
    code = getattr(error, "sqlite_errorcode", 0)  # one of ours has none
    # The low byte is the kind of error, the rest its details.
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "busy"
        case sqlite3.SQLITE_FULL:
            return "full"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return "read-only"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return "damaged"
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN:
            kind = _of_the_folder(file.parent)
            return "no memory" if kind == "unknown" and code in _MEMORY else kind
    return "unknown"


def _of_the_folder(folder: Path) -> Kind:
    """What keeps SQLite, which doesn't say so, from making or growing files in a folder."""
    try:
        if shutil.disk_usage(folder).free < _LITTLE:
            return "full"
        # To whom a folder belongs doesn't tell: root may write anywhere but on a read-only disk.
        handle, probe = tempfile.mkstemp(prefix=".probe-", dir=folder)
    except OSError as error:
        return _ERRNO.get(error.errno or 0, "unknown")
    os.close(handle)
    Path(probe).unlink()
    return "unknown"
