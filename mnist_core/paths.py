"""Where files live. The environment is read at each call, so tests can move everything."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def home() -> Path:
    """The folder for everything the app writes: `DIGIT_STUDIO_HOME`, else `var/` in the project."""
    return Path(os.environ.get("DIGIT_STUDIO_HOME") or PROJECT / "var").expanduser()


def environment() -> dict[str, str]:
    """The environment for a process of ours, which works in another folder: no relative paths."""
    folders = ("MNIST_DIR", "STROKES_DIR", "LETTERS_DIR")
    named = {"DIGIT_STUDIO_HOME": str(home())} | {
        name: os.environ[name] for name in folders if os.environ.get(name)
    }
    return {**os.environ, **{n: str(Path(v).expanduser().resolve()) for n, v in named.items()}}


def data() -> Path:
    """The project's own folder for downloaded data sets, below `home()`."""
    return home() / "data"


def cache() -> Path:
    """The folder, below `home()`, of what can be worked out anew at any time."""
    return home() / "cache"


def models() -> Path:
    """The folder of the models trained here, below `home()`, one folder each."""
    return home() / "models"


def runs() -> Path:
    """The folder of what runs write, below `home()`, one folder each."""
    return home() / "runs"


def run(run_id: str) -> Path:
    """The folder of a run's checkpoint and log."""
    return runs() / run_id


def checkpoint(run_id: str) -> Path:
    """Where a run goes on from; there is none before the first and after the end."""
    return run(run_id) / "checkpoint.npz"


def event_log(run_id: str) -> Path:
    """The folder of a run's log for TensorBoard, with a folder each for its two curves."""
    return run(run_id) / "tensorboard"


def shipped_model() -> Path:
    """The folder of the model that ships with the project."""
    return PROJECT / "models" / "default"
