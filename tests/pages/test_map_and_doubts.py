"""The map and the doubtful labels of the Dataset page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_core import doubts, maps, predictions, store
from mnist_core.background import Status
from mnist_core.maps import DigitMap
from pages.components.digit_map import MapPoints, within
from tests.pages.browsed import (
    CORNERS,
    LASSO,
    TEST,
    arrays,
    close,
    look,
    numbers,
    opened,
    press,
    ran,
    read_all,
    sent,
    tell,
    title,
    wall,
    words,
)

# Doubtful labels.


def test_the_training_digits_are_doubted_by_the_folds(folds: Path) -> None:
    app = opened(look="doubts")
    assert "cross-validation" in words(app)
    assert "Of 260 labels, 2 are contradicted" in words(app)
    shown = wall(app, "doubtful")
    assert numbers(app, "doubtful")[:2] == [41, 3]
    assert len(shown) == 60
    label = arrays()["y_train"][41]
    assert shown[0][1] == f"Training digit 41: labelled {label}; perhaps 7"
    assert shown[0][2] == f"{label}, or 7?"
    press(app, "page_after")
    assert "Page 2 of 5" in words(app)
    ran(app.pills(key="dataset_classes").set_value([int(label)]).run())
    assert set(arrays()["y_train"][numbers(app, "doubtful")]) == {label}
    tell(app, "doubtful", "picked", 41)
    assert title(app) == "Training digit 41"


def test_the_test_digits_are_doubted_by_the_network_that_reads(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "status", lambda model, split: Status(True, 0.1))
    app = opened(look="doubts", part="test")
    assert app.get("progress")
    assert "doubtful" not in [c.key for c in app.get("bidi_component")]
    said = read_all("test")
    ran(app.run())
    ranking = doubts.rank(arrays()["y_test"], said)
    assert numbers(app, "doubtful") == ranking.rows[:60].tolist()


def test_marks_show_among_the_doubtful_and_can_be_taken_along(
    folds: Path, downloads: dict[str, tuple[Callable[[], bytes], bool]]
) -> None:
    app = opened(look="doubts")
    _, greyed = downloads["mnist-train-marks.csv"]
    assert greyed
    tell(app, "doubtful", "picked", 41)
    press(app, "mark_wrong")
    store.set_mark("train", 3, "unclear")
    store.set_mark("test", 3, "right")
    close(app)
    first, second = wall(app, "doubtful")[:2]
    assert (first[3], second[3]) == ("✗", "?")
    assert first[1].endswith("; marked: wrong")
    make, greyed = downloads["mnist-train-marks.csv"]
    assert not greyed
    labels = arrays()["y_train"]
    assert list(csv.reader(io.StringIO(make().decode()))) == [
        ["part", "index", "label", "mark"],
        ["train", "3", str(labels[3]), "unclear"],
        ["train", "41", str(labels[41]), "wrong"],
    ]


@pytest.mark.parametrize("harm", ["altered", "gone"])
def test_damaged_predictions_are_a_sentence(folds: Path, harm: str) -> None:
    file = folds / "predictions.npz"
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1])
    app = opened(look="doubts")
    (error,) = app.error
    assert "make cross-validation" in error.value
    look(app, "wall")
    assert not app.error
    assert wall(app)


# The map.


def held(drawn: DigitMap, labels: NDArray[np.uint8]) -> NDArray[np.int32]:
    points = MapPoints("", drawn.places, labels[drawn.rows], drawn.rows, "")
    return drawn.rows[within(points, CORNERS)]


def test_a_selection_comes_back_from_the_address(mnist: Path) -> None:
    app = opened(look="map", part="test", lasso=LASSO)
    images, labels = arrays()["x_test"], arrays()["y_test"]
    rows = held(maps.pca_map(images, np.arange(TEST, dtype=np.int32)), labels)
    assert 10 < len(rows) < TEST
    assert numbers(app, "selected") == rows.tolist()
    assert sent(app, "map_test")["lasso"] == [list(corner) for corner in CORNERS]
    mixture = {d: n for d, n in enumerate(np.bincount(labels[rows]).tolist()) if n}
    for digit, count in mixture.items():
        assert f"{count} × {digit}" in words(app)
    assert app.query_params == {"look": "map", "part": "test", "lasso": LASSO}
    tell(app, "selected", "picked", int(rows[1]))
    assert title(app) == f"Test digit {rows[1]}"
    press(app, "digit_before")
    assert title(app) == f"Test digit {rows[0]}"
    assert app.button(key="digit_before").disabled, "the selection is gone through"


def test_what_the_reader_does_on_the_map_is_kept(mnist: Path) -> None:
    app = opened(look="map")
    assert "selected" not in [c.key for c in app.get("bidi_component")]
    tell(app, "map_train", "lasso", {"turn": 1, "value": [[0, 0], [1, 0], [1, 1], [0, 1]]})
    assert app.query_params == {"look": "map", "lasso": "0_0_1_0_1_1_0_1"}
    assert sent(app, "map_train")["turn"] == 1
    everybody = set(numbers(app, "selected"))
    assert everybody
    tell(app, "map_train", "hide", {"turn": 2, "value": [1, 8]})
    assert app.query_params["hidden"] == "18"
    assert sent(app, "map_train")["hidden"] == [1, 8]
    assert not {1, 8} & set(arrays()["y_train"][numbers(app, "selected")])
    tell(app, "map_train", "pick", {"turn": 3, "value": 12})
    assert title(app) == "Training digit 12"
    close(app)
    tell(app, "map_train", "lasso", {"turn": 4, "value": []})
    assert app.query_params == {"look": "map", "hidden": "18"}
    assert "selected" not in [c.key for c in app.get("bidi_component")]


def test_a_selection_belongs_to_its_map(mnist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "status", lambda split: Status(True, 0.5))
    app = opened(look="map", lasso=LASSO)
    ran(app.segmented_control(key="dataset_part").set_value("test").run())
    assert app.query_params == {"look": "map", "part": "test"}
    tell(app, "map_test", "lasso", {"turn": 1, "value": [list(corner) for corner in CORNERS]})
    assert app.query_params["lasso"] == LASSO
    ran(app.segmented_control(key="dataset_layout").set_value("neighbours").run())
    assert app.query_params == {"look": "map", "part": "test", "layout": "neighbours"}
    assert sent(app, "map_test")["lasso"] == []


def test_a_selection_of_nothing_is_said(mnist: Path) -> None:
    app = opened(look="map", hidden="0123456789", lasso="0_0_1_0_1_1")
    assert "**Selected:** nothing" in words(app)
    assert wall(app, "selected") == []


def test_who_is_unlike_most_around_is_marked(mnist: Path) -> None:
    app = opened(look="map", hidden="023456789", lasso="0_0_1_0_1_1_0_1")
    assert {tile[3] for tile in wall(app, "selected")} == {""}, "nothing but 1s"
    app = opened(look="map", lasso="0_0_1_0_1_1_0_1")
    assert {tile[4] for tile in wall(app, "selected")} == {0}, "in a mixture nobody is"


def test_a_map_of_neighbours_is_used_where_there_is_one(
    mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(maps, "start", started.append)
    monkeypatch.setattr(
        maps, "status", lambda split: Status(bool(started), 0.4, "Arranging" if started else "")
    )
    app = opened(look="map", part="test", layout="neighbours", lasso=LASSO)
    assert started == ["test"]
    assert app.get("progress")[0].text == "Arranging"
    assert sent(app, "map_test_points")["part"]["id"] == "test-pca", "until then"

    drawn = DigitMap(
        np.arange(TEST, dtype=np.int32), np.random.default_rng(3).random((TEST, 2), np.float32)
    )
    maps._file("test").parent.mkdir(parents=True)
    np.savez(maps._file("test"), rows=drawn.rows, places=drawn.places)
    ran(app.run())
    assert not app.get("progress")
    assert sent(app, "map_test_points")["part"]["id"] == "test-neighbours"
    assert numbers(app, "selected") == held(drawn, arrays()["y_test"]).tolist()
