"""The Dataset page with all of MNIST: what a page turn costs, and what the process weighs.

`python -m tests.bench.dataset` measures these alone.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Locator, expect

from mnist_core import datasets, maps
from mnist_core.collection import ORDERS, PARTS, Collection
from pages.components.view import LOOKS
from pages.components.wall import Tile, _payload
from pages.components.wall_view import PAGE
from tests.bench.figure import Figure, report
from tests.bench.page import _resident
from tests.browser import chromium, pen
from tests.browser.server import App, serve

_REPEATS = 20  # of what is clicked
_TURNS = 200  # pages that are turned to see whether memory grows
_ASKED = 200  # digits whose neighbours are looked for
_BRUTE = 10  # of them compared with all others, which takes a while
_PATIENCE = 120_000  # milliseconds: a network reads 10,000 digits meanwhile

_WALL: dict[str, Any] = {
    "told": "Training digits", "pickable": True, "columns": 25, "scale": 1, "chosen": None,
}  # fmt: skip

# The time from pressing the mouse to the moment new pictures are on the screen, by the page's own
# clock; a wall counts its pictures up.
_STOPWATCH = """
wall => {
  let pressed = 0;
  window.waits = [];
  document.addEventListener("pointerdown", () => (pressed = performance.now()), true);
  new MutationObserver(() => {
    if (pressed) window.waits.push(performance.now() - pressed);
    pressed = 0;
  }).observe(wall, {attributes: true, attributeFilter: ["data-shown"]});
}
"""


def figures() -> Iterator[Figure]:
    """Yield the figures, or say why they can't be measured."""
    if datasets.find_mnist() is None:
        print("     MNIST is not on this computer: nothing of the Dataset page is measured.")
        return
    yield from _statistics()
    yield from _page_of_the_wall()
    yield from _neighbours()
    yield from _map()
    for browser in chromium.browsers():
        with tempfile.TemporaryDirectory() as home, serve(Path(home)) as app:
            yield from _in_the_browser(browser, app)


def _opened(part: str) -> Collection:
    """A part of MNIST of which nothing is known yet."""
    return Collection(part, datasets.load_mnist(part))


def _statistics() -> Iterator[Figure]:
    """Medians, each time of collections that know nothing yet."""
    first, again = [], []
    for _ in range(7):
        both = [_opened(part) for part in PARTS[:2]]
        for taken in (first, again):
            started = perf_counter()
            for of in both:
                of.measures  # noqa: B018 - worked out when it is asked for
            taken.append(perf_counter() - started)
    yield Figure("statistics of all 70,000 digits", median(first), "s", 1)
    ratio = median(first) / median(again)
    yield Figure("the same once they are known", ratio, "times faster", 1000, True)


def _page_of_the_wall() -> Iterator[Figure]:
    """What the page does for a wall: put the digits in order, take 200, pack them."""
    of = _opened("train")
    said = np.random.default_rng(1).dirichlet(np.ones(10), len(of.labels)).astype(np.float32)
    taken: dict[str, list[float]] = {order: [] for order in ORDERS}
    for repeat in range(-1, _REPEATS):  # the first works out what the orders go by
        for order in ORDERS:
            started = perf_counter()
            rows = of.order((), order, seed=repeat + 1, probabilities=said)
            shown = rows[(repeat + 1) * PAGE :][:PAGE]
            tiles = [Tile(row, f"Training digit {row}: a {of.labels[row]}") for row in shown]
            _payload(of.images[shown], tiles, **_WALL)
            if repeat >= 0:
                taken[order].append(perf_counter() - started)
    medians = {order: 1000 * median(times) for order, times in taken.items()}
    slowest = max(medians, key=medians.__getitem__)
    print("     a wall by order: " + ", ".join(f"{o} {ms:.1f} ms" for o, ms in medians.items()))
    yield Figure(f"order and pictures of 200 digits ({slowest})", medians[slowest], "ms", 50)


def _neighbours() -> Iterator[Figure]:
    """Both ways in turn, for test digits among the training digits."""
    train, test = _opened("train"), _opened("test")
    nearest = train.neighbours.nearest
    nearest(test.images[0])
    ours, brute = [], []
    for number in range(_ASKED):
        digit = test.images[number]
        started = perf_counter()
        found = nearest(digit)
        ours.append(perf_counter() - started)
        if number % (_ASKED // _BRUTE) == 0:
            started = perf_counter()
            rows = _compare_all(train.images, digit)
            brute.append(perf_counter() - started)
            assert rows.tolist() == found.rows.tolist()
    print(f"     comparing with all 60,000 in NumPy: {1000 * median(brute):.0f} ms")
    yield Figure("ten nearest of 60,000 digits, median", 1000 * median(ours), "ms", 20)
    yield Figure("ten nearest of 60,000 digits, slowest of 200", 1000 * max(ours), "ms", 20)
    ratio = median(brute) / median(ours)
    yield Figure("ten nearest against comparing with all", ratio, "times faster", 5, True)


def _map() -> Iterator[Figure]:
    """How well both layouts of the test digits keep labels together; takes a minute."""
    of = _opened("test")
    rows = maps.sampled_rows(of.labels)
    started = perf_counter()
    quick = maps.pca_map(of.images, rows)
    begun = perf_counter()
    drawn = maps.neighbour_map(of.images, rows, tell=lambda share, words: None)
    print(
        f"     the map of 10,000 digits: {begun - started:.1f} s by main directions,"
        f" {perf_counter() - begun:.0f} s by neighbours"
    )
    ours, pca = (100 * maps.neighbour_agreement(m.places, of.labels) for m in (drawn, quick))
    print(f"     ten neighbours of the same label: {ours:.1f} %; by main directions {pca:.1f} %")
    yield Figure(
        "neighbours of the same label, against main directions", ours / pca, "times", 2, True
    )


def _compare_all(images: NDArray[np.uint8], digit: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The rows of the ten nearest, by 60,000 distances."""
    flat = images.reshape(len(images), -1)
    squared = np.empty(len(flat), np.int64)
    for start in range(0, len(flat), 2000):  # stays in the processor's cache
        rows = slice(start, start + 2000)
        difference = flat[rows].astype(np.int32) - digit.ravel()
        squared[rows] = np.einsum("ij,ij->i", difference, difference)
    return np.argsort(squared, kind="stable")[:10]


def _in_the_browser(browser: Browser, app: App) -> Iterator[Figure]:
    page = pen.open_page(browser)
    pen.visit(page, f"{app.url}/dataset?look=wall")
    wall = page.locator(".st-key-wall .wall")
    expect(wall).to_have_attribute("data-shown", "1", timeout=_PATIENCE)
    wall.evaluate(_STOPWATCH)
    turn = page.get_by_role("button", name="Next →")
    digits = page.get_by_role("toolbar", name="Digits").get_by_role("button")
    _click(wall, turn)  # the first time is the imports'
    turns = [_click(wall, turn) for _ in range(_REPEATS)]
    filters = [_click(wall, digits.nth(number % 10)) for number in range(_REPEATS)]
    yield Figure("turning a page of 200 digits, click to screen", median(turns), "ms", 400)
    yield Figure("choosing classes, click to screen", median(filters), "ms", 400)
    seconds, size = _watched(wall, turn)
    print(f"     of a page turn, from its request to the last answer: {1000 * seconds:.0f} ms")
    yield Figure("a page turn over the wire, both ways", size / 1000, "kB", 300)
    page.context.close()

    _visit_all(browser, app)
    yield Figure("web process with all of MNIST open", _resident(app.process.pid), "MB", 450)

    page = pen.open_page(browser)
    pen.visit(page, f"{app.url}/dataset?look=wall")
    wall = page.locator(".st-key-wall .wall")
    wall.evaluate(_STOPWATCH)
    turn = page.get_by_role("button", name="Next →")
    for _ in range(20):
        _click(wall, turn)
    before = _resident(app.process.pid)
    for _ in range(_TURNS):
        _click(wall, turn)
    growth = _resident(app.process.pid) - before
    yield Figure(f"growth of the process over {_TURNS} page turns", growth, "MB", 10)
    page.context.close()


def _click(wall: Locator, what: Locator) -> float:
    """Milliseconds from the click to new pictures."""
    waits = wall.page.evaluate("window.waits.length")
    what.click()
    wall.page.wait_for_function(f"window.waits.length > {waits}", timeout=_PATIENCE)
    wait: float = wall.page.evaluate("window.waits.at(-1)")
    return wait


def _watched(wall: Locator, turn: Locator) -> tuple[float, int]:
    """Median seconds from request to last answer, and the bytes over the socket, both ways."""
    page = wall.page
    frames: list[tuple[float, int]] = []

    def note(event: dict[str, Any]) -> None:
        content = event["response"]["payloadData"]
        size = len(content if event["response"]["opcode"] == 1 else base64.b64decode(content))
        frames.append((event["timestamp"], size))

    devtools = page.context.new_cdp_session(page)
    devtools.on("Network.webSocketFrameSent", note)
    devtools.on("Network.webSocketFrameReceived", note)
    devtools.send("Network.enable")
    seconds, sizes = [], []
    for _ in range(_REPEATS):
        frames.clear()
        _click(wall, turn)
        page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()
        page.wait_for_timeout(100)  # until what came last was told of
        seconds.append(frames[-1][0] - frames[0][0])
        sizes.append(sum(size for _, size in frames))
    devtools.detach()
    return median(seconds), int(median(sizes))


def _visit_all(browser: Browser, app: App) -> None:
    """Open everything there is to see of both parts."""
    for part in PARTS[:2]:
        page = pen.open_page(browser)
        for look in LOOKS:
            pen.visit(page, f"{app.url}/dataset?look={look}&part={part}")
            first = ".digit-map[data-ready]" if look == "map" else ".wall[data-shown]"
            page.locator(first).first.wait_for(timeout=_PATIENCE)
        for order in ORDERS[1:]:
            pen.visit(page, f"{app.url}/dataset?look=wall&part={part}&order={order}")
            page.locator(".wall[data-shown]").first.wait_for(timeout=_PATIENCE)
        pen.visit(page, f"{app.url}/dataset?look=wall&part={part}&digit={part}-7")
        page.locator(".st-key-nearest .wall[data-shown]").wait_for(timeout=_PATIENCE)
        page.context.close()


if __name__ == "__main__":
    sys.exit(report(figures()))
