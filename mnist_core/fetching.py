"""MNIST fetched in the background: see `datasets.fetch_mnist` and `background`."""

from mnist_core import background
from mnist_core.background import Status

TASK = "fetch"

_SIZE = 11.5e6  # bytes of a download, for a server that doesn't say


def start() -> None:
    """Have MNIST be downloaded, once for all who ask."""
    background.start(TASK, ["data", "fetch"])


def status() -> Status:
    """How the download is going."""
    return background.status(TASK)


def share(done: int, total: int | None) -> float:
    """Which share of a download is done, 0-1, in bytes; the total may be unknown.

    >>> share(3, 12), share(23_000_000, None)
    (0.25, 1.0)
    """
    return min(done / (total or _SIZE), 1.0)
