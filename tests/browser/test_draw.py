"""Drawing with mouse and finger in a real Chromium."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from mnist_core import generated
from mnist_core.strokes import CANVAS
from mnist_core.templates import TEMPLATES
from tests.browser import pen
from tests.browser.conftest import NewPage


def template(label: int, style: str | None = None) -> list[pen.Stroke]:
    """The strokes of a digit, in shares of the canvas."""
    style = style or next(iter(TEMPLATES[label]))
    return [stroke / CANVAS for stroke in generated.strokes_of(label, style)]


def read(page: Page) -> int | None:
    """The digit in the answer, once it has come."""
    return pen.first_digit(pen.wait_reading(page))


def picture(page: Page) -> str:
    """What is drawn on the canvas; a screenshot would show, too, whether the mouse is over it."""
    address: str = ink_layer(page).evaluate("canvas => canvas.toDataURL()")
    return address


def ink_layer(page: Page) -> Locator:
    """The canvas under the one that is drawn on, which holds the finished strokes."""
    return page.locator(".st-key-canvas canvas.dc-canvas.lower-canvas")


def inked(page: Page, *, left: int = 0, right: int = CANVAS) -> tuple[int, int]:
    """Width and height, in pixels, of the ink between two columns of the canvas."""
    rows, columns = ink_layer(page).evaluate(
        """(canvas, [left, right]) => {
             const {data, width} = canvas.getContext('2d').getImageData(left, 0, right - left, 280);
             const rows = new Set(), columns = new Set();
             for (let i = 0; i < data.length / 4; i++)
               if (data[4 * i] > 128) { rows.add(Math.floor(i / width)); columns.add(i % width); }
             return [rows.size, columns.size];
           }""",
        [left, right],
    )
    return columns, rows


def test_first_visit(page: Page) -> None:
    expect(pen.canvas(page)).to_be_visible()
    text = pen.wait_reading(page)
    assert "Your turn" in text
    assert not any(character.isdigit() for character in text)
    assert page.title() == "Digit Studio"


def test_every_digit_is_read_from_several_hands(page: Page) -> None:
    plain = [(label, next(iter(styles))) for label, styles in TEMPLATES.items()]
    for label, style in [*plain, (0, "slashed"), (1, "flagged and footed"), (7, "crossed")]:
        pen.draw(page, template(label, style))
        assert read(page) == label, style
        pen.press(page, "Clear")
        assert "Your turn" in pen.wait_reading(page)


def test_undo_and_clear(page: Page) -> None:
    bar, hook = template(5, "two strokes")[::-1]
    pen.draw(page, [hook])
    pen.wait_reading(page)  # a busy computer paints late
    first = picture(page)
    pen.draw(page, [bar])
    assert read(page) == 5
    pen.press(page, "Undo")
    pen.wait_reading(page)
    page.mouse.move(5, 5)
    assert picture(page) == first
    pen.draw(page, [bar])
    assert read(page) == 5
    page.keyboard.press("Control+z")
    pen.wait_reading(page)
    assert picture(page) == first
    pen.press(page, "Clear")
    assert "Your turn" in pen.wait_reading(page)


def test_pen_width_keeps_the_drawing_and_changes_the_next_stroke(page: Page) -> None:
    left = [np.array([[0.3, 0.2], [0.3, 0.5], [0.3, 0.8]])]
    right = [stroke + np.array([0.4, 0.0]) for stroke in left]
    pen.draw(page, left)
    pen.wait_reading(page)
    before = picture(page)
    slider = page.get_by_role("slider", name="Pen width")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_value("32")
    pen.wait_reading(page)
    assert picture(page) == before
    pen.draw(page, right)
    pen.wait_reading(page)
    assert abs(inked(page, right=140)[0] - 20) <= 2
    assert abs(inked(page, left=140)[0] - 32) <= 2
    page.get_by_role("link", name="About").click()
    page.get_by_role("link", name="Draw").click()
    expect(slider).to_have_value("32")


def test_a_stroke_not_sent_yet_survives_a_change_of_the_pen(page: Page) -> None:
    pen.draw(page, template(4)[:1])
    slider = page.get_by_role("slider", name="Pen width")
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    pen.draw(page, template(4)[1:])
    assert read(page) == 4
    page.keyboard.press("Control+z")
    pen.wait_reading(page)
    pen.draw(page, template(4)[1:])
    assert read(page) == 4


def test_a_stroke_begun_before_its_pen_has_come_is_drawn_with_it(page: Page) -> None:
    slider = page.get_by_role("slider", name="Pen width")
    box = pen.canvas(page).bounding_box()
    assert box is not None
    x, y = box["x"] + 140, box["y"] + 40
    page.mouse.move(x, y)
    slider.focus()
    page.keyboard.press("End")
    page.mouse.down()
    for step in range(20):
        page.mouse.move(x, y + 10 * step)
        if step == 10:
            page.wait_for_timeout(2000)  # in which the pen comes
    page.mouse.up()
    assert read(page) == 1
    width, height = inked(page)
    assert abs(width - 32) <= 2
    assert abs(height - (190 + 32)) <= 12


def test_so_is_one_by_touch(new_page: NewPage) -> None:
    page = new_page(phone=True)
    box = pen.canvas(page).bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *heights: float) -> None:
        points = [{"x": box["x"] + 140, "y": box["y"] + height} for height in heights]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    page.get_by_role("slider", name="Pen width").focus()
    page.keyboard.press("End")
    touch("touchStart", 40)
    for step in range(20):
        touch("touchMove", 40 + 10 * step)
        if step == 10:
            page.wait_for_timeout(2000)  # in which the pen comes
    touch("touchEnd")
    assert read(page) == 1
    width, height = inked(page)
    assert abs(width - 32) <= 2
    assert abs(height - (190 + 32)) <= 12


def test_a_pen_that_changes_quickly_loses_nothing(page: Page) -> None:
    pen.draw(page, template(4))
    slider = page.get_by_role("slider", name="Pen width")
    slider.focus()
    for key in ("ArrowRight", "ArrowLeft", "ArrowRight"):
        for _ in range(8):
            page.keyboard.press(key)
            page.wait_for_timeout(30)
    assert read(page) == 4
    pen.draw(page, [np.array([[0.9, 0.9], [0.92, 0.92]])])  # sends all there is
    pen.wait_reading(page)
    page.keyboard.press("Control+z")
    assert read(page) == 4


@pytest.mark.parametrize("meanwhile", ["nothing", "another pen"])
def test_a_canvas_that_is_replaced_gets_the_drawing_back(page: Page, meanwhile: str) -> None:
    pen.draw(page, template(4))
    assert read(page) == 4
    shown = ink_layer(page)
    inked = (  # any red above 200: chalk
        "c => c.getContext('2d').getImageData(0, 0, 280, 280).data"
        ".some((level, i) => i % 4 === 0 && level > 200)"
    )
    assert shown.evaluate(inked)
    # As Streamlit does it when two runs reach the canvas at once: an empty one is in its place.
    shown.evaluate("c => c.getContext('2d').fillRect(0, 0, 280, 280)")
    assert not shown.evaluate(inked)
    canvas = pen.canvas(page).element_handle()
    box = canvas.evaluate_handle("c => c.parentElement")
    canvas.evaluate("c => c.remove()")
    if meanwhile == "another pen":
        page.get_by_role("slider", name="Pen width").press("ArrowRight")
        page.wait_for_timeout(1000)
    box.evaluate("(box, canvas) => box.append(canvas.cloneNode())", canvas)
    page.wait_for_function(inked, arg=shown.element_handle(), timeout=10_000, polling=100)
    assert read(page) == 4


def test_ctrl_z_takes_one_stroke_after_much_has_happened(page: Page) -> None:
    pen.draw(page, template(1))
    pen.wait_reading(page)
    for name in ("Clear", "Drawing 1", "Clear"):
        pen.press(page, name)
        pen.wait_reading(page)
    left, right = [stroke + np.array([x, 0]) for x in (-0.2, 0.2) for stroke in template(1)]
    pen.draw(page, [left])
    pen.wait_reading(page)
    before = picture(page)
    pen.draw(page, [right])
    pen.wait_reading(page)
    page.keyboard.press("Control+z")
    pen.wait_reading(page)
    page.mouse.move(5, 5)
    assert picture(page) == before


def test_the_drawing_survives_another_page(page: Page) -> None:
    pen.draw(page, template(4))
    assert read(page) == 4
    drawn = picture(page)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", name="About this model")).to_be_visible()
    page.get_by_role("link", name="Draw").click()
    expect(pen.canvas(page)).to_be_visible()
    assert read(page) == 4
    page.wait_for_timeout(300)
    assert picture(page) == drawn
    # What came back can be undone and cleared as if it had been drawn just now.
    assert len(template(4)) == 2
    pen.press(page, "Undo")
    pen.wait_reading(page)
    assert picture(page) != drawn
    pen.draw(page, template(4)[1:])
    assert read(page) == 4
    pen.press(page, "Clear")
    assert "Your turn" in pen.wait_reading(page)
    pen.draw(page, template(3))
    assert read(page) == 3


def test_earlier_drawings_come_back(page: Page) -> None:
    for label in (3, 6):
        pen.draw(page, template(label))
        assert read(page) == label
        pen.press(page, "Clear")
        pen.wait_reading(page)
    pen.press(page, "Drawing 1")
    assert read(page) == 3
    pen.press(page, "Drawing 2")
    assert read(page) == 6
    pen.press(page, "Clear")
    pen.wait_reading(page)
    pen.press(page, "Drawing 2")
    assert read(page) == 6
    assert page.get_by_role("button", name="Drawing").count() == 2


def test_visitors_do_not_see_each_other(new_page: NewPage) -> None:
    one, other = new_page(), new_page()
    pen.draw(one, template(3))
    pen.draw(other, template(8))
    assert (read(one), read(other)) == (3, 8)
    assert other.get_by_role("button", name="Drawing").count() == 1


def test_nothing_moves_while_drawing(page: Page) -> None:
    page.wait_for_selector(".ds-live[data-live=on]")
    places = """() => [".st-key-canvas", ".st-key-board_tools", ".st-key-reading",
                       ".ds-live", ".ds-live canvas", ".ds-live .bars"].flatMap(name =>
        [...document.querySelectorAll(name)].map(e => JSON.stringify(e.getBoundingClientRect())))"""
    pen.wait_reading(page)
    before = page.evaluate(places)
    assert len(before) == 6
    for label in (8, 1):
        pen.draw(page, template(label))
        pen.wait_reading(page)
        assert page.evaluate(places) == before
        pen.press(page, "Clear")
        pen.wait_reading(page)
        assert page.evaluate(places) == before


def test_dark_theme(new_page: NewPage) -> None:
    page = new_page(dark=True)
    pen.draw(page, template(2))
    assert read(page) == 2
    paper = page.locator(".stApp").evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == "rgb(18, 25, 37)"


def test_phone_by_touch(new_page: NewPage) -> None:
    page = new_page(phone=True)
    pen.draw_touch(page, template(7, "crossed"))
    assert read(page) == 7
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= 390
    box = pen.canvas(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    pen.press(page, "Undo")
    pen.wait_reading(page)
    pen.press(page, "Clear")
    assert "Your turn" in pen.wait_reading(page)


def test_two_digits_are_not_one(page: Page) -> None:
    pen.draw(page, template(1), box=(0.0, 0.2, 0.45, 0.8))
    pen.draw(page, template(2), box=(0.5, 0.2, 0.95, 0.8))
    text = pen.wait_reading(page)
    assert "Unsure" in text
    assert "separate things" in text


def test_running_off_the_board(page: Page) -> None:
    pen.draw(page, template(8), box=(0.0, 0.45, 1.0, 1.45))
    text = pen.wait_reading(page)
    assert "touches the edge" in text
