"""The Train page over runs of all kinds, without a browser and without a training process."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import paths, registry, store
from mnist_core.errors import StoreError
from mnist_core.generated import make_digits
from mnist_core.settings import PRESETS
from pages.components import progress
from tests.pages import drawn, runs
from tests.shipped import add_copy

APP = str(paths.PROJECT / "app.py")
PAGE = "pages/train.py"


def opened(app: AppTest | None = None) -> AppTest:
    """The page; what app.py itself draws is gone from the tree by then."""
    app = app or AppTest.from_file(APP, default_timeout=30).run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader)
    return "\n".join(text.value for kind in kinds for text in kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def buttons(app: AppTest) -> list[str]:
    """Those that say what can be done about it, without those of its card."""
    card = ("Save", "Train further", "Delete")
    return [button.label for button in app.main.button if button.label not in card]


def press(app: AppTest, label: str) -> None:
    next(button for button in app.main.button if button.label == label).click().run()
    assert not app.exception


def told(app: AppTest) -> str:
    """What curves and board say for people who don't see them."""
    sent = "\n".join(str(component.proto) for component in app.get("bidi_component"))
    return "\n".join(re.findall(r'"told": ?"([^"]*)"', sent.replace('\\"', '"')))


def test_nothing_trained_yet_says_how_to_begin() -> None:
    app = opened()
    assert app.title[0].value == "Watch it learn"
    assert "Nothing was trained" in words(app)
    assert "Retrain" in words(app)
    assert not app.selectbox
    assert not app.metric


def test_a_finished_run(home: Path) -> None:
    run = runs.put("finished", done=20, model="fast-1", test_accuracy=0.8765)
    add_copy("fast-1")
    assert run.id == "fast-1"
    app = opened()
    assert app.selectbox(key="run_0").options == ["fast-1: Small CNN, fast (finished)"]
    assert list(metrics(app).items())[:4] == [
        ("Validation", "90.00 %"),
        ("Test", "87.65 %"),
        ("Images a second", "1,234"),
        ("Time trained", "2 s"),
    ]
    assert "20 batches" in told(app)
    assert "2.30 to 0.1" in told(app)
    assert "90.00 %" in told(app)
    assert "93 of 100" in words(app)
    assert "of which 93" in told(app)
    assert "No drawing was followed" in words(app)
    assert buttons(app)[0] == "Use this model"


def test_a_model_is_put_to_work_and_taken_back() -> None:
    runs.put("finished", done=20, model="fast-1", test_accuracy=0.9)
    add_copy("fast-1")
    app = opened()
    press(app, "Use this model")
    assert registry.published() == "fast-1"
    assert "reads your drawings now" in words(app)
    press(app, "Go back to the one that ships")
    assert registry.published() == registry.SHIPPED
    assert buttons(app) == ["Use this model"]


def test_a_damaged_model_is_not_put_to_work() -> None:
    runs.put("finished", done=20, model="fast-1", test_accuracy=0.9)
    add_copy("fast-1")
    (paths.models() / "fast-1" / "model.tflite").write_bytes(b"damaged")
    app = opened()
    press(app, "Use this model")
    assert registry.published() == registry.SHIPPED
    assert any("damaged" in error.value for error in app.main.error)


def test_a_stopped_run_keeps_its_model() -> None:
    runs.put("stopped", done=13, model="fast-1", test_accuracy=0.8)
    add_copy("fast-1")
    app = opened()
    assert "(stopped)" in app.selectbox(key="run_0").options[0]
    assert buttons(app) == ["Use this model"]


def test_a_run_that_was_stopped_before_it_began_offers_nothing() -> None:
    runs.put("stopped")
    app = opened()
    assert not buttons(app)
    assert metrics(app)["Validation"] == "–"
    assert "has not begun" in told(app)


def test_a_paused_run_goes_on() -> None:
    run = runs.put("paused", done=12)
    app = opened()
    assert "(paused)" in app.selectbox(key="run_0").options[0]
    assert buttons(app) == ["Resume"]
    press(app, "Resume")
    assert store.find_run(run.id).state == "starting"
    assert buttons(app) == ["Pause", "Stop"]


def test_an_interrupted_run_says_that_nothing_is_lost() -> None:
    run = runs.put("running", done=12)  # nobody holds the lock: its process is gone
    app = opened()
    assert store.find_run(run.id).state == "interrupted"
    (warning,) = app.warning
    assert "resume" in warning.value
    assert buttons(app) == ["Resume"]


def test_a_failed_run_says_why() -> None:
    runs.put("failed", done=12, message="The disk is full: make room.")
    app = opened()
    (error,) = app.error
    assert error.value == "The disk is full: make room."
    assert buttons(app) == ["Resume"]


def test_a_run_under_way(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = opened()
    assert app.selectbox(key="run_0").options == [f"{run.id}: Small CNN, fast"]
    assert buttons(app) == ["Pause", "Stop"]
    press(app, "Pause")
    assert store.find_run(run.id).request == "pause"
    assert all(app.button(key=f"page_{name}").disabled for name in ("pause", "stop"))


def test_the_page_follows_a_run_that_goes_on(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = opened()
    with store.opened(write=True) as database:
        store.add_batches(database, run.id, [(13, 0.1, 1.0, 0.01)])
        store.update(database, run.id, step=13)
    app.run()
    assert "13 batches" in told(app)


def test_a_run_that_waits_says_how_long(trainer_at_work: None) -> None:
    runs.put("running", done=12)
    waiting = runs.put("queued", settings=replace(runs.SETTINGS, seed=2))
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.run_to_show = waiting.id
    opened(app)
    (info, *_) = app.info
    assert "1 before it" in info.value
    assert buttons(app) == ["Not now"]
    press(app, "Not now")
    assert store.find_run(waiting.id).state == "stopped"


def test_generated_data_are_called_so() -> None:
    runs.put("paused", done=12)
    assert "not from MNIST" in words(opened())


def test_mnist_needs_no_word() -> None:
    runs.put("paused", done=12, settings=PRESETS["fast"].settings)
    app = opened()
    assert not app.info
    assert app.selectbox(key="run_0").value == "fast-1"


def test_the_newest_run_is_shown_but_the_one_under_way_comes_first(trainer_at_work: None) -> None:
    runs.put("paused", done=12)
    runs.put("stopped", done=3)
    assert opened().selectbox(key="run_0").value == "fast-2"
    under_way = runs.put("running", done=12)
    runs.put("failed", done=12)
    assert opened().selectbox(key="run_0").value == under_way.id


def test_another_run_can_be_chosen() -> None:
    runs.put("failed", done=12, message="Too high a learning rate.")
    runs.put("paused", done=12)
    app = opened()
    assert not app.error
    app.selectbox(key="run_0").set_value("fast-1").run()
    assert not app.exception
    assert app.error[0].value == "Too high a learning rate."


def test_a_run_that_is_gone_is_not_looked_for() -> None:
    runs.put("paused", done=12)
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.run_to_show = "fast-99"
    assert opened(app).selectbox(key="run_0").value == "fast-1"


def test_a_database_that_can_not_be_used_is_one_sentence(home: Path) -> None:
    (home / "studio.db").write_bytes(b"no database at all " * 100)
    app = opened()
    assert all("studio.db" in error.value for error in app.error)
    assert app.error
    with pytest.raises(StoreError):
        store.runs()


# A drawing that is followed.


def follow(run_id: str, owner: str, digit: int) -> None:
    store.pin(run_id, owner=owner, image=make_digits(1, seed=3).images[0])
    rows = np.full((1, 10), 0.02, np.float32)
    rows[0, digit] = 0.82
    with store.opened(write=True) as database:
        store.add_followed(database, store.select_pins(database, run_id)[-1:], 5, rows)


def test_a_drawing_that_was_followed_is_shown() -> None:
    run = runs.put("paused", done=12)
    follow(run.id, "somebody", 7)
    app = opened()
    assert "Now a 7 (82 %)" in words(app)
    assert "now a 7" in told(app)


def test_a_visitor_sees_the_own_drawing_before_others() -> None:
    run = runs.put("paused", done=12)
    follow(run.id, "somebody", 7)
    follow(run.id, "me", 3)
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.visitor = "me"
    opened(app)
    assert "Now a 3 (82 %)" in words(app)


def test_the_drawing_on_the_board_is_followed_from_the_press_on(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.board = drawn.sent(drawn.template(4))
    app.run()
    opened(app)
    press(app, "Follow my drawing")
    (pin,) = store.pins(run.id)
    assert pin.image.any()
    assert "Follow my drawing" not in buttons(app)


def test_without_a_drawing_it_says_where_to_draw(trainer_at_work: None) -> None:
    runs.put("running", done=12)
    assert "Draw a digit" in words(opened())


# Small functions.


def test_smoothing_keeps_a_constant_and_the_first_value() -> None:
    np.testing.assert_allclose(progress.smooth(np.full(9, 2.3)), 2.3)
    assert progress.smooth(np.array([5.0, 0.0]))[0] == 5.0
    assert progress.smooth(np.array([])).shape == (0,)


def test_smoothing_lies_between_the_values_and_is_calmer() -> None:
    values = np.random.default_rng(0).random(200)
    smoothed = progress.smooth(values)
    assert values.min() < smoothed.min()
    assert smoothed.max() < values.max()
    assert np.abs(np.diff(smoothed)).mean() < np.abs(np.diff(values)).mean() / 3
    assert abs(smoothed[20:].mean() - 0.5) < 0.1


def test_smoothing_forgets() -> None:
    step = np.repeat([1.0, 0.0], 60)
    assert progress.smooth(step)[-1] < 0.001
