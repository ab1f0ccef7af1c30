"""The wall of digits by itself: every picture of it says its number, as its words do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.alone import opened, served
from tests.browser.server import App

SCRIPT = """
import numpy as np
import streamlit as st

from pages.components.wall import Tile, digit_wall

state = st.session_state
state.setdefault("first", 0)
state.setdefault("picked", None)


def go(step):
    state.first += step


def pick(number):
    state.picked = number


def pictures(first, count):
    numbers = np.arange(first, first + count, dtype=np.uint8)
    return np.broadcast_to(numbers[:, None, None], (count, 28, 28))


captions = st.toggle("Captions")
st.button("Next", on_click=go, args=(60,))
first, count = state.first, 60 if state.first < 120 else 25
digit_wall(
    pictures(first, count),
    [
        Tile(
            id=1000 + number,
            told=f"Digit {number}",
            caption="4, read as 9" if captions else "",
            badge="9" if number % 7 == 3 else "",
            wrong=number % 7 == 3,
        )
        for number in range(first, first + count)
    ],
    key="wall",
    told=f"Digits from {first}",
    on_pick=pick,
    scale=2 if captions else 1,
    chosen=state.picked,
)
st.write(f"Picked: {state.picked}")
digit_wall(
    pictures(0, 3),
    [Tile(number, f"Digit {number}") for number in range(3)],
    key="plain",
    told="Three digits",
    on_pick=None,
    columns=3,
)
"""

# What each tile says and shows, as (title, brightness).
STATE = """
wall => [...wall.children].map(tile => [
  tile.title,
  tile.querySelector("canvas").getContext("2d").getImageData(14, 14, 1, 1).data[0],
])
"""


@pytest.fixture(scope="module")
def app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with served(tmp_path_factory.mktemp("wall"), SCRIPT) as running:
        yield running


@pytest.fixture
def page(app: App, browser: Browser) -> Iterator[Page]:
    with opened(app, browser) as page:
        yield page


def wall_of(page: Page) -> Locator:
    wall = page.get_by_role("group", name="Digits from")
    expect(wall).to_have_attribute("data-shown", "1")
    return wall


def across(wall: Locator) -> int:
    return wall.evaluate("e => getComputedStyle(e).gridTemplateColumns.split(' ').length")


def test_a_click_picks_and_marks(page: Page) -> None:
    wall = wall_of(page)
    assert wall.evaluate(STATE) == [[f"Digit {n}", n] for n in range(60)]
    wall.get_by_role("button", name="Digit 24", exact=True).click()
    expect(page.get_by_text("Picked: 1024")).to_be_visible()
    chosen = wall.locator('[aria-pressed="true"]')
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_accessible_name("Digit 24")
    expect(wall).to_have_attribute("data-shown", "1")  # no new pictures were shown
    # What is wrong says so in a corner, too.
    expect(wall.locator(".wrong")).to_have_count(9)
    expect(wall.locator(".wrong").first).to_have_text("9")


def test_keys_move_inside_and_the_focus_keeps_its_place(page: Page) -> None:
    wall = wall_of(page)
    page.get_by_role("button", name="Next").press("Tab")
    focused = wall.locator(":focus")
    expect(focused).to_have_accessible_name("Digit 0")
    row = across(wall)
    assert row == 20
    steps = {"ArrowRight": 1, "ArrowDown": row + 1, "ArrowLeft": row, "End": 59, "Home": 0}
    for key, place in steps.items():
        page.keyboard.press(key)
        expect(focused).to_have_accessible_name(f"Digit {place}")
    page.keyboard.press("ArrowUp")  # nowhere to go
    expect(focused).to_have_accessible_name("Digit 0")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Picked: 1020")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("Picked: 1021")).to_be_visible()
    expect(focused).to_have_accessible_name("Digit 21")

    # One stop for the whole wall; back again it is where it was.
    page.keyboard.press("Tab")
    expect(focused).to_have_count(0)
    page.keyboard.press("Shift+Tab")
    expect(focused).to_have_accessible_name("Digit 21")

    # Other digits come while the focus is in the wall; at last fewer than its place.
    page.keyboard.press("End")
    for first, last in ((60, 119), (120, 144)):
        page.get_by_role("button", name="Next").dispatch_event("click")
        expect(focused).to_have_accessible_name(f"Digit {last}")
        assert wall.evaluate(STATE)[0] == [f"Digit {first}", first]


def test_words_and_pictures_change_in_the_same_moment(page: Page) -> None:
    wall = wall_of(page)
    wall.evaluate(
        f"""wall => {{
          const state = {STATE};
          window.seen = [];
          const look = () => {{
            const wrong = state(wall).filter(([told, grey]) => told !== `Digit ${{grey}}`).length;
            window.seen.push([wall.children[0].title, wrong, wall.offsetHeight]);
            requestAnimationFrame(look);
          }};
          look();
        }}"""
    )
    height = wall.evaluate("e => e.offsetHeight")
    page.get_by_role("button", name="Next").click()
    expect(wall).to_have_attribute("data-shown", "2")
    seen = page.evaluate("window.seen")
    assert {told for told, _, _ in seen} == {"Digit 0", "Digit 60"}
    assert {wrong for _, wrong, _ in seen} == {0}
    assert {h for _, _, h in seen} == {height}


def test_a_plain_picture_takes_no_keys(page: Page) -> None:
    picture = page.get_by_role("img", name="Three digits")
    expect(picture).to_have_attribute("data-shown", "1")
    expect(picture.get_by_role("button")).to_have_count(0)
    # Three columns have room for three times the size.
    assert picture.locator("canvas").first.bounding_box()["width"] == 84  # type: ignore[index]
    assert picture.evaluate(STATE) == [["Digit 0", 0], ["Digit 1", 1], ["Digit 2", 2]]


def test_captions_have_room_on_a_phone(app: App, browser: Browser) -> None:
    with opened(app, browser, phone=True, dark=True) as page:
        wall = wall_of(page)
        assert 9 <= across(wall) <= 11
        assert wall.locator("canvas").first.bounding_box()["width"] == 28  # type: ignore[index]
        page.get_by_text("Captions").tap()
        expect(wall.locator(".caption").first).to_have_text("4, read as 9")
        expect(wall.locator("canvas").first).to_have_css("width", "56px")
        assert 4 <= across(wall) <= 5
        lines = wall.evaluate(
            "e => new Set([...e.querySelectorAll('.caption')].map(c => c.offsetHeight)).size"
        )
        assert lines == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        wall.get_by_role("button", name="Digit 7", exact=True).tap()
        expect(page.get_by_text("Picked: 1007")).to_be_visible()
