"""Open the app, draw on its canvas and read its answer, as a person does with mouse or finger."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, Page

Stroke = NDArray[np.float64]
Box = tuple[float, float, float, float]

WHOLE: Final[Box] = (0.0, 0.0, 1.0, 1.0)

_DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 900}}
_PHONE: Final[dict[str, Any]] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}

# A digit with nothing around it that makes it part of a word, a number or a percentage.
_STANDALONE = re.compile(r"(?<![\w.,\-])\d(?!\w|[.,]\d|\s*%)")

# Runs in every page from its start. Streamlit shows on its root element whether the script runs;
# this keeps whether a run has ended since the person last did something. The canvas sends 200 ms
# after the pen is lifted, so what is sent sooner is of the stroke before. And fragments with
# `run_every` (the sidebar, every second or five) run without anybody's doing: their requests say
# so (ClientState.is_auto_rerun), and such a run answers only if it began after the person's.
_WATCH: Final = """
(() => {
  const watch = window.watch =
    {acted: 0, delay: 0, asked: null, started: null, answered: false};
  for (const event of ['pointerup', 'click', 'change'])
    document.addEventListener(event, (it) => {
      const drawing = it.composedPath().some((node) => node instanceof HTMLCanvasElement);
      Object.assign(watch, {acted: performance.now(), delay: drawing ? 150 : 0,
                            asked: null, answered: false});
    }, true);

  // The fields of a protobuf message: the numbers, and the bytes of what has a length.
  const fields = (bytes) => {
    const found = {};
    let i = 0;
    const number = () => {
      let value = 0;
      for (let shift = 1; ; shift *= 128) {
        const byte = bytes[i++];
        value += (byte & 127) * shift;
        if (!(byte & 128)) return value;
      }
    };
    while (i < bytes.length) {
      const tag = number();
      const kind = tag & 7;
      if (kind === 0) found[tag >> 3] = number();
      else if (kind === 2) {
        const size = number();
        found[tag >> 3] = bytes.subarray(i, i + size);
        i += size;
      } else i += kind === 1 ? 8 : 4;
    }
    return found;
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    const bytes = new Uint8Array(message.buffer ?? message, message.byteOffset, message.byteLength);
    const rerun = typeof message === 'string' ? undefined : fields(bytes)[11];
    const now = performance.now();
    if (rerun && !fields(rerun)[6] && now > watch.acted + watch.delay)
      Object.assign(watch, {asked: now, answered: false});
    return send.call(this, message);
  };

  watch.state = () => document.querySelector('[data-testid="stApp"]')
    ?.getAttribute('data-test-script-state');
  new MutationObserver(() => {
    if (watch.state() === 'running') watch.started = performance.now();
    else if (watch.asked !== null && watch.started > watch.asked) watch.answered = true;
  }).observe(document, {subtree: true, attributes: true,
                        attributeFilter: ['data-test-script-state']});
  watch.settled = ({quiet, patience}) => {
    const text = document.querySelector('.st-key-reading')?.innerText;
    const now = performance.now();
    if (text !== watch.text) Object.assign(watch, {text, changed: now});
    return text !== undefined && watch.state() === 'notRunning'
      && (watch.answered || now > watch.acted + patience * (watch.delay ? 4 : 1))
      && now > Math.max(watch.changed, watch.acted) + quiet;
  };
})();
"""


def open_page(browser: Browser, *, dark: bool = False, phone: bool = False) -> Page:
    """Open an empty page in a context of its own; `visit` then goes somewhere.

    Args:
        browser: a running Chromium.
        dark: prefer the dark theme.
        phone: 390 by 844 pixels, two device pixels each, touched; else 1280 by 900 with a mouse.
    """
    device = _PHONE if phone else _DESKTOP
    context = browser.new_context(**device, color_scheme="dark" if dark else "light")
    context.add_init_script(_WATCH)
    return context.new_page()


def visit(page: Page, url: str) -> None:
    """Go to an address of the app and wait until its script has run."""
    page.goto(url)
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def canvas(page: Page) -> Locator:
    """Return the drawing surface; Playwright looks through the component's shadow root."""
    return page.locator(".st-key-canvas canvas.upper-canvas")


def draw(page: Page, strokes: Sequence[Stroke], *, box: Box = WHOLE) -> None:
    """Draw with the mouse, pressed along each stroke and lifted after it.

    Args:
        page: shows the Draw page.
        strokes: (N, 2) each: x, y between 0 and 1, y pointing down.
        box: the part of the canvas that 0 to 1 stands for: left, top, right, bottom, as shares.
    """
    for path in _on_screen(page, strokes, box):
        page.mouse.move(*path[0])
        page.mouse.down()
        for x, y in path[1:]:
            page.mouse.move(x, y)
        page.mouse.up()


def draw_touch(page: Page, strokes: Sequence[Stroke], *, box: Box = WHOLE) -> None:
    """Draw with one finger; strokes and box as in `draw`. Needs a page opened as a phone."""
    paths = _on_screen(page, strokes, box)
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touched = [{"x": x, "y": y} for x, y in points]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    for path in paths:
        touch("touchStart", path[0])
        for point in path[1:]:
            touch("touchMove", point)
        touch("touchEnd")
    devtools.detach()


def press(page: Page, name: str) -> None:
    """Press the button with this name, such as Undo or Clear."""
    page.get_by_role("button", name=name, exact=True).click()


def wait_reading(
    page: Page, *, quiet: float = 0.4, patience: float = 5.0, timeout: float = 30.0
) -> str:
    """Wait until the app has answered what was last done on the page; return the reading's text.

    Args:
        page: shows the Draw page.
        quiet: seconds the text must stay the same.
        patience: seconds after which no answer is expected any more: not every click asks for one.
            To a stroke one always comes, so it is waited for four times as long.
        timeout: seconds in all.

    Raises:
        playwright.sync_api.TimeoutError: the reading didn't settle.
    """
    page.wait_for_function(
        "(limits) => window.watch.settled(limits)",
        arg={"quiet": quiet * 1000, "patience": patience * 1000},
        timeout=timeout * 1000,
        polling=50,
    )
    return page.locator(".st-key-reading").inner_text()


def first_digit(text: str) -> int | None:
    """Return the first digit that stands alone: in "97.1 % sure: a 4" that is 4."""
    found = _STANDALONE.search(text)
    return int(found[0]) if found else None


def _on_screen(page: Page, strokes: Sequence[Stroke], box: Box) -> list[list[tuple[float, float]]]:
    # In one go: the library puts another canvas in the place of this one when the pen changes.
    place = canvas(page).evaluate(
        """surface => {
             surface.scrollIntoView({block: "nearest"});
             const {x, y, width, height} = surface.getBoundingClientRect();
             return {x, y, width, height};
           }"""
    )
    assert place["width"], "the canvas is not on the screen"
    corner = np.array([place["x"], place["y"]])
    size = np.array([place["width"], place["height"]])
    low, high = np.array(box[:2]), np.array(box[2:])
    return [
        [(float(x), float(y)) for x, y in corner + size * (low + (high - low) * stroke)]
        for stroke in strokes
    ]
