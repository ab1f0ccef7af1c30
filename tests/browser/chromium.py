"""Find a Chromium that runs, or install one; `python -m tests.browser.chromium` does both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

MISSING = "no Chromium found (install chromium or google-chrome, or name one: CHROMIUM=/path/to/it)"
FLAGS = (
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The shell is Chromium without what is around a page: a visit costs the computer half as much.
_PACKAGES = ("chromium-headless-shell", "chromium")  # Debian's names
_NAMES = (*_PACKAGES, "chromium-browser", "google-chrome", "google-chrome-stable")
_CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
_CACHED = (  # below a cache; the newest version's folder sorts last
    "chromium_headless_shell-*/chrome-headless-shell-*/chrome-headless-shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def candidates() -> Iterator[Path]:
    """Yield the programs to try, best first: `CHROMIUM`, the PATH, applications, Playwright's."""
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
        return  # whoever names one means that one
    for name in _NAMES:
        if found := shutil.which(name):
            yield Path(found)
    yield from (Path(name) for name in _APPLICATIONS)
    caches = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    for cache in (caches,) if caches else _CACHES:
        for pattern in _CACHED:
            yield from sorted(Path(cache).expanduser().glob(pattern), reverse=True)


def find() -> Path | None:
    """Return the first candidate that answers `--version`: a package can be an empty shell."""
    for path in candidates():
        if path.is_file() and _succeeds([str(path), "--version"], seconds=30):
            return path
    return None


def launch(playwright: Playwright) -> Browser | None:
    """Start the first candidate that runs without a window; `None` when none does."""
    for path in candidates():
        if path.is_file():
            try:
                return playwright.chromium.launch(executable_path=path, args=FLAGS)
            except Error:
                continue
    return None


def browsers() -> Iterator[Browser]:
    """Yield a Chromium to measure with; where there is none, say so and yield nothing."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            print(MISSING)
            return
        yield browser
        browser.close()


def install() -> None:
    """Install Debian's Chromium where that is allowed, else Playwright's, with a time limit."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        quick = ["-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"]
        _succeeds(["apt-get", *quick, "update"], seconds=120)
        for package in _PACKAGES:
            wanted = ["install", "-y", "--no-install-recommends", package]
            if _succeeds(["apt-get", *quick, *wanted], seconds=600) and find():
                return
    playwright = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    _succeeds(playwright, seconds=600)


def _succeeds(command: list[str], *, seconds: float) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__" and find() is None:
    if "CHROMIUM" not in os.environ:
        print("Installing Chromium for the browser tests (once) ...", flush=True)
        install()
    if find() is None:
        print(f"The browser tests will be skipped: {MISSING}.")
