"""The running app, a real Chromium, and pages that fail their test when the browser complains.

The fixtures live as long as this folder's tests: Playwright keeps an event loop running, which
other tests should not meet.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from tests.browser import chromium, pen
from tests.browser.server import App, serve

_HERE = Path(__file__).parent


class NewPage(Protocol):
    """What the fixture `new_page` hands out: opens the app in a browser context of its own."""

    def __call__(self, *, dark: bool = False, phone: bool = False, path: str = "") -> Page:
        """Open `path` of the app; dark: the dark theme; phone: 390 px wide, by touch."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark this folder's tests: `-m "not browser"` leaves them out; no Chromium skips them."""
    here = [item for item in items if _HERE in item.path.parents]
    absent = bool(here) and chromium.find() is None
    for item in here:
        item.add_marker(pytest.mark.browser)
        if absent:  # by mark, not in the fixture: pytest then reports one line a file
            item.add_marker(pytest.mark.skip(reason=chromium.MISSING))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what the server printed beside a failure."""
    report = yield
    app = getattr(item, "funcargs", {}).get("app")
    if report.failed and isinstance(app, App):
        report.sections.append((f"server log ({report.when})", app.printed()[-20_000:]))
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window; what is expected of its pages may be late on a busy computer."""
    expect.set_options(timeout=30_000)  # milliseconds
    with sync_playwright() as playwright:
        started = chromium.launch(playwright)
        assert started is not None, "Chromium is installed but doesn't start"
        yield started
        started.close()


@pytest.fixture(scope="package")
def app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, started once; asks for the browser first so that nothing starts in vain."""
    with serve(tmp_path_factory.mktemp("home")) as running:
        yield running
    assert "Traceback" not in running.printed(), running.printed()


@pytest.fixture
def new_page(app: App, browser: Browser) -> Iterator[NewPage]:
    """Open pages; afterwards any error in a page, its console or the server's log is a failure.

    So is a request that leaves this computer: the app must work without a network.
    """
    complaints: list[str] = []
    pages: list[Page] = []
    printed_before = len(app.printed())

    def console(message: ConsoleMessage) -> None:
        # On a page's own address Streamlit's script first looks for the server below it.
        tried = re.search(r"/\w+/_stcore/(health|host-config)$", message.location["url"])
        if message.type == "error" and not tried:
            complaints.append(f"console: {message.text} ({message.location['url']})")

    def request(asked: Request) -> None:
        if not asked.url.startswith((app.url, "data:", "blob:")):
            complaints.append(f"left this computer: {asked.url}")

    def open_page(*, dark: bool = False, phone: bool = False, path: str = "") -> Page:
        page = pen.open_page(browser, dark=dark, phone=phone)
        pages.append(page)
        page.on("pageerror", lambda error: complaints.append(f"page: {error}"))
        page.on("console", console)
        page.on("request", request)
        pen.visit(page, f"{app.url}/{path}")
        return page

    yield open_page
    for page in pages:
        page.context.close()
    printed = app.printed()[printed_before:]
    if "Traceback" in printed:
        complaints.append(f"server: {printed[printed.index('Traceback') :]}")
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A first visit: the home page in the light theme, 1280 by 900 pixels."""
    return new_page()
