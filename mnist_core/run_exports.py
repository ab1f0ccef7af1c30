"""What one takes along of a run: its numbers as a table, or all of it as a zip file."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict

from mnist_core import exports, paths, registry, store
from mnist_core.errors import RunError
from mnist_core.store import Run

_BATCH = ("loss", "accuracy", "learning_rate")
_VALIDATION = ("validation_loss", "validation_accuracy")


def metrics_csv(run_id: str) -> bytes:
    """Every batch of a run as a row below a head, with the validation after it if there was one.

    Steps are counted from 1, epochs in fractions. Numbers have 8 significant digits, a little more
    than float32, which the batches were measured in, can tell apart.

    Raises:
        RunError: there is no such run.
        StoreError: the database can't be used.
    """
    run = store.find_run(run_id)
    batches = {int(step): _written(*values) for step, *values in store.batches(run_id).tolist()}
    validations = {
        seen.step: _written(seen.loss, seen.accuracy) for seen in store.validations(run_id)
    }

    def row(step: int) -> list[object]:
        epoch = _written(step / run.steps_per_epoch) if run.steps_per_epoch else [""]
        batch = batches.get(step, [""] * len(_BATCH))
        return [step, *epoch, *batch, *validations.get(step, [""] * len(_VALIDATION))]

    # A run that goes on while it is read may have a validation ahead of the batches.
    steps = sorted(batches.keys() | validations.keys())
    return exports.table(["step", "epoch", *_BATCH, *_VALIDATION], map(row, steps))


def run_json(run: Run) -> bytes:
    """What a run was told, how it went, and what people wrote of it; not who asked for it."""
    said = {
        "id": run.id,
        "name": run.name,
        "notes": run.notes,
        "state": run.state,
        "message": run.message,
        "created": _moment(run.created),
        "ended": _moment(run.ended) if run.ended else None,
        "training_seconds": round(run.seconds, 1),
        "step": run.step,
        "steps": run.steps,
        "steps_per_epoch": run.steps_per_epoch,
        "best_step": run.best_step,
        "validation_accuracy": run.validation_accuracy,
        "test_accuracy": run.test_accuracy,
        "model": run.model,
        "settings": asdict(run.settings),
    }
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()


def as_zip(run_id: str) -> bytes:
    """All of a run, in a folder of its name.

    These are `run.json`, `metrics.csv`, the log for TensorBoard if there is one, and the files of
    its model if it has made one.

    Raises:
        RunError: there is no such run, or its log can't be read.
        ModelError: a file of its model is missing or damaged.
        StoreError: the database can't be used.
    """
    run = store.find_run(run_id)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(run):
            archive.writestr(f"{run_id}/{name}", content)
    return buffer.getvalue()


def _files(run: Run) -> Iterator[tuple[str, bytes]]:
    """Names in the run's folder, and what is in them."""
    yield "run.json", run_json(run)
    yield "metrics.csv", metrics_csv(run.id)
    if run.model:
        model = registry.find(run.model)
        yield "card.json", (json.dumps(model.card, indent=1) + "\n").encode()
        for name in model.card["files"]:
            yield name, model.read(name)
    log = paths.event_log(run.id)
    try:
        for file in sorted(log.rglob("*.tfevents.*")):
            yield f"{log.name}/{file.relative_to(log).as_posix()}", file.read_bytes()
    except OSError as error:
        raise RunError(
            f"The log of {run.id} can't be read: {error.strerror or error}. Try again."
        ) from error


def _written(*values: float) -> list[str]:
    return [f"{value:.8g}" for value in values]


def _moment(seconds: float) -> str:
    """Seconds since 1970 as a date and a time of day, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
