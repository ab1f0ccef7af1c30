"""Many runs: compared, named, put to work, taken along, trained further and deleted in Chromium.

Two real networks are trained first, on generated digits: one that reads well and one that doesn't.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core import datasets, registry, store, trainer
from mnist_core.evaluation import Evaluation
from mnist_core.store import Run
from mnist_core.validation import validation_digits
from mnist_core.words import accuracy
from tests.browser import networks, pen
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve
from tests.browser.test_draw import template
from tests.browser.test_train import END, START, curves, end_all, main, sidebar, wait_for
from tests.pages import runs

GOOD, POOR = "softmax-1", "mlp-2"
SHIPPED = "the network that comes with"
ODD = "*bold* <b>x</b> $x$ :red[r] www.x.org a@b.co :smile: a -> b"
COMPARED = 60_000  # until two networks have read the same digits, some of which are drawn first

_KERAS_ALONE = """
import importlib.util
import sys

for name in ("mnist_core", "pages", "tests"):
    assert importlib.util.find_spec(name) is None, name
import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
with np.load(sys.argv[2]) as digits:
    images = digits["images"].astype("float32")[..., None] / 255
    said = model.predict(images, batch_size=500, verbose=0)
    print("right:", (said.argmax(axis=1) == digits["labels"]).sum())
"""


@pytest.fixture(scope="module")
def home(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where four runs are: two real ones, and two that are only said to have been."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGIT_STUDIO_HOME", str(folder))
        short = "--images 300 --epochs 2 --batch-size 32"
        networks.train(
            folder,
            f"--preset softmax --learning-rate 0.01 {short}",
            f"--preset mlp --hidden 32 {short}",
        )
        good, poor = (store.find_run(run_id).validation_accuracy for run_id in (GOOD, POOR))
        assert good and poor and good > poor + 0.2
        runs.put("finished", done=20, name="Tuesday", notes="with thin pens")
        runs.put("finished", done=10, name="Tuesday, later", validation_accuracy=0.7)
        yield folder
        end_all()


@pytest.fixture(scope="module")
def app(home: Path) -> Iterator[App]:
    with serve(home) as running:
        yield running


@pytest.fixture(autouse=True)
def order(home: Path) -> Iterator[None]:
    """The next test finds nothing in training, and the network that ships reading."""
    yield
    end_all()
    while registry.published() != registry.SHIPPED:
        registry.rollback()


def table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame")


def seen(page: Page) -> Locator:
    """What the rows begin with, from top to bottom as they are seen."""
    return table(page).locator("[role=gridcell][aria-colindex='1']")


def expect_rows(page: Page, *run_ids: str) -> None:
    expect(seen(page)).to_have_text([re.compile(f"^{run_id}( ✓)?$") for run_id in run_ids])


def at_row(page: Page, row: int) -> tuple[float, float]:
    """Where the box in front of a row is; -1 is the head. The table is one picture."""
    table(page).scroll_into_view_if_needed()
    box = table(page).bounding_box()
    assert box
    return box["x"] + 18, box["y"] + 35 * (row + 1) + 18


def tick(page: Page, *run_ids: str) -> None:
    """Tick runs, or untick them, where they are seen."""
    for run_id in run_ids:
        expect(seen(page).filter(has_text=run_id)).to_have_count(1)
        row = [text.removesuffix(" ✓") for text in seen(page).all_text_contents()].index(run_id)
        ticked = table(page).locator("tbody [role=row]").nth(row)
        before = ticked.get_attribute("aria-selected")
        page.mouse.click(*at_row(page, row))
        expect(ticked).to_have_attribute("aria-selected", str(before == "false").lower())


def sort_by_run(page: Page) -> None:
    x, y = at_row(page, -1)
    page.mouse.click(x + 50, y)


def openers(page: Page) -> Locator:
    """What opens the runs that are ticked."""
    return main(page).get_by_role("button", name=re.compile("^Open "))


def expect_chosen(page: Page, *run_ids: str) -> None:
    """Precisely these are ticked; given in any order."""
    named = [re.compile(f"^Open {run_id}$") for run_id in run_ids]
    expect(openers(page)).to_have_count(len(named))
    for name in named:
        expect(openers(page).filter(has_text=name)).to_be_visible()


def opened(new_page: NewPage, run_id: str) -> Page:
    """The Train page with a run, come to by the table."""
    page = new_page(path="runs")
    tick(page, run_id)
    openers(page).filter(has_text=run_id).click()
    expect(page.get_by_role("heading", name="Watch it learn")).to_be_visible()
    expect(chosen(page)).to_have_value(re.compile(f"^{run_id}: "))
    expect(page.get_by_role("heading", name="Size and speed")).to_be_visible(timeout=END)
    return page


def chosen(page: Page) -> Locator:
    """The box on the Train page that says which run is shown."""
    return main(page).get_by_role("combobox", name="Run")


def options(page: Page) -> Locator:
    """What the box offers. A press may only close what is open elsewhere."""

    def offered() -> bool:
        chosen(page).click()
        page.wait_for_timeout(200)
        return page.get_by_role("option").count() > 0

    wait_for(offered, "the list of runs", seconds=10)
    return page.get_by_role("option")


def choose(page: Page, run_id: str) -> None:
    options(page).filter(has_text=run_id).click()
    expect(chosen(page)).to_have_value(re.compile(f"^{run_id}: "))
    # The choice is seen before what it leads to.
    page.locator(f'[class*="st-key-words_{run_id}_"]').wait_for()


def describe(page: Page, name: str, notes: str) -> None:
    """Say what the run shown is called."""
    page.get_by_role("button", name="Name and notes").click()
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.fill(name)
    page.get_by_role("textbox", name="Notes").fill(notes)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("stToast").last).to_contain_text("Saved")
    expect(field).to_be_hidden()


def cells(place: Locator) -> dict[str, list[str]]:
    """A table of ours: the cells of each line by what it begins with."""
    return {
        line.locator("th").inner_text(): line.locator("td").all_inner_texts()
        for line in place.locator("tbody tr").all()
    }


def served(page: Page) -> Locator:
    """The list of what read when."""
    return main(page).get_by_role("listitem")


def test_two_runs_are_compared(new_page: NewPage) -> None:
    page = new_page(path="runs")
    good, poor = store.find_run(GOOD), store.find_run(POOR)
    expect_rows(page, "fast-4", "fast-3", POOR, GOOD)
    tick(page, GOOD, POOR)
    expect_chosen(page, POOR, GOOD)
    expect(page.get_by_role("heading", name="2 runs side by side")).to_be_visible()

    overlaid = page.locator(".st-key-curves_compared")
    values = [accuracy(poor.validation_accuracy), accuracy(good.validation_accuracy)]
    expect(overlaid.get_by_role("img").first).to_have_attribute(
        "aria-label",
        f"Curves of 2 runs; validation accuracy: {POOR} {values[0]}, {GOOD} {values[1]}.",
    )
    legends = overlaid.locator(".legend")
    expect(legends).to_have_count(3)
    for legend in legends.all():
        expect(legend.get_by_role("button")).to_have_text(
            [re.compile(f"^{POOR}"), re.compile(f"^{GOOD}")]
        )
    expect(legends.first.locator(".value")).to_have_text(values)
    colours = legends.first.get_by_role("button").evaluate_all(
        "buttons => buttons.map((one) => getComputedStyle(one.querySelector('svg')).color)"
    )
    assert colours[0] != colours[1]

    settings, digits = (page.locator(".ds-table").nth(i) for i in range(2))
    expect(settings.locator("thead th")).to_have_text([POOR, GOOD])
    assert cells(settings) == {
        "Network": ["Classic MLP", "Softmax regression"],
        "Hidden layers": ["32", "none"],
        "Learning rate": ["0.001", "0.01"],
    }
    alike = main(page).get_by_text("The same in all:")
    expect(alike).to_contain_text("batch size: 32")
    expect(alike).to_contain_text("learns from: generated digits")

    kept = [store.kept_validation(run_id) for run_id in (POOR, GOOD)]
    there = [Evaluation(each.confusion) for each in kept if each]
    shares = np.array([[each.accuracy, *each.recalls] for each in there]).T
    assert list(cells(digits).items()) == [
        (name, [accuracy(share) for share in line])
        for name, line in zip(["All digits", *"0123456789"], shares.tolist(), strict=True)
    ]
    starred = digits.locator("tbody td").evaluate_all(
        "all => all.map((one) => getComputedStyle(one, '::after').content.includes('★'))"
    )
    best = [share == max(line) > min(line) for line in shares.tolist() for share in line]
    assert starred == best
    assert best[:2] == [False, True]

    # One alone is not compared.
    tick(page, POOR)
    expect_chosen(page, GOOD)
    expect(overlaid).to_have_count(0)


def test_what_is_ticked_is_what_is_seen(new_page: NewPage) -> None:
    page = new_page(path="runs")
    expect_rows(page, "fast-4", "fast-3", POOR, GOOD)
    sort_by_run(page)
    expect_rows(page, "fast-3", "fast-4", POOR, GOOD)
    tick(page, "fast-3")
    expect_chosen(page, "fast-3")
    sort_by_run(page)
    expect_rows(page, GOOD, POOR, "fast-4", "fast-3")
    tick(page, GOOD)
    expect_chosen(page, "fast-3", GOOD)
    heads = page.locator(".ds-table").nth(1).locator("thead th")
    expect(heads).to_have_text(["Tuesday", GOOD])
    # A tick is taken away where it is seen, too.
    tick(page, "fast-3")
    expect_chosen(page, GOOD)

    # What is found is another table, in which nothing is ticked.
    find = main(page).get_by_role("textbox", name="Find")
    for words, found in (
        ("tuesday", ["fast-4", "fast-3"]),
        ("PENS Tuesday", ["fast-3"]),
        ("classic", [POOR]),
        ("finished", ["fast-4", "fast-3", POOR, GOOD]),
    ):
        find.fill(words)
        find.press("Enter")
        expect_rows(page, *found)
        expect_chosen(page)
        expect(table(page).locator("tbody [role=row][aria-selected=true]")).to_have_count(0)
    tick(page, POOR)
    expect_chosen(page, POOR)
    find.fill("classic tuesday")
    find.press("Enter")
    expect(main(page).get_by_text("No run holds these words.")).to_be_visible()
    expect(table(page)).to_have_count(0)
    expect_chosen(page)


@pytest.fixture
def paused(home: Path) -> Iterator[Run]:
    """The newest run, which the sidebar shows, for it can go on."""
    run = runs.put("paused", done=12)
    yield run
    trainer.delete(run.id)


def test_a_name_is_shown_as_it_was_typed(new_page: NewPage, paused: Run) -> None:
    run = paused
    page = new_page(path="runs")
    tick(page, run.id)
    openers(page).click()
    expect(chosen(page)).to_have_value(f"{run.id}: Small CNN, fast (paused)")
    panel = sidebar(page).locator(".st-key-run_in_progress")
    expect(panel).to_contain_text(f"{run.id}: Small CNN, fast")

    notes = "# No heading\n\n- no list, $x$"
    describe(page, ODD, notes)
    expect(chosen(page)).to_have_value(f"{run.id}: {ODD} (paused)")
    expect(panel).to_contain_text(f"{run.id}: {ODD}")
    expect(main(page).get_by_test_id("stText")).to_have_text(notes)
    changed = store.find_run(run.id)
    assert (changed.name, changed.notes) == (ODD, notes)

    # One that isn't the newest; it stays the one that is shown.
    expect(options(page).first).to_have_text(f"{run.id}: {ODD} (paused)")
    page.keyboard.press("Escape")
    choose(page, "fast-3")
    for name in ("Wednesday", "Thursday", "Tuesday"):
        describe(page, name, "with thin pens")
        expect(chosen(page)).to_have_value(f"fast-3: {name} (finished)")

    page.get_by_role("link", name="Runs").click()
    expect(table(page).locator("[aria-colindex='2'][role=gridcell]").first).to_have_text(ODD)
    tick(page, run.id, GOOD)
    expect(openers(page).first).to_have_text(f"Open {run.id}")
    expect(page.locator(".st-key-curves_compared .legend").first).to_contain_text(ODD)
    for compared in page.locator(".ds-table").all():
        expect(compared.locator("thead th").first).to_have_text(ODD)


def test_a_worse_network_is_warned_of_put_to_work_and_taken_back(new_page: NewPage) -> None:
    other = new_page()
    expect(main(other).get_by_text(f"Read by {SHIPPED}")).to_be_visible()
    pen.draw(other, template(7))
    assert pen.first_digit(pen.wait_reading(other)) == 7

    mine = opened(new_page, POOR)
    use = main(mine).get_by_role("button", name="Use this model", exact=True)
    asks = mine.get_by_role("dialog")
    use.click()
    expect(asks).to_be_visible(timeout=COMPARED)
    expect(asks).to_contain_text("It reads worse")
    told = asks.get_by_role("listitem").all_inner_texts()
    numbers = [[int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", line)] for line in told]
    assert len(told) == (1 if told[0].startswith("Of 1,000 generated validation") else 2)
    for line, (count, after, before, fewer, lost, won) in zip(told, numbers, strict=True):
        assert f"{fewer:,} fewer" in line
        assert 0 < fewer == before - after == lost - won
        assert before <= count
    walls = asks.get_by_role("img", name="Newly misread")
    expect(walls).to_have_count(len(told))
    for wall, (*_, lost, _) in zip(walls.all(), numbers, strict=True):
        tiles = wall.locator("[title]")
        expect(tiles).to_have_count(min(60, lost))
        expect(tiles.first).to_have_attribute("title", re.compile(r"^An? \d, read as an? \d$"))
    if datasets.find_mnist() is None:  # then it is compared on what it was chosen by
        assert numbers[0][1] == round(1000 * (store.find_run(POOR).validation_accuracy or 0))

    asks.get_by_role("button", name="Keep the one that ships").click()
    expect(asks).to_have_count(0)
    assert registry.published() == registry.SHIPPED
    expect(use).to_be_enabled()

    use.click()
    asks.get_by_role("button", name="Use it anyway").click(timeout=COMPARED)
    expect(asks).to_have_count(0)
    expect(mine.get_by_test_id("stToast")).to_contain_text(f"{POOR} reads all drawings now.")
    expect(main(mine).get_by_text("This network reads your drawings now")).to_be_visible()
    assert registry.published() == POOR
    # A tab that was open all the time, of someone else, reads with it, too.
    expect(main(other).get_by_text(f"Read by {POOR} (Classic MLP).")).to_be_visible()
    pen.press(other, "Clear")
    pen.draw(other, template(1))
    assert "Draw one digit" not in pen.wait_reading(other)

    mine.get_by_role("link", name="Runs").click()
    date = r"from \d+ \w+ \d{4}, \d\d:\d\d:\d\d \w+"
    expect(served(mine)).to_have_text(
        [re.compile(rf"^{POOR} \(now\): {date}$"), "the one that ships: from the beginning"]
    )
    expect(seen(mine).filter(has_text="✓")).to_have_text([f"{POOR} ✓"])
    mine.get_by_role("button", name="Go back to the one that ships").click()
    expect(served(mine)).to_have_count(3)
    expect(served(mine).first).to_have_text(
        re.compile(rf"^the one that ships \(now\): {date}, after going back$")
    )
    expect(mine.get_by_role("button", name="Go back")).to_have_count(0)
    expect(seen(mine).filter(has_text="✓")).to_have_count(0)
    assert registry.published() == registry.SHIPPED
    expect(main(other).get_by_text(f"Read by {SHIPPED}")).to_be_visible()
    assert pen.first_digit(pen.wait_reading(other)) == 1
    mine.get_by_role("link", name="Draw").click()
    expect(main(mine).get_by_text(f"Read by {SHIPPED}")).to_be_visible()


def test_a_network_is_taken_along_to_keras(new_page: NewPage, tmp_path: Path) -> None:
    page = opened(new_page, GOOD)
    page.get_by_role("button", name="Download", exact=True).click()

    def download(name: str) -> bytes:
        with page.expect_download() as coming:
            page.get_by_role("button", name=name, exact=True).click()
        file = tmp_path / coming.value.suggested_filename
        coming.value.save_as(file)
        return file.read_bytes()

    card = json.loads(download("Card (JSON)"))
    download("Keras model")
    digits = validation_digits("generated")
    np.savez(tmp_path / "digits.npz", images=digits.images, labels=digits.labels)
    keras = subprocess.Popen(
        [sys.executable, "-I", "-c", _KERAS_ALONE, f"{GOOD}.keras", "digits.npz"],
        cwd=tmp_path,
        env={**os.environ, "KERAS_HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        metrics = download("Metrics (CSV)")
        with zipfile.ZipFile(io.BytesIO(download("All of it (zip)"))) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        out, err = keras.communicate(timeout=120)
    finally:
        keras.kill()
        keras.wait()

    assert keras.returncode == 0, err
    (right,) = re.findall(r"^right: (\d+)$", out, re.MULTILINE)
    count = len(digits.labels)
    assert int(right) == round(card["validation_accuracy"] * count)
    assert card["validation_accuracy"] == store.find_run(GOOD).validation_accuracy

    assert json.loads(files[f"{GOOD}/card.json"]) == card
    assert files[f"{GOOD}/metrics.csv"] == metrics
    assert len(metrics.splitlines()) == 1 + store.find_run(GOOD).step == 21
    assert {"model.keras", "model.tflite", "weights.bin", "weights.json"} == set(card["files"])
    for name, digest in card["files"].items():
        assert hashlib.sha256(files[f"{GOOD}/{name}"]).hexdigest() == digest
    assert files[f"{GOOD}/model.keras"] == (tmp_path / f"{GOOD}.keras").read_bytes()
    logs = [name for name in files if name.startswith(f"{GOOD}/tensorboard/")]
    assert len(logs) == 2 and all(files[name] for name in logs)


def test_a_network_is_trained_further(new_page: NewPage) -> None:
    page = opened(new_page, GOOD)
    page.get_by_role("button", name="Train further").click()
    page.get_by_role("spinbutton", name="Epochs").last.fill("3")
    further = page.locator(".st-key-further").get_by_role("button")
    further.click()
    expect(page.get_by_test_id("stToast")).to_contain_text(f"goes on from {GOOD}.")
    run = store.runs(limit=1)[0]
    expect(chosen(page)).to_have_value(re.compile(f"^{run.id}: "))
    before = store.find_run(GOOD).settings
    assert (run.settings.start_from, run.settings.epochs) == (GOOD, 3)
    assert run.settings.learning_rate == pytest.approx(0.3 * before.learning_rate)
    assert run.settings.seed != before.seed
    curves(page, run).get_by_role("img").first.wait_for(timeout=START)
    wait_for(lambda: bool(store.validations(run.id)), "what it has learned", seconds=START / 1000)
    # It knows already what the other has learned.
    assert first_loss(run) < first_loss(store.find_run(GOOD)) / 2
    end_all()
    trainer.delete(run.id)


def first_loss(run: Run) -> float:
    return float(store.batches(run.id)[0, 1])


def test_on_a_phone_nothing_is_wider_than_the_screen(new_page: NewPage) -> None:
    page = new_page(phone=True, path="runs")
    expect_rows(page, "fast-4", "fast-3", POOR, GOOD)
    for row in (1, 2):
        page.touchscreen.tap(*at_row(page, row))
        expect(openers(page)).to_have_count(row)
    expect_chosen(page, "fast-3", POOR)
    legend = page.locator(".st-key-curves_compared .legend").last
    expect(legend).to_contain_text(POOR)
    for place in (table(page), legend, page.locator(".ds-table").last, served(page).last):
        place.scroll_into_view_if_needed()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        wide, there = main(page).evaluate("one => [one.scrollWidth, one.clientWidth]")
        assert wide <= there
        box = place.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_better_one_reads_at_once_and_a_run_is_deleted_when_it_is_meant(
    new_page: NewPage, home: Path
) -> None:
    registry.publish(POOR)
    page = opened(new_page, POOR)
    delete = main(page).get_by_role("button", name="Delete", exact=True)
    expect(delete).to_be_disabled()  # it reads
    choose(page, GOOD)
    expect(delete).to_be_enabled()
    main(page).get_by_role("button", name="Use this model", exact=True).click()
    expect(main(page).get_by_text("This network reads your drawings now")).to_be_visible(
        timeout=COMPARED
    )
    assert registry.published() == GOOD
    choose(page, POOR)
    expect(delete).to_be_enabled()

    asks = page.get_by_role("dialog")
    delete.click()
    expect(asks).to_contain_text("It can't be undone.")
    sure = asks.get_by_role("button", name="Delete it")
    expect(sure).to_be_disabled()
    asks.get_by_role("button", name="Keep it").click()
    expect(asks).to_have_count(0)
    assert store.find_run(POOR).model == POOR

    delete.click()
    asks.get_by_text(f"Yes, delete {POOR} for good").click()
    expect(sure).to_be_enabled()
    sure.click()
    expect(asks).to_have_count(0)
    expect(page.get_by_test_id("stToast")).to_contain_text(f"{POOR} is deleted.")
    expect(chosen(page)).to_have_value(re.compile("^fast-4: "))
    expect(options(page)).to_have_text(
        [re.compile(f"^{run_id}: ") for run_id in ("fast-4", "fast-3", GOOD)]
    )
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Runs").click()
    expect_rows(page, "fast-4", "fast-3", GOOD)
    assert not (home / "models" / POOR).exists()
    assert not (home / "runs" / POOR).exists()
    assert (home / "models" / GOOD / "model.keras").exists()
    # What read before the one that reads now is gone, so the way back passes over it.
    expect(page.get_by_role("button", name="Go back to the one that ships")).to_be_visible()
