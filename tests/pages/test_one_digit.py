"""A digit of the Dataset page, opened: what is shown of it, marks, and where it can be sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import store
from mnist_core.collection import collection
from mnist_core.errors import StoreError
from mnist_core.inference import Classifier
from tests.pages.browsed import (
    TEST,
    arrays,
    close,
    come_back,
    keys,
    look,
    numbers,
    open_number,
    opened,
    press,
    ran,
    tell,
    texts,
    title,
    wall,
    words,
)

# One digit.


def test_a_digit_is_opened_by_its_number(mnist: Path) -> None:
    app = opened(look="wall", part="test")
    open_number(app, 119)
    assert title(app) == "Test digit 119"
    assert app.query_params["digit"] == "test-119"
    label = arrays()["y_test"][119]
    assert f" **a{'n' if label == 8 else ''} {label}**." in words(app)
    assert app.number_input(key="dataset_number").value is None, "ready for the next"
    nearest = wall(app, "nearest")
    assert len(nearest) == 10
    assert all(told.startswith("Training digit ") for _, told, *_ in nearest)
    close(app)
    assert not title(app)
    assert app.query_params == {"look": "wall", "part": "test"}


@pytest.mark.parametrize("number", [-1, 120, 2**40])
def test_a_number_that_there_is_not_is_a_sentence(mnist: Path, number: int) -> None:
    app = opened(look="wall", part="test")
    open_number(app, number)
    (error,) = app.error
    assert error.value == f"There is no test digit {number}: choose a number from 0 to 119."
    assert not title(app)
    assert "digit" not in app.query_params
    assert len(wall(app)) == TEST


def test_a_digit_is_opened_by_the_address_from_whatever_part(mnist: Path) -> None:
    app = opened(look="wall", part="test", digit="train-7")
    assert title(app) == "Training digit 7"
    assert "It may have learned from this very digit." in words(app)
    assert app.button(key="digit_before").disabled, "it isn't on the wall"
    assert app.button(key="digit_after").disabled
    assert 7 not in numbers(app, "nearest"), "nobody is its own neighbour"
    assert wall(app)[0][1].startswith("Test digit 0")
    assert title(opened(digit="generated-3")) == "Generated digit 3"


@pytest.mark.parametrize("digit", ["test-120", "train-999999999", "generated-400"])
def test_an_address_beyond_the_last_digit_is_a_sentence(mnist: Path, digit: str) -> None:
    app = opened(look="wall", digit=digit)
    (error,) = app.error
    assert "choose a number from 0 to" in error.value
    assert not title(app)
    assert len(wall(app)) == 200


def test_previous_and_next_follow_the_wall_to_its_ends(mnist: Path) -> None:
    rows = collection("test").order((3,), "slanted").tolist()
    view = {"look": "wall", "part": "test", "classes": "3", "order": "slanted"}
    app = opened(**view, digit=f"test-{rows[0]}")
    assert app.button(key="digit_before").disabled
    for row in rows[1:]:
        press(app, "digit_after")
        assert title(app) == f"Test digit {row}"
    assert app.button(key="digit_after").disabled
    press(app, "digit_before")
    assert app.query_params["digit"] == f"test-{rows[-2]}"


def test_next_goes_on_where_the_page_ends(mnist: Path) -> None:
    app = opened(look="wall", digit="train-199")
    press(app, "digit_after")
    assert title(app) == "Training digit 200"


def test_a_neighbour_can_be_opened(mnist: Path) -> None:
    app = opened(look="wall", part="test", digit="test-5")
    first = numbers(app, "nearest")[0]
    tell(app, "nearest", "picked", first)
    assert title(app) == f"Training digit {first}"


def test_the_network_reads_the_digit(mnist: Path) -> None:
    said = Classifier.load().predict(arrays()["x_test"][8:9])[0]
    app = opened(digit="test-8")
    assert f"The network reads it as **a{'n' if said.argmax() == 8 else ''} {said.argmax()}**" in (
        words(app)
    )


# Marks.


def kinds(app: AppTest) -> dict[str, bool]:
    """Which mark is set."""
    marks = ("right", "wrong", "unclear")
    return {mark: "primary" in app.button(key=f"mark_{mark}").label for mark in marks}


def test_a_mark_is_kept_changed_and_taken_back(mnist: Path) -> None:
    app = opened(look="wall", part="test", digit="test-5")
    assert not any(kinds(app).values())
    press(app, "mark_wrong")
    assert store.marked("test") == {5: "wrong"}
    assert kinds(app)["wrong"]
    press(app, "mark_unclear")
    assert store.marked("test") == {5: "unclear"}
    assert kinds(app) == {"right": False, "wrong": False, "unclear": True}
    assert kinds(opened(digit="test-5"))["unclear"], "for everybody"
    assert not any(kinds(opened(digit="train-5")).values())
    press(app, "mark_unclear")
    assert store.marked("test") == {}
    assert title(app) == "Test digit 5"


def test_a_damaged_store_takes_nothing_but_the_marks(mnist: Path) -> None:
    store.file().write_bytes(b"no database " * 1000)
    app = opened(look="wall", part="test", digit="test-5")
    mine = [text for text in texts(app.error) if "studio.db" in text]
    assert mine
    assert title(app) == "Test digit 5"
    assert wall(app, "nearest"), "the rest of the digit is there"
    assert "mark_right" not in keys(app)
    assert len(wall(app)) == TEST


def test_a_damaged_store_takes_only_the_marks_from_the_doubtful_labels(folds: Path) -> None:
    store.file().write_bytes(b"no database " * 1000)
    app = opened(look="doubts")
    assert any("studio.db" in text for text in texts(app.main.error))
    assert numbers(app, "doubtful")[:2] == [41, 3]
    look(app, "wall")
    assert not app.main.error
    assert len(wall(app)) == 200


def test_a_mark_that_can_not_be_kept_is_said(mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("The disk is full.")

    monkeypatch.setattr(store, "set_mark", full)
    app = opened(digit="test-5")
    press(app, "mark_right")
    said = [*texts(app.error), *texts(app.toast), app.session_state.to_dict().get("notice")]
    assert "The disk is full." in said
    assert title(app) == "Test digit 5"
    assert not any(kinds(app).values())


# On to other pages.


def send_to_draw(app: AppTest) -> None:
    press(app, "send_to_draw")
    assert app.session_state.goal == "pages/draw.py"
    # As app.py does, which AppTest leaves out from its second run on.
    del app.session_state["goal"]
    app.switch_page("pages/draw.py")
    app.query_params = {}
    ran(app.run())


def test_a_digit_is_sent_to_draw_and_another_sample_ends_that(mnist: Path) -> None:
    app = opened(look="wall", part="test", digit="test-5")
    send_to_draw(app)
    assert app.title[0].value == "Draw a digit"
    assert app.segmented_control(key="source").value == "Sample"
    label = arrays()["y_test"][5]
    assert f"Test digit 5. Its true label is {label}: " in words(app)
    shuffle = next(button for button in app.main.button if button.label.startswith("Random "))
    ran(shuffle.click().run())
    assert "Test digit 5." not in words(app)
    assert "true label" in words(app)

    come_back(app)
    assert not title(app), "it was closed"
    assert app.query_params == {"look": "wall", "part": "test"}


def test_picking_a_sample_ends_the_hand_over(mnist: Path) -> None:
    app = opened(look="wall", part="train", digit="train-12")
    send_to_draw(app)
    assert "Training digit 12. " in words(app)
    tell(app, "samples", "picked", 4)
    assert "Training digit 12. " not in words(app)
    assert "MNIST test digit" in words(app)
