import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from mnist_core import handwriting, store
from mnist_core.errors import InputError, StoreError
from mnist_core.handwriting import Counts, Kept, NewDrawing
from tests.handwriting.made import image, new
from tests.together import run_together

STROKES = (np.array([[10.04, 20.16], [30.0, 40.0]]), np.array([[99.95, 1.0]]))

KEEP = """
import os, sys
from mnist_core import handwriting
from mnist_core.handwriting import NewDrawing
from tests.handwriting.made import image
print("ready", flush=True)
sys.stdin.readline()
for i in range(25):
    handwriting.keep(int(sys.argv[1]), NewDrawing(7, image(100 * os.getpid() + i)))
"""


def numbers(drawings):
    return [drawing.number for drawing in drawings]


def test_a_drawing_is_kept_whole(profile):
    picture = image(3)
    before = time.time()
    kept = handwriting.keep(
        profile, NewDrawing(7, picture, STROKES, 20, 1, np.float32(0.75), "unsure", "fast-1")
    )
    found = handwriting.find_drawing(kept.number)
    for drawing in (kept, found):
        assert (drawing.profile, drawing.label, drawing.read, drawing.right) == (
            profile, 7, 1, False,
        )  # fmt: skip
        assert (drawing.confidence, drawing.verdict, drawing.model) == (0.75, "unsure", "fast-1")
        assert before <= drawing.at <= time.time()
        np.testing.assert_array_equal(drawing.image, picture)
        assert not drawing.image.flags.writeable
        assert drawing.pen_width == 20
        assert [stroke.tolist() for stroke in drawing.strokes] == [
            [[10, 20.2], [30, 40]], [[100, 1]],
        ]  # fmt: skip
    assert found.at == kept.at


def test_a_picture_that_was_never_read_is_kept(profile):
    kept = handwriting.keep(profile, NewDrawing(np.uint8(3), image(1), at=12.5))
    assert (kept.label, kept.at, kept.strokes, kept.pen_width) == (3, 12.5, (), 0)
    assert (kept.read, kept.confidence, kept.verdict, kept.model) == (None, None, "", "")
    assert kept.right is None


@pytest.mark.parametrize(
    ("label", "read", "verdict", "right"),
    [
        (7, 7, "digit", True),
        (7, 7, "unsure", True),
        (7, 1, "digit", False),
        (7, 7, "not a digit", False),
        (7, None, "", None),
    ],
)
def test_what_is_right_is_told_and_counted_alike(profile, label, read, verdict, right):
    kept = handwriting.keep(profile, new(label, read=read, verdict=verdict))
    assert kept.right is right
    assert handwriting.count(profile).right == (right is True)
    assert handwriting.count(profile).read == (right is not None)
    for asked in (True, False):
        assert handwriting.matching(profile, right=asked) == (right is asked)
        assert len(handwriting.drawings(profile, right=asked)) == (right is asked)


@pytest.mark.parametrize("label", [-1, 10, 3.5, "7", None, float("nan")])
def test_a_label_that_is_no_digit_is_refused(profile, label):
    kept = handwriting.keep(profile, new(7))
    for ask in (
        lambda: handwriting.keep(profile, new(label)),
        lambda: handwriting.keep_all(profile, [new(1), new(label)]),
        lambda: handwriting.relabel(kept.number, label),
    ):
        with pytest.raises(InputError, match=r"^A drawing is one of the digits 0 to 9, not .+\.$"):
            ask()
    assert handwriting.count(profile).total == 1
    assert handwriting.find_drawing(kept.number).label == 7


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((28, 28), np.uint8), "There is nothing to keep"),
        (np.ones((27, 28), np.uint8), r"not \(27, 28\) uint8"),
        (np.ones((28, 28), np.float32), "float32"),
        (np.ones((28, 28), bool), "bool"),
        (np.ones(784, np.uint8), r"\(784,\)"),
    ],
)
def test_an_image_that_is_none_is_refused(profile, picture, said):
    for ask in (
        lambda: handwriting.keep(profile, NewDrawing(1, picture)),
        lambda: handwriting.keep_all(profile, [new(), NewDrawing(1, picture)]),
    ):
        with pytest.raises(InputError, match=said):
            ask()
    assert handwriting.drawings(profile) == []


def test_a_third_of_each_label_is_held_out(profile):
    for label in (7, 1, 7, 7, 1, 7, 7, 7, 7, 7, 7):
        handwriting.keep(profile, new(label))
    sevens = handwriting.drawings(profile, labels=[7], newest_first=False)
    assert [d.held_out for d in sevens] == [0, 1, 0, 0, 1, 0, 0, 1, 0]
    ones = handwriting.drawings(profile, labels=[1], newest_first=False)
    assert [d.held_out for d in ones] == [0, 1]
    assert handwriting.count(profile).held_out == 4
    assert numbers(handwriting.drawings(profile, held_out=True)) == [10, 7, 5, 3]
    assert len(handwriting.drawings(profile, held_out=False)) == 7


def test_many_at_once_are_held_out_like_one_by_one(profile):
    other = handwriting.add_profile("Other").number
    labels = [i % 3 for i in range(40)]
    many = [new(label) for label in labels]
    assert handwriting.keep_all(profile, many[:17]) == Kept(17, 0)
    assert handwriting.keep_all(profile, many[17:]) == Kept(23, 0)
    for drawing in many:
        handwriting.keep(other, drawing)
    told = [[d.held_out for d in handwriting.drawings(number)] for number in (profile, other)]
    assert told[0] == told[1]
    assert handwriting.count(profile) == handwriting.count(other)


def test_who_was_held_out_elsewhere_stays_so_and_counts(profile):
    told = [new(held_out=True), new(held_out=True), new(), new(held_out=False), new()]
    handwriting.keep_all(profile, told)
    kept = handwriting.drawings(profile, newest_first=False)
    # Two of two are more than a third already.
    assert [d.held_out for d in kept] == [1, 1, 0, 0, 0]
    assert handwriting.keep(profile, new(held_out=False)).held_out is False
    assert handwriting.keep(profile, new()).held_out is False, "two of six are a third"
    assert handwriting.keep(profile, new()).held_out is True


def test_another_label_does_not_change_who_is_held_out(profile):
    first, second = handwriting.keep(profile, new(7)), handwriting.keep(profile, new(7))
    assert (first.held_out, second.held_out) == (False, True)
    assert handwriting.relabel(second.number, 1).label == 1
    assert handwriting.relabel(first.number, np.int64(4)).label == 4
    assert [d.held_out for d in handwriting.drawings(profile)] == [True, False]
    assert handwriting.count(profile).by_label == (0, 1, 0, 0, 1, 0, 0, 0, 0, 0)


def test_pictures_that_are_there_are_left_out(profile):
    other = handwriting.add_profile("Other").number
    a, b, c = new(1), new(2), new(3)
    handwriting.keep(profile, a)
    again = NewDrawing(9, a.image)
    assert handwriting.keep_all(profile, [again, b, c, b]) == Kept(kept=2, known=2)
    assert [d.label for d in handwriting.drawings(profile)] == [3, 2, 1]
    assert handwriting.keep_all(profile, []) == Kept(0, 0)
    assert handwriting.keep_all(other, [a]) == Kept(1, 0), "every profile is its own"


def test_drawings_come_in_order_filtered_and_in_pages(profile):
    other = handwriting.add_profile("Other").number
    for label in (3, 1, 3, 2, 3):
        handwriting.keep(profile, new(label, read=3, verdict="digit"))
        handwriting.keep(other, new(label))
    assert numbers(handwriting.drawings(profile)) == [9, 7, 5, 3, 1]
    assert numbers(handwriting.drawings(profile, newest_first=False)) == [1, 3, 5, 7, 9]
    assert numbers(handwriting.drawings(profile, labels={1, 2})) == [7, 3]
    assert numbers(handwriting.drawings(profile, right=True)) == [9, 5, 1]
    assert numbers(handwriting.drawings(profile, labels=[3], right=False)) == []
    assert numbers(handwriting.drawings(profile, limit=2)) == [9, 7]
    assert numbers(handwriting.drawings(profile, limit=2, offset=3)) == [3, 1]
    assert numbers(handwriting.drawings(profile, offset=4)) == [1]
    assert numbers(handwriting.drawings(profile, until=6, limit=2)) == [5, 3]
    assert (handwriting.latest(profile), handwriting.latest(other)) == (9, 10)
    assert handwriting.matching(profile) == 5
    assert handwriting.matching(profile, labels=[3, 1]) == 4
    assert handwriting.matching(profile, labels=[1], right=True) == 0


def test_an_empty_profile_has_nothing(profile):
    assert handwriting.drawings(profile) == []
    assert handwriting.count(profile) == Counts((0,) * 10, (0,) * 10, (0,) * 10, 0)
    assert handwriting.count(profile).total == 0
    assert (handwriting.latest(profile), handwriting.matching(profile)) == (0, 0)
    assert handwriting.delete_all(profile) == 0


def test_what_is_deleted_is_gone_and_no_number_is_used_twice(profile):
    other = handwriting.add_profile("Other").number
    kept = [handwriting.keep(profile, new()).number for _ in range(4)]
    stays = handwriting.keep(other, new()).number
    handwriting.delete(kept[1])
    handwriting.delete(kept[1])
    assert numbers(handwriting.drawings(profile)) == [kept[3], kept[2], kept[0]]
    for ask in (handwriting.find_drawing, lambda number: handwriting.relabel(number, 1)):
        with pytest.raises(InputError, match=r"^That drawing is gone: .+\.$"):
            ask(kept[1])
    assert handwriting.delete_all(profile) == 3
    assert handwriting.count(profile).total == 0
    assert numbers(handwriting.drawings(other)) == [stays]
    assert handwriting.keep(profile, new()).number == stays + 1
    handwriting.delete_all(profile)
    assert handwriting.keep(profile, new()).number == stays + 2


@pytest.mark.parametrize("number", [0, -1, 10**30])
def test_a_number_that_nobody_gave_is_said_to_be_gone(profile, number):
    with pytest.raises(InputError, match="gone"):
        handwriting.find_drawing(number)


def test_nothing_is_left_of_what_was_deleted(profile):
    kept = handwriting.keep(profile, new(strokes=STROKES))
    content = kept.image.tobytes()
    assert content in store.file().read_bytes()
    handwriting.delete(kept.number)
    assert content not in b"".join(f.read_bytes() for f in store.file().parent.glob("studio.db*"))


def test_two_sessions_that_correct_at_once_lose_nothing(profile):
    run_together(sys.executable, KEEP, str(profile))
    kept = handwriting.drawings(profile)
    assert numbers(kept) == list(range(100, 0, -1))
    # A third is held out, as if they had come one by one.
    assert [d.held_out for d in reversed(kept)] == [i % 3 == 1 for i in range(100)]


def test_threads_that_keep_relabel_and_delete_at_once_lose_nothing(profile):
    together = threading.Barrier(8)

    def work(number):
        together.wait()
        for _ in range(10):
            kept = handwriting.keep(profile, new(number))
            handwriting.relabel(kept.number, 9)
            handwriting.delete(handwriting.keep(profile, new(8)).number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert handwriting.count(profile).by_label == (0,) * 9 + (80,)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("image", b"short"),
        ("image", "text"),
        ("label", 12),
        ("label", "damaged"),
        ("strokes", "[[1, 2"),
        ("strokes", "7"),
        ("strokes", '[["a"]]'),
        ("strokes", "[[[1, 2], [3]]]"),
        ("pen_width", "damaged"),
        ("read", "damaged"),
        ("at", "damaged"),
    ],
)
def test_a_damaged_drawing_is_said_in_a_sentence(profile, column, value):
    kept = handwriting.keep(profile, new())
    with store.opened(write=True) as database:
        database.execute(f"UPDATE drawings SET {column} = ?", (value,))
    for ask in (
        lambda: handwriting.find_drawing(kept.number),
        lambda: handwriting.drawings(profile),
    ):
        with pytest.raises(StoreError, match=r"is damaged: .+\.$"):
            ask()


def test_labels_that_can_not_be_counted_are_damage(profile):
    handwriting.keep(profile, new())
    with store.opened(write=True) as database:
        database.execute("UPDATE drawings SET label = 12")
    with pytest.raises(StoreError, match="is damaged"):
        handwriting.count(profile)


def test_what_is_kept_is_flushed_before_it_is_said_to_be(profile, monkeypatch):
    said = []
    connect = store.database._connect

    def heard():
        database = connect()
        database.set_trace_callback(said.append)
        return database

    monkeypatch.setattr(store.database, "_connect", heard)
    handwriting.keep(profile, new())
    assert said.index("PRAGMA synchronous = FULL") < said.index("BEGIN IMMEDIATE")
    assert said[-1] == "COMMIT"
    with closing(connect()) as database:
        assert database.execute("PRAGMA synchronous").fetchone()[0] == 1, "others need it not"


def test_the_same_picture_is_never_learned_from_and_held_out(profile):
    first = handwriting.keep(profile, new(7))
    again = handwriting.keep(profile, NewDrawing(7, first.image))
    assert not first.held_out
    assert not again.held_out, "though it is the second"
    third = handwriting.keep(profile, new(7))
    assert third.held_out
    assert handwriting.keep(profile, NewDrawing(7, third.image)).held_out
    # What a file says doesn't change it.
    assert handwriting.keep(profile, NewDrawing(7, third.image, held_out=False)).held_out


def test_a_drawing_of_another_profile_is_not_found(profile):
    kept = handwriting.keep(profile, new(7))
    assert handwriting.find_drawing(kept.number, of=profile).number == kept.number
    with pytest.raises(InputError, match=r"^That drawing is gone"):
        handwriting.find_drawing(kept.number, of=profile + 1)
