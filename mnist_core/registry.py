"""Models on disk: find one, and make sure that it is what its card says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core import paths
from mnist_core.errors import ModelError

SHIPPED = "default"


@dataclass(frozen=True)
class Model:
    """A model whose files were found unaltered.

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
                " card.json. Restore it from where you got Digit Studio."
            )
        return content


def find(model_id: str | None = None) -> Model:
    """Find a model by its id; None means the one in use, so far always the one that ships.

    Raises:
        ModelError: there is no such model, or its card can't be read.
    """
    if model_id not in (None, SHIPPED):
        raise ModelError(f"There is no model named {model_id!r}.")
    return open_folder(paths.shipped_model())


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


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a model's folder but the card, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.iterdir())
        if file.name != "card.json"
    }
