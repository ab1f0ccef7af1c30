"""Runs and their settings in words for people."""

from __future__ import annotations

import re
from typing import Any

from mnist_core.settings import PRESETS, Settings
from mnist_core.store import Run
from mnist_core.words import plural

_NAMES = {
    "preset": "Network",
    "hidden": "Hidden layers",
    "activation": "Activation",
    "filters": "Filters",
    "head": "Decides on",
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
    "pen_digits": "Pen drawings an epoch",
    "generated_digits": "Generated digits an epoch",
    "non_digits": "Non-digits an epoch",
    "start_from": "Starts from",
}
_VALUES = {
    "mnist": "MNIST",
    "generated": "generated digits",
    "average": "the average of each filter",
    "flat": "all places of each filter",
}


def title(run: Run, *, markdown: bool = False) -> str:
    """A run in a few words: as plain text, or for a place that takes Markdown."""
    name = as_typed(run.name) if markdown else run.name
    return f"{run.id}: {name or PRESETS[run.settings.preset].title}"


def settings_in_words(settings: Settings) -> dict[str, str]:
    """The settings that decide something, by what they are called."""
    without = {"family"} | (
        {"filters", "head"} if settings.family == "dense" else {"hidden", "activation"}
    )
    if settings.optimizer != "adamw":
        without.add("weight_decay")
    if settings.data == "generated":
        without |= {"pen_digits", "generated_digits", "non_digits"}
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


def as_typed(text: str) -> str:
    """What people wrote, for a place that takes Markdown: shown as it is."""
    return re.sub(r"([\\`*_{}\[\]#|~:$<>&])", r"\\\1", text)


def _value(field: str, value: Any) -> str:
    if field == "preset":
        return PRESETS[value].title
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
