import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import paths, store, trainer
from mnist_core.errors import InputError, RunError, StoreError
from mnist_core.files import lock
from mnist_core.settings import PRESETS
from mnist_core.trainer import duty, tending
from tests.stand_in import DEAF, DIES, DOWNLOADS, HANGS, OBEYS, QUICK
from tests.tiny_mnist import serve, stalling
from tests.together import run_together

PYTHON = sys.executable

PRESS_START = """
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from mnist_core import trainer
from mnist_core.settings import PRESETS
sys.executable = sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
fast = PRESETS["fast"].settings
with ThreadPoolExecutor(3) as pool:
    list(pool.map(lambda n: trainer.start(replace(fast, seed=0, epochs=n)), (1, 1, 2)))
"""


@pytest.fixture(autouse=True)
def program(home, tmp_path, monkeypatch):
    """Has stand-ins be started in place of trainings, and none of them outlive the test."""
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec "{PYTHON}" -m tests.stand_in "$0" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    yield str(program)
    with store.opened(write=True) as database:
        database.execute("UPDATE runs SET state = 'stopped' WHERE state = 'queued'")
    for _, pid in stand_ins():
        kill(pid)
    for child in tending._children:
        child.kill()
        child.wait()
    tending._children.clear()


def settings(behaviour=OBEYS, *, epochs=1):
    return replace(PRESETS["fast"].settings, seed=behaviour, epochs=epochs)


def start(behaviour=OBEYS, *, epochs=1):
    return trainer.start(settings(behaviour, epochs=epochs)).run.id


def state(run_id):
    return store.find_run(run_id).state


def wait_for(run_id, *states, tend=False):
    until = time.monotonic() + 20
    while state(run_id) not in states:
        assert time.monotonic() < until, f"it is still {store.find_run(run_id)}"
        if tend:
            trainer.tend()
        time.sleep(0.01)
    return store.find_run(run_id)


def note(run_id, **columns):
    with store.opened(write=True) as database:
        store.update(database, run_id, **columns)


def add_run(**columns):
    """A run of an earlier day, of which no process is left."""
    with store.opened(write=True) as database:
        run = store.add_run(database, settings(), owner="")
        store.update(database, run.id, **columns)
    return run.id


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    for child in tending._children:
        if child.pid == pid:
            child.wait()


def stand_ins():
    """The run and the process id of every stand-in that was started, in order."""
    file = paths.home() / "born.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(run_id, int(pid)) for run_id, pid in map(str.split, lines)]


def born():
    return [run_id for run_id, _ in stand_ins()]


def lock_is_free():
    handle = lock(paths.home() / "trainer.lock", patience=5)
    if handle is not None:
        os.close(handle)
    return handle is not None


# Starting


def test_a_training_runs_in_a_process_of_its_own():
    started = trainer.start(settings(), owner="me")
    assert (started.joined, started.ahead, started.run.owner) == (False, 0, "me")
    run = wait_for(started.run.id, "running")
    assert run.pid not in (None, os.getpid())
    assert trainer.current() == replace(run, heartbeat=trainer.current().heartbeat)
    assert born() == [run.id]


def test_without_a_training_there_is_none():
    trainer.tend()
    assert trainer.current() is None


def test_the_same_settings_are_joined():
    first = trainer.start(settings(), owner="me")
    second = trainer.start(settings(), owner="you")
    assert (second.joined, second.run.id) == (True, first.run.id)
    waiting = trainer.start(settings(epochs=2))
    again = trainer.start(settings(epochs=2))
    assert (again.joined, again.run.id, again.ahead) == (True, waiting.run.id, 1)
    assert len(store.runs()) == 2


def test_settings_of_a_run_that_is_over_are_trained_anew():
    first = start(QUICK)
    wait_for(first, "finished")
    assert start(QUICK) != first


def test_others_wait_in_line():
    ids = [start(epochs=n) for n in (1, 2, 3)]
    assert [trainer.ahead_of(store.find_run(run_id)) for run_id in ids] == [0, 1, 2]
    wait_for(ids[0], "running")
    assert [state(run_id) for run_id in ids] == ["running", "queued", "queued"]


def test_a_drawing_is_followed_from_the_start_also_by_those_who_join():
    mine, yours = (np.full((28, 28), value, np.uint8) for value in (1, 2))
    run = trainer.start(settings(), owner="me", follow=mine).run
    trainer.start(settings(), owner="you", follow=yours)
    first, second = store.pins(run.id)
    assert (first.owner, second.owner) == ("me", "you")
    np.testing.assert_array_equal(first.image, mine)
    np.testing.assert_array_equal(second.image, yours)


def test_settings_outside_the_limits_are_refused():
    with pytest.raises(InputError, match="Epochs: Give a whole number"):
        trainer.start(settings(epochs=0))
    assert store.runs() == []


def test_a_database_that_can_not_be_used_is_told(home, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with monkeypatch.context() as there:
        there.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "file"))
        with pytest.raises(StoreError):
            trainer.start(settings())


@pytest.mark.parametrize("python", ["", "/nowhere/python"])
def test_a_process_that_can_not_be_started_fails_in_a_sentence(python, monkeypatch):
    with monkeypatch.context() as there:
        there.setattr(sys, "executable", python)
        failed = trainer.start(settings()).run
    assert failed.state == "failed"
    assert failed.message.startswith("The training could not be started: ")
    assert failed.message.endswith(".")
    assert trainer.resume(failed.id).state == "starting"
    assert wait_for(failed.id, "running").message == ""


def test_what_was_asked_of_a_process_that_can_not_be_started_is_forgotten(monkeypatch):
    def refuse(*_, **__):
        note(store.runs()[0].id, request="stop")
        raise OSError("no more processes")

    with monkeypatch.context() as there:
        there.setattr(subprocess, "Popen", refuse)
        failed = trainer.start(settings()).run
    assert (failed.state, failed.request) == ("failed", None)


# Many at once


def test_twenty_who_press_start_together_share_one_training():
    together = threading.Barrier(20)

    def press(_):
        together.wait()
        return trainer.start(settings())

    with ThreadPoolExecutor(20) as pool:
        started = list(pool.map(press, range(20)))
    run = wait_for(started[0].run.id, "running")
    assert {each.run.id for each in started} == {run.id}
    assert sum(not each.joined for each in started) == 1
    assert born() == [run.id]


def test_twenty_different_wishes_are_one_training_and_a_queue():
    together = threading.Barrier(20)

    def press(number):
        together.wait()
        return trainer.start(settings(epochs=number))

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(press, range(1, 21)))
    active = store.runs(*store.ACTIVE)
    queue = store.runs("queued")
    assert (len(active), len(queue)) == (1, 19)
    assert sorted(map(trainer.ahead_of, queue)) == list(range(1, 20))
    wait_for(active[0].id, "running")
    assert born() == [active[0].id]


def test_several_processes_that_press_start_together_start_one_training(program):
    run_together(PYTHON, PRESS_START, program)
    (active,), (queued,) = store.runs(*store.ACTIVE), store.runs("queued")
    assert {active.settings, queued.settings} == {settings(epochs=1), settings(epochs=2)}
    wait_for(active.id, "running")
    assert born() == [active.id]


# The queue moves on


def test_the_next_starts_by_itself_when_one_ends():
    first, second, third = start(), start(QUICK), start(epochs=3)
    wait_for(first, "running")
    trainer.stop(first)
    wait_for(third, "running")
    assert [state(first), state(second)] == ["stopped", "finished"]
    assert born() == [first, second, third]


def test_the_next_starts_when_the_one_before_was_killed():
    first, second = start(), start(epochs=2)
    kill(wait_for(first, "running").pid)
    trainer.tend()
    wait_for(second, "running")
    assert state(first) == "interrupted"


# Pausing, resuming, stopping


def test_a_pause_and_what_comes_after():
    run_id = start()
    first = wait_for(run_id, "running")
    trainer.pause(run_id)
    paused = wait_for(run_id, "paused")
    assert paused.request is None
    assert lock_is_free() and trainer.current() is None
    assert trainer.resume(run_id).state == "starting"
    second = wait_for(run_id, "running")
    assert (second.step, second.request) == (first.step + 1, None)
    assert second.pid != first.pid


@pytest.mark.parametrize(("ask", "over"), [(trainer.pause, "paused"), (trainer.stop, "stopped")])
def test_asked_while_it_runs_or_before(ask, over):
    run_id = start()
    wait_for(run_id, "running")
    ask(run_id)
    wait_for(run_id, over)
    run_id = start(epochs=2)
    assert state(run_id) == "starting"
    ask(run_id)
    wait_for(run_id, over)


@pytest.mark.parametrize(("ask", "over"), [(trainer.pause, "paused"), (trainer.stop, "stopped")])
def test_one_that_waits_just_leaves_the_queue(ask, over):
    first, second, third = (start(epochs=n) for n in (1, 2, 3))
    ask(second)
    assert state(second) == over
    assert trainer.ahead_of(store.find_run(third)) == 1
    wait_for(first, "running")
    trainer.stop(first)
    wait_for(third, "running")
    assert (state(second), born()) == (over, [first, third])


def test_one_that_is_resumed_waits_its_turn():
    first = start()
    wait_for(first, "running")
    trainer.pause(first)
    wait_for(first, "paused")
    second, third = start(epochs=2), start(epochs=3)
    resumed = trainer.resume(first)
    assert (resumed.state, trainer.ahead_of(resumed)) == ("queued", 2)
    assert trainer.ahead_of(store.find_run(third)) == 1
    wait_for(second, "running")


def test_what_waits_to_go_on_keeps_what_it_has_learned_when_it_is_told_not_to():
    start()
    paused = add_run(state="paused", step=7)
    assert trainer.resume(paused).state == "queued"
    trainer.stop(paused)
    assert state(paused) == "paused"
    assert trainer.resume(paused).state == "queued"


def test_a_run_that_is_asked_to_end_is_not_joined():
    first = start(DEAF)
    wait_for(first, "running")
    trainer.pause(first)
    again = trainer.start(settings(DEAF))
    assert (again.joined, again.run.id != first, again.ahead) == (False, True, 1)


def test_a_run_killed_after_stop_that_has_a_checkpoint_can_go_on():
    run_id = add_run(state="running", request="stop", step=7)
    paths.run(run_id).mkdir(parents=True)
    paths.checkpoint(run_id).write_bytes(b"kept")
    trainer.tend()
    assert state(run_id) == "interrupted"


def test_what_was_asked_of_a_process_is_forgotten_where_it_must_wait():
    handle = lock(paths.home() / "trainer.lock")
    run_id = add_run(state="starting", request="stop", asked=1.0, pid=1, heartbeat=time.time())
    with pytest.raises(RunError, match="only one"), trainer.sole_trainer(run_id):
        pass
    os.close(handle)
    run = store.find_run(run_id)
    assert (run.state, run.pid, run.request) == ("queued", None, None)


def test_a_new_database_takes_no_names_of_old_models_and_checkpoints():
    (paths.models() / "fast-6").mkdir(parents=True)
    (paths.models() / ".fast-90-0123").mkdir()
    paths.run("mlp-8").mkdir(parents=True)
    assert add_run(state="paused") == "fast-9"
    assert add_run(state="paused") == "fast-10"


@pytest.mark.parametrize("kind", ["stopped", "finished", "failed", "interrupted", "paused"])
@pytest.mark.parametrize("ask", [trainer.pause, trainer.stop])
def test_what_is_over_can_not_be_asked(kind, ask):
    run_id = add_run(state=kind)
    with pytest.raises(RunError, match=f"^fast-1 is {kind}: there is nothing to {ask.__name__}"):
        ask(run_id)
    assert state(run_id) == kind


def test_what_is_being_finished_is_left_to_finish():
    run_id = start()
    wait_for(run_id, "running")
    note(run_id, state="finishing")
    trainer.pause(run_id)
    trainer.stop(run_id)
    assert store.find_run(run_id).request is None


@pytest.mark.parametrize("kind", ["paused", "interrupted", "failed"])
def test_what_can_go_on_goes_on(kind):
    run_id = add_run(state=kind, message="It rained.", request="pause")
    trainer.resume(run_id)
    run = wait_for(run_id, "running")
    assert (run.message, run.request) == ("", None)


@pytest.mark.parametrize("kind", ["queued", "stopped", "finished"])
def test_what_can_not_go_on_is_refused(kind):
    run_id = add_run(state=kind)
    with pytest.raises(RunError, match=rf"^fast-1 is {kind}: it can't go on\.$"):
        trainer.resume(run_id)


@pytest.mark.parametrize("ask", [trainer.pause, trainer.stop, trainer.resume])
def test_an_unknown_run_is_refused(ask):
    with pytest.raises(RunError, match="There is no run named 'fast-7'"):
        ask("fast-7")


def test_a_run_that_runs_can_not_be_resumed():
    run_id = start()
    wait_for(run_id, "running")
    with pytest.raises(RunError, match="is running"):
        trainer.resume(run_id)


# The dead and the deaf


def test_one_that_was_killed_is_interrupted_and_can_go_on():
    run_id = start()
    kill(wait_for(run_id, "running").pid)
    trainer.tend()
    run = store.find_run(run_id)
    assert (run.state, run.phase) == ("interrupted", "")
    assert run.ended is not None
    trainer.resume(run_id)
    assert wait_for(run_id, "running").step == run.step + 1


def test_one_that_was_killed_after_it_was_asked_to_stop_is_stopped():
    run_id = start(DEAF)
    run = wait_for(run_id, "running")
    trainer.stop(run_id)
    kill(run.pid)
    trainer.tend()
    assert store.find_run(run_id).state == "stopped"


@pytest.mark.parametrize("kind", ["running", "finishing", "starting"])
def test_one_of_before_the_computer_was_switched_off_is_interrupted(kind):
    run_id = add_run(state=kind, pid=None, heartbeat=time.time() - 3600)
    trainer.tend()
    assert state(run_id) == "interrupted"


def test_one_that_somebody_is_starting_just_now_is_left_alone():
    run_id = add_run(state="starting", pid=None)
    trainer.tend()
    assert state(run_id) == "starting"


def test_one_that_dies_before_its_turn_is_interrupted_at_once():
    run_id = start(DIES)
    wait_for(run_id, "interrupted", tend=True)


def test_one_that_never_takes_its_place_is_given_up(monkeypatch):
    monkeypatch.setattr(tending, "_START", 0.5)
    run_id = start(HANGS)
    trainer.tend()
    assert state(run_id) == "starting"
    wait_for(run_id, "interrupted", tend=True)


def test_one_that_ignores_stop_is_ended_by_force(monkeypatch):
    monkeypatch.setattr(tending, "_STUCK", 0.3)
    run_id, next_id = start(DEAF), start(epochs=2)
    wait_for(run_id, "running")
    trainer.stop(run_id)
    trainer.tend()
    assert state(run_id) == "running", "it has a moment to hear"
    assert wait_for(run_id, "stopped", tend=True).request is None
    wait_for(next_id, "running", tend=True)


def test_one_that_waits_for_a_silent_server_is_stopped_soon(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    release = threading.Event()
    with serve({"/": stalling(bytes(5000), release)}) as url:
        try:
            monkeypatch.setenv("DOWNLOAD", f"{url}/")
            run_id = start(DOWNLOADS)
            until = time.monotonic() + 20
            while not store.find_run(run_id).phase:
                assert time.monotonic() < until
                time.sleep(0.01)
            trainer.stop(run_id)
            asked = time.monotonic()
            assert state(run_id) == "starting", "it has a moment to hear"
            run = wait_for(run_id, "stopped", tend=True)
            assert time.monotonic() - asked < 5, "the server would be silent for 10 seconds"
        finally:
            release.set()
    assert (run.request, run.phase) == (None, "")
    assert lock_is_free()


def test_one_that_goes_on_has_more_time_to_stop(monkeypatch):
    monkeypatch.setattr(tending, "_IDLE", 0.0)
    run_id = start(HANGS)
    paths.checkpoint(run_id).write_bytes(b"kept")
    trainer.stop(run_id)
    time.sleep(0.05)
    trainer.tend()
    assert state(run_id) == "starting"


def test_one_that_ignores_pause_is_left_in_peace(monkeypatch):
    monkeypatch.setattr(tending, "_DEAF", 0.0)
    run_id = start(DEAF)
    wait_for(run_id, "running")
    trainer.pause(run_id)
    time.sleep(0.05)
    trainer.tend()
    assert state(run_id) == "running"


# For the process that trains


def test_the_sole_trainer_of_new_settings():
    with trainer.sole_trainer(settings()) as run:
        assert (run.state, run.pid, run.owner) == ("starting", os.getpid(), "")
        assert trainer.current() == run
        trainer.tend()
        assert state(run.id) == "starting"
        note(run.id, state="finished")
    assert lock_is_free()


@pytest.mark.parametrize("kind", ["queued", "paused", "interrupted", "failed"])
def test_the_sole_trainer_of_a_run_that_can_go_on(kind):
    run_id = add_run(state=kind, message="It rained.", ended=1.0)
    with trainer.sole_trainer(run_id) as run:
        assert (run.id, run.state, run.message, run.ended) == (run_id, "starting", "", None)
        note(run.id, state="finished")


def test_a_wish_that_came_before_the_process_is_heard():
    run_id = add_run(state="starting", request="pause")
    with trainer.sole_trainer(run_id) as run:
        assert run.request == "pause"
        note(run.id, state="paused")


@pytest.mark.parametrize("kind", ["stopped", "finished"])
def test_there_is_no_trainer_for_what_is_over(kind):
    run_id = add_run(state=kind)
    with (
        pytest.raises(RunError, match=rf"is {kind}: it can't be trained on\.$"),
        trainer.sole_trainer(run_id),
    ):
        pass
    assert lock_is_free()


def test_there_is_never_a_second_trainer(monkeypatch):
    monkeypatch.setattr(duty, "_PATIENCE", 0.1)
    with trainer.sole_trainer(settings()) as run:
        waiting = add_run(state="starting")
        for what in (waiting, settings(epochs=2)):
            with (
                pytest.raises(RunError, match="only one runs at a time"),
                trainer.sole_trainer(what),
            ):
                pass
        assert state(waiting) == "queued"
        assert len(store.runs()) == 2
        note(run.id, state="finished")
    wait_for(waiting, "running")


def test_whom_a_new_trainer_finds_running_is_dead():
    stale = add_run(state="running", pid=None)
    with trainer.sole_trainer(settings(epochs=2)) as run:
        assert state(stale) == "interrupted"
        assert trainer.current() == run
        note(run.id, state="finished")


def test_one_that_was_killed_can_go_on_before_anybody_noticed():
    stale = add_run(state="running", pid=None)
    with trainer.sole_trainer(stale) as run:
        assert run.state == "starting"
        note(run.id, state="finished")


def test_a_trainer_that_fails_leaves_an_interrupted_run():
    with pytest.raises(ZeroDivisionError), trainer.sole_trainer(settings()) as run:
        note(run.id, state="running")
        raise ZeroDivisionError
    assert state(run.id) == "interrupted"


def test_an_ear_hears_what_is_asked_and_gives_signs_of_life():
    run_id = add_run(state="running", heartbeat=0.0)
    with trainer.Ear(run_id) as ear:
        assert ear.request is None
        note(run_id, request="stop")
        until = time.monotonic() + 10
        while ear.request is None or not store.find_run(run_id).heartbeat:
            assert time.monotonic() < until
            time.sleep(0.01)
        assert ear.request == "stop"
        note(run_id, request=None)
        time.sleep(0.25)
        assert ear.request == "stop", "what was heard is not forgotten"


def test_an_ear_outlives_a_database_that_can_not_be_used_for_a_while(tmp_path, monkeypatch):
    run_id = add_run(state="running")
    (tmp_path / "file").touch()
    with trainer.Ear(run_id) as ear:
        with monkeypatch.context() as meanwhile:
            meanwhile.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "file"))
            time.sleep(0.3)
        note(run_id, request="pause")
        until = time.monotonic() + 10
        while ear.request is None:
            assert time.monotonic() < until
            time.sleep(0.01)
