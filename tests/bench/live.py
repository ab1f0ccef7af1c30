"""How fast the reading follows the pen, what it costs, and what it weighs, in a real Chromium.

Measured from outside, by the page's own clock: the pages under test hold no code for it.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import CDPSession, Page

from mnist_core.generated import strokes_of
from mnist_core.strokes import CANVAS
from mnist_core.templates import TEMPLATES
from tests.bench.figure import Figure, report
from tests.browser import chromium, pen
from tests.browser.server import serve

_SCRIBBLE: Final = 10.0  # seconds
_VISITS: Final = 5
_STROKES: Final = 1000
_SETTLED: Final = 200  # strokes after which memory has found its level

# `asked`: the time stamp of the first movement that no frame has shown yet. A frame's work is timed
# around the callback that it runs in, and counts if it changed what was read.
_WATCH: Final = """
(() => {
  const bench = window.bench =
    {waits: [], work: [], gaps: [], sends: [], answers: [], asked: null, frames: "0"};
  const root = () => document.querySelector(".ds-live");
  const ask = window.requestAnimationFrame;
  window.requestAnimationFrame = (then) => ask((now) => {
    const began = performance.now();
    then(now);
    const frames = root()?.dataset.liveFrames;
    if (frames === undefined || frames === bench.frames) return;
    bench.frames = frames;
    const ended = performance.now();
    bench.work.push(ended - began);
    if (bench.asked !== null) bench.waits.push(ended - bench.asked);
    bench.asked = null;
  });
  let down = false;
  document.addEventListener("pointerdown", () => { down = true; }, true);
  document.addEventListener("pointerup", () => { down = false; bench.asked = null; }, true);
  document.addEventListener("pointermove", (event) => {
    if (down) bench.asked ??= event.timeStamp;
  }, true);
  bench.follow = () => {
    let before = null;
    const tick = (now) => {
      if (before !== null) bench.gaps.push(now - before);
      before = now;
      if (bench.following) ask(tick);
    };
    bench.following = true;
    ask(tick);
  };
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (message) {
    bench.sends.push(performance.now());
    return send.call(this, message);
  };
  // When the board could be drawn on, and when it could be read in the page.
  const find = () => {
    const hosts = [...document.querySelectorAll(".st-key-canvas *")];
    if (hosts.some(e => e.shadowRoot?.querySelector("canvas.upper-canvas")))
      bench.drawable ??= performance.now();
    if (root()?.dataset.live === "on") bench.ready ??= performance.now();
    if (!bench.drawable || !bench.ready) setTimeout(find, 2);
  };
  find();
  let text = "";
  new MutationObserver(() => {
    const now = document.querySelector(".st-key-reading")?.innerText;
    if (now && now !== text) bench.answers.push(performance.now());
    text = now;
  }).observe(document, {subtree: true, childList: true, characterData: true});
})();
"""

# The median over readings of the digit that is shown.
_NETWORK_ALONE: Final = """
() => {
  const {data} = document.querySelector(".ds-live canvas").getContext("2d")
    .getImageData(0, 0, 28, 28);
  const digit = Array.from({length: 784}, (_, i) => Math.round((data[4 * i] - 11) / 237 * 255));
  const times = Array.from({length: 200}, () => {
    const began = performance.now();
    digitStudioLive.network.read(digit);
    return performance.now() - began;
  });
  return times.sort((a, b) => a - b)[100];
}
"""


def figures() -> Iterator[Figure]:
    """Yield the figures, or say that there is no Chromium to measure with."""
    for browser in chromium.browsers():
        with serve(Path(tempfile.mkdtemp())) as app:
            late = []
            for visit in range(_VISITS):
                page = pen.open_page(browser)
                page.context.add_init_script(_WATCH)
                frames = _received(page)
                pen.visit(page, app.url)
                page.locator(".ds-live[data-live=on]").wait_for()
                late.append(page.evaluate("bench.ready - bench.drawable"))
                size = sum(len(frame) for frame in frames if b"digit_studio_live" in frame)
                if visit < _VISITS - 1:
                    page.context.close()
            yield Figure("first visit downloads for it", size / 1000, "kB", 700)
            yield Figure("ready after the board can be drawn on", float(np.median(late)), "ms", 300)
            yield from _first_stroke(page)
            yield from _scribble(page)
            yield from _digits(page)
            yield from _memory(page)


def _received(page: Page) -> list[bytes]:
    """All that the server will send to the page."""
    frames: list[bytes] = []

    def note(content: str | bytes) -> None:
        frames.append(content.encode() if isinstance(content, str) else content)

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return frames


def _first_stroke(page: Page) -> Iterator[Figure]:
    """The very first frames of a visit: whether all is warm by then."""
    _forget(page)
    pen.draw(page, _digit(3))
    pen.wait_reading(page)
    print(f"     the network alone: {page.evaluate(_NETWORK_ALONE):.1f} ms a digit")
    yield Figure("longest frame's work in the first stroke", max(_taken(page, "work")), "ms", 50)


def _scribble(page: Page) -> Iterator[Figure]:
    """Ten seconds of one stroke, all over the board."""
    _clear(page)
    _forget(page)
    box = pen.canvas(page).bounding_box()
    assert box is not None
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.evaluate("() => { bench.follow(); watch.asked = null; }")
    began = time.monotonic()
    while (gone := time.monotonic() - began) < _SCRIBBLE:
        x, y = (0.5 + 0.4 * math.sin(turn * gone) for turn in (5.1, 3.7))
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if gone < 0.05:
            page.mouse.down()
        time.sleep(0.004)
    # The sidebar's looks at trainings, which come whether anybody draws or not, are left out.
    sent = page.evaluate("() => { bench.following = false; return Number(watch.asked !== null); }")
    page.mouse.up()
    waits, work, gaps = (np.array(_taken(page, name)) for name in ("waits", "work", "gaps"))
    print(
        f"     {len(work)} frames read in {_SCRIBBLE:.0f} s; from pointer event to bars:"
        f" median {np.median(waits):.1f} ms, longest {waits.max():.1f} ms;"
        f" work: 95th percentile {np.percentile(work, 95):.1f} ms"
    )
    yield Figure("pointer event to bars, 95th percentile", np.percentile(waits, 95), "ms", 33)
    yield Figure("JavaScript work a frame, median", float(np.median(work)), "ms", 10)
    yield Figure("longest frame in ten seconds of scribble", gaps.max(), "ms", 50)
    yield Figure("requests in ten seconds of one stroke", len(requests) + sent, "", 0)


def _digits(page: Page) -> Iterator[Figure]:
    """Many digits: from what the canvas sends to the server's reading on the page."""
    answered = []
    for number in range(30):
        _clear(page)
        _forget(page)
        label = number % 10
        page.wait_for_timeout(200)
        _forget(page)
        pen.draw(
            page, [stroke / CANVAS for stroke in strokes_of(label, next(iter(TEMPLATES[label])))]
        )
        pen.wait_reading(page)
        sends, answers = _taken(page, "sends"), _taken(page, "answers")
        answered.append(answers[-1] - max(sent for sent in sends if sent < answers[-1]))
    yield Figure("server's reading after the canvas sent", float(np.median(answered)), "ms", 100)


def _memory(page: Page) -> Iterator[Figure]:
    """Memory of the page after many strokes, the board being cleared now and then."""
    devtools = page.context.new_cdp_session(page)
    _clear(page)
    levels = []
    for number in range(_STROKES):
        pen.draw(page, [_digit(number % 10)[0][::3]])
        if number % 10 == 9:
            _clear(page)
        if number + 1 in (_SETTLED, _STROKES):
            levels.append(_heap(page, devtools))
    settled, last = levels
    print(f"     heap after {_SETTLED} strokes {settled:.1f} MB, after {_STROKES} {last:.1f} MB")
    yield Figure(f"memory gained from stroke {_SETTLED} to {_STROKES}", last - settled, "MB", 5)
    before = page.evaluate("bench.frames")
    busy = [_script_seconds(devtools)]
    page.wait_for_timeout(10_000)
    busy.append(_script_seconds(devtools))
    assert page.evaluate("bench.frames") == before, "it reads while the pen is up"
    yield Figure("script time in ten idle seconds", 1000 * (busy[1] - busy[0]), "ms", 100)


def _heap(page: Page, devtools: CDPSession) -> float:
    """Megabytes in use, after everything that can go has gone."""
    page.wait_for_timeout(2000)
    page.evaluate(
        "() => { for (const k of ['waits','work','gaps','sends','answers']) bench[k] = []; }"
    )
    for _ in range(3):
        devtools.send("HeapProfiler.collectGarbage")
    return float(devtools.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def _script_seconds(devtools: CDPSession) -> float:
    devtools.send("Performance.enable")
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(float(m["value"]) for m in metrics if m["name"] == "ScriptDuration")


def _digit(label: int) -> list[pen.Stroke]:
    return [stroke / CANVAS for stroke in strokes_of(label, next(iter(TEMPLATES[label])))]


def _clear(page: Page) -> None:
    page.get_by_role("button", name="Clear", exact=True).click()
    page.wait_for_timeout(100)


def _forget(page: Page) -> None:
    for name in ("waits", "work", "gaps", "sends", "answers"):
        _taken(page, name)


def _taken(page: Page, name: str) -> list[float]:
    taken: list[float] = page.evaluate(f"bench.{name}.splice(0)")
    return taken


if __name__ == "__main__":
    sys.exit(report(figures()))
