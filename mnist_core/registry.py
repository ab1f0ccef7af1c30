"""Models on disk: list them, make sure that they are what their cards say, choose which serves.

A model is a folder with a card: the one that ships, in the project, and those trained here, in
`paths.models()`. Which one serves follows from the history of what was published and rolled back
(see `serving_history`). If its files are damaged the one before it serves, and at last the one that
ships.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core import paths, serving_history
from mnist_core.errors import ModelError
from mnist_core.files import new_folder, remove_folder

SHIPPED = serving_history.SHIPPED

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
    return _top(serving_history.stack())


def edition(model_id: str | None = None) -> tuple[str, int]:
    """What changes when a model does, or another is to serve: the id, when its card was written.

    Cheap, for asking at every turn; a model that was trained anew under its name is another one.
    None means the one that is to serve.
    """
    model_id = model_id or published()
    folder = paths.shipped_model() if model_id == SHIPPED else paths.models() / model_id
    try:
        return model_id, (folder / "card.json").stat().st_mtime_ns
    except (OSError, ValueError):  # an id that no file can have
        return model_id, 0


def publish(model_id: str) -> Model:
    """Have a model serve, at once and everywhere, after its files were checked.

    Raises:
        ModelError: there is no such model, it is damaged, or the choice can't be written down.
    """
    with serving_history.changing() as note:  # nobody deletes it meanwhile
        model = find(model_id)
        model.check()
        if published() != model_id:
            note("publish", model_id)
    return model


def rollback(*, to: str | None = None) -> Model:
    """Have the model serve that served before the present one; those that are gone are passed over.

    Args:
        to: the id of the model that is expected to serve then; None: whichever it is.

    Raises:
        ModelError: none did, it is another one by now, or the choice can't be written down.
    """
    with serving_history.changing() as note:
        ids = serving_history.stack()
        below = _below(ids)
        if below is None:
            raise ModelError("The model that ships is serving, and none served before it.")
        goal = _top(below)
        if to not in (None, goal):
            raise ModelError(f"Somebody was quicker: {find().id} serves now. Look again.")
        for model_id in reversed(ids[len(below) :]):
            note("rollback", model_id)
    return find(goal)


def before() -> str | None:
    """The id of the model that `rollback` would have serve; None where none served before."""
    below = _below(serving_history.stack())
    return None if below is None else _top(below)


def _below(ids: list[str]) -> list[str] | None:
    """What is left of the published ids where the model before serves; None where there is none.

    That is the next intact one that is not the one that is to serve now: it may be the one that
    serves in place of that, where that is damaged.
    """
    left = [ids[:count] for count in range(len(ids) - 1, -1, -1)]
    others = (below for below in left if _top(below) == _intact(below).id != _top(ids))
    return next(others, None)


def _top(ids: list[str]) -> str:
    return ids[-1] if ids else SHIPPED


def delete(model_id: str) -> None:
    """Delete a model for good.

    Raises:
        ModelError: it serves, it ships with the project, or it can't be deleted.
    """
    if model_id == SHIPPED or not _ID.fullmatch(model_id):
        raise ModelError(f"The model {model_id!r} can't be deleted.")
    with serving_history.changing():
        # Another may serve than the one that is to, where that is damaged.
        if model_id in (published(), _serving().id):
            raise ModelError(
                f"{model_id} reads the drawings now: have another network read them first."
            )
        try:
            remove_folder(paths.models() / model_id)
        except OSError as error:
            reason = error.strerror or error
            raise ModelError(f"The model {model_id} can't be deleted: {reason}.") from error


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
            f"The model {model_id} can't be saved: {error.strerror or error}. Make room or give"
            " leave, then resume."
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
    return _intact(serving_history.stack())


def _intact(ids: list[str]) -> Model:
    """The last of these that is intact, else the one that ships."""
    for model_id in reversed(ids):
        try:
            model = find(model_id)
            model.check()
        except ModelError:
            continue
        return model
    return open_folder(paths.shipped_model())
