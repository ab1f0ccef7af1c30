"""Rebuild the model that ships: `python -m mnist_core.learning`.

Trains as the preset "best" does, or goes on with such a run, and puts what came of it in the place
of the model that ships.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from mnist_core import cli_training, examination, heldout, paths, registry
from mnist_core.errors import DigitStudioError
from mnist_core.files import new_folder
from mnist_core.inference import Classifier
from mnist_core.settings import PRESETS


def main() -> int:
    """Train, replace; returns the exit status."""
    best = PRESETS["best"].settings
    parser = argparse.ArgumentParser(prog="python -m mnist_core.learning", description=__doc__)
    parser.add_argument("--epochs", type=int, default=best.epochs)
    parser.add_argument("--seed", type=int, default=best.seed)
    parser.add_argument("--resume", metavar="RUN", help="go on with this run")
    parser.add_argument("--to", type=Path, default=paths.shipped_model(), help="folder to write")
    arguments = parser.parse_args()
    settings = replace(best, epochs=arguments.epochs, seed=arguments.seed)
    try:
        run = cli_training.train(arguments.resume or settings)
        if run.model is not None and run.state == "finished":
            ship(registry.find(run.model), arguments.to)
            return 0
    except DigitStudioError as error:
        print(error, file=sys.stderr)
    return 1


def ship(model: registry.Model, folder: Path) -> None:
    """Copy a model to where the one that ships is, and measure it on everything there is."""
    classifier = Classifier(model)
    measured = {
        name: result.as_json()
        for name, result in examination.examine_all(classifier, heldout.sets(complain=print))
    }
    card = {**model.card, "id": registry.SHIPPED, "measured": measured}
    with new_folder(folder) as beside:
        for name in model.card["files"]:
            shutil.copyfile(model.folder / name, beside / name)
        registry.write_card(beside, card)


if __name__ == "__main__":
    sys.exit(main())
