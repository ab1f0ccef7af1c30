"""The reading that follows the pen, in a real Chromium."""

from __future__ import annotations

import json
import shutil
from typing import Any, Final

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core import paths, registry
from tests.browser import pen
from tests.browser.conftest import NewPage
from tests.browser.server import App
from tests.browser.test_draw import read, template

# Notes what is shown, each time that it changes, and how the picture looks, in grey levels.
WATCH: Final = """
() => {
  const root = document.querySelector(".ds-live");
  const canvas = root.querySelector("canvas");
  const levels = () => Array.from(canvas.getContext("2d").getImageData(0, 0, 28, 28).data)
    .filter((_, i) => i % 4 === 0).map(red => Math.round((red - 11) / (248 - 11) * 255));
  window.seen = [];
  const note = () => window.seen.push({
    digit: root.dataset.liveDigit, confidence: Number(root.dataset.liveConfidence),
    frames: Number(root.dataset.liveFrames), at: performance.now(), levels: levels(),
    covered: !root.querySelector(".ds-reading").hidden,
    answer: root.querySelector(".ds-reading").innerText,
    record: document.querySelector(".st-key-reading").innerText,
  });
  new MutationObserver(note).observe(root, {attributes: true, subtree: true});
}
"""


def live(page: Page) -> Locator:
    """The root of what is read in the page; waits until it can."""
    root = page.locator(".ds-live[data-live=on]")
    root.wait_for()
    return root


def frames(page: Page) -> int:
    return int(page.locator(".ds-live").get_attribute("data-live-frames") or 0)


def press_and_move(page: Page, stroke: pen.Stroke) -> None:
    """Draw with the mouse, and keep it pressed."""
    first, *others = pen._on_screen(page, [stroke], pen.WHOLE)[0]
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place)
    page.wait_for_timeout(100)


def test_everything_follows_the_pen_before_it_is_lifted(page: Page) -> None:
    root = live(page)
    expect(root).to_have_attribute("data-live-digit", "")
    assert frames(page) == 0
    pen.draw(page, template(4)[:1])
    pen.wait_reading(page)
    page.evaluate(WATCH)
    before = frames(page)
    press_and_move(page, template(4)[1])
    expect(root).to_have_attribute("data-live-digit", "4")
    assert float(root.get_attribute("data-live-confidence") or 0) > 0.9
    assert frames(page) > before + 5
    assert root.locator(".ds-reading").inner_text().startswith("4\n")
    expect(root.locator(".bars .top")).to_have_text(["4>99.9 %"])
    assert "4" not in page.locator(".st-key-reading").inner_text().split("\n")[0]
    assert page.locator(".st-key-reading").evaluate("e => getComputedStyle(e).opacity") == "0"
    assert len({tuple(seen["levels"]) for seen in page.evaluate("window.seen")}) > 5
    page.mouse.up()
    assert read(page) == 4
    expect(root.locator(".ds-reading")).to_be_hidden()
    assert page.locator(".st-key-reading").evaluate("e => getComputedStyle(e).opacity") == "1"


@pytest.mark.parametrize("kind", ["touch", "pen"])
def test_finger_and_pen(new_page: NewPage, kind: str) -> None:
    page = new_page(phone=kind == "touch")
    live(page)
    devtools = page.context.new_cdp_session(page)
    paths = pen._on_screen(page, template(7), pen.WHOLE)
    for path in paths:
        for number, (x, y) in enumerate(path):
            if kind == "touch":
                event = "touchMove" if number else "touchStart"
                point = {"type": event, "touchPoints": [{"x": x, "y": y}]}
                devtools.send("Input.dispatchTouchEvent", point)
            else:
                event = "mouseMoved" if number else "mousePressed"
                point = {"type": event, "x": x, "y": y, "button": "left", "buttons": 1}
                point |= {"pointerType": "pen", "clickCount": 1}
                devtools.send("Input.dispatchMouseEvent", point)
        page.wait_for_timeout(100)
        if path is paths[-1]:
            assert page.locator(".ds-live").get_attribute("data-live-digit") == "7"
        if kind == "touch":
            devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        else:
            x, y = path[-1]
            point = {"type": "mouseReleased", "x": x, "y": y, "button": "left", "clickCount": 1}
            devtools.send("Input.dispatchMouseEvent", {**point, "pointerType": "pen"})
    assert read(page) == 7


def test_both_readings_agree_and_nothing_flickers(page: Page) -> None:
    live(page)
    page.evaluate(WATCH)
    for label in (1, 4, 5, 7, 9):
        for number, stroke in enumerate(template(label)):
            pen.draw(page, [stroke])
            if number < len(template(label)) - 1:
                page.wait_for_timeout(250)  # the server reads the first while the next is drawn
        page.evaluate("() => { window.lifted = performance.now(); }")
        assert read(page) == label
        expect(page.locator(".ds-live .ds-reading")).to_be_hidden()
        seen: list[dict[str, Any]] = page.evaluate("window.seen.splice(0)")
        after = [s for s in seen if s["at"] > page.evaluate("window.lifted")]
        # The last frame shows what the server then says, in the same picture.
        last = max(seen, key=lambda s: s["frames"])
        final = seen[-1]
        assert abs(np.array(last["levels"]) - final["levels"]).max() <= 3
        assert {s["digit"] for s in after if s["frames"] == last["frames"]} == {str(label)}
        confidences = [s["confidence"] for s in after if s["frames"] == last["frames"]]
        assert max(confidences) - min(confidences) <= 0.01
        # Shown under the cover, an earlier reading would come out when the cover goes.
        assert all(s["covered"] or str(label) in s["record"][:1] for s in after)
        pen.press(page, "Clear")
        assert "Your turn" in pen.wait_reading(page)
        expect(page.locator(".ds-live")).to_have_attribute("data-live-digit", "")
        page.evaluate("() => { window.seen.length = 0; }")


def test_what_is_undone_at_once_does_not_stay(page: Page) -> None:
    live(page)
    pen.draw(page, template(1))
    assert read(page) == 1
    pen.draw(page, [np.array([[0.2, 0.2], [0.8, 0.8], [0.2, 0.8], [0.8, 0.2]])])
    page.wait_for_timeout(100)
    page.keyboard.press("Control+z")
    expect(page.locator(".ds-live")).to_have_attribute("data-live-digit", "1", timeout=1500)
    expect(page.locator(".ds-live .ds-reading")).to_be_hidden(timeout=1500)


def test_a_stroke_right_after_another_is_followed_too(page: Page) -> None:
    root = live(page)
    box = pen.canvas(page).bounding_box()
    assert box is not None
    press_and_move(page, template(1)[0])
    # To the canvas itself this is one stroke; here one ends and the next begins in the same frame.
    pen.canvas(page).evaluate(
        """canvas => {
             const shared = {pointerId: 1, isPrimary: true, bubbles: true, composed: true};
             canvas.dispatchEvent(new PointerEvent("pointerup", shared));
             canvas.dispatchEvent(new PointerEvent("pointerdown", {...shared, buttons: 1}));
           }"""
    )
    page.wait_for_timeout(200)
    before = frames(page)
    page.mouse.move(box["x"] + 40, box["y"] + 40, steps=10)
    page.wait_for_timeout(100)
    assert frames(page) > before + 3
    page.mouse.up()
    pen.wait_reading(page)
    expect(root.locator(".ds-reading")).to_be_hidden(timeout=1500)


@pytest.mark.parametrize("end", ["blur", "pointercancel", "no button"])
def test_a_pen_that_is_lifted_elsewhere_ends_the_stroke(page: Page, end: str) -> None:
    live(page)
    press_and_move(page, template(1)[0])
    page.evaluate(
        """(end) => {
             if (end === "blur") window.dispatchEvent(new Event("blur"));
             else document.dispatchEvent(new PointerEvent(
               end === "no button" ? "pointermove" : end, {pointerId: 1, buttons: 0}));
           }""",
        end,
    )
    page.wait_for_timeout(200)
    before = frames(page)
    page.mouse.move(400, 400)
    page.wait_for_timeout(200)
    assert frames(page) == before
    page.mouse.up()
    assert read(page) == 1


def test_the_right_button_and_a_second_finger_draw_nothing(page: Page) -> None:
    live(page)
    box = pen.canvas(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, box["y"] + 50)
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 150, box["y"] + 150, steps=5)
    page.mouse.up(button="right")
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    assert frames(page) == 0
    press_and_move(page, template(1)[0])
    before = frames(page)
    pen.canvas(page).dispatch_event(
        "pointerdown", {"pointerId": 7, "isPrimary": False, "button": 0, "bubbles": True}
    )
    page.evaluate("document.dispatchEvent(new PointerEvent('pointerup', {pointerId: 7}))")
    page.mouse.move(box["x"] + 140, box["y"] + 250, steps=5)
    page.wait_for_timeout(100)
    assert frames(page) > before
    page.mouse.up()
    assert read(page) is not None


def test_nothing_runs_while_the_pen_is_up(page: Page) -> None:
    live(page)
    count = """() => {
      window.ticks = 0;
      const ask = window.requestAnimationFrame;
      window.requestAnimationFrame = (then) => { window.ticks++; return ask(then); };
    }"""
    page.evaluate(count)
    pen.draw(page, template(3))
    assert read(page) == 3
    page.wait_for_timeout(500)
    assert page.evaluate("window.ticks") > 5
    before, ticks = frames(page), page.evaluate("window.ticks")
    page.mouse.move(300, 300)
    page.mouse.move(500, 400, steps=20)
    page.wait_for_timeout(1000)
    assert frames(page) == before
    assert page.evaluate("window.ticks") - ticks <= 3  # what Streamlit itself may ask for


def test_the_network_is_sent_once_a_visit(app: App, browser: Browser) -> None:
    page = pen.open_page(browser)
    large: list[int] = []

    def received(content: str | bytes) -> None:
        if b"digit_studio_live_network" in (content if isinstance(content, bytes) else b""):
            large.append(len(content))

    page.on("websocket", lambda socket: socket.on("framereceived", received))
    pen.visit(page, app.url)
    live(page)
    for label in (3, 5):
        pen.draw(page, template(label))
        assert read(page) == label
        pen.press(page, "Clear")
        pen.wait_reading(page)
    page.get_by_role("slider", name="Pen width").press("ArrowRight")
    pen.wait_reading(page)
    page.get_by_text("Upload", exact=True).click()
    page.wait_for_timeout(500)
    page.get_by_text("Draw", exact=True).last.click()
    pen.wait_reading(page)
    # So long a look elsewhere that Streamlit's browser side would forget it, left to itself.
    for link, heading in (
        ("About", "About this model"), ("Train", "Watch it learn"), ("Runs", "Runs"),
    ):  # fmt: skip
        page.get_by_role("link", name=link, exact=True).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.get_by_role("link", name="Draw").click()
    live(page)
    pen.wait_reading(page)
    whole = [size for size in large if size > 50_000]
    assert len(whole) == 1
    assert sum(large) < 700_000
    page.context.close()


def test_a_republished_network_takes_over_live(app: App, browser: Browser) -> None:
    """Another network, whose every digit is a 3, begins to serve while the page is open."""
    home = app.log.parent
    folder = home / "models" / "threes"
    shutil.copytree(paths.shipped_model(), folder)
    described = json.loads((folder / "weights.json").read_text())
    values = np.fromfile(folder / "weights.bin", "<f4")
    logits = next(layer for layer in described["layers"] if layer["name"] == "logits")
    values[logits["bias"]["offset"] + 3] += 1000
    values.tofile(folder / "weights.bin")
    card = json.loads((folder / "card.json").read_text())
    registry.write_card(folder, {**card, "id": "threes"})
    history = home / "models" / "published.json"
    page = pen.open_page(browser)
    try:
        pen.visit(page, app.url)
        root = live(page)
        press_and_move(page, template(1)[0])
        expect(root).to_have_attribute("data-live-digit", "1")
        page.mouse.up()
        assert read(page) == 1
        history.write_text(json.dumps([{"id": "threes", "at": 1.0, "event": "publish"}]))
        expect(page.get_by_text("Read by threes")).to_be_visible()
        pen.press(page, "Clear")
        pen.wait_reading(page)
        press_and_move(page, template(1)[0])
        expect(root).to_have_attribute("data-live-digit", "3")
        page.mouse.up()
        pen.wait_reading(page)
        expect(root).to_have_attribute("data-live-digit", "1")  # the server's file is unchanged
    finally:
        page.context.close()
        history.unlink(missing_ok=True)
        shutil.rmtree(folder)


BROKEN: Final = {
    "pixels that can't be read": """
      CanvasRenderingContext2D.prototype.getImageData = () => { throw new Error("refused"); };
    """,
    "pixels that are made up": """
      const get = CanvasRenderingContext2D.prototype.getImageData;
      CanvasRenderingContext2D.prototype.getImageData = function (...where) {
        const found = get.apply(this, where);
        found.data.forEach((_, i) => { if (i % 4 < 3) found.data[i] = (i * 7919) % 256; });
        return found;
      };
    """,
    "a canvas of another kind": """
      const has = Element.prototype.matches;
      Element.prototype.matches = function (asked) {
        return !asked.includes("upper-canvas") && has.call(this, asked);
      };
      const find = ShadowRoot.prototype.querySelector;
      ShadowRoot.prototype.querySelector = function (asked) {
        return find.call(this, asked.includes("upper-canvas") ? "none" : asked);
      };
    """,
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_browser_that_cannot_reads_after_each_stroke(
    app: App, browser: Browser, fault: str
) -> None:
    page = pen.open_page(browser)
    page.context.add_init_script(BROKEN[fault])
    pen.visit(page, app.url)
    hint = page.get_by_text("Reads after each stroke")
    expect(hint).to_be_visible()
    pen.draw(page, template(5, "two strokes"))
    assert read(page) == 5
    expect(page.locator(".ds-live")).to_have_attribute("data-live-digit", "5")
    assert frames(page) == 0
    page.context.close()


def test_a_browser_that_can_says_nothing_of_it(page: Page) -> None:
    live(page)
    page.wait_for_timeout(5500)
    expect(page.get_by_text("Reads after each stroke")).to_be_hidden()
    page.get_by_text("Sample", exact=True).click()  # without a board to read
    pen.wait_reading(page)
    expect(page.get_by_text("Reads after each stroke")).to_be_hidden()
    page.get_by_text("Draw", exact=True).last.click()
    expect(pen.canvas(page)).to_be_visible()
    expect(page.get_by_text("Reads after each stroke")).to_be_hidden()
    live(page)


def test_the_pixels_tell_their_values(page: Page) -> None:
    pen.draw(page, template(1))
    pen.wait_reading(page)
    box = page.locator(".ds-live canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 14.5 / 28, box["y"] + box["height"] * 14.5 / 28)
    expect(page.locator(".ds-live .pixel")).to_have_text("row 14, column 14: 255 of 255")
    page.mouse.move(5, 5)
    expect(page.locator(".ds-live .pixel")).to_be_hidden()


def test_bars_and_picture_are_told_to_people_who_do_not_see_them(page: Page) -> None:
    expect(page.get_by_role("img", name="Probability of each digit: none yet.")).to_be_visible()
    pen.draw(page, template(4))
    assert read(page) == 4
    bars = page.get_by_role("img", name="Probability of each digit: 0: <0.1 %, 1: <0.1 %")
    expect(bars).to_be_visible()
    expect(page.get_by_role("img", name="What the network sees")).to_be_visible()
