"""What the map sends to the browser, and which points a lasso holds."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mnist_core.generated import make_digits
from pages.components.digit_map import MapPoints, _sent, map_sheet, within


def points(where: Any, **more: Any) -> MapPoints:
    count = len(where)
    given = {
        "id": "test",
        "places": np.asarray(where, np.float32),
        "labels": np.zeros(count, np.uint8),
        "ids": np.arange(count),
        "sheet": "",
    }
    return MapPoints(**{**given, **more})


def test_arrays_arrive_as_they_were() -> None:
    places = np.random.default_rng(1).random((10_000, 2), np.float32)
    sent = json.dumps(_sent(points(places, ids=np.arange(10_000) + 60_000), "digest"))
    assert len(sent) < 200_000
    read = {
        name: np.frombuffer(base64.b64decode(json.loads(sent)[name]), kind)
        for name, kind in {"places": "<f4", "labels": "u1", "ids": "<i4"}.items()
    }
    assert (read["places"].reshape(-1, 2) == places).all()
    assert (read["ids"] == np.arange(10_000) + 60_000).all()
    assert json.loads(sent)["sheet"] is None


def test_the_sheet_is_in_seven_greys_and_close_to_the_pictures() -> None:
    images = make_digits(130, seed=1).images
    address = map_sheet(images)
    assert len(address) < 130 * 120
    data = base64.b64decode(address.split(",")[1])
    sheet = np.array(Image.open(io.BytesIO(data)).convert("L"))
    assert sheet.shape == (2 * 28, 100 * 28)
    cells = sheet.reshape(2, 28, 100, 28).swapaxes(1, 2).reshape(200, 28, 28)[:130]
    assert np.abs(cells.astype(int) - images).max() <= 22
    assert len(np.unique(cells)) == 7
    assert cells[images == 0].max() == 0
    assert cells[images == 255].min() == 255


def test_without_pictures_there_is_no_sheet() -> None:
    assert map_sheet(np.zeros((0, 28, 28), np.uint8)) == ""


def test_a_lasso_holds_what_is_inside() -> None:
    given = points([(0.2, 0.2), (0.5, 0.5), (0.8, 0.2), (0.5, 0.9)])
    square = [(0.1, 0.1), (0.6, 0.1), (0.6, 0.6), (0.1, 0.6)]
    assert within(given, square).tolist() == [True, True, False, False]
    dented = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.6), (0.5, 0.3), (0.1, 0.6)]
    assert within(given, dented).tolist() == [True, False, True, False]
    # Where a line crosses itself it goes out again.
    twice = [*square, *square]
    assert not within(given, twice).any()


@pytest.mark.parametrize("lasso", [[], [(0.1, 0.1)], [(0.0, 0.0), (1.0, 1.0)]])
def test_a_line_holds_nothing(lasso: list[tuple[float, float]]) -> None:
    assert within(points([(0.5, 0.5)]), lasso).tolist() == [False]


def test_no_points_are_fine() -> None:
    empty = points(np.zeros((0, 2)))
    assert within(empty, [(0, 0), (1, 0), (1, 1)]).tolist() == []
    assert _sent(empty, "digest")["places"] == ""


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"places": np.zeros((2, 3), np.float32)}, "Places"),
        ({"labels": np.zeros(3, np.uint8)}, "Places"),
        ({"ids": np.arange(3)}, "ids"),
        ({"places": np.array([[0, np.nan], [0, 0]], np.float32)}, "finite"),
        ({"labels": np.array([1, 10], np.uint8)}, "digits"),
    ],
)
def test_points_that_make_no_sense_are_refused(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        points([(0, 0), (1, 1)], **more)
