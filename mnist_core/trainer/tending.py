"""Look after the runs: name the dead, end the deaf, start the next."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

from mnist_core import paths, store
from mnist_core.store import Run
from mnist_core.trainer import last_words
from mnist_core.trainer.presence import call_over, is_held

_START = 20.0  # seconds a process may take from its start to holding the lock
_DEAF = 10.0  # seconds after which a trainer that ignores Stop and gives no sign of life is ended
_STUCK = 60.0  # the same for one that lives, since it may be loading what it needs
_IDLE = 1.0  # the same for one that has learned nothing yet, with which nothing is lost

_children: list[subprocess.Popen[bytes]] = []  # so that none stays a zombie


def tend() -> None:
    """Put in order what has changed: name the dead, end the deaf, start the next in the queue.

    Cheap, and called by every page that shows a run, since nobody else watches over them.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    with store.opened() as database:
        live = store.select_runs(database, "queued", *store.ACTIVE)
    if not live:
        return
    if any(run.active for run in live) and (is_held() or not _bury()):
        _end_the_deaf(live)
        return
    with store.opened(write=True) as database:
        if store.select_runs(database, *store.ACTIVE, limit=1) or is_held():
            return  # somebody else was quicker
        queue = store.select_runs(database, "queued", order="queued, number", limit=1)
        if not queue:
            return
        run = queue[0]
        store.update(database, run.id, state="starting", heartbeat=time.time(), pid=None)
    _spawn(run)


def _bury() -> bool:
    """Call a run interrupted whose process is gone; whether there was one."""
    with store.opened(write=True) as database:
        found = False
        for run in store.select_runs(database, *store.ACTIVE):
            silent = time.time() - run.heartbeat
            if silent < 0:  # the clock was set back: it is given its time from now on
                store.update(database, run.id, heartbeat=time.time())
            young = run.state == "starting" and silent < _START
            if (young and _may_come(run)) or is_held():
                continue
            call_over(database, run)
            found = True
        return found


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
    """End a trainer by force that was asked to stop, did not, and won't."""
    now = time.time()
    for run in live:
        if not run.active or run.request != "stop" or run.asked is None or run.pid is None:
            continue
        if run.state == "starting" and not paths.checkpoint(run.id).exists():
            patience = _IDLE  # it may wait for a server that is silent
        else:
            patience = _STUCK if now - run.heartbeat < _DEAF else _DEAF
        if now < run.asked:  # the clock was set back: it is given its time from now on
            with store.opened(write=True) as database:
                store.update(database, run.id, asked=now)
        elif now - run.asked > patience:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(run.pid, signal.SIGKILL)


def _spawn(run: Run) -> None:
    folder = paths.run(run.id)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with last_words.log_file(run.id).open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "mnist_core", "train", "--run", run.id],
                cwd=paths.PROJECT,
                env=paths.environment(),
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
                request=None,
                message=f"The training could not be started: {error.strerror or error}. Resume it"
                " once that is put right.",
                ended=time.time(),
            )
        return
    _children.append(child)
    with store.opened(write=True) as database:
        database.execute(
            "UPDATE runs SET pid = ? WHERE id = ? AND state = 'starting' AND pid IS NULL",
            (child.pid, run.id),
        )
