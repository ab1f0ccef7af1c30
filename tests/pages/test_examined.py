"""A run's network examined: its mistakes, how far to trust it, and the ways on from a digit."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from mnist_core import datasets, paths, registry
from mnist_core.calibration import calibration_error
from mnist_core.inference import Classifier
from mnist_core.settings import PRESETS, Data
from mnist_core.validation import ValidationDigits, validation_digits
from pages.components import examined
from tests.pages import runs
from tests.pages.browsed import (
    APP,
    arrays,
    close,
    dialog,
    numbers,
    press,
    ran,
    sent,
    tell,
    title,
    wall,
    words,
)
from tests.shipped import add_copy

# Places among the validation digits, and by how much their labels are put up: then the network,
# which reads them right, is said to misread them: of the stand-in a 9 and a 0 as 8s, and two 2s as
# a 7 and a 0.
WRONG = {3: 1, 12: 2, 20: 5, 41: 2}


def mislabelled(data: Data, wrong: dict[int, int]) -> ValidationDigits:
    digits = validation_digits(data)
    labels = digits.labels.copy()
    for place, by in wrong.items():
        labels[place] = (labels[place] + by) % 10
    return replace(digits, labels=labels)


@pytest.fixture
def digits(mnist: Path, monkeypatch: pytest.MonkeyPatch) -> ValidationDigits:
    """Sixty validation digits of the stand-in for MNIST, of which four are misread."""
    monkeypatch.setattr(
        datasets, "validation_rows", functools.partial(datasets.validation_rows, size=60)
    )
    made = mislabelled("mnist", WRONG)
    monkeypatch.setattr(examined, "validation_digits", lambda data: made)
    return made


def page(data: Data = "mnist", *, model: str = "fast-1", add: bool = True) -> AppTest:
    """The page of a finished run whose network is the one that ships, under another name."""
    runs.put(
        "finished", done=20, settings=replace(PRESETS["fast"].settings, data=data), model=model
    )
    if add:
        add_copy(model)
    return opened()


def opened() -> AppTest:
    """The page; what app.py itself draws is gone from the tree by then."""
    app = ran(AppTest.from_file(APP, default_timeout=30).run())
    return ran(app.switch_page("pages/train.py").run())


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def said(digits: ValidationDigits) -> NDArray[np.float32]:
    return Classifier.load().predict(digits.images)


def worst_first(digits: ValidationDigits) -> list[int]:
    sure = said(digits).max(axis=1)
    return sorted(WRONG, key=lambda place: -sure[place])


def goal(app: AppTest) -> str:
    """Where app.py is to go; AppTest leaves it out from its second run on."""
    wanted: str = app.session_state.goal
    del app.session_state["goal"]
    return wanted


def test_mistakes_are_counted_and_shown_worst_first(digits: ValidationDigits) -> None:
    app = page()
    assert "60 digits of MNIST's training set" in words(app)
    assert "**4** of 60 digits are misread" in words(app)
    counts = np.array(sent(app, "confusion_fast-1")["counts"])
    read = said(digits).argmax(axis=1)
    for place in WRONG:
        assert counts[digits.labels[place], read[place]] >= 1
    assert counts.sum() == 60
    assert counts.trace() == 56
    assert numbers(app, "mistakes_fast-1") == worst_first(digits)
    for place, told, caption, *_ in wall(app, "mistakes_fast-1"):
        row, label = digits.rows[place], digits.labels[place]
        assert told.startswith(f"Training digit {row}: a")
        assert f"read as a{'n' if read[place] == 8 else ''} {read[place]} (" in told
        assert caption.startswith(f"{label} as {read[place]}, ")
        assert (arrays()["x_train"][row] == digits.images[place]).all()
    assert "Use this model" in [button.label for button in app.main.button]


def test_a_cell_shows_just_its_digits_until_it_is_let_go(digits: ValidationDigits) -> None:
    app = page()
    assert app.button(key="all_mistakes").disabled
    for cell, place in (([9, 8], 3), ([2, 7], 20)):
        tell(app, "confusion_fast-1", "picked", cell)
        assert numbers(app, "mistakes_fast-1") == [place]
        assert sent(app, "confusion_fast-1")["chosen"] == cell
        assert f"**{cell[0]} read as {cell[1]}: 1 digit**" in words(app)
    press(app, "all_mistakes")
    assert numbers(app, "mistakes_fast-1") == worst_first(digits)
    for _ in range(2):  # what is chosen is let go by picking it again
        tell(app, "confusion_fast-1", "picked", [9, 8])
    assert sent(app, "confusion_fast-1")["chosen"] is None
    assert numbers(app, "mistakes_fast-1") == worst_first(digits)


def test_a_mistake_is_opened_and_looked_into(digits: ValidationDigits) -> None:
    app = page()
    tell(app, "mistakes_fast-1", "picked", 20)
    label, read = int(digits.labels[20]), int(said(digits)[20].argmax())
    name = f"Training digit {digits.rows[20]}"
    assert f"{name}. Its label says it is **a" in words(app)
    assert f"{label}**; this network read it as **a" in words(app)
    assert f"{read}** (" in words(app)
    assert "network that reads now: the network that comes with Digit Studio" in words(app)
    press(app, "mistake_inside")
    image, called, truth = app.session_state.handed_over
    assert (image == digits.images[20]).all()
    assert (called, truth) == (name, label)
    app.switch_page(goal(app)).run()
    assert app.title[0].value == "Look inside"
    assert f"{name}. Its true label is {label}" in words(app)


def test_a_mistake_is_closed(digits: ValidationDigits) -> None:
    app = page()
    tell(app, "mistakes_fast-1", "picked", 3)
    assert dialog(app).markdown
    close(app)
    assert not dialog(app).markdown
    app.run()
    assert not dialog(app).markdown


def test_a_mistake_is_opened_in_the_data_set(digits: ValidationDigits) -> None:
    app = page()
    tell(app, "mistakes_fast-1", "picked", 41)
    press(app, "mistake_dataset")
    app.switch_page(goal(app)).run()
    assert not app.exception
    assert title(app) == f"Training digit {digits.rows[41]}"
    assert int(digits.rows[41]) in numbers(app)


def test_the_network_that_reads_needs_no_word(digits: ValidationDigits) -> None:
    add_copy("fast-1")
    registry.publish("fast-1")
    app = page(add=False)
    tell(app, "mistakes_fast-1", "picked", 20)
    assert "network that reads now" not in words(app)


def test_calibration_is_told(digits: ValidationDigits) -> None:
    app = page()
    error = calibration_error(said(digits), digits.labels)
    assert f"**{100 * error:.2f} percentage points**" in words(app)
    assert "less often right than it says" in words(app)
    (alt,) = [c.proto.alt for c in app.get("plotly_chart") if c.proto.alt.startswith("Reliability")]
    assert "% sure on average" in alt
    assert "<br>" not in alt


def test_the_test_digits_are_left_alone(
    digits: ValidationDigits, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = datasets.load_mnist

    def only_train(split: str, **options: object) -> datasets.Digits:
        assert split == "train"
        return load(split, **options)

    monkeypatch.setattr(datasets, "load_mnist", only_train)
    monkeypatch.setattr(examined, "validation_digits", validation_digits)
    assert "of 60 digits are misread" in words(page())


def test_generated_digits_are_of_no_data_set(
    offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = mislabelled("generated", WRONG)
    monkeypatch.setattr(examined, "_generated", lambda: made)
    app = page("generated")
    assert "100 generated digits" in words(app)
    tell(app, "mistakes_fast-1", "picked", 12)
    assert "Generated validation digit 12. Its label" in words(app)
    keys = [button.key for button in app.button]
    assert "mistake_inside" in keys
    assert "mistake_dataset" not in keys


def test_no_mistake_at_all(offline: None) -> None:
    app = page("generated")
    assert "**0** of 100 digits are misread." in words(app)
    assert "Worst mistakes" not in words(app)
    assert "How sure, how right" in words(app)


def test_there_is_a_way_to_more_than_sixty(offline: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = mislabelled("generated", dict.fromkeys(range(100), 1))
    monkeypatch.setattr(examined, "_generated", lambda: made)
    app = page("generated")
    first = numbers(app, "mistakes_fast-1")
    assert len(first) == 60
    assert app.button(key="more_mistakes").label == "Show more (40 left)"
    press(app, "more_mistakes")
    assert len(numbers(app, "mistakes_fast-1")) == 100
    assert numbers(app, "mistakes_fast-1")[:60] == first
    assert "more_mistakes" not in [button.key for button in app.button]


def test_size_and_speed(offline: None) -> None:
    shown = metrics(page("generated"))
    card = registry.find().card
    assert shown["Parameters"] == f"{card['parameters']:,}"
    assert shown["Multiplications a digit"] == f"{card['multiply_adds']:,}"
    for name in ("model.keras", "model.tflite", "weights.bin"):
        size = (paths.shipped_model() / name).stat().st_size
        assert shown[name] == f"{size / 1000:,.0f} kB"
    assert 0 < float(shown["Reading a digit"].removesuffix(" ms")) < 100


def test_without_mnist_size_and_speed_are_left(offline: None) -> None:
    app = page()
    assert "they are counted on MNIST, which is no longer on this computer" in words(app)
    assert "What is taken for what" not in words(app)
    assert metrics(app)["model.keras"] == "340 kB"
    assert not app.main.error


def test_a_model_that_is_gone_is_one_sentence(offline: None) -> None:
    app = page("generated", add=False)
    # Where it would be downloaded, too.
    assert {error.value for error in app.main.error} == {"There is no model named 'fast-1'."}
    assert "Size and speed" not in words(app)


def test_a_damaged_model_is_one_sentence(offline: None) -> None:
    add_copy("fast-1")
    (paths.models() / "fast-1" / "model.tflite").write_bytes(b"damaged")
    app = page("generated", add=False)
    (error,) = {error.value for error in app.main.error}
    assert "is damaged or was altered" in error
    assert "Size and speed" not in words(app)


def test_a_run_under_way_has_a_plain_table(trainer_at_work: None) -> None:
    run = runs.put("running", done=12)
    app = opened()
    data = sent(app, f"validation_{run.id}")
    assert not data["pickable"]
    assert data["counts"][4][9] == 10
    assert "Worst mistakes" not in words(app)


def test_whoever_leaves_gets_there() -> None:
    app = AppTest.from_file(APP, default_timeout=30)
    app.session_state.goal = "pages/about.py"
    app.run()
    assert not app.exception
    assert app.title[0].value != "Draw a digit"
    assert "goal" not in app.session_state
