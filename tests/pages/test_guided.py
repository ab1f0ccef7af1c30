"""Drawing each digit three times, without a browser."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import handwriting, paths
from mnist_core.errors import StoreError
from tests.pages import drawn
from tests.pages.browsed import ran, sent, tell
from tests.pages.test_correcting import stored

APP = str(paths.PROJECT / "app.py")
PAGE = "pages/my_digits.py"


@pytest.fixture
def app() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=30)
    app.switch_page(PAGE)
    return begun(ran(app.run()))


def begun(app: AppTest) -> AppTest:
    return ran(app.button(key="begin_guided").click().run())


def write(app: AppTest, label: int | None, press: str = "next") -> None:
    """Draw this, or leave the board empty, and press."""
    app.session_state["board"] = drawn.sent([] if label is None else drawn.template(label))
    ran(app.run())
    tell(app, "guide", "pressed", [press, sent(app, "guide")["place"]])


def wanted(app: AppTest) -> str:
    return str(sent(app, "guide")["wanted"])


def test_it_names_each_digit_three_times_and_stores_what_is_drawn(app: AppTest) -> None:
    for place in range(30):
        said = sent(app, "guide")
        digit = place % 10
        assert said["place"] == place
        assert said["wanted"] == f"Draw a{'n' if digit == 8 else ''} {digit}."
        write(app, digit)
        assert app.session_state.guided_desk.sketchbook.current is None
    drawings = stored()
    assert [drawing.label for drawing in drawings] == 3 * list(range(10))
    assert all(drawing.right and drawing.model for drawing in drawings)
    (success,) = app.success
    assert success.value == "All 30 drawings are stored; 30 of them were read right."
    ran(app.button(key="guided_end").click().run())
    assert not any(c.key == "guide" for c in app.get("bidi_component"))
    assert app.button(key="begin_guided")


def test_what_is_drawn_is_stored_as_what_was_asked_for(app: AppTest) -> None:
    write(app, 7)
    (drawing,) = stored()
    assert (drawing.label, drawing.read, drawing.right) == (0, 7, False)
    assert sent(app, "guide")["told"] == "The last one, a 0, was read as a 7."
    write(app, 1)
    assert sent(app, "guide")["told"] == "The last one, a 1, was read right."


def test_an_empty_board_is_not_stored(app: AppTest) -> None:
    write(app, None)
    assert stored() == []
    assert sent(app, "guide")["told"] == "Draw a 0 first."
    assert wanted(app) == "Draw a 0."


def test_back_deletes_the_last_one_and_asks_for_it_again(app: AppTest) -> None:
    for label in (0, 1):
        write(app, label)
    tell(app, "guide", "pressed", ["back", 2])
    assert wanted(app) == "Draw a 1."
    assert [drawing.label for drawing in stored()] == [0]
    tell(app, "guide", "pressed", ["back", 1])
    tell(app, "guide", "pressed", ["back", 0])
    assert stored() == []
    write(app, 0)
    assert [drawing.label for drawing in stored()] == [0]


def test_a_press_that_comes_twice_counts_once(app: AppTest) -> None:
    write(app, 0)
    tell(app, "guide", "pressed", ["next", 0])
    tell(app, "guide", "pressed", ["back", 5])
    assert [drawing.label for drawing in stored()] == [0]
    assert wanted(app) == "Draw a 1."


@pytest.mark.parametrize("value", [None, "next", [], ["next"], ["x", 0], [0, "next"], {"next": 0}])
def test_what_no_button_sends_does_nothing(app: AppTest, value: Any) -> None:
    app.session_state["board"] = drawn.sent(drawn.template(0))
    ran(app.run())
    tell(app, "guide", "pressed", value)
    assert stored() == []
    assert wanted(app) == "Draw a 0."


def test_whoever_leaves_goes_on_where_it_was(app: AppTest) -> None:
    write(app, 0)
    app.session_state["board"] = drawn.sent(drawn.template(1))
    ran(app.run())
    app.switch_page("pages/about.py")
    ran(app.run())
    app.switch_page(PAGE)
    ran(app.run())
    assert wanted(app) == "Draw a 1."
    tell(app, "guide", "pressed", ["next", 1])  # what was on the board is still there
    assert [drawing.label for drawing in stored()] == [0, 1]


def test_a_page_that_is_loaded_again_does_too(app: AppTest) -> None:
    write(app, 0)
    again = AppTest.from_file(APP, default_timeout=30)
    for name in ("visitor", "profile"):  # as the cookies tell
        again.session_state[name] = app.session_state[name]
    again.switch_page(PAGE)
    ran(again.run())
    assert wanted(again) == "Draw a 1."
    # The first one is behind now: what it shows was stored already.
    write(again, 1)
    tell(app, "guide", "pressed", ["next", 1])
    assert [drawing.label for drawing in stored()] == [0, 1]


def test_stop_keeps_what_is_stored(app: AppTest) -> None:
    write(app, 0)
    write(app, 1, press="stop")
    assert not any(c.key == "guide" for c in app.get("bidi_component"))
    assert [drawing.label for drawing in stored()] == [0]
    begun(app)
    assert wanted(app) == "Draw a 0."
    write(app, None)  # nothing is left on the board
    assert [drawing.label for drawing in stored()] == [0]


def test_it_goes_into_the_profile_it_was_begun_for(app: AppTest) -> None:
    write(app, 0)
    own = app.session_state.profile
    room = handwriting.add_profile("Room 4")
    app.session_state.profile = room
    ran(app.run())
    assert not any(c.key == "guide" for c in app.get("bidi_component"))
    begun(app)
    write(app, 1)
    assert [count for _, count in handwriting.profiles()] == [1, 1]
    app.session_state.profile = own
    ran(app.run())
    assert wanted(app) == "Draw a 1."


def test_a_full_disk_is_one_sentence_and_the_drawing_stays(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise StoreError("The disk is full: make room on it, then try again.")

    with monkeypatch.context() as patch:
        patch.setattr(handwriting, "keep", full)
        write(app, 0)
    assert sent(app, "guide")["told"].startswith("The disk is full")
    tell(app, "guide", "pressed", ["next", 0])
    assert [drawing.label for drawing in stored()] == [0]


def test_few_are_remembered(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.components import guided  # only in a running app: the canvas wants one

    guided._sessions.clear()
    monkeypatch.setattr(guided, "_SESSIONS", 2)
    for _ in range(3):
        other = AppTest.from_file(APP, default_timeout=30)
        other.switch_page(PAGE)
        begun(ran(other.run()))
    assert len(guided._sessions()) == 2
