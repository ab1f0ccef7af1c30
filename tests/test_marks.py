import sqlite3
from contextlib import closing

import pytest

from mnist_core import store
from mnist_core.errors import InputError, StoreError
from mnist_core.store import database


@pytest.fixture(autouse=True)
def studio(home):
    return home


def test_a_mark_is_kept_changed_and_taken_away():
    assert store.marked("test") == {}
    store.set_mark("test", 947, "wrong")
    store.set_mark("test", 12, "unclear")
    store.set_mark("train", 947, "right")
    assert list(store.marked("test").items()) == [(12, "unclear"), (947, "wrong")]
    store.set_mark("test", 947, "right")
    store.set_mark("test", 12, None)
    assert store.marked("test") == {947: "right"}
    assert store.marked("train") == {947: "right"}


def test_there_are_three_marks():
    with pytest.raises(InputError, match="choose one of right, wrong, unclear"):
        store.set_mark("test", 1, "perhaps")
    assert store.marked("test") == {}


def test_the_file_of_an_earlier_release_is_brought_up_and_loses_nothing():
    store.file().parent.mkdir()
    with closing(sqlite3.connect(store.file())) as old:
        old.executescript(database._RUNS)
        old.execute("INSERT INTO boards VALUES ('fast-1', x'01', x'02')")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    store.set_mark("test", 3, "right")
    assert store.marked("test") == {3: "right"}
    with closing(sqlite3.connect(store.file())) as now:
        assert now.execute("SELECT count(*) FROM boards").fetchone() == (1,)
        assert now.execute("PRAGMA user_version").fetchone() == (database._VERSION,)


def test_a_file_that_can_not_be_brought_up_stays_as_it_is():
    store.file().parent.mkdir()
    with closing(sqlite3.connect(store.file())) as old:
        old.executescript("CREATE TABLE marks (other TEXT); PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="table marks already exists"):
        store.marked("test")
    with closing(sqlite3.connect(store.file())) as now:
        assert now.execute("PRAGMA user_version").fetchone() == (1,)
