"""What was to serve when: the history of models that were published and rolled back.

It is one small file, `published.json` in `paths.models()`, that is only ever replaced whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mnist_core import paths
from mnist_core.errors import ModelError
from mnist_core.files import locked, write_whole

SHIPPED = "default"  # the id of the model that ships with the project

Event = Literal["publish", "rollback"]


@dataclass(frozen=True)
class Served:
    """That a model was to serve from a moment on.

    Attributes:
        id: of the model, which may have been deleted since.
        since: seconds since 1970; None: from the beginning.
        rolled_back: whether it came back because the one after it was rolled back.
    """

    id: str
    since: float | None
    rolled_back: bool


def served() -> list[Served]:
    """What was to serve from when on, the oldest first."""
    periods = [Served(SHIPPED, None, False)]
    ids: list[str] = []
    for event in _events():
        _follow(ids, event)
        serving = ids[-1] if ids else SHIPPED
        periods.append(Served(serving, event["at"], event["event"] == "rollback"))
    return periods


def stack() -> list[str]:
    """The ids published one on top of another and not rolled back; the last is to serve."""
    ids: list[str] = []
    for event in _events():
        _follow(ids, event)
    return ids


@contextmanager
def changing() -> Iterator[Callable[[Event, str], None]]:
    """Give a function that notes an event with the id that was published or rolled back.

    Nobody else changes the history meanwhile.

    Raises:
        ModelError: it can't be written down.
    """
    file = _file()
    try:
        with locked(file.with_name(".published.lock")):

            def note(event: Event, model_id: str) -> None:
                events = [*_read(), {"id": model_id, "at": time.time(), "event": event}]
                write_whole(file, (json.dumps(events, indent=1) + "\n").encode())

            yield note
    except OSError as error:
        raise ModelError(
            f"The choice can't be written down: {error.strerror or error}. Make room or give leave,"
            " then try again."
        ) from error


def _file() -> Path:
    return paths.models() / "published.json"


def _events() -> list[dict[str, Any]]:
    """What was published and rolled back, and when; a file that can't be read tells nothing."""
    try:
        return _read()
    except OSError:
        return []


def _read() -> list[dict[str, Any]]:
    """As `_events`, but a file that is there and can't be read, for now, is not taken for empty.

    Raises:
        OSError: it can't be read.
    """
    try:
        events = json.loads(_file().read_bytes())
        return [{"id": str(e["id"]), "at": _time(e["at"]), "event": e["event"]} for e in events]
    except (FileNotFoundError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return []


def _time(given: Any) -> float:
    at = float(given)
    if not 0 <= at < 1e11:  # what no calendar has
        raise ValueError(f"{at} is no time")
    return at


def _follow(ids: list[str], event: dict[str, Any]) -> None:
    """Change the ids published one on top of another as an event did."""
    if event["event"] == "publish":
        ids.append(event["id"])
    elif ids:
        ids.pop()
