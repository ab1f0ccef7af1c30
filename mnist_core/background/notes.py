"""What is known of the work of a name: three files below `paths.home()`.

`NAME.lock` is held by whoever is at work and says which process that is; `NAME.json` says how far
the work is or how it ended; `NAME.log` holds what the process printed.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core import paths
from mnist_core.errors import InputError
from mnist_core.files import lock, write_whole

STOPPED = "stopped"  # takes the place of the process id once the process is to end

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")


@dataclass(frozen=True)
class Status:
    """How some work is going.

    Attributes:
        running: a process is at it, or about to be.
        share: how much of it is done, 0-1; 1 if it was completed.
        words: what is being done, for a person; may be empty.
        error: a sentence or two that say why it failed the last time; empty if it did not, or if
            it is running.
    """

    running: bool = False
    share: float = 0.0
    words: str = ""
    error: str = ""


@dataclass(frozen=True)
class Note:
    """What `NAME.json` says: see `Status`; `over` if it was written at the end of the work."""

    share: float = 0.0
    words: str = ""
    error: str = ""
    over: bool = False


def file_of(name: str, ending: str) -> Path:
    """One of a name's files.

    Raises:
        InputError: it is no name.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name: use small letters, digits and dashes.")
    return paths.home() / "background" / f"{name}.{ending}"


def write_note(name: str, **noted: Any) -> None:
    """Write the fields of a `Note`.

    Raises:
        OSError: it can't be written.
    """
    write_whole(file_of(name, "json"), json.dumps(noted).encode())


def read_note(name: str) -> Note:
    """The last note; where there is none that can be read, nothing was done and it is over."""
    try:
        return Note(**json.loads(file_of(name, "json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return Note(over=True)


def take(name: str) -> int | None:
    """The lock of a name, which says nothing yet; None if somebody is at work.

    Raises:
        OSError: its file can't be made.
    """
    file = file_of(name, "lock")
    while (handle := lock(file, patience=0.02)) is None:
        # Those who look share the lock for a moment; whoever works shares it with nobody.
        if is_held(name):
            return None
    os.ftruncate(handle, 0)
    return handle


def sign(handle: int, process: int) -> None:
    """Say in the lock's file which process holds it."""
    os.pwrite(handle, str(process).encode(), 0)


def is_held(name: str) -> bool:
    """Whether somebody is at work, as far as can be seen."""
    file = file_of(name, "lock")
    try:
        if not file.exists():
            return False
        handle = lock(file, shared=True)
    except OSError:
        return False
    if handle is not None:
        os.close(handle)
    return handle is None


def holder(name: str) -> str:
    """The id of the process that holds the lock or held it, or `STOPPED`; empty if not known."""
    try:
        return file_of(name, "lock").read_text()
    except OSError:
        return ""
