"""Which profile a visit has: by its address, by its browser's cookie, or its own."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from mnist_core import handwriting, paths
from mnist_core.handwriting import Profile
from pages.components import profile
from tests.pages.browsed import ran, sent, tell
from tests.pages.test_draw import draw

APP = str(paths.PROJECT / "app.py")
LINK = "page_link"


def opened(cookie: str = "", page: str = "pages/draw.py", **address: str) -> AppTest:
    """A first visit by a browser that has kept this."""
    with pytest.MonkeyPatch.context() as patch:
        cookies = {profile.COOKIE: cookie} if cookie else {}
        patch.setattr(ContextProxy, "cookies", property(lambda self: cookies))
        app = AppTest.from_file(APP, default_timeout=30)
        app.switch_page(page)
        app.query_params.update(address)
        return ran(app.run())


def counter(app: AppTest) -> str:
    """How often it was right, as the Draw page says it."""
    (words,) = (link.proto.label for link in app.get(LINK) if link.proto.page == "my_digits")
    return words.removeprefix(":small[").removesuffix("]")


def drawing(number: int = 5) -> handwriting.NewDrawing:
    return handwriting.NewDrawing(number, np.full((28, 28), 9, np.uint8), read=5, verdict="digit")


def test_nobody_has_one_before_something_is_stored() -> None:
    app = opened()
    assert counter(app) == "Your digits: none stored yet"
    assert not app.warning
    assert handwriting.profiles() == []
    assert not any(c.key == "profile_cookie" for c in app.get("bidi_component"))


def test_an_address_opens_a_profile_whatever_its_case() -> None:
    room = handwriting.add_profile("Room 4")
    handwriting.keep(room.number, drawing())
    app = opened(profile=" room 4 ")
    assert counter(app) == "Room 4: 1 of 1 read right"
    assert sent(app, "profile_cookie") == {"number": str(room.number)}
    # From then on it is the visit's, wherever it goes.
    app.switch_page("pages/my_digits.py")
    app.query_params = {}
    ran(app.run())
    assert app.session_state.profile == room


def test_on_another_page_too() -> None:
    room = handwriting.add_profile("Room 4")
    assert opened(page="pages/about.py", profile="Room 4").session_state.profile == room


def test_the_browser_keeps_it() -> None:
    room = handwriting.add_profile("Room_4 -x-")
    app = opened(str(room.number))
    assert counter(app) == "Room\\_4 \\-x\\-: none stored yet"
    assert not any(c.key == "profile_cookie" for c in app.get("bidi_component"))


def test_the_address_comes_before_the_cookie() -> None:
    one, other = (handwriting.add_profile(name) for name in ("One", "Other"))
    app = opened(str(one.number), profile="Other")
    assert app.session_state.profile == other
    assert sent(app, "profile_cookie") == {"number": str(other.number)}


@pytest.mark.parametrize(
    "name",
    [
        "Room 5",
        "../../etc/passwd",
        "..\\..\\x",
        "C:",
        "a\0b",
        "\n# big",
        "`![](http://x.example/y.png)`",
        ":material/home: **x** <b>",
        "x" * 100_000,
        "' OR 1=1 --",
    ],
)
def test_an_address_without_a_profile_is_one_sentence(name: str) -> None:
    room = handwriting.add_profile("Room 4")
    app = opened(str(room.number), profile=name)
    (warning,) = app.warning
    shown = warning.value.split("`")
    assert len(shown) == 3  # all that was asked for is within one piece of code
    assert len(shown[1]) < 200
    assert "My digits" in shown[2]
    assert counter(app).startswith("Room 4")
    assert [each for each, _ in handwriting.profiles()] == [room]


@pytest.mark.parametrize("cookie", ["", "x", "-1", "0", "1e9", "9" * 400, "٣", "1; path=/", "1\n"])
def test_a_cookie_that_means_nothing_is_left_alone(cookie: str) -> None:
    handwriting.add_profile("Room 4")
    app = opened(cookie)
    assert not app.warning
    assert app.session_state.profile is None


def test_a_cookie_of_a_deleted_profile_is_one_sentence_and_forgotten() -> None:
    room = handwriting.add_profile("Room 4")
    handwriting.remove_profile(room.number)
    app = opened(str(room.number))
    (warning,) = app.warning
    assert "is gone" in warning.value
    assert sent(app, "profile_cookie") == {"number": ""}


def test_the_profile_that_goes_while_it_is_used() -> None:
    room = handwriting.add_profile("Room 4")
    app = opened(str(room.number))
    draw(app, 7)
    handwriting.remove_profile(room.number)
    tell(app, "was_it_right", "pressed", 7)
    (error,) = app.error
    assert "is gone" in error.value
    tell(app, "was_it_right", "pressed", 7)  # the next time it goes into one's own
    assert not app.error
    ((own, count),) = handwriting.profiles()
    assert (own.name, count) == ("My digits", 1)


def test_another_one_is_chosen_against_the_address() -> None:
    one, other = (handwriting.add_profile(name) for name in ("One", "Other"))

    def script(number: int) -> None:
        import streamlit as st

        from pages.components import profile

        profile.arrive()
        st.button("Choose", on_click=profile.choose, args=(number,))

    app = AppTest.from_function(script, kwargs={"number": other.number})
    app.query_params["profile"] = "One"
    app.run()
    assert app.session_state.profile == one
    app.button[0].click().run()
    assert app.session_state.profile == other
    assert "profile" not in app.query_params


def test_the_browser_keeps_the_last_one_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (handwriting.add_profile(name) for name in ("One", "Other"))
    cookies = {profile.COOKIE: str(one.number)}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: cookies))

    def script() -> None:
        import streamlit as st

        from mnist_core import handwriting
        from pages.components import profile

        profile.arrive()
        for each, _ in handwriting.profiles():
            st.button(each.name, key=each.name, on_click=profile.choose, args=(each.number,))

    app = AppTest.from_function(script).run()
    for chosen in (other, one):
        app.button(key=chosen.name).click().run()
        assert sent(app, "profile_cookie") == {"number": str(chosen.number)}


def test_a_damaged_file_is_one_sentence(home) -> None:
    (home / "studio.db").write_bytes(b"no database" * 1000)
    app = opened("3")
    assert any("studio.db" in warning.value for warning in app.warning)
    assert not any(c.key == "profile_cookie" for c in app.get("bidi_component"))


def test_what_a_profile_is_called() -> None:
    def called(name: str) -> str:
        return profile.called(Profile(1, name, "", 0))

    assert called("My digits") == called("My digits 12") == profile.called(None) == "Your digits"
    assert called("My digits too") == "My digits too"
    assert called("_a_ O'Neill 1.") == "\\_a\\_ O\\'Neill 1\\."
