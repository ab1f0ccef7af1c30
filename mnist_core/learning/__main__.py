"""Rebuild the model that ships: `python -m mnist_core.learning`.

Trains on MNIST's training images less 5,000 held out for choosing, writes the served files,
measures the test set once with the file that will serve, and puts the result in its place.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core import datasets, paths, registry, strokes, weights
from mnist_core.errors import DigitStudioError
from mnist_core.inference import Classifier
from mnist_core.learning import export, training
from mnist_core.mnist_files import MNIST
from mnist_core.preprocessing import to_mnist


def main() -> int:
    """Train, export, measure, replace; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mnist_core.learning", description=__doc__)
    parser.add_argument("--epochs", type=int, default=training.Recipe.epochs)
    parser.add_argument("--seed", type=int, default=training.Recipe.seed)
    parser.add_argument("--to", type=Path, default=paths.shipped_model(), help="folder to write")
    arguments = parser.parse_args()
    recipe = training.Recipe(epochs=arguments.epochs, seed=arguments.seed)
    try:
        card = build(arguments.to, recipe)
    except DigitStudioError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(card, indent=1))
    return 0


def build(folder: Path, recipe: training.Recipe) -> dict[str, Any]:
    """Train a model into `folder`, whose old content is replaced once all is well.

    Returns:
        The card.

    Raises:
        DataError: MNIST is not on this machine, or damaged.
        ModelError: the exported files disagree.
    """
    train, validation = datasets.split_validation(*datasets.load_mnist("train", download=True))
    trained = training.train(train, validation, recipe=recipe)
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    export.export(trained.model, beside, check_on=validation.images[:256])
    card = {
        "id": registry.SHIPPED,
        "preset": "best",
        "architecture": "compact CNN: " + _architecture(beside),
        "parameters": trained.model.count_params(),
        "multiply_adds": weights.PlainNetwork.load(beside).multiply_adds,
        "seed": recipe.seed,
        "epochs": recipe.epochs,
        "best_epoch": trained.best_epoch,
        "wall_seconds": round(trained.wall_seconds, 1),
        "validation_accuracy": trained.validation_accuracy,
        "test_accuracy": None,
        "pen_drawings_accuracy": None,
        "recipe": asdict(recipe),
        "data": {
            "MNIST train images": MNIST.train_images.sha256,
            "MNIST train labels": MNIST.train_labels.sha256,
            "MNIST test images (measured once)": MNIST.test_images.sha256,
            "MNIST test labels (measured once)": MNIST.test_labels.sha256,
            "generated digits": f"{recipe.generated_digits} from seed {recipe.seed}",
            "generated scribbles": f"{recipe.scribbles} from seed {recipe.seed}",
            "held out for validation": len(validation.labels),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("keras", "numpy", "ai-edge-litert")},
            "tensorflow": _tensorflow_version(),
        },
        "files": registry.checksums(beside),
    }
    classifier = Classifier(registry.Model(beside, card))
    card["validation_accuracy"] = _accuracy(classifier, validation)
    card["test_accuracy"] = _accuracy(classifier, datasets.load_mnist("test"))
    card["pen_drawings_accuracy"] = _pen_accuracy(classifier)
    (beside / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    _swap_in(beside, folder)
    return card


def _swap_in(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; what was there goes only once the new is in place."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _accuracy(classifier: Classifier, digits: datasets.Digits) -> float:
    right = classifier.predict(digits.images).argmax(axis=1) == digits.labels
    return float(np.mean(right))


def _pen_accuracy(classifier: Classifier) -> float | None:
    """On pen strokes drawn on the canvas, none of them trained on; None if there are none here."""
    if not (file := datasets.find_strokes()):
        return None
    written = strokes.read_pendigits(file)
    images = [to_mnist(strokes.render(strokes.fit(digit.strokes))) for digit in written]
    labels = np.array([digit.label for digit in written], np.uint8)
    return _accuracy(classifier, datasets.Digits(np.stack(images), labels))


def _architecture(folder: Path) -> str:
    """One line, from the exported layers."""
    words = []
    for layer in weights.PlainNetwork.load(folder).layers:
        if layer["type"] == "conv2d":
            height, width, _, filters = layer["kernel"].shape
            words.append(f"conv {height}x{width}x{filters} /{layer['strides'][0]}")
        elif layer["type"] == "dense":
            words.append(f"dense {layer['kernel'].shape[1]}")
        else:
            words.append(str(layer.get("activation", layer["type"])).replace("_", " "))
    return ", ".join(words)


def _tensorflow_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)


if __name__ == "__main__":
    sys.exit(main())
