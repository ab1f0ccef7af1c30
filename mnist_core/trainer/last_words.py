"""Why a training failed, as a sentence: from its error, or from what a dead process has printed."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from mnist_core import paths, store
from mnist_core.errors import DigitStudioError

OUT_OF_MEMORY = (
    "The memory of this computer did not suffice: close other programs and resume, or train a"
    " smaller network, in smaller batches or on fewer images."
)
NO_ROOM = "There is no room left on the disk: make room, then resume."
READ_ONLY = "A file can't be written: see that its folder can be, then resume."

# Libraries say it in many ways, some of them only in what they print before they end the process.
_MEMORY = re.compile(
    r"MemoryError|bad_alloc|out of memory|cannot allocate|unable to allocate|\bOOM\b"
    r"|ResourceExhausted|failed to map segment|can't start new thread|pthread_create\(\) failed"
    r"|what\(\): +Resource temporarily unavailable|memory allocation"
    r"|error return without exception|could not create a (primitive|memory)",
    re.IGNORECASE,
)
_ROOM = re.compile(r"No space left|Disk quota exceeded|no room left", re.IGNORECASE)
_WRITE = re.compile(r"Read-only file system|Permission denied", re.IGNORECASE)
_OURS = re.compile(
    r"^python -m mnist_core: (?!internal error|interrupted)(?:\S+ failed: )?(.+)$", re.MULTILINE
)
_TAIL = 20_000  # bytes of a log that are looked at
_RESERVE = 100_000  # bytes of room that are kept


def give_up(run_id: str, error: Exception) -> None:
    """Note that a run failed, and why. To be called by its trainer.

    Raises:
        StoreError: the database can't be used.
    """
    if not isinstance(error, DigitStudioError):
        with contextlib.suppress(OSError):  # the log may be on the disk that is full
            traceback.print_exception(error)
            sys.stderr.flush()
    leave(run_id)  # on a full disk the note itself would find no room
    with store.opened(write=True) as database:
        store.update(
            database,
            run_id,
            state="failed",
            message=in_a_sentence(error),
            request=None,
            phase="",
            ended=time.time(),
        )


def in_a_sentence(error: Exception) -> str:
    """What went wrong, and what to do."""
    # Whoever meets an error while tidying up after another one hides it.
    told = "\n".join(f"{type(each).__name__}: {each}" for each in _chain(error))
    for sign, sentence in ((_ROOM, NO_ROOM), (_MEMORY, OUT_OF_MEMORY)):
        if sign.search(told):
            return sentence
    if isinstance(error, DigitStudioError):
        return str(error)
    if _WRITE.search(told):
        return READ_ONLY
    if isinstance(error, OSError):
        return f"A file can't be read or written ({error}): make room or give leave, then resume."
    return f"Something unforeseen happened: {type(error).__name__}: {error}"


def of_the_dead(run_id: str) -> str:
    """Why a process that is gone failed, by what it has printed; empty if that doesn't tell."""
    try:
        with log_file(run_id).open("rb") as log:
            log.seek(-min(_TAIL, os.fstat(log.fileno()).st_size), os.SEEK_END)
            said = log.read().decode(errors="replace")
    except OSError:
        return ""
    if ours := _OURS.findall(said):
        return str(ours[-1])
    return OUT_OF_MEMORY if _MEMORY.search(said) else ""


def log_file(run_id: str) -> Path:
    """What the process of a run prints, if a page has started it."""
    return paths.run(run_id) / "log.txt"


def prepare(run_id: str) -> None:
    """Forget what an earlier process has said, and keep some room for words of our own."""
    log = log_file(run_id)
    with contextlib.suppress(OSError):
        if not os.path.samestat(os.fstat(2), log.stat()):
            log.unlink()
    reserve = _reserve(run_id)
    with contextlib.suppress(OSError):
        reserve.parent.mkdir(parents=True, exist_ok=True)
        reserve.write_bytes(os.urandom(_RESERVE))


def leave(run_id: str) -> None:
    """Give back the room that was kept."""
    with contextlib.suppress(OSError):
        _reserve(run_id).unlink(missing_ok=True)


def _reserve(run_id: str) -> Path:
    return paths.run(run_id) / ".reserve"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
