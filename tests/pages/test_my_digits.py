"""My digits: the wall and what it is chosen by, one drawing, files, and profiles."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from mnist_core import handwriting, heldout, store
from mnist_core.errors import StoreError
from mnist_core.handwriting import Profile
from pages.components.my_wall import PAGE
from tests.pages import browsed, dialogs
from tests.pages.browsed import press, ran, tell, wall, words
from tests.pages.handwritten import NAME, drawing, kept, profile

Downloads = dict[str, tuple[Callable[[], bytes], bool]]

ODD = [
    drawing(0),
    drawing(1, read=7),
    drawing(2, verdict="not a digit"),
    drawing(3, read=None, confidence=None, verdict="", model="", strokes=(), pen_width=0.0),
    drawing(11),
]


def opened(of: Profile | None = None, *, visitor: str = "me") -> AppTest:
    """The page, for somebody who was given this profile's link."""
    app = AppTest.from_file(browsed.APP, default_timeout=30)
    app.session_state.visitor = visitor
    app.switch_page("pages/my_digits.py")
    if of:
        app.query_params["profile"] = of.name
    return ran(app.run())


def shown(app: AppTest) -> list[int]:
    """The numbers on the wall; none where there is no wall."""
    walls = [c for c in app.get("bidi_component") if c.key == "my_wall"]
    return [tile[0] for tile in wall(app, "my_wall")] if walls else []


def choose(app: AppTest, labels: list[int], outcome: str = "All") -> None:
    app.pills(key="my_labels").set_value(labels)
    ran(app.segmented_control(key="my_outcome").set_value(outcome).run())


def pick(app: AppTest, number: int) -> None:
    tell(app, "my_wall", "picked", number)


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.main.button]


def errors(app: AppTest) -> list[str]:
    return [error.value for error in [*app.main.error, *browsed.dialog(app).error]]


def notice(app: AppTest) -> str | None:
    """What was noted for the toast, which AppTest doesn't show from its second run on."""
    return app.session_state.to_dict().get("notice")


# Nothing yet.


def test_where_nothing_is_stored_it_says_how_to_begin() -> None:
    app = opened()
    assert "No digits are stored here yet." in words(app)
    assert buttons(app) == ["Make", "Draw each digit three times"]
    assert not app.main.selectbox
    assert not shown(app)
    assert not handwriting.profiles(), "looking makes none"


def test_an_empty_profile_can_be_begun_renamed_and_deleted() -> None:
    app = opened(profile())
    assert "No digits are stored here yet." in words(app)
    assert app.selectbox(key="my_profile").options == [f"{NAME} (0)"]
    assert not app.button(key="my_delete_all").disabled


def test_the_guided_session_takes_the_place_of_the_wall() -> None:
    of = profile(3)
    app = opened(of, visitor="guided")  # others go on without the session, which is kept
    press(app, "begin_guided")
    assert not shown(app)
    assert len(kept(of)) == 3


# The wall.


def test_the_wall_shows_the_newest_first_and_says_how_each_was_read() -> None:
    of = profile(ODD)
    zero, one, two, three, eleven = (each.number for each in kept(of))
    tiles = {tile[0]: tile[1:] for tile in wall(opened(of), "my_wall")}
    assert list(tiles) == [eleven, three, two, one, zero]
    assert tiles == {
        zero: (f"Drawing {zero}: a 0", "", "", 0),
        one: (f"Drawing {one}: a 1, read as a 7", "", "7", 1),
        two: (f"Drawing {two}: a 2, not recognised as a digit", "", "–", 1),
        three: (f"Drawing {three}: a 3", "", "", 0),
        eleven: (f"Drawing {eleven}: a 1, held out", "", "", 0),
    }


def test_how_many_there_are_and_how_many_were_read_right() -> None:
    app = opened(profile(ODD))
    assert "**5 drawings**, 2 of 4 read right (50 %); 1 held out" in words(app)
    (bars,) = [e.proto.body for e in app.main.get("html") if "ds-hand" in e.proto.body]
    label = re.search('aria-label="([^"]+)"', bars)
    assert label
    assert "1: 2, 1 of 2 read right; 2: 1, 0 of 1 read right; 3: 1, 0 of 0 read" in label[1]


def test_what_was_never_read_has_no_share() -> None:
    assert "**1 drawing**, none of them read yet; 0 held out" in words(opened(profile([ODD[3]])))


@pytest.mark.parametrize(
    ("labels", "outcome", "rows"),
    [
        ([1], "All", [4, 1]),
        ([1, 2], "All", [4, 2, 1]),
        ([], "Read right", [4, 0]),
        ([], "Misread", [2, 1]),
        ([1], "Read right", [4]),
        ([3], "Misread", []),
    ],
)
def test_drawings_are_chosen_by_digit_and_by_how_they_were_read(
    labels: list[int], outcome: str, rows: list[int]
) -> None:
    of = profile(ODD)
    app = opened(of)
    choose(app, labels, outcome)
    numbers = [each.number for each in kept(of)]
    assert shown(app) == [numbers[row] for row in rows]
    assert ("None of the drawings is like that." in words(app)) == (not rows)
    choose(app, [])
    assert len(shown(app)) == 5


def test_many_drawings_come_in_pages() -> None:
    of = profile(PAGE + 30)
    app = opened(of)
    newest = [each.number for each in kept(of)][::-1]
    assert shown(app) == newest[:PAGE]
    assert "Page 1 of 2: 1 to 200 of 230 drawings" in words(app)
    press(app, "my_after")
    assert shown(app) == newest[PAGE:]
    assert app.button(key="my_after").disabled
    assert "Page 2 of 2: 201 to 230 of 230 drawings" in words(app)
    choose(app, [4])
    assert len(shown(app)) == 23, "what is chosen anew begins at its first page"
    choose(app, [])
    assert shown(app) == newest[:PAGE]


def test_the_last_page_that_is_gone_shows_the_one_before() -> None:
    of = profile(PAGE + 1)
    app = opened(of)
    press(app, "my_after")
    handwriting.delete(kept(of)[0].number)
    ran(app.run())
    assert len(shown(app)) == PAGE


# One drawing.


def test_a_drawing_is_opened_with_what_is_known_of_it() -> None:
    of = profile(ODD)
    numbers = [each.number for each in kept(of)]
    app = opened(of)
    pick(app, numbers[1])
    assert browsed.title(app) == f"Drawing {numbers[1]}"
    said = words(app)
    assert "Read as a 7 (97 %), by the network that ships: **misread**." in said
    assert "Stored on 14 November 2023, 22:13:21 UTC." in said
    assert "learns from it" in said
    assert "As it was drawn, in " in said
    browsed.close(app)
    assert not browsed.title(app)
    pick(app, numbers[3])
    assert "Never read: it was imported." in words(app)
    assert "As it was drawn" not in words(app)
    browsed.close(app)
    pick(app, numbers[4])
    assert "Held out" in words(app)


def test_the_way_to_the_next_and_the_one_before() -> None:
    of = profile(3)
    numbers = [each.number for each in kept(of)][::-1]
    app = opened(of)
    pick(app, numbers[0])
    assert app.button(key="my_digit_before").disabled
    dialogs.press(app, "my_digit_after")
    dialogs.press(app, "my_digit_after")
    assert browsed.title(app) == f"Drawing {numbers[2]}"
    assert app.button(key="my_digit_after").disabled
    dialogs.press(app, "my_digit_before")
    assert browsed.title(app) == f"Drawing {numbers[1]}"


def test_another_label_is_kept_and_shown() -> None:
    of = profile(ODD)
    number = kept(of)[1].number
    app = opened(of)
    pick(app, number)
    assert "It is **a 1**." in words(app)
    dialogs.press(app, "my_is_7")
    assert "It is **a 7**." in words(app)
    assert handwriting.find_drawing(number).label == 7
    assert ": **right**." in words(app)
    browsed.close(app)
    assert dict(enumerate(shown(app)))[3] == number
    assert wall(app, "my_wall")[3][1] == f"Drawing {number}: a 7"


def test_a_drawing_is_deleted_and_the_others_stay() -> None:
    of = profile(3)
    numbers = [each.number for each in kept(of)]
    app = opened(of)
    pick(app, numbers[1])
    dialogs.press(app, "my_digit_delete")
    assert [each.number for each in kept(of)] == [numbers[0], numbers[2]]
    assert shown(app) == [numbers[2], numbers[0]]
    assert not browsed.title(app)
    assert notice(app) == f"Drawing {numbers[1]} is deleted."


@pytest.mark.parametrize("how", ["open", "relabel"])
def test_a_drawing_that_somebody_else_has_deleted_is_a_sentence(how: str) -> None:
    of = profile(2)
    number = kept(of)[0].number
    app = opened(of)
    if how == "open":
        handwriting.delete(number)
        pick(app, number)
    else:
        pick(app, number)
        handwriting.delete(number)
        dialogs.press(app, "my_is_7")
    assert errors(app)
    assert all("gone" in error for error in errors(app))
    browsed.close(app)
    assert len(shown(app)) == 1


def test_what_is_open_is_not_any_more_where_the_page_was_left() -> None:
    of = profile(1)
    app = opened(of)
    pick(app, kept(of)[0].number)
    app.session_state.visit = 7
    ran(app.run())
    assert not browsed.title(app)


def test_look_inside_gets_the_drawing() -> None:
    of = profile(2)
    first = kept(of)[0]
    app = opened(of)
    pick(app, first.number)
    dialogs.press(app, "my_digit_inside")
    image, name, label = app.session_state.handed_over
    assert (image == first.image).all()
    assert (name, label) == (f"Drawing {first.number}", 0)
    assert app.session_state.goal == "pages/inside.py"


# Files.


def test_everything_chosen_can_be_taken_along(downloads: Downloads) -> None:
    of = profile(ODD)
    app = opened(of)
    assert [name.rsplit("-", 1)[1] for name in downloads] == ["5.npz", "5.csv", "5.png", "5.json"]
    downloads.clear()
    choose(app, [1])
    made = {name.rsplit(".", 1)[1]: make() for name, (make, _) in downloads.items()}
    old, new = (each for each in kept(of) if each.label == 1)
    with np.load(io.BytesIO(made["npz"]), allow_pickle=False) as arrays:
        assert (arrays["images"] == [new.image, old.image]).all()
        assert arrays["labels"].tolist() == [1, 1]
        assert arrays["read"].tolist() == [1, 7]
        assert arrays["held_out"].tolist() == [1, 0]
    rows = list(csv.DictReader(io.StringIO(made["csv"].decode())))
    assert [int(row["label"]) for row in rows] == [1, 1]
    assert [int(rows[1][f"pixel{i}"]) for i in range(784)] == old.image.ravel().tolist()
    with Image.open(io.BytesIO(made["png"])) as sheet:
        assert sheet.size == (56, 28)
    told = json.loads(made["json"])
    assert [each["number"] for each in told] == [new.number, old.number]
    assert len(told[1]["strokes"]) == len(old.strokes)


def bring(app: AppTest, name: str, content: bytes) -> None:
    (box,) = app.main.file_uploader
    ran(box.set_value((name, content, "application/octet-stream")).run())


def test_what_was_exported_is_imported_elsewhere() -> None:
    of = profile(ODD)
    content = handwriting.as_npz(kept(of))
    other = profile([ODD[0]], name="Other")
    app = opened(other)
    bring(app, "my-digits-5.npz", content)
    assert [message.value for message in app.main.success] == ["Imported 4; 1 was there already."]
    assert sorted(each.label for each in kept(other)) == [0, 1, 1, 2, 3]
    assert len(shown(app)) == 5
    bring(app, "my-digits-5.csv", handwriting.as_csv(kept(of)))
    (message,) = app.main.success
    assert message.value == "Imported 0; 5 were there already."


def test_what_networks_are_measured_on_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    of = profile(3)
    content = handwriting.as_npz(kept(of))
    other = profile(0, name="Other")
    app = opened(other)
    monkeypatch.setattr(heldout, "measured_on", lambda images: len(images) - 1)
    bring(app, "digits.npz", content)
    assert [message.value for message in app.main.error] == ["This file was not imported."]
    assert any(
        text.value.startswith("2 digits in it are of MNIST's test or validation digits.")
        for text in app.main.text
    )
    assert not kept(other)


def test_an_import_begins_a_profile_of_one_s_own() -> None:
    content = handwriting.as_csv(kept(profile(12)))
    app = opened()
    bring(app, "digits.csv", content)
    mine = handwriting.profile_named("My digits")
    assert mine
    assert mine.owner == "me"
    assert len(kept(mine)) == 12
    assert len(shown(app)) == 12


def pickled() -> bytes:
    """An npz whose labels would run code where they are unpickled."""

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (exec, ("raise SystemExit('it was run')",))

    buffer = io.BytesIO()
    labels = np.array([Hostile()], dtype=object)
    np.savez(buffer, images=np.zeros((1, 28, 28), np.uint8), labels=labels)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 and then nothing", id="damaged"),
        pytest.param(pickled(), id="pickled"),
        pytest.param(b"label,pixel0\n3,7\n", id="short table"),
    ],
)
def test_a_file_that_holds_no_digits_is_one_sentence(content: bytes) -> None:
    of = profile(3)
    app = opened(of)
    bring(app, "![x](http://127.0.0.1:9/y).npz", content)
    (error,) = errors(app)
    assert error.endswith(".")
    assert "](" not in error, "a file's name is no Markdown"
    assert len(kept(of)) == 3
    assert len(shown(app)) == 3


# Profiles.


def test_another_profile_is_chosen() -> None:
    one, other = profile(2), profile(3, name="anna")
    app = opened(one)
    assert app.selectbox(key="my_profile").options == ["anna (3)", f"{NAME} (2)"]
    ran(app.selectbox(key="my_profile").set_value(other.number).run())
    assert shown(app) == [each.number for each in kept(other)][::-1]


def name_it(app: AppTest, key: str, name: str) -> None:
    field = next(f for f in app.main.text_input if f.key and f.key.startswith(key))
    field.set_value(name)


def test_a_new_profile_is_made_and_chosen() -> None:
    app = opened(profile(2))
    name_it(app, "my_new_name", "  Ms  O'Neil ")
    press(app, "my_make")
    made = handwriting.profile_named("Ms O'Neil")
    assert made
    assert made.owner == "me"
    assert app.selectbox(key="my_profile").value == made.number
    assert "No digits are stored here yet." in words(app)
    assert not errors(app)


@pytest.mark.parametrize("name", ["", "../../etc", "a/b", "C:\\x", "x\0y", ".hidden", "room 4"])
def test_a_name_that_can_not_be_is_one_sentence(name: str) -> None:
    app = opened(profile(2))
    name_it(app, "my_new_name", name)
    press(app, "my_make")
    (error,) = errors(app)
    assert "name" in error
    assert len(handwriting.profiles()) == 1
    assert len(shown(app)) == 2


def test_a_profile_is_renamed() -> None:
    of = profile(2)
    app = opened(of)
    name_it(app, "my_name", "Room 5")
    press(app, "my_rename_it")
    assert handwriting.find_profile(of.number).name == "Room 5"
    assert app.selectbox(key="my_profile").options == ["Room 5 (2)"]
    assert len(shown(app)) == 2


def test_the_link_names_the_profile() -> None:
    app = opened(profile(1, name="Ms O'Neil 4ä"))
    link, where = (code.value for code in app.main.code)
    assert link.endswith("?profile=Ms+O%27Neil+4%C3%A4")
    assert where == str(store.file())


# Delete all.


def test_deleting_all_is_asked_twice() -> None:
    of, other = profile(3), profile(1, name="Other")
    app = opened(of)
    press(app, "my_delete_all")
    assert dialogs.name(app) == "Delete all of these digits?"
    assert "3 drawings." in words(app)
    assert app.button(key="my_delete_them").disabled
    assert app.button(key="my_delete_profile").disabled
    dialogs.act(app, app.checkbox(key="my_sure").check())
    assert len(kept(of)) == 3, "not yet"
    dialogs.press(app, "my_delete_them")
    assert not kept(of)
    assert len(kept(other)) == 1
    assert notice(app) == "All drawings are deleted."
    assert "No digits are stored here yet." in words(app)


def test_a_profile_is_deleted_with_its_drawings() -> None:
    of = profile(3)
    profile(1, name="Other")
    app = opened(of)
    press(app, "my_delete_all")
    dialogs.act(app, app.checkbox(key="my_sure").check())
    dialogs.press(app, "my_delete_profile")
    assert [each.name for each, _ in handwriting.profiles()] == ["Other"]
    assert notice(app) == "The profile is deleted."
    assert not shown(app)


@pytest.mark.parametrize("how", ["keep", "close", "leave"])
def test_what_is_not_meant_is_kept_and_asked_anew(how: str) -> None:
    of = profile(3)
    app = opened(of)
    press(app, "my_delete_all")
    dialogs.act(app, app.checkbox(key="my_sure").check())
    if how == "keep":
        dialogs.press(app, "my_keep")
    elif how == "close":
        dialogs.close(app)
    else:
        app.session_state.visit = 7
        ran(app.run())
    assert not dialogs.name(app)
    assert len(kept(of)) == 3
    press(app, "my_delete_all")
    assert not app.checkbox(key="my_sure").value


def test_with_a_passcode_only_one_s_own_is_deleted_or_renamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine, theirs = profile(1, owner="me"), profile(1, name="Theirs", owner="they")
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", "sesame")
    app = opened(theirs)
    assert app.button(key="my_delete_all").disabled
    assert "passcode" in app.button(key="my_delete_all").help
    pick(app, kept(theirs)[0].number)
    assert app.button(key="my_digit_delete").disabled
    browsed.close(app)
    name_it(app, "my_name", "Mine now")
    press(app, "my_rename_it")
    assert errors(app) == ["This needs the passcode: enter it in the sidebar."]
    assert handwriting.find_profile(theirs.number).name == "Theirs"
    app.session_state.passcode_entered = "sesame"
    ran(app.run())
    assert not app.button(key="my_delete_all").disabled
    assert not opened(mine).button(key="my_delete_all").disabled


def test_the_passcode_is_asked_for_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    of = profile(1, owner="they")
    app = opened(of)
    press(app, "my_delete_all")
    dialogs.act(app, app.checkbox(key="my_sure").check())
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", "sesame")
    dialogs.press(app, "my_delete_them")
    assert notice(app) == "This needs the passcode: enter it in the sidebar."
    assert len(kept(of)) == 1


# What goes wrong.


def test_a_damaged_database_is_one_sentence(home: Path) -> None:
    store.file().write_bytes(b"no database" * 1000)
    app = opened()
    assert app.main.title[0].value == "My digits"
    assert errors(app)
    assert all(str(store.file()) in error for error in errors(app))


def full(*_: object, **__: object) -> None:
    raise StoreError("The disk is full.")


@pytest.mark.parametrize("what", ["relabel", "delete", "keep_all", "add_profile", "delete_all"])
def test_a_full_disk_is_one_sentence_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    of = profile(3)
    content = handwriting.as_npz(kept(of))
    monkeypatch.setattr(handwriting, what, full)
    app = opened(of)
    match what:
        case "relabel":
            pick(app, kept(of)[0].number)
            dialogs.press(app, "my_is_7")
        case "delete":
            pick(app, kept(of)[0].number)
            dialogs.press(app, "my_digit_delete")
        case "keep_all":
            bring(app, "digits.npz", content)
        case "add_profile":
            name_it(app, "my_new_name", "Another")
            press(app, "my_make")
        case "delete_all":
            press(app, "my_delete_all")
            dialogs.act(app, app.checkbox(key="my_sure").check())
            dialogs.press(app, "my_delete_them")
    told = [*errors(app), *(text.value for text in app.main.text), notice(app)]
    assert "The disk is full." in told
    assert [each.label for each in kept(of)] == [0, 1, 2]


def test_a_profile_that_somebody_else_has_deleted_is_left() -> None:
    of = profile(3)
    app = opened(of)
    handwriting.remove_profile(of.number)
    ran(app.run())
    assert "No digits are stored here yet." in words(app)
    assert not shown(app)
