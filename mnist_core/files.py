"""Files that are whole or not there (written beside, flushed, moved into place), and locks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_whole(file: Path, content: bytes) -> None:
    """Write a file; whoever reads it meets the old content or the new, never a part.

    Folders on the way to it are made.

    Raises:
        OSError: it can't be written; the old content is still there.
    """
    with writing(file) as stream:
        stream.write(content)


@contextmanager
def writing(file: Path) -> Iterator[BinaryIO]:
    """As `write_whole`, of what the block writes into the stream; if it fails, nothing is left.

    Raises:
        OSError: it can't be written; the old content is still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own for each writer, so that two at a time don't write into one file.
    beside = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    try:
        with beside.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    _sync(file.parent)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside to be filled; it becomes `folder` only when the block ends well.

    A folder that is there already is replaced.

    Raises:
        OSError: it can't be written or moved.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    beside.mkdir()
    try:
        yield beside
        for file in beside.iterdir():
            _sync(file)
        _sync(beside)
        if folder.exists():
            old = beside.with_name(beside.name + ".old")
            folder.rename(old)
            beside.rename(folder)
            shutil.rmtree(old)
        else:
            beside.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Delete a folder; whoever looks meets it whole or not at all. One that is not there is gone.

    Raises:
        OSError: it can't be moved out of the way; then it is still whole.
    """
    aside = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
    with contextlib.suppress(FileNotFoundError):
        folder.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def lock(file: Path, *, patience: float = 0.0, shared: bool = False) -> int | None:
    """Take the lock on a file, made if need be. The system gives it back when a process ends.

    Args:
        file: what to lock; its content means nothing.
        patience: seconds to wait for it.
        shared: others may hold it, too, if they share it.

    Returns:
        A handle for `os.close`, which gives the lock back; None if somebody else holds it.

    Raises:
        OSError: the file can't be made.
    """
    with contextlib.suppress(OSError):  # opening it tells
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        if not shared:
            raise
        handle = os.open(file, os.O_RDONLY)  # whoever only looks need not write
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(0.02)


@contextmanager
def locked(file: Path, *, patience: float = 10.0) -> Iterator[None]:
    """Hold the lock on a file while the block lasts.

    Raises:
        OSError: it can't be had in time, or the file can't be made.
    """
    handle = lock(file, patience=patience)
    if handle is None:
        raise TimeoutError(errno.ETIMEDOUT, f"somebody else has been holding {file}")
    try:
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    """Have the disk hold what was written; a folder's entries count as its content."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
