"""What can be done with a run: its name and notes, Train further, Download, Delete."""

from __future__ import annotations

import csv
import html
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import paths, registry, store
from mnist_core.errors import RunError
from mnist_core.generated import make_digits
from mnist_core.settings import PRESETS
from mnist_core.store import Run
from pages.components import session
from tests.pages import dialogs, runs
from tests.pages.browsed import APP
from tests.shipped import add_copy

MARKDOWN = "# **a** [b](c) $1$ :red[d] <b>e</b>"

Downloads = dict[str, tuple[Callable[[], bytes], bool]]


def script(run_id: str) -> None:
    import streamlit as st

    from mnist_core import store
    from pages.components.run_card import about_run

    st.title("Here")
    for run in store.runs():
        if run.id == run_id:
            about_run(run)


def opened(run_id: str = "fast-1") -> AppTest:
    """Only this, without the page around it."""
    app = AppTest.from_function(script, args=(run_id,), default_timeout=30).run()
    assert not app.exception
    return app


def on_the_page(run_id: str = "") -> AppTest:
    app = AppTest.from_file(APP, default_timeout=30)
    if run_id:
        app.session_state.run_to_show = run_id
    app.switch_page("pages/train.py")
    app.run()
    assert not app.exception
    return app


def trained(state: store.State = "finished") -> Run:
    """A run with a model."""
    run = runs.put(state, done=20)
    add_copy(run.id)
    with store.opened(write=True) as database:
        store.update(database, run.id, model=run.id)
    return store.find_run(run.id)


def press(app: AppTest, label: str) -> None:
    next(button for button in app.main.button if button.label == label).click().run()
    assert not app.exception


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.main.button]


def errors(app: AppTest) -> list[str]:
    return [error.value for error in app.main.error]


def notice(app: AppTest) -> str | None:
    return app.session_state.to_dict().get("notice")


# Settings.


def test_the_settings_in_words() -> None:
    runs.put("finished", done=20, settings=replace(runs.SETTINGS, start_from="fast-9", seed=1234))
    (element,) = opened().get("html")
    for name, value in {
        "Network": "Small CNN, fast",
        "Filters": "16, 16, 32, 32",
        "Last layer sees": "each filter in every place",
        "Varies every image": "no",
        "Learning rate": "0.02",
        "Seed": "1234",
        "Learns from": "generated digits",
        "Starts from": "fast-9",
    }.items():
        assert f'<tr><th scope="row">{name}</th><td>{value}</td></tr>' in element.proto.body
    for name in ("Hidden layers", "Weight decay", "Pen drawings per epoch"):
        assert name not in element.proto.body, "decides nothing here"


# Name and notes.


def text_input(app: AppTest) -> Any:
    return next(field for field in app.main.text_input if field.label == "Name")


def text_area(app: AppTest) -> Any:
    return next(field for field in app.main.text_area if field.label == "Notes")


def describe(app: AppTest, name: str, notes: str) -> None:
    text_input(app).set_value(name)
    text_area(app).set_value(notes)
    press(app, "Save")


def test_a_run_gets_a_name_and_notes_and_loses_them() -> None:
    runs.put("finished", done=20)
    app = opened()
    assert not app.text
    describe(app, "  with  ink ", "One.\n\nTwo. ")
    run = store.find_run("fast-1")
    assert (run.name, run.notes) == ("with ink", "One.\n\nTwo.")
    assert [text.value for text in app.text] == ["One.\n\nTwo."]
    assert notice(app) == "Saved."
    describe(app, "", "")
    run = store.find_run("fast-1")
    assert (run.name, run.notes) == ("", "")
    assert not app.text


def test_what_was_typed_is_shown_as_it_is(trainer_at_work: None) -> None:
    runs.put("running", done=12)
    app = opened()
    describe(app, MARKDOWN, MARKDOWN)
    assert [text.value for text in app.text] == [MARKDOWN]
    app = on_the_page()
    assert app.selectbox(key="run_0").options == [f"fast-1: {MARKDOWN}"]
    told = [element.proto.body for element in app.sidebar.get("html")]
    assert f"<strong>fast-1: {html.escape(MARKDOWN)}</strong>" in told


def test_words_that_somebody_else_has_saved_are_not_undone() -> None:
    runs.put("finished", done=20)
    app = opened()
    store.describe("fast-1", name="", notes="theirs")
    app.run()
    assert text_area(app).value == "theirs"
    text_input(app).set_value("mine")
    press(app, "Save")
    run = store.find_run("fast-1")
    assert (run.name, run.notes) == ("mine", "theirs")


def test_a_run_under_way_can_be_named_too(trainer_at_work: None) -> None:
    runs.put("running", done=12)
    app = on_the_page()
    describe(app, "now", "")
    assert store.find_run("fast-1").name == "now"
    assert app.selectbox(key="run_0").options == ["fast-1: now"]


def test_what_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.put("finished", done=20, name="a", notes="kept")
    app = opened()
    assert text_input(app).max_chars == 60, "more can't be typed"
    assert text_area(app).max_chars == 4000
    monkeypatch.setattr("mnist_core.store.run.NAME_LENGTH", 2)
    describe(app, "abc", "more")
    assert errors(app) == ["The name can have 2 characters, not 3."]
    run = store.find_run("fast-1")
    assert (run.name, run.notes) == ("a", "kept")
    assert not notice(app)


def test_a_run_that_is_gone_meanwhile_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.put("finished", done=20)
    app = opened()

    def gone(run_id: str, **_: str) -> None:
        raise RunError(f"There is no run named {run_id!r}.")

    monkeypatch.setattr(store, "describe", gone)
    describe(app, "a", "b")
    assert errors(app) == ["There is no run named 'fast-1'."]


# Train further.


def test_train_further_begins_with_these_weights_and_is_shown() -> None:
    before = trained()
    app = on_the_page()
    app.session_state.visitor = "me"
    app.number_input(key="more_epochs_fast-1").set_value(3)
    app.number_input(key="more_rate_fast-1").set_value(0.001)
    press(app, "Train further")
    run = store.runs()[0]
    assert run.id == "fast-2"
    assert run.settings == replace(
        before.settings, epochs=3, learning_rate=0.001, start_from="fast-1", seed=2
    )
    assert run.owner == "me"
    assert run.state == "starting"
    assert app.selectbox(key="run_1").value == "fast-2"
    assert notice(app) == "fast-2 goes on from fast-1."


def test_the_drawing_on_the_board_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    trained()
    digit = make_digits(1, seed=3).images[0]
    monkeypatch.setattr(session, "drawn_digit", lambda: digit)
    app = opened()
    app.session_state.visitor = "me"
    press(app, "Train further")
    (pin,) = store.pins("fast-2")
    assert pin.owner == "me"
    assert (pin.image == digit).all()


def test_what_is_proposed_is_gentler_and_of_the_run_that_is_shown() -> None:
    for settings in (runs.SETTINGS, PRESETS["mlp"].settings):
        run = runs.put("finished", done=20, settings=settings)
        with store.opened(write=True) as database:
            store.update(database, run.id, model=run.id)
        add_copy(run.id)
    app = on_the_page("mlp-2")
    assert app.number_input(key="more_epochs_mlp-2").value == 5, "no more than that"
    assert app.number_input(key="more_rate_mlp-2").value == pytest.approx(3e-4)
    app.selectbox(key="run_0").set_value("fast-1").run()
    rate, epochs = (
        next(field.value for field in app.main.number_input if field.label == label)
        for label in ("Learning rate", "Epochs")
    )
    assert rate == pytest.approx(6e-3)
    assert epochs == 2
    press(app, "Train further")
    assert store.runs()[0].settings.learning_rate == pytest.approx(6e-3)


@pytest.mark.parametrize("rate", [0.0, 2.0])
def test_a_rate_outside_the_limits_is_refused(rate: float) -> None:
    trained()
    app = opened()
    app.number_input(key="more_rate_fast-1").set_value(rate)
    press(app, "Train further")
    (error,) = errors(app)
    assert error.startswith("Learning rate: ")
    assert len(store.runs()) == 1
    assert not notice(app)


def test_the_largest_seed_has_one_after_it() -> None:
    settings = replace(runs.SETTINGS, seed=2**31 - 1)
    runs.put("finished", done=20, settings=settings, model="fast-1")
    add_copy("fast-1")
    press(opened(), "Train further")
    assert store.runs()[0].settings.seed == 0


def test_what_has_no_weights_can_not_train_further() -> None:
    runs.put("paused", done=12)
    assert "Train further" not in labels(opened())


# Download.


def test_everything_of_a_run_can_be_taken_along(downloads: Downloads) -> None:
    trained()
    app = opened()
    assert list(downloads) == [
        "fast-1.csv", "fast-1.keras", "fast-1.tflite", "fast-1.json", "fast-1.zip",
    ]  # fmt: skip
    made = {name: make() for name, (make, _) in downloads.items()}
    model = registry.find("fast-1")
    assert made["fast-1.keras"] == model.read("model.keras")
    assert made["fast-1.tflite"] == model.read("model.tflite")
    assert json.loads(made["fast-1.json"]) == model.card
    rows = list(csv.reader(io.StringIO(made["fast-1.csv"].decode())))
    assert len(rows) == 1 + 20, "a head, and every batch"
    with zipfile.ZipFile(io.BytesIO(made["fast-1.zip"])) as archive:
        assert archive.read("fast-1/model.keras") == made["fast-1.keras"]
        assert archive.read("fast-1/metrics.csv") == made["fast-1.csv"]
    assert app.code[0].value == f"tensorboard --logdir {paths.runs()}"


def test_a_run_without_a_model_has_its_numbers(downloads: Downloads) -> None:
    runs.put("paused", done=12)
    opened()
    assert list(downloads) == ["fast-1.csv", "fast-1.zip"]
    with zipfile.ZipFile(io.BytesIO(downloads["fast-1.zip"][0]())) as archive:
        assert archive.namelist() == ["fast-1/run.json", "fast-1/metrics.csv"]


@pytest.mark.parametrize(
    ("name", "says"), [(None, "There is no model named 'fast-1'."), ("model.keras", "damaged")]
)
def test_a_model_that_is_gone_or_altered_is_one_sentence(
    downloads: Downloads, name: str | None, says: str
) -> None:
    """Streamlit would log what fails while a file is made, and the browser not say what."""
    trained()
    if name:
        (paths.models() / "fast-1" / name).write_bytes(b"altered")
    else:
        registry.delete("fast-1")
    app = opened()
    (error,) = errors(app)
    assert says in error
    assert list(downloads) == ["fast-1.csv"]
    assert downloads["fast-1.csv"][0]().startswith(b"step,")


# Delete.


def ask(app: AppTest) -> None:
    press(app, "Delete")
    assert dialogs.name(app) == "Delete fast-1?"


def tick(app: AppTest) -> None:
    dialogs.act(app, app.checkbox(key="sure").check())


def test_deleting_is_asked_twice() -> None:
    trained()
    app = opened()
    ask(app)
    assert "its network" in app.markdown[0].value
    assert app.button(key="delete_run").disabled
    tick(app)
    assert not app.button(key="delete_run").disabled
    assert store.runs(), "not yet"
    dialogs.press(app, "delete_run")
    assert not store.runs()
    assert not paths.run("fast-1").exists()
    assert [model.id for model in registry.models()] == [registry.SHIPPED]
    assert notice(app) == "fast-1 is deleted."


def test_what_is_not_meant_is_kept() -> None:
    runs.put("finished", done=20)
    app = opened()
    ask(app)
    assert "its network" not in app.markdown[0].value
    tick(app)
    dialogs.press(app, "keep_run")
    assert store.runs()
    assert not dialogs.name(app)
    assert not notice(app)


@pytest.mark.parametrize("how", ["keep", "close"])
def test_the_next_time_it_asks_anew(how: str) -> None:
    runs.put("finished", done=20)
    app = opened()
    ask(app)
    tick(app)
    if how == "keep":
        dialogs.press(app, "keep_run")
    else:
        dialogs.close(app)
    ask(app)
    assert not app.checkbox(key="sure").value
    assert app.button(key="delete_run").disabled


def test_what_is_asked_stays_asked_while_others_train() -> None:
    runs.put("finished", done=20)
    app = opened()
    ask(app)
    app.run()  # as the sidebar has the page do when a training begins or ends
    assert dialogs.name(app) == "Delete fast-1?"
    app.session_state.visit = 7
    app.run()
    assert not dialogs.name(app), "the page was left, and come back to"
    assert store.runs()


def test_the_page_goes_on_with_another_run() -> None:
    for _ in range(2):
        runs.put("finished", done=20)
    app = on_the_page("fast-1")
    ask(app)
    tick(app)
    dialogs.press(app, "delete_run")
    assert app.selectbox(key="run_0").options == ["fast-2: Small CNN, fast (finished)"]
    assert notice(app) == "fast-1 is deleted."


@pytest.mark.parametrize("state", ["running", "queued"])
def test_what_is_under_way_or_waits_is_not_deleted(
    trainer_at_work: None, state: store.State
) -> None:
    runs.put(state, done=12)
    button = opened().button(key="delete")
    assert button.disabled
    assert button.help == "Stop it first."


def test_what_reads_the_drawings_is_not_deleted() -> None:
    trained()
    registry.publish("fast-1")
    app = opened()
    assert app.button(key="delete").disabled
    assert "have another network read them first" in app.button(key="delete").help
    registry.rollback()
    app.run()
    assert not app.button(key="delete").disabled


def test_deleting_needs_the_passcode(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.put("finished", done=20)
    monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", "sesame")
    app = opened()
    assert app.button(key="delete").disabled
    assert "passcode" in app.button(key="delete").help
    app.session_state.passcode_entered = "sesame"
    app.run()
    assert not app.button(key="delete").disabled


def begin(patch: pytest.MonkeyPatch) -> None:
    with store.opened(write=True) as database:
        store.update(database, "fast-1", state="running")


def serve(patch: pytest.MonkeyPatch) -> None:
    registry.publish("fast-1")


def lock(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("DIGIT_STUDIO_PASSCODE", "sesame")


def drop(patch: pytest.MonkeyPatch) -> None:
    with store.opened(write=True) as database:
        store.remove(database, "fast-1")


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (begin, "fast-1 is running: it can be deleted once it is over."),
        (serve, "fast-1 reads the drawings now: have another network read them first."),
        (lock, "This needs the passcode: enter it in the sidebar."),
        (drop, "There is no run named 'fast-1'."),
    ],
)
def test_what_changed_while_it_asked_is_found_out(
    trainer_at_work: None,
    monkeypatch: pytest.MonkeyPatch,
    happens: Callable[[pytest.MonkeyPatch], None],
    says: str,
) -> None:
    trained()
    app = opened()
    ask(app)
    tick(app)
    happens(monkeypatch)
    dialogs.press(app, "delete_run")
    assert notice(app) == says
    assert registry.find("fast-1"), "nothing is deleted"
    assert paths.models().joinpath("fast-1", "model.keras").exists()
    assert len(store.runs()) == (happens is not drop)
