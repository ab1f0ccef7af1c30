"""What a person waits for, measured in a real Chromium, and what the web process weighs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from mnist_core import generated
from mnist_core.paths import PROJECT
from mnist_core.templates import TEMPLATES
from tests.bench.figure import Figure
from tests.browser import chromium, pen
from tests.browser.server import App, free_port, serve, wait_until_up

_REPEATS = 30
_EMPTY = Path(__file__).with_name("empty_fragment.py")

# Time from the pen leaving the canvas to the next change of the text, by the page's own clock.
_STOPWATCH = """
() => {
  const text = () => document.querySelector('.st-key-reading')?.innerText;
  let lifted = 0, before = '';
  window.waits = [];
  const lift = () => { lifted = performance.now(); before = text(); };
  document.addEventListener("pointerup", lift, true);
  new MutationObserver(() => {
    const now = text();
    if (lifted && now && now !== before) {
      window.waits.push(performance.now() - lifted);
      lifted = 0;
    }
  }).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""


def figures() -> Iterator[Figure]:
    """Yield the figures, or say that there is no Chromium to measure with."""
    for browser in chromium.browsers():
        yield Figure("make run to a page that can be drawn on", _start(browser), "s", 6)
        folder = Path(tempfile.mkdtemp())
        with serve(folder / "app") as app, serve(folder / "empty", script=_EMPTY) as empty:
            ours, theirs = (pen.open_page(browser) for _ in range(2))
            for page, address in ((ours, app.url), (theirs, empty.url)):
                pen.visit(page, address)
                pen.canvas(page).wait_for()
                page.evaluate(_STOPWATCH)
            for number in range(_REPEATS):
                _stroke(ours, number)
                _stroke(theirs, number)
            reading, nothing = (median(p.evaluate("window.waits")[2:]) for p in (ours, theirs))
            print(
                f"     pen-up to new text: {reading:.0f} ms; empty fragment: {nothing:.0f} ms"
                f" (medians of {_REPEATS - 2})"
            )
            yield Figure("pen-up to new text above an empty fragment", reading - nothing, "ms", 60)
            yield Figure("web process after drawing", _resident(app.process.pid), "MB", 300)


def _stroke(page: Page, number: int) -> None:
    """Draw another digit, or clear the board, so that the text is sure to change."""
    answered = page.evaluate("window.waits.length")
    label = number % 10
    style = next(iter(TEMPLATES[label]))
    if number:
        _clear(page)
    pen.draw(page, [generated.strokes_of(label, style)[0] / 280])
    page.wait_for_function(f"window.waits.length > {answered}")


def _clear(page: Page) -> None:
    """Press the canvas' own button, which both pages have, and wait until that is answered."""
    before = page.locator(".st-key-reading").inner_text()
    page.locator('.st-key-canvas [aria-label="Reset canvas & history"]').dispatch_event("click")
    page.wait_for_function(
        "before => document.querySelector('.st-key-reading').innerText !== before", arg=before
    )


def _start(browser: Browser) -> float:
    """Seconds from `make run` in a set-up project to a canvas on the screen."""
    port = free_port()
    page = browser.new_page()
    started = time.perf_counter()
    process = subprocess.Popen(
        ["make", "run", f"PORT={port}"],
        cwd=PROJECT,
        env={**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        app = App(f"http://127.0.0.1:{port}", process, Path(os.devnull))
        wait_until_up(app)
        page.goto(app.url)
        pen.canvas(page).wait_for()
        return time.perf_counter() - started
    finally:
        page.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _resident(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(shown.stdout) / 1024
