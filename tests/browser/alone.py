"""Components by themselves, on a page of their own, whose every complaint fails the test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from mnist_core.paths import PROJECT
from tests.browser import pen
from tests.browser.server import App, serve


@contextmanager
def served(home: Path, script: str) -> Iterator[App]:
    """Serve a page; its script may import what is the project's."""
    page = home / "page.py"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"import sys\n\nsys.path.insert(0, {str(PROJECT)!r})\n{script}", "utf-8")
    with serve(home, script=page) as app:
        yield app
    assert "Traceback" not in app.printed(), app.printed()


@contextmanager
def opened(
    app: App, browser: Browser, *, dark: bool = False, phone: bool = False, path: str = ""
) -> Iterator[Page]:
    """Open the page; an error in it or its console, or a request to elsewhere, fails the test."""
    page = pen.open_page(browser, dark=dark, phone=phone)
    complaints: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error" and not re.search(r"/_stcore/", message.location["url"]):
            complaints.append(message.text)

    def request(asked: Request) -> None:
        if not asked.url.startswith((app.url, "data:", "blob:")):
            complaints.append(f"left this computer: {asked.url}")

    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", console)
    page.on("request", request)
    pen.visit(page, f"{app.url}/{path}")
    yield page
    page.context.close()
    assert not complaints, complaints
