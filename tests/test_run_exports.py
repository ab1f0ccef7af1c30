import csv
import io
import json
import time
import zipfile

import numpy as np
import pytest

from mnist_core import paths, registry, run_exports, store
from mnist_core.errors import ModelError, RunError
from mnist_core.settings import PRESETS, Settings
from mnist_core.store import Validation

MLP = PRESETS["mlp"].settings
HEAD = [
    "step",
    "epoch",
    "loss",
    "accuracy",
    "learning_rate",
    "validation_loss",
    "validation_accuracy",
]


@pytest.fixture(autouse=True)
def studio(home):
    return home


def add_run(batches=(), validations=(), **columns):
    with store.opened(write=True) as database:
        run = store.add_run(database, MLP, owner="a visit")
        store.add_batches(database, run.id, batches)
        for step, loss, accuracy in validations:
            seen = Validation(step, loss, accuracy, np.zeros((10, 10), np.uint32))
            store.add_validation(database, run.id, seen)
        store.update(database, run.id, **{"steps_per_epoch": 4, **columns})
    return store.find_run(run.id)


def rows_of(content):
    head, *rows = csv.reader(io.StringIO(content.decode("ascii"), newline=""))
    assert head == HEAD
    return rows


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def make_model(run):
    """A model of a run; nothing here looks into its files."""
    with registry.new_model(run.id) as folder:
        for name in ("model.keras", "model.tflite", "weights.bin", "weights.json"):
            (folder / name).write_bytes(name.encode())
        registry.write_card(folder, {"id": run.id, "architecture": "784 → 10"})
    with store.opened(write=True) as database:
        store.update(database, run.id, model=run.id)


# Numbers


def test_every_batch_is_a_row_and_validations_stand_beside_theirs():
    # What was measured in float32 is written as it was meant, not as a float64 that is near.
    rate = float(np.float32(0.001))
    batches = [(step, 2.5 / step, step / 128, rate) for step in range(1, 7)]
    run = add_run(batches, [(4, 0.75, 0.9866)])
    add_run([(1, 9.0, 0.0, 9.0)])
    assert rows_of(run_exports.metrics_csv(run.id)) == [
        ["1", "0.25", "2.5", "0.0078125", "0.001", "", ""],
        ["2", "0.5", "1.25", "0.015625", "0.001", "", ""],
        ["3", "0.75", "0.83333333", "0.0234375", "0.001", "", ""],
        ["4", "1", "0.625", "0.03125", "0.001", "0.75", "0.9866"],
        ["5", "1.25", "0.5", "0.0390625", "0.001", "", ""],
        ["6", "1.5", "0.41666667", "0.046875", "0.001", "", ""],
    ]


def test_a_validation_without_its_batch_has_a_row_of_its_own():
    run = add_run([(1, 2.0, 0.5, 0.1), (3, 1.0, 0.5, 0.1)], [(2, 0.5, 0.25), (4, 0.25, 0.5)])
    assert rows_of(run_exports.metrics_csv(run.id)) == [
        ["1", "0.25", "2", "0.5", "0.1", "", ""],
        ["2", "0.5", "", "", "", "0.5", "0.25"],
        ["3", "0.75", "1", "0.5", "0.1", "", ""],
        ["4", "1", "", "", "", "0.25", "0.5"],
    ]


def test_a_run_that_has_not_begun_has_a_head_and_no_epochs():
    assert rows_of(run_exports.metrics_csv(add_run(steps_per_epoch=0).id)) == []
    run = add_run([(1, 2.0, 0.5, 0.1)], steps_per_epoch=0)
    assert rows_of(run_exports.metrics_csv(run.id)) == [["1", "", "2", "0.5", "0.1", "", ""]]


def test_a_hundred_thousand_batches_take_no_time_to_speak_of():
    run = add_run((i, 2.3 / i**0.3, 1 - 1 / i, 0.001 / i) for i in range(1, 100_001))
    began = time.process_time()
    content = run_exports.metrics_csv(run.id)
    assert time.process_time() - began < 5, "about half a second"
    rows = np.array([row[:5] for row in rows_of(content)], np.float64)
    np.testing.assert_array_equal(rows[:, 0], np.arange(1, 100_001))
    np.testing.assert_allclose(rows[:, 2:], store.batches(run.id)[:, 1:], rtol=1e-7)


# All of it


def test_all_of_a_run_is_in_a_folder_of_its_name():
    run = add_run([(1, 2.0, 0.5, 0.1)])
    make_model(run)
    log = paths.event_log(run.id)
    logged = {f"{kind}/events.out.tfevents.17.{run.id}" for kind in ("train", "validation")}
    for name in logged:
        (log / name).parent.mkdir(parents=True)
        (log / name).write_bytes(f"logged in {name}".encode())
    paths.checkpoint(run.id).write_bytes(b"not for others")
    files = unpacked(run_exports.as_zip(run.id))
    model = {"model.keras", "model.tflite", "weights.bin", "weights.json"}
    names = {"run.json", "metrics.csv", "card.json", *model}
    names |= {f"tensorboard/{name}" for name in logged}
    assert set(files) == {f"{run.id}/{name}" for name in names}
    assert files[f"{run.id}/metrics.csv"] == run_exports.metrics_csv(run.id)
    for name in model:
        assert files[f"{run.id}/{name}"] == name.encode()
    card = (paths.models() / run.id / "card.json").read_bytes()
    assert files[f"{run.id}/card.json"] == card
    for name in logged:
        assert files[f"{run.id}/tensorboard/{name}"] == f"logged in {name}".encode()


def test_a_run_without_a_model_and_a_log_has_its_numbers():
    run = add_run()
    assert set(unpacked(run_exports.as_zip(run.id))) == {
        f"{run.id}/run.json",
        f"{run.id}/metrics.csv",
    }


def test_what_was_told_and_what_people_wrote_is_there_and_not_who_asked():
    run = add_run(state="finished", ended=1_700_000_000.9, step=8, steps=8, test_accuracy=0.98)
    store.describe(run.id, name="Größe 🙂", notes="wide\nand deep")
    content = unpacked(run_exports.as_zip(run.id))[f"{run.id}/run.json"]
    said = json.loads(content)
    assert "Größe 🙂".encode() in content, "to be read as it was written"
    assert (said["id"], said["name"], said["notes"]) == (run.id, "Größe 🙂", "wide\nand deep")
    assert (said["state"], said["ended"]) == ("finished", "2023-11-14T22:13:20Z")
    assert (said["step"], said["test_accuracy"], said["model"]) == (8, 0.98, None)
    assert Settings.from_json(json.dumps(said["settings"])) == MLP
    assert "a visit" not in content.decode()
    assert json.loads(run_exports.run_json(add_run()))["ended"] is None


def test_an_unknown_run_is_refused():
    for exported in (run_exports.metrics_csv, run_exports.as_zip):
        with pytest.raises(RunError, match="no run named 'fast-9'"):
            exported("fast-9")


def test_a_damaged_model_is_not_handed_on():
    run = add_run()
    make_model(run)
    (paths.models() / run.id / "weights.bin").write_bytes(b"altered")
    with pytest.raises(ModelError, match=r"weights\.bin is damaged or was altered"):
        run_exports.as_zip(run.id)


def test_a_log_that_can_not_be_read_is_told_in_a_sentence():
    run = add_run()
    (paths.event_log(run.id) / "train" / "events.out.tfevents.17.x").mkdir(parents=True)
    with pytest.raises(RunError, match=rf"^The log of {run.id} can't be read: Is a directory\."):
        run_exports.as_zip(run.id)
