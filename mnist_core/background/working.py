"""The side of the process that works: be the only one, tell how far it is, say how it ended."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from mnist_core.background.notes import file_of, sign, take, write_note
from mnist_core.errors import DigitStudioError

Tell = Callable[[float, str], None]  # takes the share that is done, 0-1, and words for a person

INHERITED = "DIGIT_STUDIO_AT_WORK"  # in the environment: the work's name and its lock's handle

_NICE = 10  # what pages start steps back behind those who wait for an answer
_INTERVAL = 0.25  # seconds between two notes


@contextmanager
def at_work(name: str) -> Iterator[Tell]:
    """Be the one who does this work while the block lasts; gives a function that tells how far.

    An error that leaves the block is noted as the reason why the work failed; an interruption is
    no failure. Where nothing can be written the work is done all the same, and nobody sees it.

    Args:
        name: of the work, as for `start`.

    Raises:
        DigitStudioError: somebody else is at it.
        InputError: it is no name.
    """
    handle = _inherited(name)
    if handle is None:
        with contextlib.suppress(OSError):
            handle = take(name)
            if handle is None:
                raise DigitStudioError("Another process is doing this already: wait for its end.")
            sign(handle, os.getpid())
    notes = _Notes(name, seen=handle is not None)
    try:
        with _leaving_when_asked():
            yield notes.tell
        notes.conclude(share=1.0)
    except (KeyboardInterrupt, SystemExit):
        notes.conclude()
        raise
    except Exception as error:
        notes.conclude(_sentence(error))
        raise
    finally:
        if handle is not None:
            os.close(handle)


class _Notes:
    """Notes how far some work is, not too often; that it can't be noted ends no work."""

    def __init__(self, name: str, *, seen: bool) -> None:
        self._name = name
        self._seen = seen
        self._share = 0.0
        self._words = ""
        self._write()
        self._written = -_INTERVAL  # what is told first is noted at once

    def tell(self, share: float, words: str) -> None:
        self._share = min(max(share, 0.0), 1.0)
        self._words = words
        if time.monotonic() - self._written >= _INTERVAL:
            self._write()

    def conclude(self, error: str = "", *, share: float | None = None) -> None:
        self._share = self._share if share is None else share
        self._write(error=error, over=True)

    def _write(self, **outcome: Any) -> None:
        self._written = time.monotonic()
        if self._seen:
            with contextlib.suppress(OSError):
                write_note(self._name, share=self._share, words=self._words, **outcome)


def _inherited(name: str) -> int | None:
    """The handle of the lock if this process was started for this work, else None."""
    whose, _, number = os.environ.get(INHERITED, "").partition(" ")
    if whose != name:
        return None
    del os.environ[INHERITED]
    handle = int(number)
    with contextlib.suppress(OSError):
        if os.path.samestat(os.fstat(handle), file_of(name, "lock").stat()):
            os.set_inheritable(handle, False)  # a process of ours must not outlive us at work
            os.nice(max(0, _NICE - os.nice(0)))  # whoever started us may have stepped back, too
            return handle
    return None


@contextmanager
def _leaving_when_asked() -> Iterator[None]:
    """Have SIGTERM end the process as Ctrl+C does, so that nothing half-written stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _sentence(error: Exception) -> str:
    if isinstance(error, DigitStudioError):
        return str(error)
    if isinstance(error, OSError):
        return f"A file could not be read or written: {error.strerror or error}."
    return f"It failed: {type(error).__name__}: {error}."
