"""Pages over a database that can't be used: they say so, and drawings are read all the same."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import paths, store
from mnist_core.store import database
from tests.faults import disks
from tests.pages import drawn, runs
from tests.pages.test_draw import APP, BOARD, panel

PAGES = sorted(file.stem for file in (paths.PROJECT / "pages").glob("[a-z]*.py"))


@contextmanager
def damaged(home: Path) -> Iterator[None]:
    file = store.file()
    file.write_bytes(b"damaged " * (file.stat().st_size // 8))
    yield


@contextmanager
def busy(home: Path) -> Iterator[None]:
    with closing(sqlite3.connect(store.file(), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE runs SET message = message")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(home: Path) -> Iterator[None]:
    if not disks.can_be_mounted(home.parent / "probe"):
        pytest.skip("no folder can be made read-only here: needs root")
    with disks.Disk(home).read_only():
        yield


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (damaged, "is damaged: move it away to begin a new one"),
        (busy, "is busy: another program has been writing to it."),
        (read_only, "can't be written: see that its folder can be"),
    ],
)
def test_every_page_says_so_and_draw_reads(
    home: Path, offline: None, monkeypatch: pytest.MonkeyPatch, fault: object, told: str
) -> None:
    monkeypatch.setattr(database, "_PATIENCE", 0.2)
    run = runs.put("paused", done=12)
    assert callable(fault)
    with fault(home):
        app = AppTest.from_file(APP, default_timeout=30).run()
        assert not app.exception
        assert any(told in error.value for error in app.error)
        app.session_state[BOARD] = drawn.sent(drawn.template(7))
        app.run()
        assert panel(app) == ("digit", "7")
        for page in PAGES:
            app.switch_page(f"pages/{page}.py").run()
            assert not app.exception, page
            shown = [error.value for error in app.error]
            assert all(told in words for words in shown), page
            assert shown or page != "train"
    if fault is not damaged:
        assert [kept.id for kept in store.runs()] == [run.id]
