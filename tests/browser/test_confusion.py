"""A run's mistakes in a real Chromium: from the table to the digits, and on to Look inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import alone, networks
from tests.browser.server import App, serve

CELL = re.compile(r"(\d) read as (\d): (\d+) digits?")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a run whose network has seen hardly anything, so that it misreads much."""
    home: Path = tmp_path_factory.mktemp("trained")
    networks.train(home, "--preset softmax --images 100 --epochs 1")
    with serve(home) as app:
        yield app
    assert "Traceback" not in app.printed(), app.printed()


def cells(page: Page) -> Locator:
    """Those that can be picked."""
    return page.locator(".confusion button")


def tiles(page: Page) -> Locator:
    return page.locator("[class*=st-key-mistakes_] .tile")


def ready(page: Page) -> None:
    expect(page.get_by_role("heading", name="Size and speed")).to_be_visible()
    expect(cells(page).first).to_be_visible()
    expect(tiles(page).first).to_be_visible()


def named(cell: Locator) -> tuple[int, int, int]:
    """Label, reading and number of a cell, which shows the number as well."""
    label, read, count = CELL.fullmatch(cell.get_attribute("aria-label") or "").groups()
    assert cell.inner_text() == count
    return int(label), int(read), int(count)


def shows_just(page: Page, label: int, read: int, count: int) -> None:
    expect(tiles(page)).to_have_count(count)
    every = re.compile(rf": an? {label}, read as an? {read} \(")
    for name in tiles(page).evaluate_all("them => them.map(it => it.ariaLabel)"):
        assert every.search(name), name
    expect(page.get_by_text(f"{label} read as {read}: {count} digit", exact=False)).to_be_visible()


def names(page: Page) -> list[str]:
    """Of all cells that can be picked; asked in one go, since there may be ninety."""
    found: list[str] = cells(page).evaluate_all("them => them.map(it => it.ariaLabel)")
    return found


def few(page: Page) -> Locator:
    """The last cell of more than one mistake, but not so many that they aren't all shown."""
    name = next(n for n in reversed(names(page)) if 1 < int(CELL.fullmatch(n)[3]) <= 20)
    return page.get_by_role("button", name=name)


def test_from_a_cell_to_its_digits_and_inside_one(trained: App, browser: Browser) -> None:
    with alone.opened(trained, browser, path="train") as page:
        ready(page)
        expect(tiles(page)).to_have_count(60)
        cell = few(page)
        label, read, count = named(cell)
        page.locator(".confusion").evaluate("it => (it.mine = true)")
        cell.click()
        shows_just(page, label, read, count)
        expect(page.locator(".confusion button[aria-pressed=true]")).to_have_text(str(count))
        assert page.locator(".confusion").evaluate("it => it.mine"), "it is changed, not replaced"
        page.get_by_role("button", name="Show all").click()
        expect(tiles(page)).to_have_count(60)
        page.get_by_role("button", name=f"{label} read as {read}: {count} digits").click()
        shows_just(page, label, read, count)

        tile = tiles(page).nth(1)
        name = (tile.get_attribute("aria-label") or "").partition(":")[0]
        assert re.fullmatch(r"Generated validation digit \d+", name)
        tile.click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_text(f"{name}. Its label says it is a")).to_be_visible()
        expect(dialog.get_by_role("button", name="Open in Dataset")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        shows_just(page, label, read, count)

        tile.click()
        dialog.get_by_role("button", name="Look inside").click()
        expect(page.get_by_role("heading", name="Look inside")).to_be_visible()
        expect(dialog).to_be_hidden()
        told = f"{name}. Its true label is {label}"
        expect(page.get_by_text(told)).to_be_visible()
        expect(page.get_by_role("heading", name="2. Through the layers")).to_be_visible()


def test_the_table_is_worked_by_keyboard(trained: App, browser: Browser) -> None:
    with alone.opened(trained, browser, path="train") as page:
        ready(page)
        stops = page.locator(".confusion [tabindex='0']")
        expect(stops).to_have_count(1)
        most = max(int(CELL.fullmatch(name)[3]) for name in names(page))
        assert named(stops)[2] == most, "to begin with"
        stops.focus()
        focused = page.locator(".confusion :focus")
        for key in ("Home", *["ArrowUp"] * 9):
            page.keyboard.press(key)
        expect(focused).to_have_attribute("aria-label", re.compile("^0 read as 0: .* right$"))
        # Where there is nothing to open, nothing is.
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowLeft")
        expect(focused).to_have_attribute("aria-label", re.compile("^0 read as 0: "))
        label, read, count = named(few(page))
        for key in (*["ArrowDown"] * label, *["ArrowRight"] * read):
            page.keyboard.press(key)
        expect(stops).to_have_count(1)
        assert named(focused) == (label, read, count)
        assert page.locator(".confusion button[aria-pressed=true]").count() == 0
        page.keyboard.press("Enter")
        shows_just(page, label, read, count)
        expect(focused).to_have_attribute("aria-pressed", "true")
        page.keyboard.press("Enter")
        expect(tiles(page)).to_have_count(60)
        expect(focused).to_have_attribute("aria-pressed", "false")


def test_a_phone_has_room_for_it(trained: App, browser: Browser) -> None:
    with alone.opened(trained, browser, path="train", phone=True, dark=True) as page:
        ready(page)
        cell = few(page)
        wanted = named(cell)
        cell.tap()
        shows_just(page, *wanted)
        tiles(page).first.tap()
        expect(page.get_by_role("dialog").get_by_role("button", name="Look inside")).to_be_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        main = page.get_by_test_id("stMain")
        wide, room = main.evaluate("it => [it.scrollWidth, it.clientWidth]")
        assert wide <= room
