"""The passcode: what it guards, how it is entered, and what is whose. No browser, no training."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.runtime.context import ContextProxy
from streamlit.runtime.secrets import Secrets
from streamlit.testing.v1 import AppTest

from mnist_core import paths, store
from mnist_core.errors import NotAllowed
from mnist_core.guessing import TRIES, Gate
from mnist_core.store import Run
from pages.components import passcode, session
from tests.pages import runs

PASSCODE = "sésame 7"
OTHERS = "Needs the passcode: this training is someone else's."


@pytest.fixture(autouse=True)
def computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has guessed yet."""
    monkeypatch.setattr(passcode, "_gate", Gate())
    # Pages are known only within app.py.
    monkeypatch.setattr(st, "page_link", lambda page, *, label, **_: None)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", PASSCODE)


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Streamlit looks for its secrets; there are none yet."""
    file = tmp_path / "secrets.toml"
    monkeypatch.setattr(Secrets, "_maybe_install_file_watchers", lambda self: None)
    monkeypatch.setattr(st, "secrets", Secrets())
    monkeypatch.setenv("passcode", "")  # Streamlit sets it, and it is to be gone afterwards
    config.set_option("secrets.files", [str(file)])
    return file


def script() -> None:
    from mnist_core import store
    from pages.components.retrain import buttons, sidebar

    sidebar()
    for run in store.runs():
        buttons(run, key=run.id)


def opened(visitor: str = "") -> AppTest:
    app = AppTest.from_function(script, default_timeout=30)
    if visitor:
        app.session_state.visitor = visitor
    app.run()
    assert not app.exception
    return app


def box(app: AppTest) -> list[str]:
    return [expander.label for expander in app.expander if expander.label == "Passcode"]


def enter(app: AppTest, given: str) -> str:
    """What is said to it."""
    app.text_input(key="passcode_given").set_value(given)
    app.button(key="unlock").click().run()
    assert not app.exception
    return " ".join(error.value for error in app.error)


def is_locked(app: AppTest) -> bool:
    return "lock" not in [button.key for button in app.button]


def of(owner: str, state: store.State = "running") -> Run:
    return runs.put(state, done=12 if state == "running" else 0, owner=owner)


# What it is, and where it comes from.


def test_without_a_passcode_everything_is_open(trainer_at_work: None) -> None:
    run = of("somebody")
    app = opened()
    assert not box(app)
    assert not app.button(key=f"{run.id}_stop").disabled
    assert app.button(key=f"{run.id}_stop").help != OTHERS
    app.button(key=f"{run.id}_stop").click().run()
    assert store.find_run(run.id).request == "stop"


def test_no_secrets_file_is_no_passcode_and_nothing_is_said_about_it(
    secrets_file: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        app = opened()
    assert not box(app)
    assert not app.error
    assert not app.warning
    assert "secret" not in (caplog.text + "".join(capfd.readouterr())).lower()


@pytest.mark.parametrize(
    ("text", "given"), [(f'passcode = " {PASSCODE} "', PASSCODE), ("passcode = 1234", "1234")]
)
def test_it_may_be_a_secret_of_streamlit_s(secrets_file: Path, text: str, given: str) -> None:
    secrets_file.write_text(text, encoding="utf-8")
    app = opened()
    assert box(app)
    assert is_locked(app)
    enter(app, given)
    assert not is_locked(app)


@pytest.mark.parametrize("text", ["", 'passcode = ""', 'other = "secret"'])
def test_other_secrets_are_no_passcode(secrets_file: Path, text: str) -> None:
    secrets_file.write_text(text, encoding="utf-8")
    assert not box(opened())


@pytest.mark.parametrize(
    "content", [b"passcode = no quotes", b"\xff\xfe", b"passcode = true", b"[passcode]\na = 1"]
)
def test_a_damaged_secrets_file_is_one_sentence_and_opens_nothing(
    secrets_file: Path, content: bytes, trainer_at_work: None
) -> None:
    secrets_file.write_bytes(content)
    run = of("somebody")
    app = opened()
    (error,) = app.error
    assert error.value.startswith("The passcode can't be read")
    assert "\n" not in error.value
    assert app.button(key=f"{run.id}_stop").disabled
    assert not app.text_input(key="fast_filters").disabled, "the rest goes on"
    assert "passcode_given" not in [field.key for field in app.text_input]


def test_the_variable_comes_first(secrets_file: Path, locked: None) -> None:
    secrets_file.write_text("passcode = no quotes", encoding="utf-8")
    app = opened()
    assert not app.error
    enter(app, PASSCODE)
    assert not is_locked(app)


# Entering it.


def test_a_wrong_one_is_one_sentence_and_the_right_one_unlocks(locked: None) -> None:
    app = opened()
    assert box(app)
    assert enter(app, "open") == "That is not the passcode."
    assert is_locked(app)
    assert enter(app, f" {PASSCODE} ") == "", "phones put a space behind words"
    assert not is_locked(app)
    assert any("Unlocked in this browser tab" in text.value for text in app.markdown)
    app.button(key="lock").click().run()
    assert is_locked(app)
    assert not app.error


def test_another_session_stays_locked(locked: None) -> None:
    enter(opened(), PASSCODE)
    assert is_locked(opened())


def test_nothing_entered_is_no_try(locked: None) -> None:
    app = opened()
    for _ in range(TRIES + 1):
        assert enter(app, " ") == ""
    enter(app, PASSCODE)
    assert not is_locked(app)


def test_tries_are_counted_over_all_sessions_of_a_visitor(locked: None) -> None:
    def again() -> AppTest:
        app = opened()
        app.session_state["visitor"] = "me"
        return app

    for _ in range(TRIES):
        assert enter(again(), "open") == "That is not the passcode."
    app = again()
    assert enter(app, PASSCODE) == "Too many wrong tries: wait a minute."
    assert is_locked(app)
    other = opened()
    enter(other, PASSCODE)
    assert not is_locked(other)


def test_another_passcode_locks_again(locked: None, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    enter(app, PASSCODE)
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", "another")
    app.run()
    assert is_locked(app)


def test_it_is_never_sent_nor_logged(
    locked: None, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    app = opened()
    with caplog.at_level(logging.DEBUG):
        for given in ("open", PASSCODE):
            sent = str(app._tree)
            enter(app, given)
            assert PASSCODE not in sent + str(app._tree)
        app.run()
    assert PASSCODE not in str(app._tree) + caplog.text + "".join(capfd.readouterr())


# What it guards.


@pytest.mark.parametrize("owner", ["you", ""])
def test_other_people_s_trainings_need_it(trainer_at_work: None, locked: None, owner: str) -> None:
    run = of(owner)
    app = opened("me")
    for name in ("pause", "stop"):
        for place in ("sidebar", run.id):
            assert app.button(key=f"{place}_{name}").disabled
            assert app.button(key=f"{place}_{name}").help == OTHERS
    enter(app, PASSCODE)
    for name in ("pause", "stop"):
        assert not app.button(key=f"sidebar_{name}").disabled
        assert app.button(key=f"sidebar_{name}").help != OTHERS
    app.button(key="sidebar_stop").click().run()
    assert store.find_run(run.id).request == "stop"


def test_the_queue_is_guarded_too(trainer_at_work: None, locked: None) -> None:
    of("you")
    yours, mine = of("you", "queued"), of("me", "queued")
    app = opened("me")
    assert app.button(key=f"{yours.id}_stop").label == "Not now"
    assert app.button(key=f"{yours.id}_stop").disabled
    assert not app.button(key=f"{mine.id}_stop").disabled
    app.button(key=f"{mine.id}_stop").click().run()
    assert store.find_run(mine.id).state == "stopped"


def test_one_s_own_can_always_be_stopped(trainer_at_work: None, locked: None) -> None:
    run = of("me")
    app = opened("me")
    assert app.button(key="sidebar_pause").help != OTHERS
    app.button(key="sidebar_pause").click().run()
    assert store.find_run(run.id).request == "pause"
    assert is_locked(app)


@pytest.mark.parametrize("name", ["pause", "stop"])
def test_a_button_that_does_not_know_yet_does_nothing(
    trainer_at_work: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The page was open before there was a passcode."""
    run = of("you")
    app = opened("me")
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", PASSCODE)
    app.button(key=f"sidebar_{name}").click().run()
    assert not app.exception
    assert store.find_run(run.id).request is None
    assert [toast.value for toast in app.toast] == [passcode.NEEDED]


def test_anyone_may_resume(locked: None) -> None:
    run = of("you", "paused")
    app = opened("me")
    app.button(key=f"{run.id}_resume").click().run()
    assert store.find_run(run.id).state == "starting"
    assert store.find_run(run.id).owner == "you"


def test_what_is_joined_stays_the_first_one_s(locked: None) -> None:
    first, second = opened(), opened()
    first.button(key="retrain").click().run()
    second.button(key="retrain").click().run()
    (run,) = store.runs()
    assert run.owner == first.session_state.visitor
    assert second.button(key="sidebar_stop").disabled
    assert not first.button(key="sidebar_stop").disabled


def test_what_other_pages_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks() -> None:
        import streamlit as st

        from pages.components import passcode

        st.session_state.may = passcode.allowed()
        try:
            passcode.check()
        except Exception as error:
            st.session_state.error = error

    app = AppTest.from_function(asks).run()
    assert app.session_state.may
    assert "error" not in app.session_state
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", PASSCODE)
    app.run()
    assert not app.session_state.may
    assert isinstance(app.session_state.error, NotAllowed)
    assert str(app.session_state.error) == "This needs the passcode: enter it in the sidebar."


# Whose training it is.


def visitor_with(monkeypatch: pytest.MonkeyPatch, cookie: str | None) -> AppTest:
    kept = {} if cookie is None else {session.COOKIE: cookie}
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda self: kept))
    app = AppTest.from_file(str(paths.PROJECT / "app.py"), default_timeout=30)
    app.run()
    assert not app.exception
    return app


def asks_to_keep(app: AppTest) -> bool:
    return any(part.proto.component_name.endswith("visitor") for part in app.get("bidi_component"))


def test_the_cookie_tells_who_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    name = secrets.token_hex(16)
    app = visitor_with(monkeypatch, name)
    assert app.session_state.visitor == name
    assert not asks_to_keep(app)


@pytest.mark.parametrize(
    "cookie", [None, "", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "0" * 32 + "\n"]
)
def test_any_other_cookie_is_replaced(monkeypatch: pytest.MonkeyPatch, cookie: str | None) -> None:
    app = visitor_with(monkeypatch, cookie)
    assert session.names_visitor(app.session_state.visitor)
    assert app.session_state.visitor != cookie
    assert asks_to_keep(app)
