import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_core import generated_sets, paths, registry, store, trainer
from mnist_core.inference import Classifier
from mnist_core.learning import architectures, material, renewal, worker
from mnist_core.learning.event_log import EventLog
from mnist_core.trainer import Ear
from mnist_core.trainer.last_words import NO_ROOM
from tests.learning.small import SETTINGS


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of generated digits, made once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def studio(home, kept, monkeypatch):
    home.mkdir()
    (home / "data").symlink_to(kept)
    monkeypatch.setattr(generated_sets, "HELD_OUT", 120)


def work(what=SETTINGS, *, ask=None, at=1, in_phase=None):
    """Train; at batch `at`, or in a phase, what is asked is heard."""
    with trainer.sole_trainer(what) as run:
        ear = Ear(run.id)  # not listening: the tests say what it hears, and when

        def watch(seen):
            if ask and (seen.phase == in_phase if in_phase else seen.step >= at):
                ear.request = ask

        return worker.work(run, ear, watch=watch)


def assert_no_gap(run):
    np.testing.assert_array_equal(store.batches(run.id)[:, 0], np.arange(1, run.step + 1))


def logged(run, kind, tag):
    """What TensorBoard reads in the run's log: (P, 2) of steps and values, as they were written."""
    read = EventAccumulator(str(paths.event_log(run.id) / kind), size_guidance={"scalars": 0})
    if tag not in read.Reload().Tags()["scalars"]:
        return np.empty((0, 2))
    return np.array([(point.step, point.value) for point in read.Scalars(tag)])


def assert_the_log_holds_what_the_store_holds(run):
    batches = store.batches(run.id)
    for i, tag in enumerate(("loss", "accuracy", "learning_rate"), 1):
        np.testing.assert_array_equal(logged(run, "train", tag), batches[:, [0, i]])
    speeds = store.speeds(run.id, points=100)
    np.testing.assert_allclose(logged(run, "train", "images_per_second"), speeds, rtol=1e-6)
    seen = [(seen.step, seen.loss, seen.accuracy) for seen in store.validations(run.id)]
    seen = np.reshape(seen, (-1, 3))
    for i, tag in enumerate(("loss", "accuracy"), 1):
        np.testing.assert_allclose(logged(run, "validation", tag), seen[:, [0, i]], rtol=1e-6)


def weights_of(run):
    return registry.find(run.model).read("weights.bin")


@pytest.fixture(scope="module")
def remembered():
    return {}


@pytest.fixture
def whole(remembered, kept, tmp_path, monkeypatch):
    """What a run that was never interrupted left behind, in a home of its own."""
    if "run" not in remembered:
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "whole"))
            paths.home().mkdir()
            paths.data().symlink_to(kept)
            run = work()
            remembered["run"] = run
            remembered["weights"] = weights_of(run)
            remembered["batches"] = store.batches(run.id)
    return remembered


def test_a_run_that_is_finished_leaves_all_behind(monkeypatch):
    load, loaded_in = material.load_test, []

    def load_test(settings, *, report):
        loaded_in.append(store.runs()[0].state)
        return load(settings, report=report)

    monkeypatch.setattr(material, "load_test", load_test)
    run = work()
    assert loaded_in == ["finishing"], "what it is measured on is touched once, at the end"
    assert (run.state, run.request, run.phase, run.message) == ("finished", None, "", "")
    assert (run.step, run.steps, run.steps_per_epoch) == (20, 20, 5)
    assert run.seconds > 0 and run.images_per_second > 0 and run.ended is not None
    assert_no_gap(run)
    batches = store.batches(run.id)
    assert np.isfinite(batches).all()
    assert [seen.step for seen in store.validations(run.id)] == [5, 10, 15, 20]
    assert run.validation_accuracy == pytest.approx(
        max(seen.accuracy for seen in store.validations(run.id))
    )
    digits, labels = store.board(run.id)
    assert digits.shape == (100, 28, 28)
    np.testing.assert_array_equal(labels, np.arange(100) % 10)
    assert store.last_moment(run.id).board.shape == (100,)
    with store.opened() as database:
        steps = [row["step"] for row in database.execute("SELECT step FROM moments ORDER BY step")]
    assert steps[:2] == [0, 1], "the beginning is seen closely"

    model = registry.find(run.model)
    model.check()
    assert model.id == run.model == run.id
    assert model.card["test_accuracy"] == run.test_accuracy
    assert model.card["validation_accuracy"] == run.validation_accuracy
    assert (model.card["epochs"], model.card["tested_on"]) == (4, "generated digits")
    assert registry.published() == "default", "nobody asked for that"
    assert not (paths.run(run.id) / "checkpoint.npz").exists()


@pytest.mark.parametrize("at", [3, 5, 12])
def test_a_pause_changes_nothing_in_the_end(whole, at):
    paused = work(ask="pause", at=at)
    assert (paused.state, paused.request, paused.phase) == ("paused", None, "")
    assert at <= paused.step < 20
    assert paused.model is None and registry.models()[1:] == []
    assert_no_gap(paused)
    assert_the_log_holds_what_the_store_holds(paused)
    run = work(paused.id)
    assert (run.state, run.step) == ("finished", 20)
    assert run.seconds > paused.seconds
    assert_no_gap(run)
    assert_the_log_holds_what_the_store_holds(run)
    np.testing.assert_allclose(store.batches(run.id), whole["batches"], rtol=1e-6)
    assert weights_of(run) == whole["weights"]
    assert run.test_accuracy == whole["run"].test_accuracy


def test_what_was_done_after_the_last_checkpoint_is_done_again(whole):
    """As after a crash: the store is ahead of the checkpoint."""
    paused = work(ask="pause", at=6)
    with store.opened(write=True) as database:
        store.add_batches(
            database, paused.id, [(step, 9.0, 0.0, 9.0) for step in range(paused.step + 1, 19)]
        )
        store.update(database, paused.id, state="running", step=18)
    with EventLog(paused.id, seconds=1.0):
        pass
    for file in paths.event_log(paused.id).glob("*/*"):
        file.write_bytes(file.read_bytes()[:-5])
    trainer.tend()
    run = work(paused.id)
    assert run.state == "finished"
    assert_the_log_holds_what_the_store_holds(run)
    np.testing.assert_allclose(store.batches(run.id), whole["batches"], rtol=1e-6)
    assert weights_of(run) == whole["weights"]


def test_a_crash_before_the_first_checkpoint_costs_what_was_done(whole):
    paused = work(ask="pause", at=3)
    (paths.run(paused.id) / "checkpoint.npz").unlink()
    run = work(paused.id)
    assert_no_gap(run)
    assert weights_of(run) == whole["weights"]


def test_stop_keeps_the_best_so_far():
    run = work(ask="stop", at=6)
    assert (run.state, run.request, run.model) == ("stopped", None, run.id)
    assert 6 <= run.step < 20
    card = registry.find(run.id).card
    assert card["best_epoch"] == 1
    assert card["epochs"] == pytest.approx(run.step / 5)
    assert run.validation_accuracy == store.validations(run.id)[0].accuracy
    Classifier.load(run.id)


def test_stop_in_the_first_epoch_keeps_what_is_there():
    run = work(ask="stop", at=2)
    assert (run.state, run.model) == ("stopped", run.id)
    assert run.step < 5
    assert run.test_accuracy is not None


def test_stop_before_it_goes_on_keeps_what_it_had():
    paused = work(ask="pause", at=6)
    run = work(paused.id, ask="stop", in_phase="Starting")
    assert (run.state, run.step, run.model) == ("stopped", paused.step, run.id)


def test_what_a_killed_trainer_left_half_written_is_removed():
    paused = work(ask="pause", at=6)
    beside = paths.run(paused.id) / ".checkpoint.npz-0123456789abcdef"
    beside.write_bytes(b"half")
    half = paths.models() / f".{paused.id}-0123456789abcdef"
    half.mkdir(parents=True)
    (half / "model.keras").write_bytes(b"half")
    run = work(paused.id)
    assert run.state == "finished"
    assert not beside.exists()
    assert [file.name for file in paths.models().iterdir()] == [run.id]


def test_pause_before_it_goes_on_leaves_it_where_it_was(whole):
    paused = work(ask="pause", at=6)
    again = work(paused.id, ask="pause", in_phase="Starting")
    assert (again.state, again.step, again.model) == ("paused", paused.step, None)
    assert weights_of(work(paused.id)) == whole["weights"]


@pytest.mark.parametrize(("ask", "over"), [("pause", "paused"), ("stop", "stopped")])
@pytest.mark.parametrize("phase", ["Starting", "Making digits: 100 of 130"])
def test_asked_before_it_began_it_leaves_with_nothing(ask, over, phase):
    run = work(replace(SETTINGS, seed=77 + len(ask)), ask=ask, in_phase=phase)
    assert (run.state, run.request, run.phase, run.step, run.model) == (over, None, "", 0, None)


@pytest.mark.parametrize("batch_size", [32, 256])
def test_a_learning_rate_that_is_too_high_fails_in_a_sentence(batch_size):
    wild = replace(SETTINGS, learning_rate=1.0, optimizer="sgd", hidden=(512, 512, 512), epochs=90)
    run = work(replace(wild, dropout=0.0, augment=False, batch_size=batch_size))
    assert run.state == "failed"
    assert run.message.startswith("The loss grew beyond all bounds at batch ")
    assert run.message.endswith("train again with a lower learning rate.")
    assert registry.models()[1:] == []


def test_without_mnist_and_without_a_network_it_fails_in_a_sentence(offline):
    run = work(replace(SETTINGS, data="mnist"))
    assert (run.state, run.phase) == ("failed", "")
    assert run.message.startswith("MNIST could not be downloaded")


def test_a_damaged_checkpoint_fails_in_a_sentence():
    paused = work(ask="pause", at=3)
    (paths.run(paused.id) / "checkpoint.npz").write_bytes(b"damaged")
    run = work(paused.id)
    assert run.state == "failed"
    assert "checkpoint.npz can't be used" in run.message
    assert run.message.endswith("can't go on: train anew with the same settings.")


def test_what_nobody_foresaw_fails_in_a_sentence_too(monkeypatch, capsys):
    def gather(settings, *, report):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(material, "gather", gather)
    run = work()
    assert run.state == "failed"
    assert run.message == "Something unforeseen happened: ZeroDivisionError: by zero"
    assert "Traceback" in capsys.readouterr().err, "for the log"


def test_a_model_that_can_not_be_saved_fails_and_can_be_tried_again():
    paths.models().touch()
    run = work()
    assert run.state == "failed"
    assert run.message.startswith(f"The model {run.id} can't be saved: ")
    paths.models().unlink()
    assert work(run.id).state == "finished"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_can_not_be_written_fails_and_can_be_tried_again(monkeypatch, capsys):
    writer = tf.io.TFRecordWriter
    with monkeypatch.context() as full:
        full.setattr(tf.io, "TFRecordWriter", lambda file: writer("/dev/full"))
        run = work(replace(SETTINGS, epochs=1))
    assert run.state == "failed"
    assert run.message == NO_ROOM
    assert work(run.id).state == "finished"
    assert_the_log_holds_what_the_store_holds(run)


@pytest.mark.parametrize("over", ["finished", "failed"])
def test_the_log_is_closed_however_it_ends(over, monkeypatch):
    logs = []
    if over == "failed":
        paths.models().touch()

    def opened(*args, **more):
        logs.append(EventLog(*args, **more))
        return logs[0]

    monkeypatch.setattr(worker, "EventLog", opened)
    assert work(replace(SETTINGS, epochs=1)).state == over
    with pytest.raises(OSError, match="closed"):
        logs[0].add_batches([(1, 1.0, 0.5, 0.1)], {})


def test_a_drawing_is_followed_from_the_first_batch_or_from_when_it_came():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 255
    with trainer.sole_trainer(SETTINGS) as run:
        store.pin(run.id, owner="me", image=image)

        def watch(seen):
            if seen.step >= 3:
                store.pin(run.id, owner="you", image=image.T)

        run = worker.work(run, Ear(run.id), watch=watch)
    mine, yours = (store.followed(pin.number) for pin in store.pins(run.id))
    assert mine[0][0] == 0 and mine[0][-1] == 20
    assert yours[0][0] >= 3 and yours[0][-1] == 20
    np.testing.assert_allclose(mine[1].sum(axis=1), 1, atol=1e-5)
    assert not np.allclose(mine[1][0], mine[1][-1])


# Going on from a model


FURTHER = replace(SETTINGS, start_from="mlp-90")


@pytest.fixture
def base():
    """A model of the same layers that is on this machine."""
    keras.utils.set_random_seed(8)
    with registry.new_model("mlp-90") as folder:
        architectures.build(SETTINGS).save(folder / "model.keras")
        registry.write_card(folder, {"id": "mlp-90"})
    return registry.find("mlp-90")


def test_a_training_begins_with_what_the_model_says_that_it_starts_from(base, monkeypatch):
    beginnings = []
    look = worker._Worker.look

    def watched(self, training, *rest, board):
        if not training.step:
            beginnings.append(training.probabilities(self.board))
        look(self, training, *rest, board=board)

    monkeypatch.setattr(worker._Worker, "look", watched)
    run = work(FURTHER, ask="pause", at=3)
    assert run.state == "paused" and run.step >= 3
    board, _ = store.board(run.id)
    kept = keras.saving.load_model(base.folder / "model.keras")
    read = kept(board[..., None].astype(np.float32) / 255, training=False)
    np.testing.assert_allclose(beginnings[0], read, atol=1e-5)


def test_once_it_has_a_checkpoint_the_model_that_it_started_from_may_go(base):
    paused = work(FURTHER, ask="pause", at=3)
    registry.delete(base.id)
    again = work(paused.id, ask="pause", at=paused.step + 1)
    assert (again.state, again.message) == ("paused", "")
    assert again.step > paused.step
    assert_no_gap(again)


def test_without_the_model_that_it_is_to_start_from_it_fails_in_a_sentence():
    run = work(FURTHER)
    assert (run.state, run.model, run.step) == ("failed", None, 0)
    assert run.message == "There is no model named 'mlp-90'."


def test_a_model_of_other_layers_or_altered_fails_in_a_sentence(base):
    run = work(replace(FURTHER, hidden=(13,)))
    assert run.state == "failed"
    assert run.message.startswith("mlp-90 has other layers than this network: ")
    (base.folder / "model.keras").write_bytes(b"altered")
    run = work(FURTHER)
    assert run.state == "failed"
    assert "model.keras is damaged or was altered" in run.message


# What is drawn anew for every epoch

DRAWING = "Drawing digits anew"


@pytest.fixture
def drawn(recipe, monkeypatch):
    """40 drawings besides, 4 ms each: 170 images are five batches and ten left over."""
    gather, write_again = material.gather, renewal.write_again

    def with_drawings(settings, *, report):
        return replace(gather(settings, report=report), drawn=recipe)

    def slowly(strokes, random):
        time.sleep(0.004)
        return write_again(strokes, random)

    monkeypatch.delenv("STROKES_DIR", raising=False)
    monkeypatch.setattr(material, "gather", with_drawings)
    monkeypatch.setattr(renewal, "write_again", slowly)
    monkeypatch.setattr(renewal, "_CHUNK", 4)


@pytest.fixture
def uninterrupted(remembered, drawn, kept, tmp_path, monkeypatch):
    """What a run with drawings left behind, and every state it was seen in, in another home."""
    if "seen" not in remembered:
        seen = []
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "drawn"))
            paths.home().mkdir()
            paths.data().symlink_to(kept)
            with trainer.sole_trainer(SETTINGS) as run:
                run = worker.work(run, Ear(run.id), watch=seen.append)
            remembered["seen"] = [*seen, run]
            card = registry.find(run.model).card
            remembered["drawn"] = store.batches(run.id), card, weights_of(run)
    return remembered


def test_it_says_that_it_waits_for_drawings(uninterrupted):
    *seen, run = uninterrupted["seen"]
    assert (run.state, run.phase, run.step, run.steps) == ("finished", "", 24, 24)
    waiting = [now for now in seen if now.phase == DRAWING]
    assert waiting and waiting[0].step == 0
    assert {now.step % 6 for now in waiting} == {0}, "between epochs only"
    assert all(0 <= now.share <= 1 for now in waiting) and any(now.share for now in waiting)
    learning = [now for now in seen if now.state == "running" and now.step % 6]
    assert learning and {now.phase for now in learning} == {""}
    batches, card, _ = uninterrupted["drawn"]
    np.testing.assert_array_equal(batches[:, 0], np.arange(1, 25))
    assert card["temperature"] > 0 and "digit_from" in card


def test_a_pause_changes_no_drawing(uninterrupted):
    batches, _, weights = uninterrupted["drawn"]
    paused = work(ask="pause", at=8)
    assert 8 <= paused.step < 24
    again = work(paused.id, ask="pause", in_phase=DRAWING)
    assert (again.state, again.phase, again.step) == ("paused", "", paused.step)
    run = work(again.id)
    assert run.state == "finished"
    assert_no_gap(run)
    np.testing.assert_allclose(store.batches(run.id), batches, rtol=1e-6)
    assert weights_of(run) == weights


def test_asked_to_stop_before_anything_is_drawn_it_leaves_with_nothing(drawn):
    run = work(ask="stop", in_phase=DRAWING)
    assert (run.state, run.request, run.phase, run.step, run.model) == (
        "stopped",
        None,
        "",
        0,
        None,
    )


def test_what_goes_wrong_with_drawing_fails_in_a_sentence(drawn, monkeypatch):
    def write_again(strokes, random):
        raise ZeroDivisionError("no ink")

    monkeypatch.setattr(renewal, "write_again", write_again)
    run = work()
    assert run.state == "failed"
    assert run.message == "Something unforeseen happened: ZeroDivisionError: no ink"
