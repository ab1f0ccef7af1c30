"""The commands that list, measure and choose models; `mnist_core.cli` has the frame around them."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnist_core.examination import Result


def add_commands(commands: Any) -> None:
    """Add `models`, `publish`, `rollback` and `evaluate` to a parser's commands."""
    models = commands.add_parser("models", help="list the models")
    models.add_argument("--json", action="store_true", help="print a JSON list")
    models.set_defaults(command=_models)

    publish = commands.add_parser("publish", help="have a model read the drawings")
    publish.add_argument("id", metavar="ID", help="its name, such as fast-3")
    publish.set_defaults(command=_publish)

    commands.add_parser("rollback", help="have the model read that did before").set_defaults(
        command=_rollback
    )

    evaluate = commands.add_parser(
        "evaluate",
        help="measure how well a model reads",
        description="Measure a model on MNIST's test set, or, without MNIST, on generated digits.",
    )
    evaluate.add_argument("--model", metavar="ID", help="the published one if none is named")
    evaluate.add_argument("--all", action="store_true", help="on every set on this machine")
    evaluate.add_argument("--json", action="store_true", help="print a JSON object")
    evaluate.set_defaults(command=_evaluate)


def _models(arguments: argparse.Namespace) -> int:
    from mnist_core import registry
    from mnist_core.words import accuracy

    serving = registry.find().id
    objects: list[dict[str, Any]] = [
        {
            "id": model.id,
            "published": model.id == serving,
            **{
                key: model.card.get(key)
                for key in (
                    "preset",
                    "validation_accuracy",
                    "test_accuracy",
                    "tested_on",
                    "parameters",
                    "multiply_adds",
                    "created",
                )
            },
        }
        for model in registry.models()
    ]
    if arguments.json:
        print(json.dumps(objects, indent=2))
        return 0
    for each in objects:
        mark = "*" if each["published"] else " "
        print(
            f"{mark} {each['id']:16} test {accuracy(each['test_accuracy'])}"
            f"  {each['parameters'] or 0:>9,} parameters"
        )
    return 0


def _publish(arguments: argparse.Namespace) -> int:
    from mnist_core import registry

    print(f"{registry.publish(arguments.id).id} reads the drawings now.")
    return 0


def _rollback(arguments: argparse.Namespace) -> int:
    from mnist_core import registry

    print(f"{registry.rollback().id} reads the drawings now.")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from mnist_core import examination, heldout
    from mnist_core.cli import complain, quiet_libraries
    from mnist_core.inference import Classifier

    with quiet_libraries():
        classifier = Classifier.load(arguments.model)
    drawn = heldout.sets(complain=complain) if arguments.all else heldout.test_set()
    found = {}
    for name, seen in examination.examine_all(classifier, drawn):
        found[name] = seen.as_json()
        if not arguments.json:
            print(f"{classifier.model.id}: {_in_a_line(name, seen)}", flush=True)
    if arguments.json:
        print(json.dumps({"model": classifier.model.id, "sets": found}, indent=2))
    return 0


def _in_a_line(name: str, seen: Result) -> str:
    from mnist_core.words import accuracy

    if seen.counted is None:
        return f"{accuracy(seen.flagged)} of {seen.count:,} flagged: {name}"
    worst, recall = seen.counted.worst
    words = f"{accuracy(seen.counted.accuracy)} of {seen.count:,} read right: {name}"
    words += f"; worst {worst} ({accuracy(recall)})"
    words += f", calibration error {accuracy(seen.calibration_error)}"
    if seen.flagged is not None:
        words += f", {accuracy(seen.flagged)} of those read right flagged"
    return words
