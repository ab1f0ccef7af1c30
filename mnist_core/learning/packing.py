"""A trained network as a model that can be listed: the served files, the measurements, the card."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import tensorflow as tf

from mnist_core import registry, weights
from mnist_core.datasets import Digits
from mnist_core.evaluation import evaluate
from mnist_core.inference import Classifier
from mnist_core.learning import export
from mnist_core.learning.training import Training


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
