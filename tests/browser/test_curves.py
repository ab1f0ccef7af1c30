"""The curves by themselves, on a page of their own that keeps updating."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core.paths import PROJECT
from tests.browser import pen
from tests.browser.server import serve

# What is told changes, so that every run of the script is an update; the curves don't.
SCRIPT = f"""
import sys

import streamlit as st

sys.path.insert(0, {str(PROJECT)!r})
from pages.components.curves import Line, Panel, curves


@st.fragment(run_every=0.5)
def follow():
    updates = st.session_state.updates = st.session_state.get("updates", 0) + 1
    line = Line("training", [0, 4, 10], [2.3, 0.6, 0.2])
    panels = [Panel("Loss", (line,)), Panel("Again", (line,))]
    curves(panels, key="fixed", x_end=10, told=f"Update {{updates}}.")


follow()
"""


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    script = tmp_path / "page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    with serve(tmp_path / "home", script=script) as app:
        page = pen.open_page(browser)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(app.url)
        # A busy server's first two runs both leave a chart on the page, sometimes for good.
        page.locator(".readout").first.wait_for()
        page.reload()
        yield page
        page.context.close()
        assert not complaints, complaints
        assert "Traceback" not in app.printed(), app.printed()


def edges(plot: Locator, readout: Locator) -> list[float]:
    """The epochs a quarter into the plot and a quarter before its end."""
    over = plot.locator(".u-over")
    box = over.bounding_box()
    assert box
    seen = []
    for share in (0.25, 0.75):
        over.hover(position={"x": share * box["width"], "y": 20})
        expect(readout).to_contain_text("At epoch")
        seen.append(float(readout.inner_text().removeprefix("At epoch ")))
    # Away again: where the crosshair is, the keys zoom around it.
    plot.page.mouse.move(1, 1)
    expect(readout).to_have_text("Latest values")
    return seen


def updates(plot: Locator) -> int:
    told = re.search(r"\d+", plot.get_attribute("aria-label") or "")
    return int(told[0]) if told else 0


def test_keys_zoom_and_updates_leave_it_so(page: Page) -> None:
    plot = page.get_by_role("img").first
    readout = page.locator(".readout")
    whole = page.get_by_role("button", name="Whole run")
    expect(plot).to_have_accessible_description(re.compile("plus and minus"))
    expect(whole).to_have_count(1)
    expect(whole).to_be_disabled()
    assert edges(plot, readout) == pytest.approx([2.5, 7.5], abs=0.05)

    page.get_by_role("button", name="training").first.press("Tab")
    expect(plot).to_be_focused()
    page.keyboard.press("ArrowRight")  # nothing to move to
    expect(whole).to_be_disabled()
    page.keyboard.press("+")
    expect(whole).to_be_enabled()
    before = updates(plot)
    page.wait_for_function(
        "([plot, least]) => Number(plot.ariaLabel.match(/\\d+/)[0]) >= least",
        arg=[plot.element_handle(), before + 2],
    )
    expect(whole).to_be_enabled()
    assert edges(plot, readout) == pytest.approx([3.75, 6.25], abs=0.05)

    expect(plot).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert edges(plot, readout) == pytest.approx([4.75, 7.25], abs=0.05)
    for _ in range(3):  # as far as the end of the run
        page.keyboard.press("ArrowRight")
    assert edges(plot, readout) == pytest.approx([6.25, 8.75], abs=0.05)
    page.keyboard.press("ArrowLeft")
    assert edges(plot, readout) == pytest.approx([5.25, 7.75], abs=0.05)

    for reset in ("0", "Escape", "-"):
        page.keyboard.press(reset)
        expect(whole).to_be_disabled()
        assert edges(plot, readout) == pytest.approx([2.5, 7.5], abs=0.05)
        page.keyboard.press("=")
        expect(whole).to_be_enabled()
