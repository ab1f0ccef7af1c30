"""Drawings that are being kept while the web server is killed, or the disk is full."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import numpy as np
import pytest

from mnist_core import handwriting, paths, store
from mnist_core.errors import StoreError
from tests.faults.rounds import LONG, ROUNDS, chance
from tests.handwriting.made import image, new

# Four visits at once, as the threads of a web server; each line is what a person was told.
KEEP = """
import sys, threading
from mnist_core import handwriting
from tests.handwriting.made import image

def keep(visit):
    profile = handwriting.own_profile(f"visit {visit}").number
    first = 100_000 * int(sys.argv[1])  # no picture comes twice
    for number in range(first + 1, first + 100_000):
        number = 4 * number + visit
        drawing = handwriting.NewDrawing(number % 10, image(number))
        kept = handwriting.keep(profile, drawing)
        print(f"{kept.number} {number}\\n", end="", flush=True)

for visit in range(4):
    threading.Thread(target=keep, args=(visit,)).start()
"""


def test_what_was_confirmed_is_there_after_a_kill_at_any_moment(studio):
    moments = chance()
    told: dict[int, int] = {}
    for turn in range(ROUNDS if LONG else 3):
        words = [sys.executable, "-c", KEEP, str(turn)]
        with subprocess.Popen(words, cwd=paths.PROJECT, stdout=subprocess.PIPE) as process:
            assert process.stdout
            lines = [process.stdout.readline()]
            time.sleep(0.5 * moments.random())
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        assert process.returncode == -signal.SIGKILL
        # The kill may cut the last line short.
        pairs = [tuple(map(int, line.split())) for line in lines if line.endswith(b"\n")]
        assert not told.keys() & dict(pairs).keys(), "no number is used twice"
        told |= dict(pairs)
        with closing(sqlite3.connect(store.file())) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT number, image, label FROM drawings").fetchall()
        there = {number: (content, label) for number, content, label in rows}
        for number, given in told.items():
            assert there[number] == (image(given).tobytes(), given % 10)
        # One more at most for each visit: it was kept, and the kill came before it was told.
        print(f"{len(pairs)} were told, {len(there) - len(told)} kept and not told in all")
    # What is there is held out as if nothing had happened.
    names = ["My digits", "My digits 2", "My digits 3", "My digits 4"]
    # A visit may never have come to begin its own before a kill.
    assert [profile.name for profile, _ in handwriting.profiles()] in [
        names[:n] for n in (1, 2, 3, 4)
    ]
    for profile, count in handwriting.profiles():
        kept = handwriting.drawings(profile.number, newest_first=False)
        assert len(kept) == count
        for label in range(10):
            held_out = [d.held_out for d in kept if d.label == label]
            assert held_out == [place % 3 == 1 for place in range(len(held_out))]


def test_on_a_full_disk_it_is_said_and_nothing_is_lost(disk):
    profile = handwriting.add_profile("Class 4b").number
    kept = [handwriting.keep(profile, new()).number for _ in range(5)]
    noise = random.Random(3)
    large = (np.array([[noise.random() * 280, 1.0] for _ in range(5000)]),)
    disk.fill()
    refused = r"^The database of runs .+studio\.db, has no room left on its disk: .+\.$"
    with pytest.raises(StoreError, match=refused):
        for _ in range(1000):  # until what SQLite has put by is used up
            kept.append(handwriting.keep(profile, new(strokes=large)).number)
    with pytest.raises(StoreError, match=refused):
        handwriting.keep_all(profile, [new(strokes=large) for _ in range(100)])
    disk.free()
    assert [d.number for d in handwriting.drawings(profile, newest_first=False)] == kept
    kept.append(handwriting.keep(profile, new(strokes=large)).number)
    assert handwriting.keep_all(profile, [new() for _ in range(100)]).kept == 100
    assert handwriting.count(profile).total == len(kept) + 100


def test_in_a_folder_that_can_not_be_written_it_is_said_and_nothing_is_lost(disk):
    profile = handwriting.add_profile("Class 4b").number
    kept = handwriting.keep(profile, new()).number
    with disk.read_only():
        for ask in (
            lambda: handwriting.keep(profile, new()),
            lambda: handwriting.keep_all(profile, [new()]),
            lambda: handwriting.relabel(kept, 3),
            lambda: handwriting.delete(kept),
            lambda: handwriting.delete_all(profile),
            lambda: handwriting.add_profile("Ben"),
            lambda: handwriting.rename_profile(profile, "Ben"),
            lambda: handwriting.remove_profile(profile),
            lambda: handwriting.own_profile("me"),
        ):
            with pytest.raises(StoreError, match=r"studio\.db, can't be written: .+\.$"):
                ask()
    assert [d.number for d in handwriting.drawings(profile)] == [kept]
    assert handwriting.relabel(kept, 3).label == 3
