"""What others ask for: start, see how it goes, stop."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from mnist_core import paths
from mnist_core.background.notes import (
    STOPPED,
    Status,
    file_of,
    holder,
    is_held,
    read_note,
    sign,
    take,
    write_note,
)
from mnist_core.background.working import INHERITED
from mnist_core.errors import DigitStudioError
from mnist_core.files import lock

_GRACE = 1.0  # seconds in which a process that is asked to leave may tidy up

_children: list[subprocess.Popen[bytes]] = []  # so that none stays a zombie
_refused: dict[str, str] = {}  # why the last start failed, for there may be no place to note it


def start(name: str, arguments: Sequence[str]) -> None:
    """Have `python -m mnist_core ARGUMENTS` work in the background, unless somebody is at it.

    The command is to do its work within `at_work(name)`. If the process can't be started, `status`
    says so.

    Args:
        name: of the work: small letters, digits and dashes.
        arguments: of the command line.

    Raises:
        InputError: it is no name.
    """
    _reap()
    _refused.pop(name, None)
    try:
        handle = take(name)
        if handle is None:
            return
        try:
            write_note(name)
            child = _spawn(name, handle, arguments)
            _children.append(child)
            sign(handle, child.pid)
        except OSError:
            file_of(name, "json").unlink(missing_ok=True)
            raise
        finally:
            os.close(handle)  # the child has its own
    except OSError as error:
        _refused[name] = f"It could not be started: {error.strerror or error}."


def status(name: str) -> Status:
    """How the work is going, or went the last time; cheap, for asking every second.

    Raises:
        InputError: it is no name.
    """
    _reap()
    file = file_of(name, "lock")
    nothing = Status(error=_refused.get(name, ""))
    try:
        if not file.exists():
            return nothing  # nobody should find files because somebody looked
        # While the lock is shared nobody is at work or begins, so the note is the last word.
        handle = lock(file, shared=True)
    except OSError:
        return nothing
    try:
        note = read_note(name)
        if handle is None:
            _refused.pop(name, None)  # somebody else could
            return Status(True, note.share, note.words)
        if nothing.error:
            return nothing
        if note.over or holder(name) == STOPPED:
            return Status(False, note.share, note.words, note.error)
        log = file_of(name, "log")
        return Status(error=f"It ended before it was done: try again, or see {log}.")
    finally:
        if handle is not None:
            os.close(handle)


def stop(name: str) -> None:
    """End the work if somebody is at it, by force after a second; that is no failure of it.

    Raises:
        DigitStudioError: the process can't be ended, since it is another user's.
        InputError: it is no name.
    """
    process: int | None = None
    until = time.monotonic() + 2 * _GRACE
    while is_held(name):
        who = holder(name)
        if process is None and who.isdecimal():
            process = int(who)
            # Where that can't be written, its end counts as a failure.
            with contextlib.suppress(OSError):
                file_of(name, "lock").write_text(STOPPED)
            _send(process, signal.SIGTERM)
            until = time.monotonic() + _GRACE
        elif process is not None and who != STOPPED:
            return  # it has ended, and somebody has started it anew
        elif time.monotonic() > until:
            if process is None:
                return  # somebody else is ending it
            _send(process, signal.SIGKILL)
            until = time.monotonic() + _GRACE
        time.sleep(0.02)


def _spawn(name: str, handle: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start the process, which holds the lock from its first moment on."""
    with file_of(name, "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "mnist_core", *arguments],
            cwd=paths.PROJECT,
            env={
                **paths.environment(),
                INHERITED: f"{name} {handle}",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(handle,),
            start_new_session=True,
        )


def _send(process: int, sign: signal.Signals) -> None:
    try:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, sign)
    except PermissionError as error:
        raise DigitStudioError("It can't be stopped: another user has started it.") from error


def _reap() -> None:
    for child in list(_children):
        if child.poll() is not None:
            with contextlib.suppress(ValueError):  # another thread was quicker
                _children.remove(child)
