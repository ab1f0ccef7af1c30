"""Trainings that don't get the memory they need, wherever that shows."""

import resource
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from mnist_core import paths, store, trainer
from mnist_core.errors import ModelError
from mnist_core.learning import material
from mnist_core.settings import PRESETS
from mnist_core.trainer import last_words
from tests.faults.rounds import ROUNDS, chance, long_only
from tests.faults.small import pause_at, work

PATIENCE = 120.0


def hidden_by_another():
    try:
        raise MemoryError
    except MemoryError:
        raise ValueError("I/O operation on closed file.") from None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 3.2 GiB for an array"),
        tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor"),
        RuntimeError("can't start new thread"),
        ImportError("libtensorflow_cc.so.2: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
        hidden_by_another,
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_training_without_enough_memory_fails_in_a_sentence(studio, monkeypatch, error):
    def gather(settings, *, report):
        raise error() if callable(error) else error

    with monkeypatch.context() as there:
        there.setattr(material, "gather", gather)
        run = work()
    assert (run.state, run.message) == ("failed", last_words.OUT_OF_MEMORY)


def test_it_goes_on_once_there_is_memory(studio, monkeypatch):
    paused = pause_at(3)

    load = np.load

    def too_large(file):
        if Path(file.name) == paths.checkpoint(paused.id):
            raise MemoryError
        return load(file)

    with monkeypatch.context() as there:
        there.setattr(np, "load", too_large)
        run = work(paused.id)
    assert (run.state, run.message) == ("failed", last_words.OUT_OF_MEMORY)
    assert trainer.resume(run.id).message == ""


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("terminate called after throwing an instance of 'std::bad_alloc'\n", True),
        ("F0000 env.cc:84] Check failed: ret == 0 (11 vs. 0) Thread x via pthread_create() failed."
         "\n    @     0x7f6ab78ce564  absl::SendToLog()\n" * 40, True),
        ("LLVM ERROR: out of memory\n", True),
        ("OpenBLAS error: Memory allocation still failed after 10 retries, giving up.\n", True),
        ("python -m mnist_core: internal error: ImportError: x.so: failed to map segment\n", True),
        ("python -m mnist_core: The database is full.\n", "The database is full."),
        ("mlp-1: Classic MLP\nStarting\nEpoch 1 of 4: validation 90.00 %\n", False),
        ("Segmentation fault\n", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_a_dead_process_has_printed_tells_why(studio, printed, sentence):
    with store.opened(write=True) as database:
        run = store.add_run(database, PRESETS["mlp"].settings, owner="")
        store.update(database, run.id, state="running", step=3)
    last_words.log_file(run.id).parent.mkdir(parents=True)
    last_words.log_file(run.id).write_text("mlp-1: Classic MLP\n" + printed)
    trainer.tend()
    run = store.find_run(run.id)
    wanted = {True: last_words.OUT_OF_MEMORY, False: ""}.get(sentence, sentence)
    assert (run.state, run.message) == ("failed" if wanted else "interrupted", wanted)
    assert run.resumable


def test_what_an_earlier_process_has_printed_is_forgotten(studio):
    paused = pause_at(3)
    last_words.log_file(paused.id).write_text("MemoryError\n")
    with pytest.raises(ModelError), trainer.sole_trainer(paused.id):
        with store.opened(write=True) as database:
            store.update(database, paused.id, state="running")
        raise ModelError
    assert store.find_run(paused.id).state == "interrupted"


def trained_within(kilobytes, monkeypatch):
    """A run trained in a process of its own that can have so much memory, and its returncode."""
    popen = subprocess.Popen

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def start(words, **options):
        return popen(words, preexec_fn=limit, **options)

    settings = replace(PRESETS["mlp"].settings, data="generated", images=200, epochs=2)
    with monkeypatch.context() as there:
        there.setattr(subprocess, "Popen", start)
        run = trainer.start(settings).run
        until = time.monotonic() + PATIENCE
        while store.find_run(run.id).active:
            trainer.tend()
            assert time.monotonic() < until, store.find_run(run.id)
            time.sleep(0.05)
    return store.find_run(run.id)


def test_a_process_that_may_have_too_little_memory(real, monkeypatch):
    """Too little for TensorFlow to be loaded, so that this takes a second."""
    run = trained_within(700_000, monkeypatch)
    assert (run.state, run.message) == ("failed", last_words.OUT_OF_MEMORY)
    assert "Traceback" in (paths.run(run.id) / "log.txt").read_text(), "for whoever wants to know"


@long_only
def test_a_process_that_may_have_more_or_less_memory(real, monkeypatch):
    random = chance()
    ends = []
    for _ in range(max(1, ROUNDS // 3)):
        kilobytes = int(random.integers(400_000, 4_000_000))
        run = trained_within(kilobytes, monkeypatch)
        print(kilobytes, run.state, run.message)
        assert run.state == "finished" or run.message == last_words.OUT_OF_MEMORY
        ends.append(run.state)
    assert "failed" in ends
