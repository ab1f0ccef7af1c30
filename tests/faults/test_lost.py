"""Files that are damaged, altered or deleted behind the app's back."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import paths, registry, store, trainer
from mnist_core.datasets import Digits
from mnist_core.errors import ModelError, RunError
from mnist_core.generated import make_digits
from mnist_core.inference import Classifier
from mnist_core.learning.material import Material
from mnist_core.learning.training import Training
from tests.faults.rounds import LONG, ROUNDS, chance
from tests.faults.small import (
    SETTINGS,
    a_sentence,
    at,
    ends_without_a_gap,
    once,
    pause_at,
    work,
)
from tests.shipped import add_copy


def state_of(training):
    """Everything that a checkpoint keeps."""
    weights, seen = training.best
    arrays = [np.asarray(variable) for variable in training._state()]
    arrays += [*weights, seen.confusion, np.array([seen.step, seen.loss, seen.accuracy])]
    return [array.tobytes() for array in arrays], training.step, training.validated


def test_no_bit_of_a_checkpoint_is_taken_for_another(tmp_path):
    made, held_out = make_digits(64, seed=1), make_digits(20, seed=2)
    material = Material(
        made.images, made.labels, Digits(held_out.images, held_out.labels), described={}
    )
    settings = replace(SETTINGS, hidden=(2,), images=64)
    training, other = Training(settings, material), Training(settings, material)
    training.advance(2)
    *_, seen = training.validate()
    assert seen
    training.advance(1)
    file = tmp_path / "checkpoint.npz"
    training.save(file)
    whole, good = file.read_bytes(), state_of(training)
    # Most is to be broken where names and sizes of its parts stand: a name after 46 bytes.
    directory = range(whole.index(b"PK\1\2"), len(whole))
    random = chance()
    count = 40 * ROUNDS if LONG else 60
    places = [*random.integers(len(whole), size=count), *random.choice(directory, size=count)]
    places += directory if LONG else (i for i in directory if whole[i - 46 : i - 42] == b"PK\1\2")
    refused = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(random.integers(8))
        file.write_bytes(damaged)
        other.best = None
        try:
            other.restore(file)
        except RunError as error:
            assert a_sentence(str(error))
            refused += 1
        else:
            assert state_of(other) == good, f"byte {place} of {len(whole)}"
    assert refused > len(places) / 3


def test_a_run_with_a_damaged_checkpoint_says_what_to_do(studio):
    paused = pause_at(3)
    whole = paths.checkpoint(paused.id).read_bytes()
    paths.checkpoint(paused.id).write_bytes(whole[:1000] + b"damaged" + whole[1007:])
    run = work(paused.id)
    assert run.state == "failed" and a_sentence(run.message)
    assert run.message.startswith(f"The checkpoint {paths.checkpoint(run.id)} can't be used: ")
    assert run.message.endswith(f" So {run.id} can't go on: train anew with the same settings.")
    paths.checkpoint(run.id).write_bytes(whole)
    ends_without_a_gap(run.id)


def test_a_run_whose_folder_is_deleted_while_it_trains_is_none_the_worse(studio):
    run = work(watch=once(at(7), lambda: shutil.rmtree(paths.runs())))
    assert (run.state, run.message) == ("finished", "")
    Classifier.load(run.id)


def test_a_run_whose_folder_is_deleted_while_it_is_paused_begins_anew_and_says_so(studio):
    paused = pause_at(7)
    shutil.rmtree(paths.run(paused.id))
    seen = []
    trainer.resume(paused.id)
    run = work(paused.id, watch=seen.append)
    told = {now.message for now in seen if now.state == "running"}
    assert told == {"There was no checkpoint to go on from, so it began anew."}
    assert min(now.step for now in seen if now.state == "running") == 0
    assert (run.state, run.message, run.step) == ("finished", "", run.steps)
    np.testing.assert_array_equal(store.batches(run.id)[:, 0], np.arange(1, run.steps + 1))


def test_a_model_that_is_altered_never_serves(studio):
    first, second = "fast-1", "fast-2"
    add_copy(first)
    add_copy(second)
    registry.publish(first)
    registry.publish(second)
    random = chance()
    folder = paths.models() / second
    for _ in range(ROUNDS):
        name = str(random.choice(list(registry.find(second).card["files"])))
        whole = (folder / name).read_bytes()
        damaged = bytearray(whole)
        damaged[int(random.integers(len(whole)))] ^= 1 << int(random.integers(8))
        (folder / name).write_bytes(damaged)
        assert registry.find().id == Classifier.load().model.id == first, name
        with pytest.raises(ModelError, match=r"is damaged or was altered: .+ Train it again, or"):
            registry.publish(second)
        (folder / name).write_bytes(whole)
        assert Classifier.load().model.id == second
    shutil.rmtree(folder)
    assert Classifier.load().model.id == first
    shutil.rmtree(paths.models() / first)
    assert Classifier.load().model.id == registry.SHIPPED
