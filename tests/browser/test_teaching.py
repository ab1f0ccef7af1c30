"""The whole loop in Chromium: misread, corrected, taught, proved better, put to work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from mnist_core import store
from mnist_core.store import Run
from tests.browser import pen
from tests.browser.server import App, serve
from tests.browser.test_train import END, START, end_all, main, wait_for

# A 6 of straight lines, as on a pocket calculator: the network that ships takes it for a 5.
_CORNERS = np.array([(0.75, 0.1), (0.25, 0.1), (0.25, 0.9), (0.75, 0.9), (0.75, 0.5), (0.25, 0.5)])


def six(*, lean: float = 0.0, wide: float = 1.0) -> list[pen.Stroke]:
    along = np.linspace(0, len(_CORNERS) - 1, 40)
    x, y = (np.interp(along, range(len(_CORNERS)), _CORNERS[:, axis]) for axis in (0, 1))
    return [np.stack([0.5 + (x - 0.5) * wide + lean * (0.5 - y), y], axis=1)]


@pytest.fixture
def own_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A server of its own, for another network reads at the end."""
    monkeypatch.setenv("DIGIT_STUDIO_HOME", str(tmp_path))
    with serve(tmp_path) as running:
        yield running
    end_all()
    assert "Traceback" not in running.printed(), running.printed()


def taught(page: Page) -> Run:
    """The run that teaches, once it is over."""
    wait_for(lambda: bool(store.runs()), "a run")
    run = store.runs()[0]
    wait_for(lambda: store.find_run(run.id).ended is not None, "the end", seconds=240)
    return store.find_run(run.id)


def test_from_a_misread_drawing_to_a_network_that_reads_it(browser: Browser, own_app: App) -> None:
    page = pen.open_page(browser)
    pen.visit(page, own_app.url)
    # Drawn, misread, corrected; three times, of which one drawing is held out.
    for lean, wide in ((0.0, 1.0), (0.1, 0.9), (-0.05, 1.1)):
        pen.draw(page, six(lean=lean, wide=wide))
        said = pen.wait_reading(page)
        assert pen.first_digit(said) != 6, said
        page.keyboard.press("6")
        expect(page.get_by_text("Stored as a 6")).to_be_visible()
        pen.press(page, "Clear")
        pen.wait_reading(page)
    expect(main(page).get_by_text("0 of 3 read right")).to_be_visible()

    page.get_by_test_id("stSidebarNav").get_by_role("link", name="My digits").click()
    main(page).get_by_role("button", name="Teach it", exact=True).click()
    expect(page.get_by_role("heading", name="Watch it learn")).to_be_visible()
    # The usual live page.
    expect(main(page).locator(".legend").first).to_be_visible(timeout=START)
    run = taught(page)
    assert (run.state, run.model) == ("finished", run.id), run.message

    # Before and after.
    expect(main(page).get_by_role("heading", name="Before and after")).to_be_visible(timeout=END)
    own = main(page).locator(".ds-table tr").filter(has_text="Own held-out drawings (1)")
    expect(own).to_contain_text(re.compile(r"0\sof\s1.*1\sof\s1.*1\smore"), timeout=END)
    expect(main(page).get_by_text("It reads 1 more of the own held-out drawings")).to_be_visible()
    gained = page.locator('[class*="st-key-newly_right_own"]')
    expect(gained.get_by_role("img")).to_be_visible()

    # Put to work: it reads the drawing, and one can go back.
    main(page).get_by_role("button", name="Use this model").click()
    expect(main(page).get_by_text("✓ This network reads your drawings now.")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Draw").click()
    pen.draw(page, six(lean=0.03, wide=0.95))
    assert pen.first_digit(pen.wait_reading(page)) == 6
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Train").click()
    main(page).get_by_role("button", name="Go back to the one that ships").click()
    expect(main(page).get_by_role("button", name="Use this model")).to_be_visible()
    page.context.close()
