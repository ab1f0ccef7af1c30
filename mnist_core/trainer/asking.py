"""What people ask for: start, pause, stop, go on."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core import store
from mnist_core.errors import RunError
from mnist_core.settings import Settings
from mnist_core.store import Request, Run
from mnist_core.trainer.tending import tend


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

    If the very same settings are being trained or wait in the queue, that run is joined, unless it
    was asked to end.

    Args:
        settings: what to train.
        owner: the visit that asks.
        follow: (28, 28) uint8, a drawing of the owner's to follow from the first batch on.

    Raises:
        InputError: a setting is outside its limits.
        RunError: the run is gone before the drawing could be pinned to it.
        StoreError: the database can't be used.
    """
    settings.check()
    with store.opened(write=True) as database:
        waiting = store.select_runs(database, "queued", *store.ACTIVE)
        same = [run for run in waiting if run.settings == settings and not run.ending]
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
    """Ask a run to end here and keep the best network so far.

    One that waits just leaves the queue; if it has learned something already, it is paused again.

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
            database,
            run_id,
            state="queued",
            queued=store.end_of_queue(database, time.time()),
            request=None,
            message="",
            phase="",
        )
    tend()
    return store.find_run(run_id)


def _ask(run_id: str, request: Request) -> None:
    with store.opened(write=True) as database:
        run = store.select_run(database, run_id)
        if run.state == "queued":
            over = "paused" if request == "pause" or run.step else "stopped"
            store.update(database, run_id, state=over, ended=time.time())
        elif run.state in ("starting", "running"):
            # When it was asked tells whether it listens.
            store.update(database, run_id, request=request, asked=time.time())
        elif run.state != "finishing":
            raise RunError(f"{run_id} is {run.state}: there is nothing to {request}.")
    tend()
