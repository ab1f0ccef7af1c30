"""Start, watch, pause, resume and stop trainings. Each runs in a process of its own, one at a time.

    queued -> starting -> running -> finishing -> finished | stopped
                 ^           |  pause: writes a checkpoint and leaves -> paused
                 |           |  the process died                      -> interrupted
                 +-----------+  an error                              -> failed
              resume (back into the queue)

Whoever calls, from any tab, server or shell, speaks through `store`; nothing is kept in memory.
That never two trainers run is the operating system's promise: a trainer holds a lock on one file
for as long as it lives, and the lock is gone the moment the process is, however it ended. So the
lock tells, too, whether a run that is said to be running has a process that does it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core import paths, store
from mnist_core.errors import RunError, StoreError
from mnist_core.files import lock
from mnist_core.settings import Settings
from mnist_core.store import Request, Run

_START = 20.0  # seconds a process may take from its start to holding the lock
_PATIENCE = 3.0  # seconds that a trainer waits for its place: others look now and then
_DEAF = 10.0  # seconds after which a trainer that ignores Stop is ended by force


@dataclass(frozen=True)
class Started:
    """What became of a wish to train.

    Attributes:
        run: the run that fulfils it.
        joined: the same training was already wanted, so this is that run.
        ahead: how many runs come before it; 0 if it has begun.
    """

    run: Run
    joined: bool
    ahead: int


def start(
    settings: Settings, *, owner: str = "", follow: NDArray[np.uint8] | None = None
) -> Started:
    """Have a network trained in the background, now or after the runs before it.

    If the very same settings are being trained or wait in the queue, that run is joined.

    Args:
        settings: what to train.
        owner: the visit that asks.
        follow: (28, 28) uint8, a drawing of the owner's to follow from the first batch on.

    Raises:
        InputError: a setting is outside its limits.
        StoreError: the database can't be used.
    """
    settings.check()
    with store.opened(write=True) as database:
        waiting = store.select_runs(database, "queued", *store.ACTIVE)
        same = [run for run in waiting if run.settings == settings]
        run = same[0] if same else store.add_run(database, settings, owner=owner)
    if follow is not None:
        store.pin(run.id, owner=owner, image=follow)
    tend()
    run = store.find_run(run.id)
    return Started(run, bool(same), ahead_of(run))


def ahead_of(run: Run) -> int:
    """How many runs come before one that is queued; 0 for any other."""
    if run.state != "queued":
        return 0
    return sum(
        other.active or (other.queued, other.number) < (run.queued, run.number)
        for other in store.runs("queued", *store.ACTIVE)
    )


def current() -> Run | None:
    """The run that a process works on, or is about to; None if there is none."""
    return next(iter(store.runs(*store.ACTIVE, limit=1)), None)


def pause(run_id: str) -> None:
    """Ask a run to write a checkpoint and leave; one that waits or hasn't begun just leaves.

    Raises:
        RunError: it is unknown or over.
    """
    _ask(run_id, "pause")


def stop(run_id: str) -> None:
    """Ask a run to end here and keep the best network so far; one that hasn't begun just ends.

    Raises:
        RunError: it is unknown or over.
    """
    _ask(run_id, "stop")


def resume(run_id: str) -> Run:
    """Have a paused, interrupted or failed run go on, now or after the runs before it.

    Raises:
        RunError: it is unknown, finished, or under way already.
    """
    with store.opened(write=True) as database:
        run = store.select_run(database, run_id)
        if not run.resumable:
            raise RunError(f"{run_id} is {run.state}: it can't go on.")
        store.update(
            database, run_id, state="queued", queued=time.time(), request=None, message="", phase=""
        )
    tend()
    return store.find_run(run_id)


def tend() -> None:
    """Put in order what has changed: name the dead, end the deaf, start the next in the queue.

    Cheap, and called by every page that shows a run, since nobody else watches over them.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    with store.opened() as database:
        live = store.select_runs(database, "queued", *store.ACTIVE)
    if not live:
        return
    if any(run.active for run in live) and (_is_held() or not _bury()):
        _end_the_deaf(live)
        return
    with store.opened(write=True) as database:
        if store.select_runs(database, *store.ACTIVE, limit=1) or _is_held():
            return  # somebody else was quicker
        queue = store.select_runs(database, "queued", order="queued, number", limit=1)
        if not queue:
            return
        run = queue[0]
        store.update(database, run.id, state="starting", heartbeat=time.time(), pid=None)
    _spawn(run)


# For the process that trains.


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
    handle = lock(_lock_file(), patience=_PATIENCE)
    if handle is None:
        if isinstance(what, str):
            with store.opened(write=True) as database:
                # Whoever holds the lock starts it later.
                database.execute(
                    "UPDATE runs SET state = 'queued' WHERE id = ? AND state = 'starting'", (what,)
                )
        raise RunError("A training is under way, and only one runs at a time: wait for its end.")
    try:
        with store.opened(write=True) as database:
            # They would hold the lock if they were alive.
            for dead in store.select_runs(database, "running", "finishing"):
                _call_over(database, dead)
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
                **({"request": None} if run.resumable else {}),
            )
            run = store.select_run(database, run.id)
        yield run
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
        beat = 0.0
        while not self._leave.wait(0.1):
            # A database that is busy for once is no reason to be deaf from then on.
            with contextlib.suppress(StoreError), store.opened() as database:
                asked = store.select_run(database, self._run_id).request
                self.request = asked or self.request
                if time.time() - beat > 1:
                    beat = time.time()
                    store.update(database, self._run_id, heartbeat=beat)


# Inside.

_children: list[subprocess.Popen[bytes]] = []


def _ask(run_id: str, request: Request) -> None:
    with store.opened(write=True) as database:
        run = store.select_run(database, run_id)
        if run.state == "queued":
            over = "paused" if request == "pause" else "stopped"
            store.update(database, run_id, state=over, ended=time.time())
        elif run.state == "paused" and request == "stop":
            store.update(database, run_id, state="stopped", ended=time.time())
        elif run.state in ("starting", "running"):
            # When it was asked tells whether it listens.
            store.update(database, run_id, request=request, asked=time.time())
        elif run.state != "finishing":
            raise RunError(f"{run_id} is {run.state}: there is nothing to {request}.")
    tend()


def _bury() -> bool:
    """Call a run interrupted whose process is gone; whether there was one."""
    with store.opened(write=True) as database:
        found = False
        for run in store.select_runs(database, *store.ACTIVE):
            young = run.state == "starting" and time.time() - run.heartbeat < _START
            if (young and _may_come(run)) or _is_held():
                continue
            _call_over(database, run)
            found = True
        return found


def _call_over(database: sqlite3.Connection, run: Run) -> None:
    """Note that the process of a run is gone."""
    store.update(
        database,
        run.id,
        state="stopped" if run.request == "stop" else "interrupted",
        request=None,
        phase="",
        ended=time.time(),
    )


def _may_come(run: Run) -> bool:
    """Whether a run that is starting still has a process, or is about to."""
    if run.pid is None:
        return True
    if any(child.pid == run.pid and child.poll() is not None for child in _children):
        return False
    try:
        os.kill(run.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _end_the_deaf(live: list[Run]) -> None:
    """End a trainer by force that was asked to stop and shows no sign of having heard."""
    for run in live:
        if run.request == "stop" and run.asked and time.time() - run.asked > _DEAF and run.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(run.pid, signal.SIGKILL)


def _spawn(run: Run) -> None:
    folder = paths.run(run.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "mnist_core", "train", "--run", run.id],
                cwd=paths.PROJECT,
                env={**os.environ, "DIGIT_STUDIO_HOME": str(paths.home().resolve())},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        with store.opened(write=True) as database:
            store.update(
                database,
                run.id,
                state="failed",
                message=f"The training could not be started: {error.strerror or error}.",
                ended=time.time(),
            )
        return
    _children.append(child)
    with store.opened(write=True) as database:
        database.execute(
            "UPDATE runs SET pid = ? WHERE id = ? AND state = 'starting' AND pid IS NULL",
            (child.pid, run.id),
        )


def _lock_file() -> Path:
    return paths.home() / "trainer.lock"


def _is_held() -> bool:
    """Whether a trainer lives. Looking takes a shared lock for a moment: trainers are patient."""
    handle = lock(_lock_file(), shared=True)
    if handle is not None:
        os.close(handle)
    return handle is None
