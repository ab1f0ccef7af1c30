"""A trained network as a model that can be listed: the served files, the measurements, the card."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mnist_core import calibration, heldout, registry, weights
from mnist_core.datasets import Digits
from mnist_core.errors import DataError
from mnist_core.evaluation import evaluate
from mnist_core.inference import Classifier
from mnist_core.learning import export
from mnist_core.learning.material import Material
from mnist_core.learning.training import Training
from mnist_core.preprocessing import to_mnist
from mnist_core.strokes import PenDigit

_TIMES = 3  # that each pen digit is drawn for validation, somewhere else each time
_FLAGGED = 0.005  # of the validation digits that it reads right


def pack(
    training: Training, folder: Path, *, model_id: str, test: Digits, wall_seconds: float
) -> dict[str, Any]:
    """Write the best network of a training, and measure it with the file that will serve.

    Args:
        training: at its end.
        folder: an empty folder.
        model_id: what the model is to be called.
        test: what it is measured on, this once.
        wall_seconds: of training.

    Returns:
        The card.

    Raises:
        ModelError: the files disagree.
        RunError: nothing was validated yet.
    """
    model, best = training.best_model()
    settings, validation = training.settings, training.material.validation
    judged = trust(model, training.material)
    export.export(model, folder, check_on=validation.images[:256])
    plain = weights.PlainNetwork.load(folder)
    card = {
        "id": model_id,
        "preset": settings.preset,
        "architecture": describe(plain),
        "parameters": model.count_params(),
        "multiply_adds": plain.multiply_adds,
        "seed": settings.seed,
        "epochs": round(training.step / training.steps_per_epoch, 2),
        "best_epoch": round(best.step / training.steps_per_epoch, 2),
        "wall_seconds": round(wall_seconds, 1),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "tested_on": "MNIST test" if settings.data == "mnist" else "generated digits",
        "settings": asdict(settings),
        "trained_in": training.precision,
        **judged,
        "data": training.material.described,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "numpy", "ai-edge-litert")},
            "tensorflow": str(tf.__version__),
        },
    }
    classifier = Classifier(registry.write_card(folder, card))
    card["validation_accuracy"] = evaluate(classifier, validation).accuracy
    card["test_accuracy"] = evaluate(classifier, test).accuracy
    return registry.write_card(folder, card).card


def trust(model: keras.Model, learned: Material) -> dict[str, Any]:
    """Calibrate a network on validation digits and find out when it is to be believed.

    Its logits are divided by the temperature for good, in the weights of the last layer, so that
    whoever reads with it, in whatever language, gets probabilities that can be trusted.

    Returns:
        For the card: the `temperature`; and, if it learned what is no digit, the digitness from
        which on it takes a drawing for one, `digit_from`.
    """
    sets = [learned.validation]
    if learned.drawn and (written := _written_for_validation()):
        drawings = heldout.anywhere(written, "validation", times=_TIMES)
        sets.append(Digits(np.stack([to_mnist(d) for d in drawings]), drawings.labels))
    to_logits = keras.Model(model.input, model.get_layer("logits").output)
    labels = [digits.labels for digits in sets]
    logits = [
        to_logits.predict(d.images[..., None].astype(np.float32) / 255, batch_size=500, verbose=0)
        for d in sets
    ]
    divisor = calibration.temperature(np.concatenate(logits), np.concatenate(labels))
    last = model.get_layer("logits")
    last.set_weights([weight / divisor for weight in last.get_weights()])
    judged: dict[str, Any] = {"temperature": round(divisor, 4)}
    if learned.drawn and learned.drawn.non_digits:
        # Where it is hardest: of no set are more flagged than wanted.
        right = [
            found[found.argmax(axis=1) == wanted]
            for found, wanted in zip((z / divisor for z in logits), labels, strict=True)
        ]
        lines = [
            calibration.threshold(calibration.digitness(found), share=_FLAGGED)
            for found in right
            if len(found)
        ]
        judged["digit_from"] = min(lines, default=0.0)
    return judged


def _written_for_validation() -> tuple[PenDigit, ...]:
    try:
        return heldout.pen_digits("validation")
    except DataError:  # they could not be learned from, either
        return ()


def describe(network: weights.PlainNetwork) -> str:
    """The layers in one line."""
    words = []
    for layer in network.layers:
        if layer["type"] == "conv2d":
            height, width, _, filters = layer["kernel"].shape
            words.append(f"conv {height}x{width}x{filters} /{layer['strides'][0]}")
        elif layer["type"] == "dense":
            words.append(f"dense {layer['kernel'].shape[1]}")
        else:
            words.append(str(layer.get("activation", layer["type"])).replace("_", " "))
    return ", ".join(words)
