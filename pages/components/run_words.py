"""Runs and their settings in words for people."""

from __future__ import annotations

import time
from typing import Any

from mnist_core.settings import PRESETS, Settings
from mnist_core.store import Run
from mnist_core.words import duration, plural

_SILENT = 15.0  # seconds after which a process that says nothing is worth a word

_STATES = {
    "queued": "Waiting",
    "starting": "Starting",
    "running": "Training",
    "finishing": "Finishing",
    "paused": "Paused",
    "interrupted": "Interrupted",
    "failed": "Failed",
    "stopped": "Stopped",
    "finished": "Finished",
}
_NAMES = {
    "preset": "Network",
    "hidden": "Hidden layers",
    "activation": "Activation",
    "filters": "Filters",
    "head": "Last layer sees",
    "dropout": "Dropout",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "learning_rate": "Learning rate",
    "optimizer": "Optimizer",
    "schedule": "Schedule",
    "augment": "Varies every image",
    "images": "Training images",
    "seed": "Seed",
    "data": "Learns from",
    "weight_decay": "Weight decay",
    "label_smoothing": "Label smoothing",
    "pen_digits": "Pen drawings per epoch",
    "generated_digits": "Generated digits per epoch",
    "non_digits": "Non-digits per epoch",
    "start_from": "Starts from",
    "own_digits": "Own drawings per epoch",
}
_VALUES = {
    "mnist": "MNIST",
    "generated": "generated digits",
    "average": "the mean of each filter",
    "flat": "each filter in every place",
}


def title(run: Run) -> str:
    """A run in a few words, some of which people wrote: not for a place that takes Markdown."""
    return f"{run.id}: {run.name or preset_title(run.settings.preset)}"


def preset_title(preset: str) -> str:
    """What a preset is called; one that is unknown here, as it is written."""
    return PRESETS[preset].title if preset in PRESETS else preset


def state(run: Run) -> str:
    """How a run stands, in a word or two."""
    if run.request and run.active:
        return "Pausing ..." if run.request == "pause" else "Stopping ..."
    return _STATES[run.state]


def where(run: Run) -> str:
    """How far a run is, in words for beside its bar."""
    if run.active and (silent := time.time() - run.heartbeat) > _SILENT:
        return f"No sign of life for {duration(silent)}. Stop ends it."
    if run.phase:
        return f"{run.phase} ..."
    if run.state != "running":
        return state(run)
    words = f"Epoch {run.epoch} of {run.settings.epochs}"
    if run.seconds_left is not None:
        words += f", {duration(run.seconds_left)} left"
    return words


def settings_in_words(settings: Settings) -> dict[str, str]:
    """The settings that decide something, by what they are called."""
    without = {"family"} | (
        {"filters", "head"} if settings.family == "dense" else {"hidden", "activation"}
    )
    if settings.optimizer != "adamw":
        without.add("weight_decay")
    if settings.data == "generated" and not settings.profile:
        without |= {"pen_digits", "generated_digits", "non_digits"}
    if not settings.profile:
        without.add("own_digits")
    return {
        name: _value(field, getattr(settings, field))
        for field, name in _NAMES.items()
        if field not in without
    }


def in_short(settings: Settings) -> str:
    """What one would change first, in a line."""
    return (
        f"{plural(settings.epochs, 'epoch')}, batch {settings.batch_size},"
        f" rate {settings.learning_rate:g}, {settings.images:,} images"
    )


def _value(field: str, value: Any) -> str:
    if field == "preset":
        return preset_title(value)
    if field == "start_from":
        return value or "random weights"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}" if field != "seed" else str(value)
    return _VALUES.get(value, str(value))
