"""Start, watch, pause, resume, stop and delete trainings. Each has a process; one runs at a time.

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

from mnist_core.trainer.asking import Started, ahead_of, current, pause, resume, start, stop
from mnist_core.trainer.duty import Ear, sole_trainer
from mnist_core.trainer.removal import delete
from mnist_core.trainer.tending import tend

__all__ = [
    "Ear",
    "Started",
    "ahead_of",
    "current",
    "delete",
    "pause",
    "resume",
    "sole_trainer",
    "start",
    "stop",
    "tend",
]
