"""Which network reads: put another to work, or the one before; what served when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from mnist_core import comparison, paths, registry, serving_history
from mnist_core.comparison import Difference, Yardstick
from mnist_core.errors import DataError
from pages.components import session
from tests.pages import dialogs, runs
from tests.pages.browsed import APP, sent, wall
from tests.shipped import add_copy

SHIPS = "the one that ships"
NOW = f"**{SHIPS}** **(now)**: from the beginning"
LOCKED = "This needs the passcode: enter it in the sidebar."


def digits(name: str, count: int) -> Yardstick:
    """Digits, 0 to 9 in turn; each picture is its number."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(count)
    return Yardstick(name, images, (np.arange(count) % 10).astype(np.uint8))


VALIDATION, PENS = digits("MNIST validation digits", 200), digits("pen drawings", 40)


def reader(model_id: str, misread: dict[int, list[int]]) -> Any:
    """A network that takes some rows for the next digit, by how many digits there are."""

    def predict(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        rows = images[:, 0, 0].astype(int)
        return np.eye(10)[(rows + np.isin(rows, misread.get(len(images), []))) % 10]

    return SimpleNamespace(predict=predict, model=SimpleNamespace(id=model_id))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which rows are misread: by the network that reads now, and by the other."""

    def yardsticks(*, profile: int, report: Callable[[str, float], None]) -> tuple[Yardstick, ...]:
        report("Drawing", 0.5)
        return VALIDATION, PENS

    def so(now: dict[int, list[int]], other: dict[int, list[int]]) -> None:
        monkeypatch.setattr(session, "classifier", lambda: reader(serving(), now))
        monkeypatch.setattr(
            session, "load", lambda name: reader(name, now if name == serving() else other)
        )

    monkeypatch.setattr(comparison, "yardsticks", yardsticks)
    so({}, {})
    return so


def serving() -> str:
    return registry.find().id


def trained(name: str = "fast-1") -> None:
    runs.put("finished", done=20, model=name)
    add_copy(name)


def script() -> None:
    import streamlit as st

    from pages.components import publishing

    st.title("Here")
    publishing.publish_button("fast-1")
    publishing.rollback_button()
    publishing.decide()
    publishing.served()


def opened() -> AppTest:
    """Only this, without the page around it."""
    return ran(AppTest.from_function(script, default_timeout=30).run())


def ran(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def use(app: AppTest) -> None:
    ran(app.button(key="use").click().run())


def notice(app: AppTest) -> str | None:
    return app.session_state.to_dict().get("notice")


def told(app: AppTest) -> list[str]:
    """What the dialog says."""
    return [text.value for text in app._tree.children[2].markdown]


def history(app: AppTest) -> list[str]:
    return app.main.markdown[-1].value.removeprefix("- ").split("\n- ")


# Another one is put to work.


@pytest.mark.parametrize(
    ("now", "other"),
    [
        ({}, {}),
        ({200: [1, 2]}, {200: [3, 4]}),
        ({200: [1, 2], 40: [5]}, {200: [3]}),
    ],
)
def test_what_reads_as_well_or_better_goes_straight(
    reads: Callable[..., None], now: dict[int, list[int]], other: dict[int, list[int]]
) -> None:
    reads(now, other)
    trained()
    app = opened()
    use(app)
    assert registry.published() == serving() == "fast-1"
    assert not dialogs.name(app)
    assert notice(app) == "fast-1 reads all drawings now."
    assert not app.get("progress")


def test_what_reads_worse_is_asked_about(reads: Callable[..., None]) -> None:
    reads({200: [7, 8]}, {200: [8, 10, 11, 108], 40: []})
    trained()
    app = opened()
    use(app)
    assert registry.published() == registry.SHIPPED, "not yet"
    assert not notice(app)
    assert dialogs.name(app) == "It reads worse"
    first, validation, pens, heading = told(app)
    assert first == (
        "**fast-1** reads some digits worse than the network that reads now (the one that ships):"
    )
    assert validation == (
        "- Of 200 MNIST validation digits it reads 196 right, the other 198: **2 fewer**."
        " It newly misreads 3 and newly reads 1."
    )
    assert pens == (
        "- Of 40 pen drawings it reads 40 right, the other 40: as many."
        " It newly misreads 0 and newly reads 0."
    )
    assert heading == "**Newly misread MNIST validation digits** (3); the corner says as what:"
    assert wall(app, "asked_newly_wrong_MNIST validation digits") == [
        (10, "A 0, read as a 1", "", "1", 1),
        (11, "A 1, read as a 2", "", "2", 1),
        (108, "An 8, read as a 9", "", "9", 1),
    ]
    shown = sent(app, "asked_newly_wrong_MNIST validation digits")
    assert shown["told"] == "Newly misread: 3 digits."
    assert not shown["pickable"]


def test_worse_on_the_drawings_alone_is_worse(reads: Callable[..., None]) -> None:
    reads({200: [1, 2, 3]}, {40: [5]})
    trained()
    app = opened()
    use(app)
    assert dialogs.name(app) == "It reads worse"
    _, validation, pens, heading = told(app)
    assert "the other 197: 3 more. It newly misreads 0 and newly reads 3." in validation
    assert "it reads 39 right, the other 40: **1 fewer**." in pens
    assert heading == "**Newly misread pen drawings** (1); the corner says as what:"
    assert wall(app, "asked_newly_wrong_pen drawings") == [(5, "A 5, read as a 6", "", "6", 1)]
    assert sent(app, "asked_newly_wrong_pen drawings")["told"] == "Newly misread: 1 digit."


def test_of_many_some_are_shown_from_all_over(reads: Callable[..., None]) -> None:
    reads({}, {200: list(range(20, 180))})
    trained()
    app = opened()
    use(app)
    assert "newly misreads 160" in told(app)[1]
    assert told(app)[3] == (
        "**Newly misread MNIST validation digits** (60 of 160); the corner says as what:"
    )
    rows = [tile[0] for tile in wall(app, "asked_newly_wrong_MNIST validation digits")]
    assert len(rows) == 60
    assert (rows[0], rows[-1]) == (20, 179)
    assert max(np.diff(rows)) <= 4


def test_keep_leaves_everything_as_it_is(reads: Callable[..., None]) -> None:
    reads({}, {200: [1]})
    trained()
    app = opened()
    use(app)
    assert app.button(key="keep").label == f"Keep {SHIPS}"
    dialogs.press(app, "keep")
    assert not dialogs.name(app)
    assert not notice(app)
    assert history(app) == [NOW]
    app.run()
    assert not dialogs.name(app), "nor is it asked again"


def test_use_it_anyway(reads: Callable[..., None]) -> None:
    reads({}, {200: [1]})
    trained()
    app = opened()
    use(app)
    dialogs.press(app, "use_anyway")
    assert serving() == "fast-1"
    assert not dialogs.name(app)
    assert notice(app) == "fast-1 reads all drawings now."
    assert history(app)[0].startswith("**fast-1** **(now)**: from ")


def test_it_is_compared_with_the_one_that_reads_now(reads: Callable[..., None]) -> None:
    for name in ("fast-1", "fast-2"):
        trained(name)
    registry.publish("fast-2")
    reads({}, {40: [1]})
    app = opened()
    use(app)
    assert told(app)[0].endswith("than the network that reads now (fast-2):")
    assert app.button(key="keep").label == "Keep fast-2"


@pytest.mark.parametrize("anyway", [False, True])
def test_a_damaged_model_is_one_sentence(reads: Callable[..., None], anyway: bool) -> None:
    reads({}, {200: [1]} if anyway else {})
    trained()
    app = opened()
    (paths.models() / "fast-1" / "weights.bin").write_bytes(b"damaged")
    use(app)
    if anyway:
        dialogs.press(app, "use_anyway")
        said = notice(app)
    else:
        (said,) = (error.value for error in app.error)
        assert not notice(app)
    assert "weights.bin is damaged or was altered" in said
    assert registry.published() == registry.SHIPPED
    assert not dialogs.name(app)


def test_a_model_that_is_gone_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened()
    use(app)
    (error,) = app.error
    assert error.value == "There is no model named 'fast-1'."
    assert not app.get("progress")


@pytest.mark.parametrize(("lost", "asked"), [(1, False), (2, True)])
def test_what_was_taught_may_lose_a_little(
    reads: Callable[..., None],
    lost: int,
    asked: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pens = replace(PENS, may_lose=0.03)  # of 40 digits
    monkeypatch.setattr(comparison, "yardsticks", lambda **_: (pens,))
    reads({}, {40: list(range(lost))})
    runs.put("finished", done=20, model="fast-1")
    add_copy("fast-1", settings={"profile": 3})
    app = opened()
    use(app)
    assert (registry.published() == "fast-1") != asked
    assert bool(app._tree.children[2].markdown) == asked


def test_what_was_taught_is_compared_on_that_hand_too(
    reads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def yardsticks(*, profile: int, report: object) -> tuple[Yardstick, ...]:
        asked.append(profile)
        return (digits(comparison.OWN, 10),)

    monkeypatch.setattr(comparison, "yardsticks", yardsticks)
    reads({}, {10: [4]})
    runs.put("finished", done=20, model="fast-1")
    add_copy("fast-1", settings={"profile": 3})
    app = opened()
    use(app)
    assert asked == [3]
    assert registry.published() == registry.SHIPPED, "of these it may lose none"
    assert "own held-out drawings" in told(app)[1]


def test_digits_that_can_not_be_had_are_one_sentence(
    reads: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*, profile: int, report: object) -> None:
        raise DataError("The file is damaged.")

    monkeypatch.setattr(comparison, "yardsticks", damaged)
    trained()
    app = opened()
    use(app)
    assert [error.value for error in app.error] == ["The file is damaged."]
    assert registry.published() == registry.SHIPPED
    assert not app.get("progress")
    app.run()
    assert not app.error, "said once"


# The passcode.


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setenv("DIGIT_STUDIO_PASSCODE", "sesame")


def test_both_buttons_need_the_passcode(
    reads: Callable[..., None], lock: Callable[[], None]
) -> None:
    for name in ("fast-1", "fast-2"):
        trained(name)
    registry.publish("fast-2")
    lock()
    app = opened()
    for key in ("use", "rollback"):
        assert app.button(key=key).disabled
        assert app.button(key=key).help == "This needs the passcode: enter it in the sidebar."
    app.session_state.passcode_entered = "sesame"
    ran(app.run())
    for key in ("use", "rollback"):
        assert not app.button(key=key).disabled
        assert "passcode" not in app.button(key=key).help
    use(app)
    assert serving() == "fast-1"


def test_a_button_that_does_not_know_of_the_passcode_does_nothing(
    reads: Callable[..., None], lock: Callable[[], None]
) -> None:
    for name in ("fast-1", "fast-2"):
        trained(name)
    registry.publish("fast-2")
    app = opened()
    lock()
    use(app)
    assert [error.value for error in app.error] == [LOCKED]
    assert serving() == "fast-2"

    app = AppTest.from_function(script, default_timeout=30)
    with pytest.MonkeyPatch.context() as before:
        before.delenv("DIGIT_STUDIO_PASSCODE")
        ran(app.run())
    ran(app.button(key="rollback").click().run())
    assert notice(app) == LOCKED
    assert serving() == "fast-2"


def test_use_it_anyway_needs_the_passcode_too(
    reads: Callable[..., None], lock: Callable[[], None]
) -> None:
    reads({}, {200: [1]})
    trained()
    app = opened()
    use(app)
    lock()
    dialogs.press(app, "use_anyway")
    assert notice(app) == LOCKED
    assert registry.published() == registry.SHIPPED


# The one before.


def test_nothing_served_before() -> None:
    app = opened()
    assert [button.key for button in app.button] == ["use"]
    assert history(app) == [NOW]


def test_the_one_before_reads_again_at_one_press() -> None:
    for name in ("fast-1", "fast-2"):
        trained(name)
        registry.publish(name)
    app = opened()
    assert app.button(key="rollback").label == "Go back to fast-1"
    ran(app.button(key="rollback").click().run())
    assert serving() == "fast-1"
    assert notice(app) == "Back to fast-1: it reads all drawings now."
    assert app.button(key="rollback").label == f"Go back to {SHIPS}"
    ran(app.button(key="rollback").click().run())
    assert serving() == registry.SHIPPED
    assert notice(app) == "Back to the one that ships: it reads all drawings now."
    assert "rollback" not in [button.key for button in app.button]


def test_the_one_before_is_one_that_is_there() -> None:
    for name in ("fast-1", "fast-2"):
        trained(name)
        registry.publish(name)
    registry.delete("fast-1")
    app = opened()
    assert app.button(key="rollback").label == f"Go back to {SHIPS}"
    ran(app.button(key="rollback").click().run())
    assert serving() == registry.SHIPPED


def test_someone_else_was_faster() -> None:
    trained()
    registry.publish("fast-1")
    app = opened()
    registry.rollback()
    ran(app.button(key="rollback").click().run())
    assert notice(app) == "The model that ships is serving, and none served before it."


def test_what_served_when(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, at in (("fast-1", 1_790_000_000), ("fast-2", 1_790_100_000)):
        trained(name)
        monkeypatch.setattr(serving_history.time, "time", lambda at=at: at)
        registry.publish(name)
    monkeypatch.setattr(serving_history.time, "time", lambda: 1_790_200_000)
    registry.rollback()
    registry.delete("fast-2")
    app = AppTest.from_function(script, default_timeout=30)
    app.context["timezone"] = "Europe/Berlin"
    ran(app.run())
    assert history(app) == [
        "**fast-1** **(now)**: from 23 September 2026, 23:46:40 CEST, after going back",
        "**fast-2**: from 22 September 2026, 20:00:00 CEST",
        "**fast-1**: from 21 September 2026, 16:13:20 CEST",
        "**the one that ships**: from the beginning",
    ]


@pytest.mark.parametrize("zone", ["", "No/Where", "../../etc/passwd"])
def test_a_browser_s_zone_may_be_anything(monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    trained()
    monkeypatch.setattr(serving_history.time, "time", lambda: 1_790_000_000)
    registry.publish("fast-1")
    app = AppTest.from_function(script, default_timeout=30)
    app.context["timezone"] = zone
    ran(app.run())
    assert history(app)[0] == "**fast-1** **(now)**: from 21 September 2026, 14:13:20 UTC"


# On the pages.


def page(name: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=30)
    app.switch_page(f"pages/{name}.py")
    return ran(app.run())


def test_a_finished_run_is_put_to_work_and_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = PENS.labels
    worse = Difference(PENS, before=labels, after=np.zeros_like(labels))
    monkeypatch.setattr(comparison, "yardsticks", lambda **_: (PENS,))
    monkeypatch.setattr(comparison, "compare", lambda before, after, on: (worse,))
    trained()
    app = page("train")
    use(app)
    assert dialogs.name(app) == "It reads worse"
    dialogs.press(app, "use_anyway")
    assert serving() == "fast-1"
    keys = [button.key for button in app.main.button]
    assert "use" not in keys
    assert any("✓" in text.value for text in app.main.markdown)
    ran(app.button(key="rollback").click().run())
    assert serving() == registry.SHIPPED
    assert "use" in [button.key for button in app.main.button]


def test_the_runs_page_has_the_way_back_and_the_history() -> None:
    trained()
    registry.publish("fast-1")
    app = page("runs")
    assert len(history(app)) == 2
    assert app.button(key="rollback").label == f"Go back to {SHIPS}"
    ran(app.button(key="rollback").click().run())
    assert serving() == registry.SHIPPED
    assert len(history(app)) == 3


def test_what_was_published_reads_for_everyone() -> None:
    trained()
    first = page("draw")
    assert any("comes with Digit Studio" in text.value for text in first.main.caption)
    registry.publish("fast-1")
    ran(first.run())
    assert any("Read by fast-1 (" in text.value for text in first.main.caption)
    assert not first.main.warning


@pytest.mark.parametrize("harm", ["gone", "altered"])
@pytest.mark.parametrize("name", ["draw", "inside"])
def test_a_published_model_that_can_not_read_is_said_where_digits_are_read(
    offline: None, name: str, harm: str
) -> None:
    trained()
    registry.publish("fast-1")
    folder = paths.models() / "fast-1"
    if harm == "gone":
        folder.rename(folder.with_name("elsewhere"))
    else:
        (folder / "model.tflite").write_bytes(b"altered")
    app = page(name)
    (warning,) = app.main.warning
    assert warning.value.startswith("fast-1 should read here, but its files are damaged or missing")
    assert any("comes with Digit Studio" in text.value for text in app.main.caption)
    registry.rollback()
    ran(app.run())
    assert not app.main.warning


def test_what_is_asked_stays_asked_while_others_train(reads: Callable[..., None]) -> None:
    reads({}, {200: [1]})
    trained()
    app = opened()
    use(app)
    before = told(app)
    ran(app.run())  # as the sidebar has the page do when a training begins or ends
    assert dialogs.name(app) == "It reads worse"
    assert told(app) == before
    app.session_state.visit = 7
    ran(app.run())
    assert not dialogs.name(app), "the page was left, and come back to"
    assert registry.published() == registry.SHIPPED
