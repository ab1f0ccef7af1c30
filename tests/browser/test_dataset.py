"""The Dataset page: the wall, a digit, the map and the doubtful labels, with MNIST and without."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Download, Locator, Page, expect

from mnist_core import datasets, doubts
from mnist_core.collection import Part, collection
from tests.browser import pen
from tests.browser.alone import opened
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve

PATIENCE = 60_000  # milliseconds for what is worked out once: neighbours, readings, a map's sheet
MARGIN = 0.04  # around the map, of its own width
RIGHT = [(0.62, 0.2), (0.95, 0.2), (0.95, 0.9), (0.62, 0.9)]  # where PCA puts the round ones
NAMES: dict[Part, str] = {"train": "Training digit", "test": "Test digit"}

with_mnist = pytest.mark.skipif(datasets.find_mnist() is None, reason="MNIST is not here")


def main(page: Page) -> Locator:
    return page.get_by_test_id("stMain")


def wall(page: Page, key: str = "wall") -> Locator:
    """A wall whose pictures are on the screen."""
    shown = page.locator(f".st-key-{key} .wall[data-shown]")
    expect(shown).to_be_visible(timeout=PATIENCE)
    return shown


def told(shown: Locator) -> list[str]:
    return shown.evaluate("e => [...e.children].map(tile => tile.title)")


def expect_digits(page: Page, part: Part, rows: Sequence[int], *, key: str = "wall") -> None:
    """Expect just these digits on a wall, in this order."""
    labels = collection(part).labels
    names = [
        f"{NAMES[part]} {row}: {'an' if labels[row] == 8 else 'a'} {labels[row]}" for row in rows
    ]
    shown = wall(page, key)
    expect(shown.locator(".tile")).to_have_count(len(names))
    if names:
        expect(shown.locator(".tile").first).to_have_attribute("title", names[0])
        expect(shown.locator(".tile").last).to_have_attribute("title", names[-1])
    assert told(shown) == names


def choose(page: Page, words: str) -> None:
    """One of the choices side by side: a view, a part, a layout."""
    chosen = main(page).get_by_role("radio", name=words, exact=True)
    chosen.click()
    expect(chosen).to_be_checked()


def digit_button(page: Page, digit: int) -> Locator:
    return page.get_by_role("toolbar", name="Digits").get_by_role("button", name=str(digit))


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def expect_open(page: Page, part: Part, number: int) -> None:
    """Expect a digit to be open, and the address to say so."""
    heading = dialog(page).get_by_role("heading", name=f"{NAMES[part]} {number}", exact=True)
    expect(heading).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(rf"digit={part}-{number}\b"))


def close(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("digit="))


def numbers(page: Page, place: int) -> Locator:
    """The cells of one of the two tables of 784 numbers."""
    return dialog(page).locator(".ds-numbers").nth(place).locator("td")


def expect_numbers(page: Page, image: np.ndarray) -> None:
    """Expect the digit's own numbers, as they are kept."""
    expect(numbers(page, 0)).to_have_text(
        [str(value) for value in image.ravel().tolist()], timeout=PATIENCE
    )


def lasso(page: Page, corners: Sequence[tuple[float, float]]) -> None:
    """Draw around a part of the whole map with the mouse."""
    canvas = page.get_by_role("application")
    canvas.evaluate("e => e.scrollIntoView({block: 'center'})")
    box = canvas.bounding_box()
    assert box
    path = [
        (
            box["x"] + box["width"] * (x + MARGIN) / (1 + 2 * MARGIN),
            box["y"] + box["height"] * (y + MARGIN) / (1 + 2 * MARGIN),
        )
        for x, y in (*corners, corners[0])
    ]
    page.mouse.move(*path[0])
    page.mouse.down()
    for x, y in path[1:]:
        page.mouse.move(x, y, steps=8)
    page.mouse.up()


def the_map(page: Page) -> Locator:
    shown = page.locator(".digit-map[data-ready]")
    expect(shown).to_be_visible(timeout=PATIENCE)
    return shown


def selected(page: Page) -> int:
    """How many the map says are selected; the page must say the same, and show them."""
    shown = the_map(page)
    expect(shown).not_to_have_attribute("data-selected", "0")
    count = int(shown.get_attribute("data-selected") or 0)
    # The words and the wall follow the map.
    expect(page.locator(".st-key-pager")).to_contain_text(f"{count:,} digits")
    expect(wall(page, "selected").locator(".tile")).to_have_count(min(count, 200))
    return count


def download(page: Page, button: str) -> Path:
    with page.expect_download(timeout=PATIENCE) as coming:
        page.get_by_role("button", name=button, exact=True).click()
    file: Download = coming.value
    return file.path()


def expect_no_sideways_scrolling(page: Page) -> None:
    wide = page.evaluate(
        """[document.scrollingElement, document.querySelector(".stMain"),
            ...document.querySelectorAll('[role="dialog"]')]
           .map(e => e.scrollWidth - e.clientWidth)"""
    )
    assert max(wide) <= 0, wide


# --- Without MNIST


@pytest.fixture(scope="module")
def offline(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app where there is neither MNIST nor a network."""
    home = tmp_path_factory.mktemp("offline")
    with contextlib.ExitStack() as stack:
        # Only the app's environment: the tests go on with MNIST.
        with pytest.MonkeyPatch.context() as patch:
            for name in ("MNIST_DIR", "STROKES_DIR", "LETTERS_DIR", "no_proxy", "NO_PROXY"):
                patch.delenv(name, raising=False)
            patch.setenv("KERAS_HOME", str(home / "keras"))
            # All mirrors speak HTTPS; by HTTP the tests ask whether the app is up.
            for name in ("https_proxy", "HTTPS_PROXY"):
                patch.setenv(name, "http://127.0.0.1:9")  # where nobody listens
            running = stack.enter_context(serve(home))
        yield running
    assert "Traceback" not in running.printed(), running.printed()


def test_without_mnist_every_view_is_alive_with_generated_digits(
    offline: App, browser: Browser
) -> None:
    with opened(offline, browser, path="dataset") as page:
        expect(main(page).get_by_text("MNIST is not on this computer yet")).to_be_visible()
        expect(main(page).get_by_text("(400, 28, 28) uint8")).to_be_visible(timeout=PATIENCE)
        expect(wall(page, "class_mean").locator(".tile")).to_have_count(10)

        choose(page, "Digits")
        expect(wall(page).locator(".tile")).to_have_count(200)
        digit_button(page, 4).click()
        expect(wall(page).locator(".tile")).to_have_count(40)
        assert all(words.endswith(": a 4") for words in told(wall(page)))
        name = told(wall(page))[2].split(":")[0]
        wall(page).get_by_role("button", name=f"{name}: a 4", exact=True).click()
        expect(dialog(page).get_by_role("heading", name=name, exact=True)).to_be_visible()
        expect(wall(page, "nearest").locator(".tile")).to_have_count(10)
        expect(dialog(page).get_by_text("Does the label look right?")).to_have_count(0)
        close(page)

        choose(page, "Map")
        expect(the_map(page)).to_have_attribute("data-points", "400")
        lasso(page, [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)])
        assert 0 < selected(page) < 400

        choose(page, "Doubtful labels")
        expect(wall(page, "doubtful").locator(".caption").first).to_have_text(
            re.compile(r"^\d, or \d\?$")
        )


def test_a_download_that_fails_ends_in_a_sentence_and_can_be_tried_again(
    offline: App, browser: Browser
) -> None:
    with opened(offline, browser, path="dataset") as page:
        main(page).get_by_role("button", name="Download MNIST (11 MB)").click()
        failed = main(page).get_by_role("alert").filter(has_text="could not be downloaded")
        again = main(page).get_by_role("button", name="Try again")
        expect(again).to_be_visible(timeout=PATIENCE)
        expect(failed).to_have_count(1)
        again.click()
        expect(failed).to_have_count(0)
        expect(failed).to_have_count(1, timeout=PATIENCE)
        # All else goes on.
        choose(page, "Digits")
        expect(wall(page).locator(".tile")).to_have_count(200)


# --- With MNIST


@with_mnist
def test_the_wall_is_filtered_ordered_and_turned_and_its_address_shows_the_same(
    new_page: NewPage,
) -> None:
    train = collection("train")
    page = new_page(path="dataset")
    choose(page, "Digits")
    expect_digits(page, "train", train.order((), "dataset")[:200])
    for digit in (8, 3):
        digit_button(page, digit).click()
    expect_digits(page, "train", train.order((3, 8), "dataset")[:200])
    main(page).get_by_role("combobox", name="Order").click()
    page.get_by_role("option", name="Thickest first").click()
    rows = train.order((3, 8), "thick")
    expect_digits(page, "train", rows[:200])
    main(page).get_by_role("button", name="Next →").click()
    expect_digits(page, "train", rows[200:400])
    expect(page).to_have_url(re.compile(r"\?look=wall&classes=38&order=thick&page=2$"))

    expect_digits(new_page(path=page.url.rpartition("/")[2]), "train", rows[200:400])

    page.go_back()
    expect_digits(page, "train", rows[:200])
    page.go_forward()
    expect_digits(page, "train", rows[200:400])
    choose(page, "Test digits")
    expect_digits(page, "test", collection("test").order((3, 8), "thick")[:200])


@with_mnist
def test_a_digit_is_opened_stepped_through_and_sent_on(new_page: NewPage) -> None:
    train, test = collection("train"), collection("test")
    page = new_page(path="dataset?look=wall&part=test&classes=4")
    rows = test.order((4,), "dataset").tolist()
    number = rows[6]
    wall(page).get_by_role("button", name=f"Test digit {number}: a 4", exact=True).click()
    expect_open(page, "test", number)
    image = test.images[number]
    expect_numbers(page, image)
    shares = [float(words) for words in numbers(page, 1).all_inner_texts()]
    assert np.abs(np.array(shares) - image.ravel() / 255).max() < 0.01
    one_hot = dialog(page).locator(".ds-onehot td")
    assert one_hot.all_inner_texts() == list("0000100000")
    expect(dialog(page).get_by_text(re.compile(r"The network reads it as an? \d"))).to_be_visible()
    nearest = train.neighbours.nearest(image).rows.tolist()
    names = [words.partition(",")[0] for words in told(wall(page, "nearest"))]
    assert names == [
        f"Training digit {row}: {'an' if train.labels[row] == 8 else 'a'} {train.labels[row]}"
        for row in nearest
    ]

    # The arrows go along the wall, which may turn no page.
    for key, place in (("ArrowRight", 7), ("ArrowRight", 8), ("ArrowLeft", 7)):
        page.keyboard.press(key)
        expect_open(page, "test", rows[place])
    page.go_back()
    expect_open(page, "test", rows[8])
    address = page.url
    close(page)
    expect_digits(page, "test", rows[:200])

    # Somebody else who gets the address sees the same digit over the same wall.
    other = new_page(path=address.rpartition("/")[2])
    expect_open(other, "test", rows[8])
    expect_digits(other, "test", rows[:200])
    near = wall(other, "nearest").locator(".tile")
    row = train.neighbours.nearest(test.images[rows[8]]).rows[0]
    near.first.click()
    expect_open(other, "train", int(row))
    expect_numbers(other, train.images[row])
    close(other)

    # By its number, if there is one.
    for wanted in (10_000, -1):
        field = main(other).get_by_role("spinbutton", name="Open number")
        field.fill(str(wanted))
        field.press("Enter")
        alert = main(other).get_by_role("alert")
        expect(alert).to_have_text(
            f"There is no test digit {wanted}: choose a number from 0 to 9999."
        )
        expect(other).not_to_have_url(re.compile("digit="))
    field.fill("0")
    field.press("Enter")
    expect_open(other, "test", 0)
    dialog(other).get_by_role("button", name="Send to Draw").click()
    expect(other.get_by_text("true label is 7")).to_be_visible(timeout=PATIENCE)
    assert pen.first_digit(pen.wait_reading(other)) == 7


@with_mnist
def test_what_is_drawn_around_on_the_map_is_shown_and_can_be_linked_to(new_page: NewPage) -> None:
    page = new_page(path="dataset?part=test")
    choose(page, "Map")
    expect(the_map(page)).to_have_attribute("data-points", "10000")
    lasso(page, RIGHT)
    count = selected(page)
    assert 100 < count < 5000

    zeros = page.get_by_role("button", name="Show the digit 0:")
    zeros.click()
    expect(the_map(page)).to_have_attribute("data-points", "9020")
    expect(zeros).to_have_attribute("aria-pressed", "false")
    expect(page).to_have_url(re.compile(r"hidden=0&lasso="))
    fewer = selected(page)
    assert 0 < fewer < count
    digits = told(wall(page, "selected"))
    assert not [words for words in digits if words.endswith(" 0")]

    other = new_page(path=page.url.rpartition("/")[2])
    expect(the_map(other)).to_have_attribute("data-selected", str(fewer))
    assert selected(other) == fewer
    assert told(wall(other, "selected")) == digits
    wall(other, "selected").locator(".tile").first.click()
    expect_open(other, "test", int(re.findall(r"\d+", digits[0])[0]))
    close(other)

    page.get_by_role("button", name="Clear selection").click()
    expect(the_map(page)).to_have_attribute("data-selected", "0")
    expect(page).not_to_have_url(re.compile("lasso="))


@with_mnist
def test_a_mark_is_kept_shown_and_taken_along(new_page: NewPage) -> None:
    labels = collection("train").labels
    ranked = doubts.rank(labels, doubts.cross_validated()).rows
    row = int(ranked[2])
    page = new_page(path="dataset?look=doubts")
    tile = wall(page, "doubtful").locator(".tile").nth(2)
    expect(tile).to_have_accessible_name(re.compile(rf"^Training digit {row}: labelled"))
    expect(page.get_by_role("button", name="All marks as CSV")).to_be_disabled()
    tile.click()
    expect_open(page, "train", row)
    wrong = dialog(page).get_by_role("button", name="✗ Wrong")
    wrong.click()
    expect(dialog(page).get_by_text("Marked: ✗ Wrong")).to_be_visible()
    close(page)  # the focus is still within
    expect(tile.locator("b")).to_have_text("✗")
    expect(tile).to_have_accessible_name(re.compile("marked: wrong$"))
    table = download(page, "All marks as CSV").read_text("ascii")
    assert list(csv.reader(io.StringIO(table))) == [
        ["part", "index", "label", "mark"],
        ["train", str(row), str(labels[row]), "wrong"],
    ]

    # Whoever comes later sees it, too; the same key again takes it back.
    other = new_page(path=f"dataset?look=doubts&digit=train-{row}")
    expect_open(other, "train", row)
    marked = dialog(other).get_by_text("Marked: ✗ Wrong")
    expect(marked).to_be_visible()
    expect(dialog(other).get_by_role("button", name="✗ Wrong")).to_be_visible()
    other.keyboard.press("2")
    expect(marked).to_have_count(0)
    close(other)
    tile = wall(other, "doubtful").locator(".tile").nth(2)
    expect(tile.locator("b")).to_be_hidden()


@with_mnist
def test_digits_are_taken_along_as_pictures_arrays_and_table(new_page: NewPage) -> None:
    test = collection("test")
    rows = test.order((7,), "slanted")
    page = new_page(path="dataset?look=wall&part=test&classes=7&order=slanted")
    expect_digits(page, "test", rows[:200])
    main(page).get_by_role("button", name="Take along 1,028 digits").click()
    with Image.open(download(page, "Sheet (PNG)")) as sheet:
        pixels = np.asarray(sheet)
    assert np.array_equal(pixels[:28, 28:56], test.images[rows[1]])
    with download(page, "Arrays (npz)").open("rb") as file, np.load(file) as arrays:
        assert np.array_equal(arrays["index"], rows)
        assert np.array_equal(arrays["images"], test.images[rows])
        assert set(arrays["labels"]) == {7}
    with download(page, "Table (CSV)").open() as file:
        table = list(csv.reader(file))
    assert len(table) == 1029
    assert table[2] == [str(v) for v in (rows[1], 7, *test.images[rows[1]].ravel().tolist())]


@with_mnist
def test_on_a_phone_nothing_is_wider_and_the_dark_theme_is_dark(new_page: NewPage) -> None:
    for look, key in (("glance", "class_spread"), ("doubts", "doubtful")):
        page = new_page(phone=True, dark=True, path=f"dataset?look={look}")
        wall(page, key)
        expect_no_sideways_scrolling(page)
    wall(page, "doubtful").locator(".tile").first.tap()
    expect(numbers(page, 0)).to_have_count(784, timeout=PATIENCE)
    expect_no_sideways_scrolling(page)
    page = new_page(phone=True, dark=True, path="dataset?look=map&part=test")
    the_map(page)
    expect_no_sideways_scrolling(page)
    ground = page.get_by_test_id("stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert ground == "rgb(18, 25, 37)"


@with_mnist
def test_an_address_of_nonsense_gets_sentences_and_a_page(new_page: NewPage) -> None:
    wrong = "part=moon&classes=4x&order=best&page=0&digit=train&layout=3d&hidden=-1&lasso=1_2_nan"
    page = new_page(path=f"dataset?look=wall&{wrong}&else=1")
    expect(wall(page).locator(".tile")).to_have_count(200)
    expect(main(page).get_by_role("alert")).to_have_count(8)
    for alert in main(page).get_by_role("alert").all():
        expect(alert).to_contain_text("which there is not; it could be")
    expect(page).to_have_url(re.compile(r"dataset\?look=wall$"))
    page.reload()
    expect(wall(page).locator(".tile")).to_have_count(200)
    expect(main(page).get_by_role("alert")).to_have_count(0)

    far = new_page(path="dataset?look=wall&part=test&page=99999999&digit=test-99999999")
    expect_digits(far, "test", range(9800, 10_000))
    expect(main(far).get_by_role("alert")).to_have_text(re.compile("There is no test digit"))
    expect(far).to_have_url(re.compile(r"look=wall&part=test&page=50$"))


@with_mnist
def test_by_keyboard_alone(new_page: NewPage) -> None:
    focused = """() => {
      let element = document.activeElement;
      while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element.getAttribute("aria-label") ?? element.tagName;
    }"""
    page = new_page(path="dataset?look=wall&part=test")
    wall(page).locator(".tile").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect_open(page, "test", 1)
    near = wall(page, "nearest").locator(".tile")
    near.first.focus()
    page.keyboard.press("ArrowRight")  # on that wall, not to the next digit
    assert page.evaluate(focused) == near.nth(1).get_attribute("aria-label")
    expect_open(page, "test", 1)
    close(page)
    page.wait_for_function(f"({focused})() === 'Test digit 1: a 2'")

    page.keyboard.press("Enter")
    expect_open(page, "test", 1)
    dialog(page).get_by_role("button", name="Send to Look inside").press("Enter")
    expect(page.get_by_text("1. Convolution, 12 filters of 5 × 5")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("application", name="What the 12 filters of layer 1")).to_be_visible()
