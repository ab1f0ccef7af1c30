"""The Draw page, run without a browser."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from mnist_core import paths
from pages.components import session
from tests.pages import drawn

APP = str(paths.PROJECT / "app.py")
BOARD = "board"
PANEL = re.compile(r'ds-reading" data-verdict="([^"]*)".*?ds-digit">([^<]*)<', re.DOTALL)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_file(APP, default_timeout=30).run()


def panel(app: AppTest) -> tuple[str, str]:
    """The verdict and the large digit."""
    found = [PANEL.search(html.proto.body) for html in app.get("html")]
    match = next(filter(None, found))
    return match[1], match[2]


def draw(app: AppTest, *labels: int) -> None:
    app.session_state[BOARD] = drawn.sent([s for d in labels for s in drawn.template(d)])
    app.run()
    assert not app.exception


def test_first_visit_invites_and_shows_no_number(app: AppTest) -> None:
    assert not app.exception
    assert panel(app) == ("blank", "")
    assert not app.error


@pytest.mark.parametrize("label", range(10))
def test_a_drawing_is_read(app: AppTest, label: int) -> None:
    draw(app, label)
    assert panel(app) == ("digit", str(label))


def test_cleared_board_is_an_invitation_again(app: AppTest) -> None:
    draw(app, 3)
    draw(app)
    assert panel(app) == ("blank", "")


def test_the_drawing_survives_another_page(app: AppTest) -> None:
    draw(app, 4)
    app.switch_page("pages/about.py").run()
    assert not app.exception
    assert BOARD not in app.session_state  # the canvas has left the page
    app.switch_page("pages/draw.py").run()
    assert panel(app) == ("digit", "4")


def test_samples_show_their_true_label(app: AppTest) -> None:
    app.segmented_control(key="source").set_value("Sample").run()
    assert not app.exception
    digit = panel(app)[1]
    told = next(text.value for text in app.markdown if "true label" in text.value)
    label = re.search(r"true label is (\d)", told)
    assert label
    outcomes = {"?": "not recognised", label[1]: "read right"}
    assert told.endswith(f": {outcomes.get(digit, 'misread')}.")


def test_generated_samples_are_called_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MNIST_DIR", "KERAS_HOME", "DIGIT_STUDIO_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    st.cache_data.clear()
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.segmented_control(key="source").set_value("Sample").run()
    assert not app.exception
    assert any("Generated digit" in text.value for text in app.markdown)
    assert [button.label for button in app.button] == ["Random generated digit"]
    st.cache_data.clear()


def test_a_damaged_model_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(paths.shipped_model(), folder)
    content = (folder / "model.tflite").read_bytes()
    (folder / "model.tflite").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    monkeypatch.setattr(paths, "shipped_model", lambda: folder)
    session._load.clear()
    app = AppTest.from_file(APP, default_timeout=30).run()
    session._load.clear()
    assert not app.exception
    (error,) = app.error
    assert "model.tflite" in error.value
    assert "damaged" in error.value


def test_the_about_page_shows_the_card() -> None:
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.switch_page("pages/about.py").run()
    assert not app.exception
    card = json.loads((paths.shipped_model() / "card.json").read_text(encoding="utf-8"))
    measured = card["measured"]
    assert [metric.value for metric in app.metric] == [
        f"{100 * card['test_accuracy']:.2f} %",
        f"{100 * measured['pen digits, unseen writers']['accuracy']:.2f} %",
        f"{100 * measured['no digit, unseen']['flagged']:.0f} %",
    ]
    learned = " ".join(markdown.value for markdown in app.markdown)
    assert "14,000 in every round, of what 16 people wrote" in learned
    assert "12,000 in every round: letters, scribbles" in learned


def test_the_about_page_of_a_model_without_pens_says_so(tmp_path, monkeypatch) -> None:
    shutil.copytree(paths.shipped_model(), tmp_path / "default")
    file = tmp_path / "default" / "card.json"
    card = json.loads(file.read_text(encoding="utf-8"))
    card["data"]["drawn for every epoch"] |= {"pen digits": 0, "generated digits": 22_000}
    del card["data"]["letters"], card["measured"]
    file.write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setattr(paths, "shipped_model", lambda: tmp_path / "default")
    session._load.clear()
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.switch_page("pages/about.py").run()
    session._load.clear()
    assert not app.exception
    assert len(app.metric) == 1
    learned = " ".join(markdown.value for markdown in app.markdown)
    assert "No pen drawings" in learned
    assert "22,000 in every round, drawn by a program" in learned
    assert "12,000 in every round: scribbles" in learned


def test_a_dot_is_unsure_and_says_why(app: AppTest) -> None:
    app.session_state[BOARD] = drawn.sent([np.array([[140.0, 140.0]])])
    app.run()
    assert panel(app)[0] == "unsure"
    assert any("very small" in html.proto.body for html in app.get("html"))
