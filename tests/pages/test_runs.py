"""The Runs page: the table, finding in it, and runs side by side. Nothing is trained."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core import registry, store
from mnist_core.settings import PRESETS, Settings
from mnist_core.store import Run, Validation
from tests.pages import runs
from tests.pages.browsed import APP, sent
from tests.shipped import add_copy

HTML = '<b onclick="go()">x & y</b>'
MLP = PRESETS["mlp"].settings
MNIST = PRESETS["fast"].settings


def opened() -> AppTest:
    app = AppTest.from_file(APP, default_timeout=30)
    app.switch_page("pages/runs.py")
    return ran(app.run())


def ran(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    main = app.main
    kinds = (main.markdown, main.caption, main.info, main.error, main.subheader)
    return "\n".join(text.value for kind in kinds for text in kind)


def buttons(app: AppTest) -> list[str]:
    return [button.label for button in app.main.button]


def table(app: AppTest) -> dict[str, list[Any]]:
    """Its columns, None where a cell is empty."""
    shown = app.dataframe[0].value
    return {
        name: [None if value != value else value for value in shown[name].tolist()]
        for name in shown
    }


def find(app: AppTest, text: str) -> list[str]:
    ran(app.text_input(key="find_run").set_value(text).run())
    return table(app)["Run"] if app.dataframe else []


def tick(app: AppTest, *rows: int) -> None:
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": list(rows)}}
    ran(app.run())


# The table.


def test_no_run_yet_says_how_to_begin() -> None:
    app = opened()
    assert app.title[0].value == "Runs"
    assert "Nothing was trained" in words(app)
    assert "Retrain" in words(app)
    assert not app.dataframe
    assert not app.main.text_input
    assert "**the one that ships** **(now)**: from the beginning" in words(app)


def test_what_served_can_be_had_back_without_any_run() -> None:
    add_copy("fast-1")
    registry.publish("fast-1")
    app = opened()
    assert "Nothing was trained" in words(app)
    assert buttons(app) == ["Go back to the one that ships"]


def test_a_database_that_can_not_be_used_is_one_sentence() -> None:
    store.file().write_bytes(b"no database at all " * 100)
    app = opened()
    (error,) = app.main.error
    assert "studio.db" in error.value
    assert "Which network read when" in words(app)


def test_the_columns_and_what_is_in_them() -> None:
    runs.put("finished", done=20, model="fast-1", test_accuracy=0.8765, name="A", notes="n\nm")
    runs.put("stopped", settings=MLP)
    shown = table(opened())
    started = shown.pop("Started")
    assert started[0] > started[1]
    assert started[0].utcoffset().total_seconds() == 0
    assert shown == {
        "Run": ["mlp-2", "fast-1"],
        "Name": [None, "A"],
        "Network": ["Classic MLP", "Small CNN, fast"],
        "State": ["Stopped", "Finished"],
        "Validation": [None, 90.0],
        "Test": [None, pytest.approx(87.65)],
        "Trained": [None, 2.0],
        "Parameters": [MLP.parameters(), runs.SETTINGS.parameters()],
        "Images a second": [None, 400.0],
        "Settings": [
            "10 epochs, batch 32, rate 0.001, 55,000 images",
            "2 epochs, batch 40, rate 0.02, 400 images",
        ],
        "Notes": [None, "n\nm"],
    }


def test_numbers_are_shown_with_their_units() -> None:
    runs.put("finished", done=20)
    looks = json.loads(opened().dataframe[0].proto.columns)
    formats = {name: look.get("type_config", {}).get("format") for name, look in looks.items()}
    assert formats["Validation"] == formats["Test"] == "%.2f %%"
    assert formats["Trained"] == "%.1f s"
    assert formats["Started"] == "distance"


def test_the_one_that_reads_has_a_mark() -> None:
    for _ in range(2):
        runs.put("finished", done=20)
    with store.opened(write=True) as database:
        for name in ("fast-1", "fast-2"):
            add_copy(name)
            store.update(database, name, model=name)
    assert table(opened())["Run"] == ["fast-2", "fast-1"]
    registry.publish("fast-1")
    assert table(opened())["Run"] == ["fast-2", "fast-1 ✓"]


# Finding.


def test_finding_by_words_of_anything_that_is_said_of_a_run() -> None:
    runs.put("finished", done=20, name="Über Nacht", notes="With more ink.\nAnd pens")
    runs.put("paused", done=12, name="Ink")
    runs.put("stopped", settings=MLP)
    app = opened()
    assert find(app, "") == ["mlp-3", "fast-2", "fast-1"]
    assert find(app, "ink") == ["fast-2", "fast-1"]
    assert find(app, "  INK über ") == ["fast-1"], "all words, in any order"
    assert find(app, "pens") == ["fast-1"], "notes"
    assert find(app, "mlp-3") == ["mlp-3"]
    assert find(app, "small cnn paused") == ["fast-2"]
    assert find(app, "stopped") == ["mlp-3"]


def test_nothing_found_is_said() -> None:
    runs.put("finished", done=20, name="a.*b")
    app = opened()
    assert find(app, ".*") == ["fast-1"], "letters, no pattern"
    assert find(app, "ax") == []
    assert "No run holds these words." in words(app)
    assert find(app, "") == ["fast-1"]


# Choosing.


def test_nothing_chosen_offers_nothing() -> None:
    runs.put("finished", done=20)
    app = opened()
    assert not buttons(app)
    assert "side by side" not in words(app)


def test_a_run_is_opened() -> None:
    runs.put("finished", done=20)
    runs.put("paused", done=12)
    app = opened()
    tick(app, 1)
    assert buttons(app) == ["Open fast-1"]
    assert "side by side" not in words(app)
    ran(app.button(key="open_fast-1").click().run())
    assert app.title[0].value == "Watch it learn"
    assert app.selectbox(key="run_1").value == "fast-1"


def test_what_is_chosen_is_of_the_rows_that_are_shown() -> None:
    for name in ("first", "second", "first again"):
        runs.put("finished", done=20, name=name)
    app = opened()
    tick(app, 1)
    assert buttons(app) == ["Open fast-2"]
    assert find(app, "first") == ["fast-3", "fast-1"]
    assert not buttons(app), "another table, in which nothing is chosen"
    tick(app, 1)
    assert buttons(app) == ["Open fast-1"]


def test_six_are_compared_and_seven_are_too_many() -> None:
    for _ in range(7):
        runs.put("finished", done=20)
    app = opened()
    tick(app, *range(6))
    assert "6 runs side by side" in words(app)
    assert len(buttons(app)) == 6
    tick(app, *range(7))
    assert "at most 6 runs" in words(app)
    assert "side by side" not in words(app)
    assert not buttons(app)


def test_what_is_chosen_is_compared_in_the_order_of_the_table() -> None:
    for name in ("a", "b", "c"):
        runs.put("finished", done=20, name=name)
    app = opened()
    tick(app, 2, 0)
    assert "2 runs side by side" in words(app)
    assert [line["label"] for line in panels(app)[0]["lines"]] == ["c", "a"]


# Comparing.


def script() -> None:
    from mnist_core import store
    from pages.components.comparing import compare

    compare(store.runs()[::-1])


def compared() -> AppTest:
    """All runs there are, the oldest first."""
    return ran(AppTest.from_function(script, default_timeout=30).run())


def panels(app: AppTest) -> list[dict[str, Any]]:
    return sent(app, "curves_compared")["panels"]


def tables(app: AppTest) -> list[dict[str, list[str]]]:
    """The cells of each table by the head of their line, ★ behind the best; "" has the names."""
    found = []
    for element in app.get("html"):
        lines = {}
        for line in re.findall(r"<tr>(.*?)</tr>", element.proto.body):
            heads = re.findall(r'<th scope="row">(.*?)</th>', line)
            cells = re.findall(r"<t[dh](?: scope=\"col\"| class=best)?>.*?</t[dh]>", line)
            texts = [re.sub("<.*?>", "", cell) + "★" * ("best" in cell) for cell in cells]
            lines["".join(heads)] = texts if heads else texts[1:]
        found.append(lines)
    return found


def validated(run: Run, *right: int, step: int = 20) -> None:
    """Validate a run again: so many right of a hundred of each of the first digits, or 90."""
    confusion = np.zeros((10, 10), np.uint32)
    for digit, count in enumerate([*right, *[90] * (10 - len(right))]):
        confusion[digit, digit] = count
        confusion[digit, (digit + 1) % 10] = 100 - count
    share = float(confusion.trace() / confusion.sum())
    with store.opened(write=True) as database:
        store.add_validation(database, run.id, Validation(step, 0.5, share, confusion))


@pytest.mark.parametrize("count", [2, 6])
def test_curves_lie_over_each_other(count: int) -> None:
    for i in range(count):
        runs.put("finished", done=20, name=f"n{i}")
    app = compared()
    assert [panel["title"] for panel in panels(app)] == [
        "Validation accuracy",
        "Training loss",
        "Training accuracy",
    ]
    for panel in panels(app):
        assert [line["label"] for line in panel["lines"]] == [f"n{i}" for i in range(count)]
        assert len({line["colour"] for line in panel["lines"]}) == count
    curves = sent(app, "curves_compared")
    assert panels(app)[0]["lines"][0]["y"] == [90, 90]
    assert curves["xs"][panels(app)[0]["lines"][0]["x"]] == [1, 2], "epochs"
    assert panels(app)[1]["lines"][0]["y"][0] == pytest.approx(2.3)
    assert curves["told"].startswith(f"Curves of {count} runs; validation accuracy: n0 90.00 %, n1")


def test_the_curves_reach_as_far_as_the_longest_run() -> None:
    runs.put("finished", done=20)
    runs.put("paused", done=12, settings=replace(runs.SETTINGS, epochs=9))
    assert sent(compared(), "curves_compared")["xEnd"] == 9


def test_runs_of_the_same_name_are_told_apart() -> None:
    for name in ("twin", "twin", "other", ""):
        runs.put("finished", done=20, name=name)
    names = ["twin (fast-1)", "twin (fast-2)", "other", "fast-4"]
    app = compared()
    assert [line["label"] for line in panels(app)[0]["lines"]] == names
    assert tables(app)[-1][""] == names


def test_what_differs_in_the_settings_is_a_table_and_the_rest_a_line() -> None:
    runs.put("finished", done=20)
    runs.put("finished", done=20, settings=replace(runs.SETTINGS, batch_size=64, augment=True))
    app = compared()
    differ, _ = tables(app)
    assert differ == {
        "": ["fast-1", "fast-2"],
        "Batch size": ["40", "64"],
        "Varies every image": ["no", "yes"],
    }
    same = next(text for text in words(app).splitlines() if text.startswith("The same in all"))
    assert "; learning rate: 0.02;" in same
    assert "; training images: 400;" in same
    assert "batch size" not in same


def test_settings_that_only_one_of_them_has() -> None:
    runs.put("finished", done=20)
    runs.put("queued", settings=replace(MLP, optimizer="adamw", weight_decay=0.004))
    differ, _ = tables(compared())
    assert differ["Network"] == ["Small CNN, fast", "Classic MLP"]
    assert differ["Filters"] == ["16, 16, 32, 32", "–"]
    assert differ["Hidden layers"] == ["–", "128, 256, 512"]
    assert differ["Weight decay"] == ["–", "0.004"]
    assert differ["Learns from"] == ["generated digits", "MNIST"]
    assert differ["Pen drawings per epoch"] == ["–", "0"]


def test_the_very_same_settings() -> None:
    for _ in range(2):
        runs.put("finished", done=20)
    app = compared()
    assert "Nothing: the very same settings." in words(app)
    assert len(tables(app)) == 1, "each digit only"


def test_each_digit_of_the_network_that_was_kept_with_a_star_for_the_best() -> None:
    first, second = (runs.put("finished", done=20, best_step=20) for _ in range(2))
    validated(first, 95, 80, 90)
    validated(first, 10, 10, 10, step=10)
    validated(second, 91, 99, 90)
    (digits,) = tables(compared())
    assert list(digits) == ["", "All digits", *map(str, range(10))]
    assert digits["All digits"] == ["89.50 %", "91.00 %★"]
    assert digits["0"] == ["95.00 %★", "91.00 %"]
    assert digits["1"] == ["80.00 %", "99.00 %★"]
    assert digits["2"] == ["90.00 %", "90.00 %"], "no star where all are alike"


def test_two_that_are_both_best_have_both_a_star() -> None:
    for right in (95, 95, 94):
        validated(runs.put("finished", done=20, best_step=20), right)
    (digits,) = tables(compared())
    assert digits["0"] == ["95.00 %★", "95.00 %★", "94.00 %"]


def test_a_digit_that_was_never_shown_is_a_dash() -> None:
    for _ in range(2):
        run = runs.put("finished", done=20, best_step=20)
        seen = Validation(20, 0.5, 1.0, np.diag(np.r_[np.full(9, 90), 0].astype(np.uint32)))
        with store.opened(write=True) as database:
            store.add_validation(database, run.id, seen)
    (digits,) = tables(compared())
    assert digits["9"] == ["–", "–"]
    assert digits["8"] == ["100.00 %", "100.00 %"]


def test_a_run_without_a_validation_is_named_and_has_no_column() -> None:
    runs.put("finished", done=20, name="done")
    runs.put("paused", done=5, name="~~new~~")
    app = compared()
    assert [text.value for text in app.text] == ["Not validated yet: ~~new~~."]
    (digits,) = tables(app)
    assert digits[""] == ["done"]
    assert digits["4"] == ["90.00 %"], "no star for one alone"
    assert [len(line["y"]) for line in panels(app)[0]["lines"]] == [2, 0]
    assert "~~new~~ –" in sent(app, "curves_compared")["told"]


def test_runs_that_have_not_begun() -> None:
    for _ in range(2):
        runs.put("queued")
    app = compared()
    assert [text.value for text in app.text] == ["Not validated yet: fast-1, fast-2."]
    assert not tables(app)


@pytest.mark.parametrize(("other", "said"), [(MNIST, True), (runs.SETTINGS, False)])
def test_mnist_beside_generated_digits_is_not_comparable(other: Settings, said: bool) -> None:
    runs.put("finished", done=20)
    runs.put("finished", done=20, settings=other)
    assert ("can't be compared" in words(compared())) is said


def test_a_name_can_not_be_markup() -> None:
    runs.put("finished", done=20, name=HTML)
    runs.put("finished", done=20, settings=replace(runs.SETTINGS, seed=5))
    app = compared()
    bodies = [element.proto.body for element in app.get("html")]
    assert len(bodies) == 2
    for body in bodies:
        assert "<b" not in body.replace("<tbody", "")
        assert "&lt;b onclick=&quot;go()&quot;&gt;x &amp; y&lt;/b&gt;" in body
