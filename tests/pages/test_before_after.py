"""What teaching gained and lost, as the Train page shows it, and the way to teach, without a
training process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from mnist_core import comparison, handwriting, registry, store, trainer
from mnist_core.comparison import Yardstick
from mnist_core.store import Run
from pages.components import session
from tests.pages import dialogs, handwritten, runs
from tests.pages.browsed import APP, wall
from tests.shipped import add_copy


def digits(name: str, count: int, may_lose: float = 0.0) -> Yardstick:
    """Digits, 0 to 9 in turn; each picture is its number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, :2] = np.arange(count, dtype="<u2")[:, None].view(np.uint8)
    return Yardstick(name, images, (np.arange(count) % 10).astype(np.uint8), may_lose)


OWN = digits(comparison.OWN, 10)
VALIDATION = digits("MNIST validation digits", 1000, 0.003)
PENS = digits("pen drawings", 600, 0.005)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which rows are misread of which set, before and after; and on what is compared."""

    def reader(name: str, misread: dict[int, list[int]]) -> Any:
        def predict(images: NDArray[np.uint8]) -> NDArray[np.float64]:
            rows = images[:, 0, :2].copy().view("<u2")[:, 0].astype(int)
            return np.eye(10)[(rows + np.isin(rows, misread.get(len(images), []))) % 10]

        return SimpleNamespace(predict=predict, model=registry.find(name))

    def so(
        before: dict[int, list[int]],
        after: dict[int, list[int]],
        on: tuple[Yardstick, ...] = (OWN, VALIDATION, PENS),
    ) -> None:
        monkeypatch.setattr(
            session, "load", lambda name: reader(name, before if name == "default" else after)
        )
        monkeypatch.setattr(comparison, "yardsticks", lambda **_: on)

    return so


def taught(**changes: Any) -> Run:
    """A finished run that taught a profile's drawings to the network that ships."""
    of = handwritten.profile(6)
    settings = replace(runs.SETTINGS, start_from="default", profile=of.number, own_digits=20)
    run = runs.put("finished", done=20, settings=replace(settings, **changes), model="fast-1")
    add_copy("fast-1")
    return run


def shown() -> AppTest:
    """Only this, without the page around it."""

    def script() -> None:
        import streamlit as st

        from mnist_core import store
        from pages.components.before_after import before_after

        st.title("Here")
        before_after(store.runs()[0])

    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    return app


def lines(app: AppTest) -> list[list[str]]:
    """The cells of the table."""
    (table,) = (html.proto.body for html in app.get("html") if "<table>" in html.proto.body)
    rows = table.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "").split("<tr>")[2:]
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_before_and_after_side_by_side(reads: Callable[..., None]) -> None:
    taught()
    reads({10: [1, 2, 3], 1000: [5]}, {10: [1], 1000: [7, 8]})
    app = shown()
    assert lines(app) == [
        ["Own held-out drawings (10)", "7 of 10 (40–89 %)", "9 of 10 (60–98 %)", "2 more"],
        ["MNIST validation digits (1,000)", "99.90 %", "99.80 %", "1 fewer"],
        ["Pen drawings (600)", "100.00 %", "100.00 %", "the same"],
    ]
    (success,) = app.success
    assert success.value.startswith("It reads 2 more of the own held-out drawings, and elsewhere")
    assert not app.warning


def test_each_digit_that_changed_is_shown_in_both_directions(reads: Callable[..., None]) -> None:
    taught()
    reads({10: [1, 2], 1000: [5]}, {10: [9], 1000: [5, 7]})
    app = shown()
    right = wall(app, "newly_right_own held-out drawings")
    assert [tile[1] for tile in right] == ["A 1, read as a 2 before", "A 2, read as a 3 before"]
    assert {tile[3] for tile in right} == {"✓"}
    (wrong,) = wall(app, "newly_wrong_own held-out drawings")
    assert (wrong[1], wrong[3]) == ("A 9, read as a 0", "0")
    (wrong,) = wall(app, "newly_wrong_MNIST validation digits")
    assert wrong[1] == "A 7, read as an 8"
    headings = [text.value for text in app.markdown]
    assert "**Newly read right own held-out drawings** (2):" in headings
    assert not any("pen drawings" in heading for heading in headings), "none changed"


@pytest.mark.parametrize(("lost", "warned"), [(3, False), (4, True)])
def test_what_is_lost_elsewhere_is_said(
    reads: Callable[..., None], lost: int, warned: bool
) -> None:
    taught()
    reads({10: [1]}, {1000: list(range(lost))})
    app = shown()
    if not warned:
        assert not app.warning
        assert app.success
        return
    (warning,) = app.warning
    assert warning.value.startswith("It reads 4 fewer MNIST validation digits, 0.4 points:")
    assert "more than the 0.3 points it may lose" in warning.value
    assert not app.success


def test_nothing_gained_is_said(reads: Callable[..., None]) -> None:
    taught()
    reads({10: [1]}, {10: [2]})
    assert "More drawings help" in shown().info[0].value
    reads({}, {})
    assert shown().success[0].value.startswith("It reads all of the own held-out drawings")
    reads({}, {10: [3]})
    (warning,) = shown().warning
    assert "it should lose none of these" in warning.value


def test_without_held_out_drawings_the_others_are_compared(reads: Callable[..., None]) -> None:
    taught()
    reads({}, {}, (VALIDATION, PENS))
    app = shown()
    assert len(lines(app)) == 2
    assert "No own drawings are held out" in app.caption[0].value
    assert not app.success


def test_a_network_before_that_is_gone_is_one_sentence() -> None:
    taught(start_from="fast-7")
    app = shown()
    (info,) = app.info
    assert info.value == ("What it was before can't be shown. There is no model named 'fast-7'.")


def test_other_runs_have_none() -> None:
    runs.put("finished", done=20, model="fast-1")
    add_copy("fast-1")
    assert not shown().subheader
    runs.put("stopped", done=0)
    assert not shown().subheader


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page without what takes a whole network to show."""
    monkeypatch.setattr("pages.components.examined.examined", lambda run: None)


@pytest.mark.usefixtures("plain")
def test_the_train_page_shows_it(reads: Callable[..., None]) -> None:
    run = taught()
    reads({10: [1]}, {})
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.run_to_show = run.id
    app.switch_page("pages/train.py").run()
    assert not app.exception
    assert "Before and after" in [head.value for head in app.subheader]


@pytest.mark.usefixtures("plain")
def test_it_is_shown_while_it_is_asked_about(reads: Callable[..., None]) -> None:
    run = taught()
    reads({}, {10: [3]})
    app = AppTest.from_file(APP, default_timeout=30).run()
    app.session_state.run_to_show = run.id
    app.switch_page("pages/train.py").run()
    app.button(key="use").click().run()
    assert not app.exception
    assert dialogs.name(app) == "It reads worse"
    assert wall(app, "newly_wrong_own held-out drawings") == wall(
        app, "asked_newly_wrong_own held-out drawings"
    )


# The way to it


def teaching() -> AppTest:
    def script() -> None:
        import streamlit as st

        from mnist_core import handwriting
        from pages.components.teaching import teach

        st.title("Here")
        teach(handwriting.profiles()[0][0])

    app = AppTest.from_function(script, default_timeout=30).run()
    assert not app.exception
    return app


def test_with_nothing_to_learn_from_it_can_not_be_pressed() -> None:
    handwritten.profile(0)
    button = teaching().button(key="teach")
    assert button.disabled
    assert button.help == "There is nothing to learn from yet: store a drawing of a digit first."


def test_a_press_trains_on_from_what_reads_and_leads_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "tend", lambda: None)
    monkeypatch.setattr("mnist_core.trainer.asking.tend", lambda: None)
    of = handwritten.profile(6)
    app = teaching()
    app.button(key="teach").click().run()
    (run,) = store.runs()
    assert (run.settings.profile, run.settings.start_from) == (of.number, registry.SHIPPED)
    assert run.name == "Taught: Room 4"
    assert app.session_state.run_to_show == run.id
    assert app.session_state.goal == "pages/train.py"


def test_the_last_one_can_be_looked_at_again() -> None:
    run = taught()
    app = teaching()
    assert "fast-1: finished" in [text.value for text in app.text]
    app.button(key="teach_latest").click().run()
    assert app.session_state.run_to_show == run.id
    assert app.button(key="teach").disabled is False


def test_one_under_way_is_watched_and_not_begun_again() -> None:
    of = handwritten.profile(6)
    runs.put("queued", settings=replace(runs.SETTINGS, start_from="default", profile=of.number))
    app = teaching()
    assert app.button(key="teach").disabled
    assert app.button(key="teach_latest").label == "Watch it learn"
    handwriting.delete_all(of.number)
    assert teaching().button(key="teach").disabled
