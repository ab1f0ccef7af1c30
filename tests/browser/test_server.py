"""What the web process does not do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser import pen
from tests.browser.server import App
from tests.browser.test_draw import read, template


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory map that Linux offers")
def test_the_web_process_never_loads_tensorflow(app: App, page: Page) -> None:
    pen.draw(page, template(4))
    assert read(page) == 4
    mapped = Path(f"/proc/{app.process.pid}/maps").read_text(encoding="utf-8")
    assert "ai_edge_litert" in mapped  # the process is the one that reads the digits
    assert "/tensorflow/" not in mapped
