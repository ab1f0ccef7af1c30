"""Saying on the Draw page what a digit was, without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import handwriting, paths, registry
from mnist_core.errors import StoreError
from mnist_core.handwriting import Drawing
from mnist_core.pictures import open_picture
from mnist_core.preprocessing import to_mnist
from tests.pages import drawn
from tests.pages.browsed import ran, sent, tell
from tests.pages.test_draw import draw, panel
from tests.pages.test_profile import counter

APP = str(paths.PROJECT / "app.py")
KEYS = "was_it_right"


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(APP, default_timeout=30).run()


def press(app: AppTest, value: Any) -> None:
    tell(app, KEYS, "pressed", value)


def stored() -> list[Drawing]:
    """All drawings of all profiles, oldest first."""
    every = [handwriting.drawings(each.number) for each, _ in handwriting.profiles()]
    return sorted((d for some in every for d in some), key=lambda d: d.number)


def test_before_a_digit_there_is_nothing_to_say(app: AppTest) -> None:
    said = sent(app, KEYS)
    assert (said["ready"], said["read"], said["stored"]) == (False, None, None)
    press(app, 7)
    assert stored() == []
    assert handwriting.profiles() == []


@pytest.mark.parametrize(("label", "words"), [(7, "1 of 1 read right"), (1, "0 of 1 read right")])
def test_one_press_stores_all_there_is(app: AppTest, label: int, words: str) -> None:
    draw(app, 7)
    assert sent(app, KEYS)["read"] == 7
    press(app, label)
    (drawing,) = stored()
    assert (drawing.label, drawing.read, drawing.verdict) == (label, 7, "digit")
    assert drawing.confidence is not None
    assert 0.9 < drawing.confidence <= 1
    assert drawing.model == registry.published()
    digit = app.session_state.sketchbook.current
    assert np.array_equal(drawing.image, to_mnist(open_picture(digit.png)))
    assert sent(app, KEYS)["stored"] == label
    assert counter(app) == f"Your digits: {words}"
    assert panel(app) == ("digit", "7")


def test_another_key_relabels_what_is_stored(app: AppTest) -> None:
    draw(app, 7)
    press(app, 7)
    (before,) = stored()
    press(app, 1)
    (after,) = stored()
    assert (after.number, after.label) == (before.number, 1)


def test_undo_deletes_it_and_it_can_be_stored_again(app: AppTest) -> None:
    draw(app, 7)
    press(app, 7)
    press(app, "undo")
    assert stored() == []
    assert sent(app, KEYS)["stored"] is None
    press(app, "undo")
    press(app, 7)
    assert len(stored()) == 1


def test_every_press_is_answered(app: AppTest) -> None:
    draw(app, 7)
    turns = [sent(app, KEYS)["turn"]]
    for value in (7, 7, "undo", "undo"):
        press(app, value)
        turns.append(sent(app, KEYS)["turn"])
    assert len(set(turns)) == len(turns)


def test_an_earlier_drawing_is_still_known_as_stored(app: AppTest) -> None:
    draw(app, 7)
    press(app, 7)
    draw(app, 3)
    assert sent(app, KEYS)["stored"] is None
    press(app, 5)
    draw(app, 7)
    assert sent(app, KEYS)["stored"] == 7
    press(app, 9)
    assert [drawing.label for drawing in stored()] == [9, 5]


def test_what_was_deleted_or_relabelled_elsewhere_is_seen(app: AppTest) -> None:
    draw(app, 7)
    press(app, 7)
    (drawing,) = stored()
    handwriting.relabel(drawing.number, 2)
    app.run()
    assert sent(app, KEYS)["stored"] == 2
    handwriting.delete(drawing.number)
    app.run()
    assert sent(app, KEYS)["stored"] is None
    press(app, 7)
    assert [d.label for d in stored()] == [7]


@pytest.mark.parametrize("value", [10, -1, 7.0, True, "7", None, [7], {"label": 7}, 10**30])
def test_what_is_no_digit_is_not_stored(app: AppTest, value: Any) -> None:
    draw(app, 7)
    press(app, value)
    assert stored() == []


def test_two_visitors_do_not_mix(app: AppTest) -> None:
    other = AppTest.from_file(APP, default_timeout=30).run()
    for each, label in ((app, 7), (other, 3), (app, 4)):
        draw(each, label)
        press(each, label)
    assert [(each.name, n) for each, n in handwriting.profiles()] == [
        ("My digits", 2),
        ("My digits 2", 1),
    ]
    assert counter(other) == "Your digits: 1 of 1 read right"


def test_not_a_digit_is_never_right(app: AppTest) -> None:
    scribble = [np.random.default_rng(3).uniform(20, 260, (60, 2))]
    app.session_state["board"] = drawn.sent(scribble)
    ran(app.run())
    assert panel(app) == ("not-a-digit", "?")
    assert sent(app, KEYS)["read"] is None
    press(app, 8)
    (drawing,) = stored()
    assert (drawing.label, drawing.verdict, drawing.right) == (8, "not a digit", False)


def test_samples_are_test_digits_and_not_to_be_stored(app: AppTest) -> None:
    app.segmented_control(key="source").set_value("Sample").run()
    assert panel(app)[0] != "blank"
    assert not any(c.key == KEYS for c in app.get("bidi_component"))


def test_a_picture_is_stored_without_strokes(app: AppTest) -> None:
    draw(app, 3)  # which has nothing to do with it
    app.segmented_control(key="source").set_value("Upload").run()
    assert sent(app, KEYS)["ready"] is False
    seven = drawn.png(drawn.template(7))
    app.file_uploader(key="upload").upload("seven.png", seven, "image/png")
    ran(app.run())
    assert panel(app) == ("digit", "7")
    press(app, 7)
    (drawing,) = stored()
    assert (drawing.label, drawing.strokes, drawing.pen_width) == (7, (), 0.0)


def test_look_inside_asks_nothing(offline: None, app: AppTest) -> None:
    draw(app, 7)
    app.switch_page("pages/inside.py").run()
    assert not app.exception
    assert not any(c.key == KEYS for c in app.get("bidi_component"))


def test_a_full_disk_is_one_sentence_and_it_can_be_pressed_again(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(app, 7)

    def full(*_: Any) -> None:
        raise StoreError("The disk is full: make room on it, then try again.")

    with monkeypatch.context() as patch:
        patch.setattr(handwriting, "keep", full)
        press(app, 7)
    (error,) = app.error
    assert error.value.startswith("The disk is full")
    assert sent(app, KEYS)["stored"] is None
    assert panel(app) == ("digit", "7")
    press(app, 7)
    assert not app.error
    assert len(stored()) == 1


def test_a_damaged_file_still_lets_digits_be_read(app: AppTest, home: Path) -> None:
    draw(app, 7)
    press(app, 7)
    for file in home.glob("studio.db*"):
        file.write_bytes(b"no database" * 1000)
    draw(app, 3)
    assert panel(app) == ("digit", "3")
    press(app, 3)
    assert any("studio.db" in error.value for error in app.error)


def test_a_stroke_costs_one_look_at_the_file(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(app, 7)
    press(app, 7)
    looks = []
    for name in ("count", "find_drawing", "find_profile", "own_profile", "profile_named"):
        real = getattr(handwriting, name)
        monkeypatch.setattr(
            handwriting, name, lambda *a, _r=real, _n=name: (looks.append(_n), _r(*a))[1]
        )
    draw(app, 3)
    assert looks == ["count"]
