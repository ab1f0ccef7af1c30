"""Files with what a model makes of many digits; whatever is wrong with one, it can be made anew."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from mnist_core import paths
from mnist_core.errors import ModelError
from mnist_core.registry import Model, models


def file_for(kind: str, model: Model, digits: str) -> Path:
    """Where it is kept.

    Args:
        kind: of what is kept; a folder of its own.
        model: which; trained again under its old name it has other weights, and another file.
        digits: of which digits.
    """
    weights = str(model.card["files"].get("model.tflite"))[:12]
    return paths.cache() / kind / f"{model.id}-{weights}-{digits}.npz"


def sweep(kind: str, digits: Collection[str], *, keep: int) -> None:
    """Delete what is of models that are gone, and of the rest all but the newest.

    Args:
        kind: as for `file_for`.
        digits: all that files may be of.
        keep: how many files stay at most.
    """
    # Somebody else may be sweeping.
    with contextlib.suppress(OSError, ModelError):
        here = {file_for(kind, model, each) for model in models() for each in digits}
        files = {file: file.stat().st_mtime for file in (paths.cache() / kind).glob("*.npz")}
        newest = sorted(here & files.keys(), key=lambda file: -files[file])[:keep]
        for file in files.keys() - set(newest):
            file.unlink(missing_ok=True)
