import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_core import background, paths
from mnist_core.background import Status, asking, notes
from mnist_core.errors import DataMissing, DigitStudioError, InputError

PYTHON = sys.executable

START = """
import sys
from mnist_core import background
sys.executable = sys.argv[1]
print("ready", flush=True)
sys.stdin.readline()
background.start("work", ["works", "work"])
assert background.status("work").running
"""


@pytest.fixture(autouse=True)
def program(home, tmp_path, monkeypatch):
    """Has stand-ins be started in place of commands, and none of them outlive the test."""
    home.mkdir()
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec "{PYTHON}" -m tests.background_child "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    yield str(program)
    for pid in born():
        kill(pid)
    for child in asking._children:
        child.kill()
        child.wait()
    asking._children.clear()
    asking._refused.clear()


def start(behaviour="works", name="work"):
    background.start(name, [behaviour, name])


def wait_until(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, background.status("work")
        time.sleep(0.01)


def at_work():
    """Wait until the stand-in is in the middle of its work; gives its process id."""
    wait_until(lambda: background.status("work").share)
    return born()[-1]


def ended():
    wait_until(lambda: not background.status("work").running)
    return background.status("work")


def born():
    file = paths.home() / "born.txt"
    return list(map(int, file.read_text().split())) if file.exists() else []


def kill(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# Starting and telling


def test_what_was_never_started_is_not_running_and_leaves_no_files(home):
    assert background.status("work") == Status(False, 0.0, "", "")
    background.stop("work")
    assert list(home.iterdir()) == []


def test_it_is_running_from_the_first_moment_on():
    start("loads")
    assert background.status("work") == Status(True, 0.0, "", "")
    wait_until(born)
    assert background.status("work") == Status(True, 0.0, "", "")


def test_progress_and_a_good_end():
    start("ends")
    running = set()
    while (seen := background.status("work")).running:
        running.add((seen.share, seen.words, seen.error))
    assert running <= {(0.0, "", ""), (0.25, "A quarter", ""), (1.0, "A quarter", "")}
    assert seen == Status(False, 1.0, "A quarter", "")


def test_names_are_apart():
    start()
    at_work()
    assert not background.status("other").running
    start("ends", "other")
    assert background.status("other").running
    background.stop("other")
    assert background.status("work").running


def test_it_can_be_started_again():
    start("fails")
    assert ended().error
    start()
    assert background.status("work") == Status(True, 0.0, "", "")
    at_work()
    assert len(born()) == 2


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "a" * 101])
def test_names_that_are_none_are_refused(name):
    for call in (background.status, background.stop, lambda n: background.start(n, [])):
        with pytest.raises(InputError):
            call(name)


# At most one


def test_twenty_who_start_it_together_start_it_once():
    together = threading.Barrier(20)

    def press(_):
        together.wait()
        start()
        return background.status("work").running

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(press, range(20)))
    at_work()
    assert len(born()) == 1


def test_several_processes_that_start_it_together_start_it_once(program):
    words = [PYTHON, "-W", "ignore::ResourceWarning", "-c", START, program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    pressing = [subprocess.Popen(words, cwd=paths.PROJECT, **pipes) for _ in range(4)]
    for process in pressing:
        assert process.stdout.readline() == "ready\n"
    for process in pressing:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in pressing:
        process.communicate(timeout=30)
    assert [process.returncode for process in pressing] == [0] * 4
    at_work()
    assert len(born()) == 1, "and it outlives whoever started it"


def test_those_who_look_keep_nobody_from_starting():
    over = threading.Event()

    def look():
        while not over.wait(0.001):
            background.status("work")

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(look)
        try:
            for _ in range(3):
                start("loads")
                assert background.status("work").running
                background.stop("work")
                assert background.status("work") == Status()
        finally:
            over.set()


# Bad ends


def test_an_error_is_noted_as_its_sentence():
    start("fails")
    assert ended() == Status(False, 0.25, "A quarter", "There is no network.")


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("breaks", "It failed: RuntimeError: a bug."),
        ("full", "A file could not be read or written: No space left on device."),
    ],
)
def test_other_errors_are_sentences_too(behaviour, says):
    start(behaviour)
    assert ended().error == says


def test_a_child_that_dies_before_it_works_leaves_an_error():
    start("dies")
    seen = ended()
    assert seen.error.startswith("It ended before it was done") and seen.share == 0


def test_a_child_that_is_killed_leaves_an_error():
    start()
    kill(at_work())
    assert ended().error.startswith("It ended before it was done")


def test_a_program_that_can_not_be_started(monkeypatch):
    with monkeypatch.context() as there:
        there.setattr(sys, "executable", "/nowhere/python")
        start()
    seen = background.status("work")
    assert seen == Status(error="It could not be started: No such file or directory.")
    start("ends")
    assert ended() == Status(False, 1.0, "A quarter", "")


def test_a_home_that_can_not_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with monkeypatch.context() as there:
        there.setenv("DIGIT_STUDIO_HOME", str(tmp_path / "file"))
        start()
        seen = background.status("work")
        assert seen == Status(error="It could not be started: Not a directory.")
        with background.at_work("work") as tell:
            tell(0.5, "Nobody sees this")


def test_what_could_not_be_started_here_somebody_else_may_start(monkeypatch):
    with monkeypatch.context() as there:
        there.setattr(sys, "executable", "/nowhere/python")
        start()
    with background.at_work("work"):
        assert background.status("work") == Status(True)
    assert background.status("work") == Status(False, 1.0)


def test_a_damaged_note_is_no_error_of_the_page():
    with background.at_work("work"):
        pass
    notes.file_of("work", "json").write_bytes(b"{")
    assert background.status("work") == Status()


def test_what_the_child_printed_is_in_the_log():
    start("breaks")
    ended()
    wait_until(lambda: b"RuntimeError: a bug" in notes.file_of("work", "log").read_bytes())


# Stopping


@pytest.mark.parametrize("behaviour", ["loads", "works", "deaf"])
def test_stopping_is_no_failure(behaviour):
    start(behaviour)
    wait_until(born)
    if behaviour != "loads":
        at_work()
    background.stop("work")
    seen = background.status("work")
    assert (seen.running, seen.error) == (False, "")
    start("ends")
    assert ended().share == 1


def test_stopping_at_once():
    start()
    background.stop("work")
    assert background.status("work") == Status()


def test_stopping_what_is_over_changes_nothing():
    start("fails")
    before = ended()
    background.stop("work")
    assert background.status("work") == before


def test_what_the_child_leaves_behind_is_not_at_work():
    start("leaves a child")
    assert ended() == Status(False, 1.0, "A quarter", "")


# From a terminal, in this process


def test_at_work_is_seen_by_others():
    with background.at_work("work") as tell:
        tell(2.0, "More than all")
        assert background.status("work") == Status(True, 1.0, "More than all")
        start()
        with (
            pytest.raises(DigitStudioError, match="Another process is doing this already"),
            background.at_work("work"),
        ):
            pass
    assert background.status("work") == Status(False, 1.0, "More than all")
    assert born() == []


def test_an_interruption_is_no_failure():
    with pytest.raises(KeyboardInterrupt), background.at_work("work"):
        raise KeyboardInterrupt
    assert background.status("work") == Status()
    with pytest.raises(DataMissing), background.at_work("work"):
        raise DataMissing("There is none.")
    assert background.status("work").error == "There is none."


def test_sigterm_ends_it_tidily():
    with pytest.raises(SystemExit), background.at_work("work"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert background.status("work") == Status()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_telling_often_writes_seldom(monkeypatch):
    written = []
    with background.at_work("work") as tell:
        monkeypatch.setattr(
            "mnist_core.background.working.write_note", lambda _, **note: written.append(note)
        )
        for i in range(1000):
            tell(i / 1000, "Counting")
    assert len(written) < 100
    assert written[0]["share"] == 0 and written[-1] == {
        "share": 1.0,
        "words": "Counting",
        "error": "",
        "over": True,
    }
