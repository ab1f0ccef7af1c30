"""The map by itself: a hundred digits in ten columns and ten rows, a column for each digit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.alone import opened, served
from tests.browser.server import App

SCRIPT = """
import json
import time

import numpy as np
import streamlit as st

from pages.components.digit_map import MapPoints, digit_map, map_sheet, within

state = st.session_state
for name, otherwise in {"hidden": [], "lasso": [], "picked": None, "turned": False}.items():
    state.setdefault(name, json.loads(st.query_params.get(name, json.dumps(otherwise))))


def keep(name):
    return lambda value: state.update({name: value})


def reset():
    state.update(hidden=[], lasso=[])


def turn():
    state.turned = not state.turned


st.button("Reset", on_click=reset)
st.button("Turn", on_click=turn)
time.sleep(float(st.query_params.get("slow", 0)))
column, row = np.arange(100) % 10, np.arange(100) // 10
places = np.stack([row, column] if state.turned else [column, row], axis=1)
images = np.broadcast_to((100 + np.arange(100)).astype(np.uint8)[:, None, None], (100, 28, 28))
points = MapPoints(
    id=f"turned {state.turned}",
    places=((places + 0.5) / 10).astype(np.float32),
    labels=column.astype(np.uint8),
    ids=1000 + np.arange(100),
    sheet=map_sheet(images),
)
digit_map(
    points,
    key="map",
    hidden=state.hidden,
    lasso=state.lasso,
    told="A hundred digits",
    on_lasso=keep("lasso"),
    on_hide=keep("hidden"),
    on_pick=keep("picked"),
)
held = within(points, state.lasso) & ~np.isin(points.labels, state.hidden)
st.write(f"Picked {state.picked}, held {held.sum()}, {len(state.lasso)} corners.")
"""

# The visible points' middles, so that this needn't know where the map puts them: the map has a
# margin of 0.04 on each side.
MARGIN = 0.04
AROUND_NINE = [(0.2, 0.1), (0.5, 0.1), (0.5, 0.4), (0.2, 0.4)]  # columns 2-4, rows 1-3


@pytest.fixture(scope="module")
def app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with served(tmp_path_factory.mktemp("map"), SCRIPT) as running:
        yield running


@pytest.fixture
def page(app: App, browser: Browser) -> Iterator[Page]:
    with opened(app, browser) as page:
        yield page


def map_of(page: Page) -> Locator:
    shown = page.locator(".digit-map")
    expect(shown).to_have_attribute("data-ready", "")
    return shown


def canvas(page: Page) -> Locator:
    return page.get_by_role("application", name="A hundred digits")


def on_screen(page: Page, places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where places of the whole map are in the window."""
    # Not below the page's header, which stays where it is.
    canvas(page).evaluate("e => e.scrollIntoView({block: 'center'})")
    box = canvas(page).bounding_box()
    assert box
    share = [((x + MARGIN) / (1 + 2 * MARGIN), (y + MARGIN) / (1 + 2 * MARGIN)) for x, y in places]
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in share]


def draw(page: Page, corners: Sequence[tuple[float, float]], *, button: str = "left") -> None:
    path = on_screen(page, [*corners, corners[0]])
    page.mouse.move(*path[0])
    page.mouse.down(button=button)
    for x, y in path[1:]:
        page.mouse.move(x, y, steps=12)
    page.mouse.up(button=button)


def touch(page: Page, *moments: Sequence[tuple[float, float]]) -> None:
    """Fingers that are put down, moved from moment to moment, and lifted."""
    devtools = page.context.new_cdp_session(page)
    for kind, fingers in zip(
        ["touchStart"] + ["touchMove"] * (len(moments) - 1) + ["touchEnd"],
        [*moments, []],
        strict=True,
    ):
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(fingers)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    devtools.detach()


def expect_counts(page: Page, *, points: int, selected: int) -> None:
    """Expect the browser's counts, and that the server reckons the same."""
    expect(map_of(page)).to_have_attribute("data-points", str(points))
    expect(map_of(page)).to_have_attribute("data-selected", str(selected))
    expect(page.get_by_text(re.compile(rf"held {selected}, "))).to_be_visible()


def toggle(page: Page, digit: int) -> Locator:
    return page.get_by_role("button", name=f"Show the digit {digit}:")


def test_a_lasso_holds_what_it_goes_around(page: Page) -> None:
    expect_counts(page, points=100, selected=0)
    clear = page.get_by_role("button", name="Clear selection")
    expect(clear).to_be_disabled()
    draw(page, AROUND_NINE)
    expect_counts(page, points=100, selected=9)
    expect(page.get_by_text("held 9, 4 corners.")).to_be_visible()  # what is straight stays so
    expect(page.locator(".readout")).to_have_text("9 selected")

    toggle(page, 3).click()
    expect(toggle(page, 3)).to_have_attribute("aria-pressed", "false")
    expect_counts(page, points=90, selected=6)
    expect(toggle(page, 4)).to_have_accessible_name("Show the digit 4: 3 of 10 selected")
    toggle(page, 3).click()
    expect_counts(page, points=100, selected=9)

    draw(page, [(0.0, 0.0), (0.96, 0.0), (0.0, 0.96)])  # another takes its place
    expect_counts(page, points=100, selected=45)
    expect(page.get_by_text("held 45, 3 corners.")).to_be_visible()
    clear.click()
    expect_counts(page, points=100, selected=0)
    expect(canvas(page)).to_be_focused()


def test_points_are_looked_at_and_picked(page: Page) -> None:
    map_of(page)
    card = page.locator(".card")
    at = on_screen(page, [(0.45, 0.25), (0.4, 0.2)])
    page.mouse.move(*at[0])
    expect(card).to_have_text("Test digit 1024: labelled 4")
    assert card.locator("canvas").evaluate(
        "e => [e.offsetWidth, e.getContext('2d').getImageData(9, 9, 1, 1).data[0]]"
    ) == [84, pytest.approx(124, abs=20)]
    page.mouse.move(*at[1])
    expect(card).to_be_hidden()
    page.mouse.click(*at[0])
    expect(page.get_by_text("Picked 1024,")).to_be_visible()
    toggle(page, 4).click()
    expect_counts(page, points=90, selected=0)
    page.mouse.move(*at[0])
    expect(card).to_be_hidden()


def test_keys_zoom_move_and_select(page: Page) -> None:
    shown = map_of(page)
    expect(canvas(page)).to_have_accessible_description(re.compile("Enter selects"))
    whole = page.get_by_role("button", name="Whole map")
    expect(whole).to_be_disabled()
    page.get_by_role("button", name="Zoom in").click()
    expect(shown).to_have_attribute("data-zoom", "2.00")
    page.wait_for_timeout(250)  # it glides there
    canvas(page).focus()
    page.keyboard.press("Enter")
    expect_counts(page, points=100, selected=36)  # 0.23 to 0.77
    page.keyboard.press("Escape")
    expect_counts(page, points=100, selected=0)
    for _ in range(4):
        page.keyboard.press("ArrowLeft")  # as far as the edge
    page.wait_for_timeout(250)
    page.get_by_role("button", name="Select what is in view").click()
    expect_counts(page, points=100, selected=30)  # 5 columns of 6
    canvas(page).focus()
    page.keyboard.press("+")
    expect(shown).to_have_attribute("data-zoom", "4.00")
    page.keyboard.press("-")
    page.keyboard.press("0")
    expect(shown).to_have_attribute("data-zoom", "1.00")
    expect(whole).to_be_disabled()


def test_the_mouse_moves_and_zooms(page: Page) -> None:
    shown = map_of(page)
    middle = on_screen(page, [(0.5, 0.5)])[0]
    page.mouse.move(*middle)
    page.mouse.wheel(0, 10)
    expect(page.locator(".notice")).to_have_text(re.compile("wheel zooms"))
    expect(shown).to_have_attribute("data-zoom", "1.00")
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(shown).to_have_attribute("data-zoom", "11.02")
    page.get_by_role("button", name="Whole map").click()
    page.wait_for_timeout(250)
    page.mouse.dblclick(*middle)
    expect(shown).to_have_attribute("data-zoom", "2.00")
    page.wait_for_timeout(250)

    # By the right button, with Shift, or after Move: to the very corner, and no lasso.
    page.keyboard.down("Shift")
    draw(page, [(0.2, 0.2), (0.4, 0.4), (0.6, 0.6)])
    page.keyboard.up("Shift")
    draw(page, [(0.2, 0.2), (0.4, 0.4), (0.6, 0.6)], button="right")
    page.get_by_role("button", name="Move").click()
    start, end = on_screen(page, [(0.1, 0.1), (0.9, 0.9)])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    expect_counts(page, points=100, selected=0)
    page.get_by_role("button", name="Select what is in view").click()
    expect_counts(page, points=100, selected=25)  # up to 0.5 both ways


def test_late_answers_take_nothing_back_and_the_page_may_reset(app: App, browser: Browser) -> None:
    with opened(app, browser, path="?slow=0.3") as page:
        shown = map_of(page)
        shown.evaluate(
            """e => {
              window.seen = [];
              new MutationObserver(() => window.seen.push(Number(e.dataset.points)))
                .observe(e, {attributes: true, attributeFilter: ["data-points"]});
            }"""
        )
        for digit in (1, 2, 3):
            toggle(page, digit).click()
            page.wait_for_timeout(120)
        expect_counts(page, points=70, selected=0)
        page.wait_for_timeout(700)
        seen = page.evaluate("window.seen")
        assert seen == sorted(seen, reverse=True)
        draw(page, AROUND_NINE)
        expect_counts(page, points=70, selected=3)
        page.get_by_role("button", name="Reset").click()
        expect_counts(page, points=100, selected=0)


def test_another_layout_keeps_the_selection_and_the_rest(page: Page) -> None:
    map_of(page)
    draw(page, [(0.0, 0.0), (0.3, 0.0), (0.3, 0.2), (0.0, 0.2)])  # 3 columns, 2 rows
    toggle(page, 2).click()
    expect_counts(page, points=90, selected=4)
    page.get_by_role("button", name="Turn").click()
    expect_counts(page, points=90, selected=6)
    page.wait_for_timeout(700)
    page.mouse.move(*on_screen(page, [(0.25, 0.45)])[0])
    expect(page.locator(".card")).to_have_text("Test digit 1024: labelled 4")


def test_what_was_kept_is_there_again_and_the_theme_is_followed(app: App, browser: Browser) -> None:
    path = "?hidden=[2,9]&lasso=[[0.2,0.1],[0.5,0.1],[0.5,0.4],[0.2,0.4]]"
    with opened(app, browser, dark=True, path=path) as page:
        expect_counts(page, points=80, selected=6)
        expect(toggle(page, 9)).to_have_attribute("aria-pressed", "false")
        corner = "e => [...e.getContext('2d').getImageData(2, 2, 1, 1).data.slice(0, 3)]"
        assert canvas(page).evaluate(corner) == [0x12, 0x19, 0x25]
        page.emulate_media(color_scheme="light")
        page.wait_for_function(
            f"e => ({corner})(e).join() === '251,250,247'", arg=canvas(page).element_handle()
        )
        expect_counts(page, points=80, selected=6)


def test_fingers_draw_pinch_and_tap(app: App, browser: Browser) -> None:
    with opened(app, browser, phone=True) as page:
        shown = map_of(page)
        expect(page.get_by_text("Draw around digits with a finger")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        corners = on_screen(page, [*AROUND_NINE, AROUND_NINE[0]])
        path = [
            (a[0] + (b[0] - a[0]) * k / 6, a[1] + (b[1] - a[1]) * k / 6)
            for a, b in pairwise(corners)
            for k in range(6)
        ]
        scrolled = page.locator('[data-testid="stMain"]').evaluate("e => e.scrollTop")
        touch(page, *[[point] for point in path])
        expect_counts(page, points=100, selected=9)
        assert page.locator('[data-testid="stMain"]').evaluate("e => e.scrollTop") == scrolled

        (x, y) = on_screen(page, [(0.45, 0.25)])[0]
        page.touchscreen.tap(x, y)
        expect(page.locator(".card")).to_have_text("Test digit 1024: labelled 4")
        expect(page.get_by_text("Picked 1024,")).to_be_visible()

        (x, y) = on_screen(page, [(0.5, 0.5)])[0]
        touch(page, *[[(x - d, y), (x + d, y)] for d in (20, 40, 60, 80)])
        expect(shown).to_have_attribute("data-zoom", "4.00")
        expect_counts(page, points=100, selected=9)
