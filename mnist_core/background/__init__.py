"""Work that takes a while and is done once for all: each kind by name, in a process of its own.

Whoever works holds a lock for as long as it lives, so at most one of each name is at work, however
many processes ask for it, and none that died is believed to live. `start` takes the lock and has
the child inherit it: there is no moment at which work has been started and nobody holds its lock.
"""

from mnist_core.background.asking import start, status, stop
from mnist_core.background.notes import Status
from mnist_core.background.working import Tell, at_work

__all__ = ["Status", "Tell", "at_work", "start", "status", "stop"]
