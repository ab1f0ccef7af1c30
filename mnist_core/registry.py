"""Models on disk: list them, make sure that they are what their cards say, choose which serves.

A model is a folder with a card: the one that ships, in the project, and those trained here, in
`paths.models()`. Which one serves follows from `published.json` beside those, the history of what
was published and rolled back. If its files are damaged the one before it serves, and at last the
one that ships.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core import paths
from mnist_core.errors import ModelError
from mnist_core.files import locked, new_folder, write_whole

SHIPPED = "default"

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True)
class Model:
    """A model whose card was found.

    Attributes:
        folder: holds `model.keras`, `model.tflite`, `weights.bin`, `weights.json`, `card.json`.
        card: what `card.json` says: `id`, `preset`, `test_accuracy`, `files`, ...
    """

    folder: Path
    card: dict[str, Any]

    @property
    def id(self) -> str:
        """The name it is known by."""
        return str(self.card["id"])

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, checked against the card.

        Raises:
            ModelError: the file is missing, or its SHA-256 differs from the card's.
        """
        file = self.folder / name
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ModelError(f"The model file {file} can't be read: {error.strerror}.") from error
        if hashlib.sha256(content).hexdigest() != self.card["files"].get(name):
            raise ModelError(
                f"The model file {file} is damaged or was altered: its SHA-256 is not the one in"
                f" card.json. {self._remedy()}"
            )
        return content

    def _remedy(self) -> str:
        if self.id == SHIPPED:
            return "Restore it from where you got Digit Studio."
        return "Train it again, or publish another."

    def check(self) -> None:
        """Make sure that every file is what the card says.

        Raises:
            ModelError: one is missing or altered.
        """
        for name in self.card["files"]:
            self.read(name)


def find(model_id: str | None = None) -> Model:
    """Find a model by its id; None means the published one, else the one that ships.

    Raises:
        ModelError: there is no such model, or its card can't be read.
    """
    if model_id is None:
        return _serving()
    if model_id == SHIPPED:
        return open_folder(paths.shipped_model())
    if not _ID.fullmatch(model_id) or not (folder := paths.models() / model_id).is_dir():
        raise ModelError(f"There is no model named {model_id!r}.")
    return open_folder(folder)


def models() -> list[Model]:
    """All models whose cards can be read: the one that ships, then the others, oldest first."""
    found = [open_folder(paths.shipped_model())]
    folders = [f for f in paths.models().glob("*") if _ID.fullmatch(f.name) and f.is_dir()]
    for folder in folders:
        try:
            found.append(open_folder(folder))
        except ModelError:
            continue  # named when it is asked for
    return found[:1] + sorted(found[1:], key=lambda model: str(model.card.get("created", "")))


def published() -> str:
    """The id of the model that is to serve; cheap, for asking at every turn."""
    return [SHIPPED, *_history()][-1]


def edition() -> tuple[str, int]:
    """What changes when another network is to serve: its id, and when its card was written.

    Cheap, for asking at every turn; a model that was trained anew under its name is another one.
    """
    model_id = published()
    folder = paths.shipped_model() if model_id == SHIPPED else paths.models() / model_id
    try:
        return model_id, (folder / "card.json").stat().st_mtime_ns
    except OSError:
        return model_id, 0


def publish(model_id: str) -> Model:
    """Have a model serve, at once and everywhere, after its files were checked.

    Raises:
        ModelError: there is no such model, it is damaged, or the choice can't be written down.
    """
    model = find(model_id)
    model.check()
    with _changing() as note:
        if published() != model_id:
            note("publish", model_id)
    return model


def rollback() -> Model:
    """Have the model serve that served before the present one.

    Raises:
        ModelError: none did, or the choice can't be written down.
    """
    with _changing() as note:
        if not _history():
            raise ModelError("The model that ships is serving, and none served before it.")
        note("rollback", published())
    return find()


@contextmanager
def new_model(model_id: str) -> Iterator[Path]:
    """Give a folder to be filled with a model; it is listed once the block ends well.

    Raises:
        ModelError: the folder can't be written.
    """
    try:
        with new_folder(paths.models() / model_id) as folder:
            yield folder
    except OSError as error:
        raise ModelError(
            f"The model {model_id} can't be saved: {error.strerror or error}."
        ) from error


def open_folder(folder: Path) -> Model:
    """Read a model's card.

    Raises:
        ModelError: the card is missing or is no card.
    """
    file = folder / "card.json"
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
        if not (isinstance(card["id"], str) and isinstance(card["files"], dict)):
            raise ValueError("'id' or 'files' is not what it should be")
    except OSError as error:
        raise ModelError(f"The model card {file} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelError(f"The model card {file} is damaged: {error}.") from error
    return Model(folder, card)


def write_card(folder: Path, card: dict[str, Any]) -> Model:
    """Write `card.json`, with the checksums of the files that are there."""
    card = {**card, "files": checksums(folder)}
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return Model(folder, card)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a model's folder but the card, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != "card.json"
    }


def _serving() -> Model:
    """The last published model that is intact."""
    for model_id in reversed(_history()):
        try:
            model = find(model_id)
            model.check()
        except ModelError:
            continue
        return model
    return open_folder(paths.shipped_model())


def _history_file() -> Path:
    return paths.models() / "published.json"


def _events() -> list[dict[str, Any]]:
    """What was published and rolled back, and when; a file that can't be read tells nothing."""
    try:
        events = json.loads(_history_file().read_text(encoding="utf-8"))
        return [{"id": str(e["id"]), "at": float(e["at"]), "event": e["event"]} for e in events]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _history() -> list[str]:
    """The ids published one on top of another and not rolled back; the last is to serve."""
    ids: list[str] = []
    for event in _events():
        if event["event"] == "publish":
            ids.append(event["id"])
        elif ids:
            ids.pop()
    return ids


@contextmanager
def _changing() -> Iterator[Callable[[str, str], None]]:
    """Give a function that notes an event ("publish" or "rollback") with an id.

    Nobody else changes the history meanwhile.
    """
    file = _history_file()
    try:
        with locked(file.with_name(".published.lock")):

            def note(event: str, model_id: str) -> None:
                events = [*_events(), {"id": model_id, "at": time.time(), "event": event}]
                write_whole(file, (json.dumps(events, indent=1) + "\n").encode())

            yield note
    except OSError as error:
        raise ModelError(f"The choice can't be written down: {error.strerror or error}.") from error
