"""Training from the sidebar, watched live in a real Chromium, with a real training process.

Works with MNIST and without: where it isn't, the sidebar offers digits made by a program.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core import store, trainer
from mnist_core.errors import RunError
from mnist_core.store import Run
from tests.browser import pen
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve
from tests.browser.test_draw import template
from tests.pages import runs

START = 90_000  # milliseconds until a run trains; ten seconds where nothing else runs
END = 60_000  # until a model is written
BATCHES = re.compile(r"over ([\d,]+) batches")


@pytest.fixture(autouse=True)
def home(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of the app under test; afterwards nothing trains."""
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(app.log.parent))
    yield app.log.parent
    end_all()


@pytest.fixture
def trainer_at_work(home: Path) -> Iterator[None]:
    """Something trains, as far as anybody can tell."""
    handle = runs.be_the_trainer()
    yield
    os.close(handle)


def end_all() -> None:
    """Stop what trains or waits to, with force if need be."""
    for run in reversed(store.runs("queued", *store.ACTIVE)):
        with contextlib.suppress(RunError):
            trainer.stop(run.id)
    try:
        wait_for(lambda: trainer.current() is None, "the end of the training")
    finally:
        for run in store.runs(*store.ACTIVE):
            if run.pid:
                os.kill(run.pid, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait for something that is not on a page."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{what} did not come: {store.runs()}"
        time.sleep(0.05)


def sidebar(page: Page) -> Locator:
    return page.get_by_test_id("stSidebar")


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def settle(page: Page, seed: int) -> None:
    """Choose settings that train for long enough to be looked at, and learn at once."""
    if sidebar(page).get_by_text("not on this computer").count():
        sidebar(page).get_by_text("Digits made by a program").click()
    sidebar(page).get_by_text("Settings", exact=True).click()
    for name, value in (
        ("filters", "16, 32"), ("images", 500), ("batch_size", 8), ("epochs", 200), ("seed", seed),
        ("learning_rate", 0.001),
    ):  # fmt: skip
        field = page.locator(f".st-key-fast_{name} input")
        field.fill(str(value))
        field.press("Enter")
    expect(sidebar(page).get_by_text("Takes about")).to_be_visible()


def retrain(page: Page, *, seed: int) -> Run:
    """Press Retrain with settings of our own; the run, once the page has said something."""
    settle(page, seed)
    return press_retrain(page)[0]


def press_retrain(page: Page) -> tuple[Run, str]:
    sidebar(page).get_by_role("button", name="Retrain", exact=True).click()
    toast = page.get_by_test_id("stToast").filter(has_text=re.compile(r"fast-\d+"))
    expect(toast.first).to_be_visible()
    said = toast.first.inner_text()
    (name,) = re.findall(r"fast-\d+", said)[:1]
    return store.find_run(name), said


def watch(page: Page) -> None:
    sidebar(page).get_by_role("link", name="Watch it learn").click()
    expect(page.get_by_role("heading", name="Watch it learn")).to_be_visible()


def curves(page: Page, run: Run) -> Locator:
    return page.locator(f".st-key-curves_{run.id}")


def batches(page: Page, run: Run) -> int:
    """How many the curves say that they show."""
    told = curves(page, run).get_by_role("img").first.get_attribute("aria-label") or ""
    found = BATCHES.search(told)
    return int(found[1].replace(",", "")) if found else 0


def wait_for_batches(page: Page, run: Run, at_least: int, *, timeout: float = START) -> None:
    """Until the curves show so many; looks at the page many times a second."""
    curves(page, run).get_by_role("img").first.wait_for(timeout=timeout)
    until = time.monotonic() + timeout / 1000
    while batches(page, run) < at_least:
        assert time.monotonic() < until, f"no {at_least} batches: {store.find_run(run.id)}"
        page.wait_for_timeout(20)


def legend(page: Page, run: Run) -> list[str]:
    return curves(page, run).locator(".legend .value").all_inner_texts()


def test_retrain_is_on_every_page_and_the_same_training_is_joined(new_page: NewPage) -> None:
    draw = new_page()
    settle(draw, seed=1)
    run, said = press_retrain(draw)
    assert "begun" in said
    assert (run.settings.images, run.settings.epochs, run.settings.filters) == (500, 200, (16, 32))
    panel = draw.locator(".st-key-run_in_progress")
    expect(panel).to_contain_text(run.id)
    expect(panel.get_by_role("progressbar")).to_be_visible()

    train = new_page(path="train")
    expect(train.locator(".st-key-run_in_progress")).to_contain_text(run.id)
    settle(train, seed=1)
    same, said = press_retrain(train)
    assert same.id == run.id
    assert "watching it" in said
    expect(main(train).get_by_role("combobox", name="Run")).to_have_value(re.compile(run.id))

    about = new_page(path="about")
    settle(about, seed=2)
    later, said = press_retrain(about)
    assert later.id != run.id
    assert later.state == "queued"
    assert "waits" in said
    expect(about.locator(".st-key-run_in_progress")).to_contain_text(later.id)
    assert len(store.runs("queued", *store.ACTIVE)) == 2

    # The first ends, and the next begins by itself; every tab says so.
    draw.locator(".st-key-sidebar_stop").get_by_role("button", name="Stop").click()
    for page in (draw, train, about):
        expect(page.locator(".st-key-run_in_progress")).to_contain_text(
            f"{later.id}: ", timeout=START
        )
    assert store.find_run(run.id).state == "stopped"
    assert store.find_run(later.id).active


def test_a_run_is_watched_live(new_page: NewPage) -> None:
    page = new_page()
    pen.draw(page, template(3))
    pen.wait_reading(page)
    run = retrain(page, seed=3)
    watch(page)
    wait_for_batches(page, run, 1)

    # The curves move.
    before, values = batches(page, run), legend(page, run)
    wait_for_batches(page, run, before + 20)
    assert legend(page, run) != values

    # The drawing that was on the board is followed from before the first batch.
    (drawn,) = store.pins(run.id)
    assert store.followed(drawn.number)[0][0] == 0
    expect(main(page).get_by_text("Your drawing, as it learns")).to_be_visible()
    expect(main(page).get_by_text(re.compile(r"Now an? \d"))).to_be_visible()
    followed = page.locator(f".st-key-followed_{run.id}_{drawn.number}")
    expect(followed.locator(".legend button")).to_have_count(10)
    expect(main(page).get_by_text(re.compile(r"\d+ of 100 read right"))).to_be_visible()
    expect(main(page).get_by_text("What is taken for what")).to_be_visible(timeout=END)

    # The page keeps up: it is hardly behind where the computer is quiet, and never far.
    behind = []
    for _ in range(7):
        newest, asked = store.find_run(run.id).step, time.monotonic()
        wait_for_batches(page, run, newest)
        behind.append(time.monotonic() - asked)
    print("seconds behind:", [round(seconds, 2) for seconds in behind])
    assert statistics.median(behind) < 5.0

    # What the reader has zoomed to stays.
    plot = curves(page, run).locator(".plot .u-over").first
    plot.scroll_into_view_if_needed()
    # A plot is made anew where it gets a line; one that is just going has no box.
    wait_for(lambda: plot.bounding_box() is not None, "a plot")
    box = plot.bounding_box()
    assert box
    height = box["y"] + box["height"] / 2

    def edges() -> list[str]:
        """The epochs at two places of the plot."""
        seen: list[str] = []
        readout = curves(page, run).locator(".readout")

        def points() -> bool:
            page.mouse.move(1, 1)
            expect(readout).to_have_text("Latest values")  # what it says next is of the new place
            page.mouse.move(box["x"] + (0.1, 0.9)[len(seen)] * box["width"], height)
            page.wait_for_timeout(100)
            # A plot that is made anew just then has not seen the mouse come.
            if (told := readout.inner_text()).startswith("At epoch"):
                seen.append(told)
            return len(seen) == 2

        wait_for(points, "the crosshair")
        return seen

    whole = curves(page, run).get_by_role("button", name="Whole run")
    expect(whole).to_be_disabled()
    # The beginning, once it is there.
    wait_for_batches(page, run, round(0.04 * store.find_run(run.id).steps))
    page.mouse.move(box["x"] + 1, height)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.02 * box["width"], height)
    page.mouse.move(box["x"] + 0.03 * box["width"], height)
    page.mouse.up()
    expect(whole).to_be_enabled()
    zoomed, before = edges(), batches(page, run)
    assert zoomed[0] != zoomed[1]
    wait_for_batches(page, run, before + 30)
    expect(whole).to_be_enabled()
    assert edges() == zoomed
    whole.click()
    expect(whole).to_be_disabled()

    # On a phone nothing is wider than the screen.
    phone = new_page(phone=True)
    phone.goto(page.url)  # where the script runs all the time, so its end is not waited for
    wait_for_batches(phone, run, 1)
    for place in ("What is taken for what", "A hundred digits"):
        main(phone).get_by_text(place).scroll_into_view_if_needed()
    assert phone.evaluate("document.scrollingElement.scrollWidth") <= 390
    wide = main(phone).evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert wide[0] <= wide[1]


def test_pause_reload_resume_and_stop(new_page: NewPage) -> None:
    page = new_page(path="train")
    run = retrain(page, seed=4)
    wait_for_batches(page, run, 5)

    main(page).get_by_role("button", name="Pause", exact=True).click()
    resume = main(page).get_by_role("button", name="Resume", exact=True)
    expect(resume).to_be_visible(timeout=END)
    paused = store.find_run(run.id)
    assert paused.state == "paused"
    page.reload()
    wait_for_batches(page, run, paused.step)
    assert batches(page, run) == paused.step
    expect(sidebar(page).get_by_role("button", name="Resume", exact=True)).to_be_visible()

    resume.click()
    expect(main(page).get_by_role("button", name="Stop", exact=True)).to_be_visible()
    wait_for_batches(page, run, paused.step + 10)
    os.kill(store.find_run(run.id).pid or 0, signal.SIGKILL)
    expect(main(page).get_by_text("ended unexpectedly")).to_be_visible(timeout=5_000)
    resume.click()
    expect(main(page).get_by_role("button", name="Stop", exact=True)).to_be_visible()
    # Until there is something to keep that has learned.
    wait_for(lambda: len(store.validations(run.id)) > 4, "validations", seconds=90)
    stop = main(page).get_by_role("button", name="Stop", exact=True)
    stop.click()
    use = main(page).get_by_role("button", name="Use this model", exact=True)
    expect(use).to_be_visible(timeout=END)
    stopped = store.find_run(run.id)
    assert (stopped.state, stopped.model) == ("stopped", run.id)
    steps = store.batches(run.id)[:, 0].tolist()
    assert steps == list(range(1, stopped.step + 1))
    expect(sidebar(page).locator(".st-key-run_in_progress")).to_have_count(0)


def test_a_page_s_own_address_as_the_very_first_visit(browser: Browser, tmp_path: Path) -> None:
    """Streamlit would show the bare page then, without the frame of app.py."""
    with serve(tmp_path) as fresh:
        page = pen.open_page(browser)
        pen.visit(page, f"{fresh.url}/train")
        expect(page.get_by_role("heading", name="Watch it learn")).to_be_visible()
        expect(page.get_by_text("Nothing was trained on this computer yet")).to_be_visible()
        links = page.get_by_test_id("stSidebarNav").get_by_role("link")
        pages = ["Draw", "Dataset", "Look inside", "My digits", "Train", "Runs", "About"]
        expect(links).to_have_text(pages)
        expect(page.get_by_test_id("stSidebarLogo")).to_be_visible()
        expect(sidebar(page).get_by_role("button", name="Retrain", exact=True)).to_be_enabled()
        assert page.title() == "Digit Studio"
        page.get_by_role("link", name="Draw").click()
        expect(pen.canvas(page)).to_be_visible()
        page.context.close()
        assert "Traceback" not in fresh.printed()


def test_a_computer_that_takes_long_shows_the_run_that_was_asked_for(
    home: Path, trainer_at_work: None, new_page: NewPage
) -> None:
    """While Retrain is under way the sidebar asks for news, with what the browser knew before."""
    before = runs.put("running")
    page = new_page(path="train")
    chosen = main(page).get_by_role("combobox", name="Run")
    expect(chosen).to_have_value(re.compile(before.id))
    settle(page, seed=9)
    with closing(sqlite3.connect(home / "studio.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sidebar(page).get_by_role("button", name="Retrain", exact=True).click()
        page.wait_for_timeout(2500)  # it asks every second
        assert [run.id for run in store.runs(limit=1)] == [before.id]
    expect(page.locator(".st-key-run_in_progress")).to_contain_text("Next: ")
    (run,) = store.runs("queued")
    expect(chosen).to_have_value(re.compile(run.id))
    page.wait_for_timeout(2500)
    expect(chosen).to_have_value(re.compile(run.id))
    trainer.stop(run.id)  # or it would begin as soon as nothing trains
