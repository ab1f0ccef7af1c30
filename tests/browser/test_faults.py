"""A server that is killed while something trains or is stored; a class that presses Retrain."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from threading import Timer

import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core import handwriting, store, trainer
from mnist_core.store import Run
from mnist_core.words import a
from tests.browser import pen
from tests.browser.server import App, serve
from tests.browser.test_draw import template
from tests.browser.test_train import (
    START,
    batches,
    end_all,
    press_retrain,
    settle,
    sidebar,
    wait_for,
    wait_for_batches,
)
from tests.faults.rounds import LONG, ROUNDS, chance

CLASS = 20 if LONG else 10
KILLS = 10 if LONG else 1
KILLS_WHILE_STORING = ROUNDS if LONG else 1


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own; afterwards nothing trains there."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(folder))
    yield folder
    end_all()


def opened(browser: Browser, app: App, path: str) -> Page:
    page = pen.open_page(browser)
    pen.visit(page, f"{app.url}/{path}")
    return page


def test_a_training_outlives_the_server_and_a_new_one_shows_it(
    browser: Browser, home: Path
) -> None:
    with serve(home) as app:
        page = opened(browser, app, "train")
        settle(page, seed=1)
        if LONG:  # enough to learn from until the last server has come
            page.locator(".st-key-fast_images input").fill("4000")
            page.locator(".st-key-fast_images input").press("Enter")
        run, _ = press_retrain(page)
        wait_for_batches(page, run, 1)
        app.process.kill()
        app.process.wait()
        page.context.close()
    for number in reversed(range(KILLS)):
        killed_at = store.find_run(run.id)
        assert killed_at.state == "running"
        wait_for(lambda at=killed_at.step: run_now(run).step > at + 20, "the next batches")
        with serve(home) as app:
            page = opened(browser, app, "train")
            expect(sidebar(page).locator(".st-key-run_in_progress")).to_contain_text(run.id)
            wait_for_batches(page, run, killed_at.step + 21)
            wait_for_batches(page, run, batches(page, run) + 20)
            assert run_now(run).pid == killed_at.pid
            if number:
                app.process.kill()
                app.process.wait()
            else:  # the new server has a hold on it, too
                page.locator(".st-key-sidebar_stop").get_by_role("button", name="Stop").click()
                wait_for(lambda: run_now(run).state == "stopped", "the end")
            page.context.close()
            assert "Traceback" not in app.printed()


def test_what_is_said_to_be_stored_outlives_the_server(browser: Browser, home: Path) -> None:
    random = chance()
    profile = handwriting.add_profile("Room 4").number
    before: set[int] = set()
    for number in range(KILLS_WHILE_STORING):
        with serve(home) as app:
            page = opened(browser, app, "?profile=Room 4")
            pen.draw(page, template(number % 10))
            pen.wait_reading(page)
            said = None
            Timer(random.uniform(0.05, 2.0), app.process.kill).start()
            for digit in cycle(range(10)):
                page.keyboard.press(str(digit))
                try:
                    stored = page.get_by_text(f"Stored as {a(digit)}.")
                    expect(stored).to_be_visible(timeout=3_000)
                except AssertionError:
                    break
                said = digit
            app.process.wait()
            page.context.close()
        new = [one for one in handwriting.drawings(profile) if one.number not in before]
        before |= {one.number for one in new}
        print(f"said {said}, then pressed {digit}: {[one.label for one in new]}")
        assert len(new) == 1 if said is not None else len(new) <= 1
        # What was pressed last may be stored, though nobody was told.
        assert all(one.label in (said, digit) for one in new)
    with store.opened() as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def trainers(home: Path) -> set[int]:
    """The processes that train for this home; Linux lists them."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"train" in command and f"DIGIT_STUDIO_HOME={home}".encode() in environment:
            found.add(int(folder.name))
    return found


def test_a_whole_class_presses_retrain_at_once_and_one_process_trains(
    browser: Browser, home: Path
) -> None:
    with serve(home) as app:
        context = pen.open_page(browser).context
        pages = []
        for _ in range(CLASS):
            page = context.new_page()
            pen.visit(page, f"{app.url}/about")
            pages.append(page)
        press = """at => {
            [...document.querySelectorAll('[data-testid="stSidebar"] label')]
                .find((label) => label.innerText.includes('made by a program'))?.click();
            const button = document.querySelector('.st-key-retrain button');
            setTimeout(() => button.click(), at - Date.now());
        }"""
        at = 1000 * (time.time() + 4)
        for page in pages:
            page.evaluate(press, at)
        seen: set[int] = set()
        for page in pages:
            expect(page.locator(".st-key-run_in_progress")).to_be_visible(timeout=START)
            seen |= trainers(home)
        (run,) = store.runs()
        log = home / "runs" / run.id / "log.txt"
        wait_for(lambda: f"{run.id}: " in log.read_text(), "the process")
        seen |= trainers(home)
        if Path("/proc").exists():
            assert seen == {run_now(run).pid}
        assert log.read_text().count(f"{run.id}: ") == 1
        assert "under way" not in log.read_text()
        trainer.stop(run.id)
        wait_for(lambda: not run_now(run).active, "the end")
        # All of them looking once a second don't wear the server out: they see the end in time.
        for page in pages:
            expect(page.locator(".st-key-run_in_progress")).to_have_count(0)
        context.close()
        assert "Traceback" not in app.printed(), app.printed()


def run_now(run: Run) -> Run:
    return store.find_run(run.id)
