"""Take the README's pictures: `python -m tests.browser.screenshots`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from mnist_core import generated, handwriting
from mnist_core.handwriting import NewDrawing
from mnist_core.inference import Classifier, read_drawing
from mnist_core.paths import PROJECT
from mnist_core.strokes import CANVAS, fit, perturb, render
from mnist_core.templates import TEMPLATES
from tests.browser import chromium, pen
from tests.browser.server import serve

_FOLDER = PROJECT / "docs" / "screenshots"
_COLOURS = 256  # enough for flat colours and soft edges; a third of the size of full colour


# Around the 4s.
_MAP = (
    "look=map&part=test&layout=neighbours"
    "&lasso=0.46_0.13_0.63_0.13_0.63_0.3_0.55_0.42_0.45_0.42_0.47_0.25"
)
_SIX = np.array([(5, 0), (0, 0), (0, 8), (5, 8), (5, 4), (0, 4)], float)
_DRAWN = ((5, "two strokes"), (2, "looped"), (9, "curled"), (7, "crossed"))


def main() -> None:
    """Draw the same digits in three looks and keep a picture of each."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        sync_playwright() as playwright,
        serve(Path(home)) as app,
    ):
        browser = chromium.launch(playwright)
        if browser is None:
            raise SystemExit(chromium.MISSING)
        for name, dark, phone in (
            ("draw-light", False, False),
            ("draw-dark", True, False),
            ("draw-phone", False, True),
        ):
            _save(_picture(browser, app.url, dark=dark, phone=phone), name)
        for name, view, ready, height in (
            ("map", _MAP, ".digit-map[data-ready]", 1290),
            ("digit", "look=doubts&part=test&digit=test-947", ".ds-numbers", 900),
        ):
            _save(_dataset(browser, app.url, view, ready=ready, height=height), name)
        _save(_inside(browser, app.url), "inside")
        _save(_training(browser, app.url), "train")
        _save(_runs(browser, app.url, Path(home)), "runs")
        for name, picture in _teaching(browser, app.url, Path(home)).items():
            _save(picture, name)
        browser.close()


def _picture(browser: Browser, url: str, *, dark: bool, phone: bool) -> bytes:
    page = pen.open_page(browser, dark=dark, phone=phone)
    pen.visit(page, url)
    for number, (label, style) in enumerate(_DRAWN):
        if number:
            pen.press(page, "Clear")
            pen.wait_reading(page)
        strokes = [stroke / CANVAS for stroke in generated.strokes_of(label, style)]
        (pen.draw_touch if phone else pen.draw)(page, strokes)
        pen.wait_reading(page)
    _leave_canvas(page)
    picture = page.screenshot()
    page.context.close()
    return picture


def _dataset(browser: Browser, url: str, view: str, *, ready: str, height: int) -> bytes:
    """A view of the Dataset page; MNIST has to be here."""
    page = pen.open_page(browser)
    pen.visit(page, f"{url}/dataset?{view}")
    page.set_viewport_size({"width": 1280, "height": height})
    page.locator(ready).first.wait_for()
    # What is worked out in the background; the map takes a minute or more.
    working = page.locator(".stMain [data-testid=stProgress]")
    working.wait_for(state="hidden", timeout=300_000)
    page.wait_for_timeout(2000)  # points glide to their places
    _leave_canvas(page)
    picture = page.screenshot()
    page.context.close()
    return picture


def _inside(browser: Browser, url: str) -> bytes:
    """The first layers that a drawing goes through."""
    page = pen.open_page(browser)
    pen.visit(page, f"{url}/inside")
    pen.draw(page, [stroke / CANVAS for stroke in generated.strokes_of(4, "open")])
    page.get_by_role("heading", name="6. What if").wait_for()
    page.set_viewport_size({"width": 1280, "height": 1300})
    page.get_by_role("heading", name="2. Through the layers").evaluate("it => it.scrollIntoView()")
    page.mouse.move(0, 0)  # no hover in the picture
    page.wait_for_timeout(1000)
    picture = page.screenshot()
    page.context.close()
    return picture


def _training(browser: Browser, url: str) -> bytes:
    """The Train page in the middle of a run that follows a drawing."""
    page = pen.open_page(browser)
    pen.visit(page, url)
    pen.draw(page, [stroke / CANVAS for stroke in generated.strokes_of(4, "open")])
    pen.wait_reading(page)
    page.get_by_role("button", name="Retrain").click()
    page.get_by_role("link", name="Watch it learn").click()
    page.set_viewport_size({"width": 1280, "height": 1640})
    page.locator(".st-key-sidebar_pause").wait_for()
    page.get_by_text("Epoch 2 of 2").first.wait_for(timeout=240_000)
    _leave_canvas(page)
    picture = page.screenshot()
    page.get_by_role("button", name="Use this model").wait_for(timeout=120_000)
    page.context.close()
    return picture


def _leave_canvas(page: Page) -> None:
    page.mouse.move(0, 0)  # no hover in the picture
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(500)  # charts move for a moment


def _runs(browser: Browser, url: str, home: Path) -> bytes:
    """Three trainings side by side."""
    for arguments in ("--preset softmax --epochs 2", "--preset fast --epochs 1", "--preset fast"):
        subprocess.run(
            [sys.executable, "-m", "mnist_core", "train", *arguments.split()],
            cwd=PROJECT,
            env={**os.environ, "DIGIT_STUDIO_HOME": str(home)},
            check=True,
        )
    page = pen.open_page(browser)
    pen.visit(page, f"{url}/runs")
    page.get_by_role("heading", name="Which network read when").wait_for()
    page.set_viewport_size({"width": 1280, "height": 1250})
    table = page.get_by_test_id("stDataFrame")
    table.locator("[role=gridcell]").first.wait_for(state="attached")
    box = table.bounding_box()
    assert box
    for row in range(3):
        page.mouse.click(box["x"] + 18, box["y"] + 53 + 35 * row)
        page.wait_for_timeout(500)
    page.get_by_role("heading", name="3 runs side by side").wait_for()
    page.mouse.move(0, 0)  # no hover in the picture
    page.wait_for_timeout(1500)
    picture = page.screenshot()
    page.context.close()
    return picture


def _teaching(browser: Browser, url: str, home: Path) -> dict[str, bytes]:
    """Somebody's drawings, and what the network gained by learning them."""
    os.environ["DIGIT_STUDIO_HOME"] = str(home)
    _draw_many("Anna")
    page = pen.open_page(browser)
    pen.visit(page, f"{url}/my_digits?profile=Anna")
    page.set_viewport_size({"width": 1280, "height": 1100})
    wall = page.locator(".st-key-my_wall .wall[data-shown]")
    wall.wait_for()
    _leave_canvas(page)
    pictures = {"my-digits": page.screenshot()}
    page.get_by_role("button", name="Teach it", exact=True).click()
    head = page.get_by_role("heading", name="Before and after")
    head.wait_for(timeout=240_000)
    page.get_by_text("None of these were learned from").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)  # what follows comes to the page
    head.evaluate("it => it.scrollIntoView()")
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    pictures["before-after"] = page.screenshot()
    page.context.close()
    return pictures


def _draw_many(name: str) -> None:
    """Store sixty drawings, some in a style that the network doesn't know: sixes of lines."""
    classifier = Classifier.load()
    random = np.random.default_rng(4)
    profile = handwriting.add_profile(name).number
    for number in range(60):
        label = number % 10
        styles = sorted(TEMPLATES[label])
        strokes = generated.strokes_of(label, styles[number % len(styles)])
        if label == 6:
            along = np.linspace(0, len(_SIX) - 1, 40)
            strokes = [
                np.stack([np.interp(along, range(len(_SIX)), _SIX[:, axis]) for axis in (0, 1)], 1)
            ]
        drawn = fit(perturb(strokes, random, slant=0.1, rotation=4.0, stretch=0.1))
        reading = read_drawing(render(drawn, pen_width=18.0), classifier)
        handwriting.keep(
            profile,
            NewDrawing(
                label,
                reading.image,
                tuple(drawn),
                18.0,
                read=reading.label,
                confidence=reading.confidence,
                verdict=reading.verdict,
                model=classifier.model.id,
            ),
        )


def _save(picture: bytes, name: str) -> None:
    path = _FOLDER / f"{name}.png"
    with Image.open(io.BytesIO(picture)) as full:
        small = full.convert("RGB").quantize(
            # Keeps colours that few pixels have, such as those of a legend.
            _COLOURS,
            method=Image.Quantize.MAXCOVERAGE,
            dither=Image.Dither.NONE,
        )
    small.save(path, optimize=True)
    print(f"{path.relative_to(PROJECT)}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
