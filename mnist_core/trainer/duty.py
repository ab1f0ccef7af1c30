"""The side of the process that trains: be the only one, listen, give signs of life."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mnist_core import paths, store
from mnist_core.errors import DigitStudioError, RunError
from mnist_core.files import lock
from mnist_core.settings import Settings
from mnist_core.store import Request, Run
from mnist_core.trainer import last_words
from mnist_core.trainer.presence import call_over, lock_file
from mnist_core.trainer.tending import tend

_PATIENCE = 3.0  # seconds that a trainer waits for its place: others look now and then


@contextmanager
def sole_trainer(what: str | Settings) -> Iterator[Run]:
    """Be the one trainer while the block lasts; leaving it starts the next run in the queue.

    Args:
        what: the id of a run that is queued or starting, or that can go on; or settings for a new
            one.

    Raises:
        RunError: a trainer is at work already, or the run is over.
        StoreError: the database can't be used.
    """
    try:
        handle = lock(lock_file(), patience=_PATIENCE)
    except OSError as error:
        raise RunError(
            f"Nothing can be written to {paths.home()} ({error.strerror or error}): make room or"
            " give leave, then try again."
        ) from error
    # Other programs may keep the database busy for a while: no reason to lose a training.
    with store.persevering():
        yield from _alone(handle, what)


def _alone(handle: int | None, what: str | Settings) -> Iterator[Run]:
    if handle is None:
        if isinstance(what, str):
            with store.opened(write=True) as database:
                # Whoever holds the lock starts it later.
                database.execute(
                    "UPDATE runs SET state = 'queued', pid = NULL, request = NULL"
                    " WHERE id = ? AND state = 'starting'",
                    (what,),
                )
        raise RunError("A training is under way, and only one runs at a time: wait for its end.")
    try:
        with store.opened(write=True) as database:
            # They would hold the lock if they were alive.
            for dead in store.select_runs(database, "running", "finishing"):
                call_over(database, dead)
            if isinstance(what, Settings):
                run = store.add_run(database, what.check(), owner="")
            else:
                run = store.select_run(database, what)
            if not (run.resumable or run.state in ("queued", "starting")):
                raise RunError(f"{run.id} is {run.state}: it can't be trained on.")
            store.update(
                database,
                run.id,
                state="starting",
                pid=os.getpid(),
                heartbeat=time.time(),
                ended=None,
                message="",
            )
            run = store.select_run(database, run.id)
        last_words.prepare(run.id)
        try:
            yield run
        finally:
            last_words.leave(run.id)
    finally:
        os.close(handle)
        tend()


class Ear:
    """Listens for requests and gives signs of life, in a thread of its own.

    Attributes:
        request: what the run was asked to do; None if nothing.
    """

    def __init__(self, run_id: str) -> None:
        self.request: Request | None = None
        self._run_id = run_id
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Ear:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leave.set()
        self._thread.join()

    def _listen(self) -> None:
        beat = -1.0
        while not self._leave.wait(0.1):
            # A database that can't be used for once is no reason to be deaf from then on.
            with contextlib.suppress(DigitStudioError), store.opened() as database:
                asked = store.select_run(database, self._run_id).request
                if asked:  # a signal may have asked, too
                    self.request = asked
                if time.monotonic() - beat > 1:  # the clock on the wall may be set back
                    beat = time.monotonic()
                    store.update(database, self._run_id, heartbeat=time.time())
