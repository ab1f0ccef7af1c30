import itertools

import numpy as np
import pytest

from mnist_core import generated
from mnist_core.handwriting import strokes_on_canvas
from mnist_core.templates import TEMPLATES


def as_canvas(points, width=20.0):
    """The path that Fabric.js' PencilBrush makes of positions of the pen."""
    off = width / 1000
    first, last = points[0], points[-1]
    # The brush takes the first position twice.
    path = [["M", first[0] - off, first[1] + off], ["Q", *first, *first]]
    for control, after in itertools.pairwise(points):
        path.append(["Q", *control, *((np.add(control, after)) / 2)])
    path.append(["L", last[0] + off, last[1] - off])
    return {"type": "Path", "path": path, "strokeWidth": width, "left": 3, "top": 4}


def whole(points, width=20.0):
    return {"version": "6", "objects": [as_canvas(stroke, width) for stroke in points]}


@pytest.mark.parametrize("label", range(10))
def test_the_strokes_of_a_digit_come_back(label):
    drawn = [np.round(s) for s in generated.strokes_of(label, next(iter(TEMPLATES[label])))]
    drawn = [s[np.concatenate([[True], np.diff(s, axis=0).any(axis=1)])] for s in drawn]
    found, width = strokes_on_canvas(whole(drawn, 14.0))
    assert (len(found), width) == (len(drawn), 14.0)
    for stroke, expected in zip(found, drawn, strict=True):
        np.testing.assert_allclose(stroke, expected, atol=0.03)


def test_a_click_is_a_stroke_of_one_point():
    path = [["M", 49.98, 60], ["Q", 49.98, 60, 50, 60], ["L", 50.02, 60]]
    (stroke,), width = strokes_on_canvas({"objects": [{"path": path, "strokeWidth": 20}]})
    np.testing.assert_allclose(stroke, [[50, 60]], atol=0.03)
    assert (stroke.shape, width) == ((1, 2), 20)


def changed(**attributes):
    return {"objects": [as_canvas([(1, 2), (30, 40), (50, 60)]) | attributes]}


M, Q, L = ["M", 1, 2], ["Q", 1, 2, 3, 4], ["L", 5, 6]
HOSTILE = {
    "nothing": {},
    "none": None,
    "text": "objects",
    "no objects": {"objects": []},
    "objects that are none": {"objects": None},
    "a number": {"objects": 7},
    "an object that is text": {"objects": ["path"]},
    "no path": {"objects": [{"type": "Rect"}]},
    "a tester's object": {"objects": [{"type": "Path", "points": 3}]},
    "a path of text": changed(path="M 1 2 L 3 4"),
    "an empty path": changed(path=[]),
    "one command": changed(path=[M]),
    "an empty command": changed(path=[M, [], L]),
    "no start": changed(path=[Q, Q, L]),
    "no end": changed(path=[M, Q, Q]),
    "another command": changed(path=[M, ["C", 1, 2, 3, 4, 5, 6], L]),
    "a start in between": changed(path=[M, M, L]),
    "a command of dicts": changed(path=[{"0": 1}, Q, L]),
    "too few numbers": changed(path=[M, ["Q", 1], L]),
    "text for a number": changed(path=[M, ["Q", "a", "b", 1, 2], L]),
    "none for a number": changed(path=[M, ["Q", None, 1, 2, 3], L]),
    "a list for a number": changed(path=[M, ["Q", [1, 2], 3, 4, 5], L]),
    "infinite": changed(path=[M, ["Q", float("inf"), 1, 2, 3], L]),
    "not a number": changed(path=[M, ["Q", float("nan"), 1, 2, 3], L]),
    "a huge number": changed(path=[M, ["Q", 10**400, 1, 2, 3], L]),
    "far away": changed(path=[M, ["Q", 1e6, 1, 2, 3], L]),
    "too many points": changed(path=[M, *[Q] * 10_000, L]),
    "too many strokes": {"objects": changed()["objects"] * 3000},
    "no width": {"objects": [{"path": [M, Q, L]}]},
    "a width that is none": changed(strokeWidth=None),
    "a width of 0": changed(strokeWidth=0),
    "a negative width": changed(strokeWidth=-3),
    "an endless width": changed(strokeWidth=1e9),
    "a width that is no number": changed(strokeWidth=float("nan")),
}


@pytest.mark.parametrize("objects", HOSTILE.values(), ids=HOSTILE)
def test_what_the_canvas_never_sends_has_no_strokes(objects):
    assert strokes_on_canvas(objects) == ((), 0.0)


def test_one_hostile_path_among_good_ones_leaves_the_picture_alone():
    good = as_canvas([(1, 2), (30, 40), (50, 60)])
    assert strokes_on_canvas({"objects": [good, good]})[1] == 20
    assert strokes_on_canvas({"objects": [good, good | {"path": [M]}]}) == ((), 0.0)
