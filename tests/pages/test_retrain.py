"""The sidebar: Retrain, its settings, and the run in progress. No training process is started."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core import datasets, paths, store, trainer
from mnist_core.settings import DEFAULT_PRESET, PRESETS, Settings
from mnist_core.store import Run
from pages.components import run_words
from tests.pages import runs

FIELDS = {
    "dense": {"hidden", "activation"},
    "cnn": {"filters"},
}
ALWAYS = {
    "dropout", "epochs", "batch_size", "learning_rate", "optimizer", "augment", "images", "seed",
}  # fmt: skip


@pytest.fixture(autouse=True)
def computer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has MNIST."""
    monkeypatch.setattr(datasets, "find_mnist", lambda: home)
    # Pages are known only within app.py.
    monkeypatch.setattr(st, "page_link", lambda page, *, label, **_: st.markdown(f"[{label}]"))


def script() -> None:
    from pages.components.retrain import sidebar

    sidebar()


def opened() -> AppTest:
    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    return app


def choose(app: AppTest, preset: str) -> None:
    app.selectbox(key="preset").set_value(preset).run()
    assert not app.exception


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def complaints(app: AppTest) -> list[str]:
    return [text.value for text in (*app.markdown, *app.caption) if ":red[" in text.value]


def below(app: AppTest, key: str) -> str:
    """The text that follows a field."""
    found = [
        (getattr(element, "key", None), getattr(element, "value", None)) for element in app.sidebar
    ]
    place = [name for name, _ in found].index(key)
    return str(found[place + 1][1])


def words(app: AppTest) -> str:
    shown = [str(text.value) for kind in (app.markdown, app.caption) for text in kind]
    return "\n".join([*shown, *(element.proto.body for element in app.get("html"))])


# The form.


def test_the_default_preset_is_offered_first_and_can_be_started() -> None:
    app = opened()
    assert app.selectbox(key="preset").value == DEFAULT_PRESET
    assert app.selectbox(key="preset").options == [p.title for p in PRESETS.values()]
    assert not app.button(key="retrain").disabled
    assert "Takes about" in words(app)
    assert not app.radio, "where MNIST is, there is nothing to choose"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_brings_its_settings(preset: str) -> None:
    app = opened()
    choose(app, preset)
    settings = PRESETS[preset].settings
    assert PRESETS[preset].teaches in words(app)
    shown = {
        element.key.removeprefix(f"{preset}_"): element.value
        for kind in (app.text_input, app.number_input, app.toggle, app.selectbox)
        for element in kind
        if element.key != "preset"
    }
    assert set(shown) == ALWAYS | FIELDS[settings.family]
    for name, value in shown.items():
        wanted = getattr(settings, name)
        if isinstance(wanted, tuple):
            wanted = ", ".join(map(str, wanted))
        assert value == wanted, name
    press(app, "retrain")
    (run,) = store.runs()
    assert run.settings == settings
    assert run.state == "starting"


def test_every_preset_remembers_its_own_changes() -> None:
    app = opened()
    app.number_input(key="fast_epochs").set_value(7).run()
    choose(app, "mlp")
    assert app.number_input(key="mlp_epochs").value == PRESETS["mlp"].settings.epochs
    app.text_input(key="mlp_hidden").set_value("64 32").run()
    app.selectbox(key="mlp_activation").set_value("tanh").run()
    app.toggle(key="mlp_augment").set_value(True).run()
    press(app, "retrain")
    (run,) = store.runs()
    wanted = replace(PRESETS["mlp"].settings, hidden=(64, 32), activation="tanh", augment=True)
    assert run.settings == wanted


@pytest.mark.parametrize(
    ("preset", "kind", "name", "value", "says"),
    [
        ("fast", "number_input", "epochs", 0, "from 1 to 200"),
        ("fast", "number_input", "batch_size", 4, "from 8 to 2,048"),
        ("fast", "number_input", "learning_rate", 2.0, "to 1"),
        ("fast", "number_input", "dropout", 0.9, "from 0 to 0.8"),
        ("fast", "number_input", "images", 10, "from 100 to 55,000"),
        ("fast", "number_input", "seed", -1, "from 0"),
        ("fast", "text_input", "filters", "", "at least one layer"),
        ("fast", "text_input", "filters", "16, many", "whole numbers"),
        ("fast", "text_input", "filters", "16, 500", "from 1 to 128"),
        ("mlp", "text_input", "hidden", "128, -3", "from 1 to 2,048"),
        ("mlp", "text_input", "hidden", "1, 1, 1, 1, 1, 1, 1", "at most 6 layers"),
        ("softmax", "text_input", "hidden", "a few", "whole numbers"),
    ],
)
def test_a_setting_outside_its_limits_is_refused_beside_its_field(
    preset: str, kind: str, name: str, value: object, says: str
) -> None:
    app = opened()
    choose(app, preset)
    key = f"{preset}_{name}"
    field = next(element for element in app.get(kind) if element.key == key)
    field.set_value(value).run()
    assert not app.exception
    (complaint,) = complaints(app)
    assert says in complaint
    assert below(app, key) == complaint
    assert app.button(key="retrain").disabled
    assert "Takes about" not in words(app)
    field = next(element for element in app.get(kind) if element.key == key)
    field.set_value("16, 32" if kind == "text_input" else 0.5 if name == "dropout" else 1).run()
    if name not in ("batch_size", "images"):
        assert not complaints(app)
        assert not app.button(key="retrain").disabled
    assert not store.runs()


def test_no_hidden_layer_is_softmax_regression() -> None:
    app = opened()
    choose(app, "mlp")
    app.text_input(key="mlp_hidden").set_value("").run()
    assert not complaints(app)
    press(app, "retrain")
    assert store.runs()[0].settings.hidden == ()


@pytest.mark.parametrize(("choice", "label"), [("mnist", "downloads"), ("generated", "program")])
def test_without_mnist_the_person_chooses_what_to_learn_from(
    monkeypatch: pytest.MonkeyPatch, choice: str, label: str
) -> None:
    monkeypatch.setattr(datasets, "find_mnist", lambda: None)
    app = opened()
    assert "not on this computer" in words(app)
    radio = app.radio(key="data")
    assert any(label in option for option in radio.options)
    radio.set_value(choice).run()
    assert not app.exception
    press(app, "retrain")
    assert store.runs()[0].settings.data == choice


# What is said when it was pressed.


def toasts(app: AppTest) -> str:
    return " ".join(toast.value for toast in app.toast)


def test_a_new_run_has_begun_and_is_shown() -> None:
    app = opened()
    press(app, "retrain")
    (run,) = store.runs()
    assert run.id in toasts(app)
    assert "begun" in toasts(app)
    assert app.session_state.run_to_show == run.id, "what the Train page is to show"
    assert run_words.title(run) in words(app)
    assert "[Watch it learn]" in words(app)
    app.run()
    assert not app.toast, "said once"


def test_the_same_training_is_joined_from_another_session() -> None:
    press(opened(), "retrain")
    other = opened()
    press(other, "retrain")
    (run,) = store.runs()
    assert run.id in toasts(other)
    assert "just that training" in toasts(other)
    assert other.session_state.run_to_show == run.id


def test_another_training_waits_for_its_turn(trainer_at_work: None) -> None:
    first = runs.put("running", done=5)
    app = opened()
    press(app, "retrain")
    second = store.runs()[0]
    assert second.state == "queued"
    assert second.id in toasts(app)
    assert "waits" in toasts(app)
    assert run_words.title(first) in words(app), "the run in progress stays in the sidebar"
    assert second.id in words(app), "and says what comes next"
    assert trainer.ahead_of(second) == 1


def test_what_can_not_be_started_is_one_sentence(home: Path) -> None:
    (home / "studio.db").write_bytes(b"no database at all " * 100)
    app = opened()
    (error,) = app.error
    assert "studio.db" in error.value
    assert "\n" not in error.value


# The run in progress.


def test_a_run_under_way_is_shown_and_can_be_asked_to_pause_or_stop(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = opened()
    assert run_words.title(run) in words(app)
    assert "90.00 %" in words(app)
    press(app, "sidebar_pause")
    assert store.find_run(run.id).request == "pause"
    assert app.button(key="sidebar_pause").disabled
    assert app.button(key="sidebar_stop").disabled


def test_a_button_that_comes_too_late_says_so(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = opened()
    with store.opened(write=True) as database:
        store.update(database, run.id, state="finished")
    press(app, "sidebar_stop")
    assert f"{run.id} is finished" in toasts(app)


def test_a_run_that_finishes_can_not_be_paused(trainer_at_work: None) -> None:
    runs.put("finishing", done=20, phase="Writing the model")
    app = opened()
    assert app.button(key="sidebar_pause").disabled
    assert app.button(key="sidebar_stop").disabled


def test_a_paused_run_goes_on_from_the_sidebar() -> None:
    run = runs.put("paused", done=12)
    app = opened()
    press(app, "sidebar_resume")
    assert store.find_run(run.id).state == "starting"


def test_a_run_whose_process_died_is_called_interrupted() -> None:
    run = runs.put("running", done=12)
    app = opened()
    assert store.find_run(run.id).state == "interrupted"
    assert app.button(key="sidebar_resume").label == "Resume"


# Words.


def run_that(state: str, **changes: object) -> Run:
    return replace(runs.put("queued"), state=state, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "queued"}, "Waiting"),
        ({"state": "paused"}, "Paused"),
        ({"state": "failed"}, "Failed"),
        ({"state": "running", "request": "pause"}, "Pausing"),
        ({"state": "starting", "request": "stop"}, "Stopping"),
        ({"state": "stopped", "request": "stop"}, "Stopped"),
    ],
)
def test_state_in_words(changes: dict[str, str], said: str) -> None:
    assert run_words.state(run_that(**changes)).startswith(said)


def test_where_a_run_is() -> None:
    training = {"state": "running", "steps": 20, "steps_per_epoch": 10}
    assert run_words.where(run_that(**training, step=0)) == "Epoch 1 of 2"
    assert run_words.where(run_that(**training, step=10, seconds=60)) == "Epoch 2 of 2, 1 min left"
    assert run_words.where(run_that("starting", phase="Loading MNIST")).startswith("Loading MNIST")
    assert run_words.where(run_that("paused", step=10, steps=20, steps_per_epoch=10)) == "Paused"


def test_a_process_that_is_silent_is_worth_a_word() -> None:
    silent = {"heartbeat": time.time() - 70, "phase": "Loading MNIST"}
    assert "No sign of life for 1 min 10 s" in run_words.where(run_that("running", **silent))
    assert "No sign" not in run_words.where(run_that("paused", **silent))


def test_every_state_has_words() -> None:
    for state in get_args(store.State):
        assert run_words.state(run_that(state))
        assert run_words.where(run_that(state))


def test_the_title_names_run_and_network() -> None:
    settings = Settings("mlp", "dense")
    assert run_words.title(runs.put("queued", settings=settings)) == "mlp-1: Classic MLP"


def test_the_frame_shows_it_all_on_the_first_visit(trainer_at_work: None) -> None:
    """As `app.py` has it, with real links to pages."""
    run = runs.put("running", done=12)
    app = AppTest.from_file(str(paths.PROJECT / "app.py"), default_timeout=30).run()
    assert not app.exception
    assert run_words.title(run) in words(app)
    assert app.button(key="retrain").label == "Retrain"
