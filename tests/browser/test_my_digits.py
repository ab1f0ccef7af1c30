"""My digits in a real Chromium: looked at, chosen, corrected, taken along, brought in, deleted."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

from mnist_core import handwriting, store
from mnist_core.handwriting import Profile
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve
from tests.browser.test_dataset import download, expect_no_sideways_scrolling, wall
from tests.pages.handwritten import drawing, kept, profile
from tests.pages.test_my_digits import ODD, pickled


@pytest.fixture(scope="module")
def home(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("my_digits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGIT_STUDIO_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def app(home: Path) -> Iterator[App]:
    with serve(home) as running:
        yield running


@pytest.fixture(autouse=True)
def no_profiles(home: Path) -> Iterator[None]:
    yield
    for each, _ in handwriting.profiles():
        handwriting.remove_profile(each.number)


@pytest.fixture
def room(home: Path) -> Profile:
    """Five drawings: of a 0, a 1 read as a 7, a 2 not recognised, an unread 3, and another 1."""
    return profile(ODD)


def link(of: Profile) -> str:
    return f"my_digits?profile={of.name.replace(' ', '+')}"


def press(page: Page, name: str) -> None:
    """Streamlit has a second one for phones, which is not to be seen."""
    page.locator(f".st-key-{name} button:visible").click()


def expect_tiles(page: Page, count: int) -> Locator:
    tiles = wall(page, "my_wall").locator(".tile")
    expect(tiles).to_have_count(count)
    return tiles


def choose(page: Page, words: str) -> None:
    chosen = page.get_by_role("radio", name=words, exact=True)
    chosen.click()
    expect(chosen).to_be_checked()


def digit(page: Page, which: int) -> None:
    toolbar = page.get_by_role("toolbar", name="Digits")
    toolbar.get_by_role("button", name=str(which)).click()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def toast(page: Page) -> Locator:
    return page.get_by_test_id("stToast").last


def test_drawings_are_looked_at_chosen_relabelled_and_deleted(
    new_page: NewPage, room: Profile
) -> None:
    page = new_page(path=link(room))
    tiles = expect_tiles(page, 5)
    numbers = [each.number for each in kept(room)]
    expect(tiles.nth(3)).to_have_attribute("title", f"Drawing {numbers[1]}: a 1, read as a 7")
    expect(tiles.nth(3).locator("b")).to_have_text("7")
    bars = page.get_by_role("img", name="Drawings of each digit.")
    expect(bars).to_have_attribute("aria-label", re.compile("1: 2, 1 of 2 read right"))

    choose(page, "Misread")
    expect_tiles(page, 2)
    digit(page, 1)
    expect_tiles(page, 1).click()

    # It was a 7 after all: then it is neither misread nor a 1, and nothing is left of the choice.
    expect(dialog(page)).to_contain_text("It is a 1.")
    page.keyboard.press("9")
    expect(dialog(page)).to_contain_text("It is a 9.")
    press(page, "my_is_7")
    expect(dialog(page)).to_contain_text("It is a 7.")
    expect(dialog(page)).to_contain_text("by the network that ships: right.")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(page.get_by_text("None of the drawings is like that.")).to_be_visible()
    assert handwriting.find_drawing(numbers[1]).label == 7

    choose(page, "All")
    digit(page, 1)
    expect_tiles(page, 5).nth(3).click()
    expect(dialog(page)).to_contain_text(f"Drawing {numbers[1]}")
    page.keyboard.press("ArrowLeft")
    expect(dialog(page)).to_contain_text(f"Drawing {numbers[2]}")
    press(page, "my_digit_delete")
    expect(dialog(page)).to_have_count(0)
    expect(toast(page)).to_contain_text(f"Drawing {numbers[2]} is deleted.")
    expect_tiles(page, 4)
    assert [each.number for each in kept(room)] == [*numbers[:2], *numbers[3:]]


def test_look_inside_shows_the_drawing(new_page: NewPage, room: Profile) -> None:
    page = new_page(path=link(room))
    expect_tiles(page, 5).last.click()
    press(page, "my_digit_inside")
    expect(page.get_by_role("heading", name="Look inside")).to_be_visible()
    first = kept(room)[0]
    expect(page.get_by_alt_text(f"Drawing {first.number}: a 0")).to_be_visible()


def test_what_is_exported_can_be_read_back(new_page: NewPage, room: Profile) -> None:
    page = new_page(path=link(room))
    expect_tiles(page, 5)
    all_of_them = kept(room)[::-1]
    page.get_by_role("button", name="Export 5 drawings").click()
    with np.load(download(page, "Arrays (npz)"), allow_pickle=False) as arrays:
        assert (arrays["images"] == [each.image for each in all_of_them]).all()
        assert arrays["labels"].tolist() == [1, 3, 2, 1, 0]
    with download(page, "Table (CSV)").open(newline="") as file:
        assert [row["label"] for row in csv.DictReader(file)] == ["1", "3", "2", "1", "0"]
    with Image.open(download(page, "Sheet (PNG)")) as sheet:
        assert sheet.size == (84, 56)
    told = json.loads(download(page, "Strokes (JSON)").read_text())
    assert [len(each["strokes"]) for each in told] == [len(each.strokes) for each in all_of_them]


def bring(page: Page, name: str, content: bytes) -> None:
    file = FilePayload(name=name, mimeType="application/octet-stream", buffer=content)
    box = page.locator('input[type="file"]')
    expect(box).to_have_count(1)  # the one before may be just going
    box.set_input_files(file)


def test_files_are_brought_in_or_refused(new_page: NewPage, room: Profile) -> None:
    content = handwriting.as_npz(kept(room))
    other = profile([ODD[0]], name="Other")
    page = new_page(path=link(other))
    expect_tiles(page, 1)
    page.get_by_role("button", name="Import").click()
    bring(page, "digits.npz", content)
    expect(toast(page)).to_contain_text("Imported 4; 1 was there already.")
    expect_tiles(page, 5)

    for bad in (pickled(), content[:300], b"label,pixel0\n3,7\n", b""):
        bring(page, "![x](y) <b>z</b>.npz", bad)
        expect(page.get_by_text("This file was not imported.")).to_be_visible()
        expect(page.get_by_text("![x](y) <b>z</b>.npz can't be brought in")).to_be_visible()
        bring(page, "digits.npz", content)
        said = page.get_by_test_id("stAlert").get_by_text("Imported 0; 5 were there already.")
        expect(said).to_be_visible()
    assert len(kept(other)) == 5


def test_a_link_opens_a_profile_elsewhere(new_page: NewPage, room: Profile) -> None:
    profile(2, name="Other")
    page = new_page(path="my_digits?profile=Other")
    expect_tiles(page, 2)
    box = page.get_by_role("combobox", name="Whose digits")
    box.click()
    page.get_by_role("option", name="Room 4 (5)").click()
    expect_tiles(page, 5)
    page.get_by_role("button", name="Share").click()
    address = page.get_by_test_id("stCode").filter(has_text="profile=").inner_text().strip()
    assert address.endswith("/my_digits?profile=Room+4")

    theirs = new_page(path=address.split("/", 3)[3])
    expect_tiles(theirs, 5)
    expect(theirs.get_by_role("combobox", name="Whose digits")).to_have_value("Room 4 (5)")
    # Here, it goes on with what was chosen after a reload, too.
    page.reload()
    expect_tiles(page, 5)


def test_a_profile_is_made_renamed_and_deleted(new_page: NewPage, room: Profile) -> None:
    page = new_page(path=link(room))
    expect_tiles(page, 5)
    box = page.get_by_role("combobox", name="Whose digits")
    page.get_by_role("button", name="New", exact=True).click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("../../etc")
    name.press("Enter")
    expect(page.get_by_text("begins with a letter or a digit")).to_be_visible()
    name.fill("Ms O'Neil")
    name.press("Enter")
    expect(box).to_have_value("Ms O'Neil (0)")
    expect(name).to_be_hidden()
    expect(page.get_by_text("No digits are stored here yet.")).to_be_visible()

    page.get_by_role("button", name="Rename", exact=True).click()
    name.fill("Room 5")
    name.press("Enter")
    expect(box).to_have_value("Room 5 (0)")
    expect(name).to_be_hidden()

    press(page, "my_delete_all")
    dialog(page).get_by_text("Yes, delete for good").click()
    dialog(page).get_by_role("button", name="Delete the profile, too").click()
    expect(dialog(page)).to_have_count(0)
    expect(toast(page)).to_contain_text("The profile is deleted.")
    expect(box).to_have_value("")
    assert [each.name for each, _ in handwriting.profiles()] == ["Room 4"]
    expect(page.get_by_text("is gone")).to_have_count(0)


def test_all_drawings_are_deleted_after_two_questions(new_page: NewPage, room: Profile) -> None:
    page = new_page(path=link(room))
    expect_tiles(page, 5)
    press(page, "my_delete_all")
    them = dialog(page).get_by_role("button", name="Delete the drawings")
    expect(them).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    assert len(kept(room)) == 5

    press(page, "my_delete_all")
    dialog(page).get_by_text("Yes, delete for good").click()
    expect(them).to_be_enabled()
    them.click()
    expect(page.get_by_text("No digits are stored here yet.")).to_be_visible()
    assert not kept(room)
    assert handwriting.find_profile(room.number)


def test_many_drawings_are_paged_through(new_page: NewPage, home: Path) -> None:
    many = profile([drawing(i, strokes=()) for i in range(230)])
    page = new_page(path=link(many))
    expect_tiles(page, 200)
    press(page, "my_after")
    tiles = expect_tiles(page, 30)
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    oldest = kept(many)[28].number
    expect(dialog(page)).to_contain_text(f"Drawing {oldest}")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(tiles.nth(1)).to_be_focused()


def test_where_the_drawings_lie_is_said(new_page: NewPage, home: Path) -> None:
    page = new_page(path="my_digits")
    expect(page.get_by_text("No digits are stored here yet.")).to_be_visible()
    page.get_by_text("Where these digits are kept").click()
    expect(page.get_by_test_id("stCode")).to_have_text(str(store.file()))


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    new_page: NewPage, room: Profile, dark: bool
) -> None:
    page = new_page(phone=True, dark=dark, path=link(room))
    tiles = expect_tiles(page, 5)
    expect_no_sideways_scrolling(page)
    tiles.last.tap()
    expect(dialog(page).get_by_role("button", name="9")).to_be_visible()
    expect_no_sideways_scrolling(page)
