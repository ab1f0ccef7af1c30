"""A class with a passcode, in a real Chromium: whose training it is, and who may stop it.

Nothing is trained: a run is put into the store, and the trainer's lock is held.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mnist_core import store
from mnist_core.store import Run
from pages.components.session import COOKIE
from tests.browser.conftest import NewPage
from tests.browser.server import App, serve
from tests.pages import runs

PASSCODE = "sésame 7"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is said to train there does."""
    folder = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGIT_STUDIO_HOME", str(folder))
        handle = runs.be_the_trainer()
        yield folder
        os.close(handle)


@pytest.fixture(scope="module")
def app(browser: Browser, home: Path) -> Iterator[App]:
    with serve(home, passcode=PASSCODE) as running:
        yield running
    assert PASSCODE not in running.printed()


@pytest.fixture(autouse=True)
def nothing_trains(home: Path) -> Iterator[None]:
    yield
    with store.opened(write=True) as database:
        for run in store.select_runs(database, *store.ACTIVE):
            store.update(database, run.id, state="finished")


def visitor(page: Page) -> str:
    """Who the browser is, as its cookie has it."""
    page.wait_for_function(f"document.cookie.includes('{COOKIE}=')")
    (cookie,) = (kept for kept in page.context.cookies() if kept["name"] == COOKIE)
    assert (cookie["expires"], cookie["sameSite"], cookie["path"]) == (-1, "Lax", "/")
    return cookie["value"]


def button(page: Page, name: str, *, place: str = "sidebar") -> Locator:
    """Streamlit has another for phones, which is not to be seen."""
    return page.locator(f".st-key-{place}_{name} button:visible")


def asked(run: Run) -> str | None:
    return store.find_run(run.id).request


def wait_until_asked(page: Page, run: Run, request: str) -> None:
    for _ in range(200):
        if asked(run) == request:
            break
        page.wait_for_timeout(50)
    assert asked(run) == request
    with store.opened(write=True) as database:
        store.update(database, run.id, request=None)


def test_one_s_own_training_is_stopped_and_others_need_the_passcode(new_page: NewPage) -> None:
    mine = new_page(path="about")
    name = visitor(mine)
    top = mine.get_by_role("heading", name="About this model").bounding_box()
    other = new_page(path="about")
    assert visitor(other) != name
    box = other.locator(".st-key-passcode")
    expect(box.get_by_role("button", name="Unlock")).to_be_hidden()
    box.get_by_text("Passcode").first.click()
    field = box.get_by_label("Passcode", exact=True)
    expect(field).to_have_attribute("type", "password")
    field.fill("sesame 7")
    run = runs.put("running", done=12, owner=name)

    # A reload doesn't make a stranger of anyone, nor does it move anything.
    mine.reload()
    expect(button(mine, "stop")).to_be_enabled()
    assert visitor(mine) == name
    assert mine.get_by_role("heading", name="About this model").bounding_box() == top
    button(mine, "pause").click()
    wait_until_asked(mine, run, "pause")

    expect(button(other, "stop")).to_be_disabled()
    expect(field).to_have_value("sesame 7")  # what was typed is still there

    expect(button(other, "pause")).to_be_disabled()
    button(other, "stop").hover(force=True)
    expect(other.get_by_role("tooltip")).to_have_text(
        "Needs the passcode: this training is someone else's."
    )

    field.press("Enter")
    expect(box.get_by_role("alert")).to_have_text("That is not the passcode.")
    expect(field).to_have_value("")
    expect(button(other, "stop")).to_be_disabled()
    assert PASSCODE not in other.content()
    field.fill(PASSCODE)
    box.get_by_role("button", name="Unlock").click()
    expect(box.get_by_text("Unlocked in this browser tab")).to_be_visible()
    assert PASSCODE not in other.content()
    expect(button(other, "pause")).to_be_enabled()
    button(other, "stop").click()
    wait_until_asked(other, run, "stop")
    box.get_by_role("button", name="Lock", exact=True).click()
    expect(button(other, "stop")).to_be_disabled()


def test_two_tabs_that_come_first_at_once_are_one_visitor(new_page: NewPage, app: App) -> None:
    first = new_page(path="about")
    name = visitor(first)
    runs.put("running", done=12, owner=name)
    first.context.clear_cookies()
    second = first.context.new_page()
    # The other tab's cookie comes when this one's connection stands.
    second.add_init_script(f"""
        const Plain = WebSocket;
        window.WebSocket = class extends Plain {{
          constructor(...given) {{
            super(...given);
            this.addEventListener("open", () => {{
              document.cookie = "{COOKIE}={name}; path=/; SameSite=Lax";
            }});
          }}
        }};
    """)
    second.goto(f"{app.url}/about")
    expect(button(second, "stop")).to_be_enabled()
    assert visitor(second) == name
