"""Teach the network that reads somebody's hand: a short training that goes on from it.

It learns from somebody's stored drawings, each drawn anew in many ways, among digits of all the
kinds it was made from, so that it doesn't forget those (rehearsal: A. Robins, "Catastrophic
Forgetting, Rehearsal and Pseudorehearsal", Connection Science, 1995).
"""

from __future__ import annotations

import json
from dataclasses import replace

from mnist_core import datasets, handwriting, registry
from mnist_core.errors import InputError
from mnist_core.settings import PRESETS, Settings

# Chosen on the drawings of validation writers, see `make bench-teach`.
_EPOCHS = 4
_BATCH_SIZE = 64
_LEARNING_RATE = 5e-3
_IMAGES = 4_000
_EACH = 60  # variants of each of somebody's drawings in an epoch ...
_OWN = 2_000  # ... and of all of them, at most
_DRAWN = 1_200  # of the other kinds, at most, shared out as they were when it was made


def settings_for(profile: int, model: registry.Model) -> Settings:
    """What to train to teach a model the drawings of a profile that are there now.

    Args:
        profile: its number.
        model: to go on from.

    Returns:
        Settings for `trainer.start`; equal ones for equal drawings.

    Raises:
        InputError: the profile has no drawing to learn from.
        StoreError: the drawings can't be read.
    """
    counts = handwriting.count(profile)
    learnable = counts.total - counts.held_out
    if not learnable:
        raise InputError("There is nothing to learn from yet: store a drawing of a digit first.")
    base = _settings_of(model)
    others = base.pen_digits + base.generated_digits + base.non_digits
    share = min(1.0, _DRAWN / max(others, 1))
    return replace(
        base,
        epochs=_EPOCHS,
        batch_size=_BATCH_SIZE,
        learning_rate=_LEARNING_RATE,
        schedule="one-cycle",
        augment=True,
        images=_IMAGES,
        data="mnist" if datasets.find_mnist() else "generated",
        pen_digits=round(share * base.pen_digits),
        generated_digits=round(share * base.generated_digits),
        non_digits=round(share * base.non_digits),
        start_from=model.id,
        profile=profile,
        drawings_until=handwriting.latest(profile),
        own_digits=min(_EACH * learnable, _OWN),
    )


def _settings_of(model: registry.Model) -> Settings:
    """What a model was trained with."""
    if "settings" in model.card:
        return Settings.from_json(json.dumps(model.card["settings"]))
    return PRESETS[model.card["preset"]].settings


def taught(model: registry.Model) -> int:
    """The number of the profile whose drawings a model was taught last; 0: nobody's."""
    return int(model.card.get("settings", {}).get("profile", 0))
