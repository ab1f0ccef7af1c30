import pickle
import threading
import time
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from mnist_core import generated, nondigits, shapes
from mnist_core.learning import renewal
from mnist_core.learning.renewal import Recipe, Renewal
from mnist_core.nondigits import KINDS, NO_DIGIT, Source
from mnist_core.stroke_files import Letter
from mnist_core.strokes import PenDigit
from mnist_core.templates import TEMPLATES

# What nobody takes for another, turned, slanted and stretched as it may be.
_TURNS = np.linspace(0, 2 * np.pi, 40)
RING, UPRIGHT, LYING = (
    np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1),
    np.array([[0.0, 0.0], [0.0, 1.0]]),
    np.array([[0.0, 0.0], [1.0, 0.0]]),
)
CLEAR = tuple(PenDigit((stroke,), i, 1) for i, stroke in enumerate((RING, UPRIGHT, LYING)))
PATIENCE = 20.0  # seconds


def looks_like(image):
    """Which of CLEAR it is, by its ink alone."""
    rows, columns = (np.flatnonzero(image.max(axis=axis) > 100) for axis in (1, 0))
    if ndimage.label(image < 50)[1] > 1:  # there is an inside
        return 0
    return 1 if np.ptp(rows) > np.ptp(columns) else 2


@pytest.fixture
def subjects(monkeypatch):
    """What was to be drawn, time after time; nothing is drawn."""
    seen = []

    def write_again(strokes, random):
        seen.append(strokes)
        return np.zeros((280, 280), np.uint8)

    monkeypatch.setattr(renewal, "write_again", write_again)
    return seen


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


# What is drawn


def somebodys(label, strokes=()):
    image = np.full((28, 28), 10 + label, np.uint8)
    return SimpleNamespace(label=label, strokes=strokes, image=image)


def test_somebodys_drawings_come_last_each_as_often_as_the_others(subjects):
    own = [somebodys(3, (RING,)), somebodys(7, (UPRIGHT,)), somebodys(5)]
    recipe = Recipe(1, 2, 3, CLEAR, Source((), CLEAR, shapes.TRAIN), 1, own_digits=7, own=own)
    assert recipe.labels.tolist() == [0, 0, 1, *[NO_DIGIT] * 3, 3, 7, 5, 3, 7, 5, 3]
    images = recipe.draw(0)
    assert images.shape == (13, 28, 28)
    # What has strokes is drawn anew; a picture is taken as it is.
    assert [id(strokes) for strokes in subjects[6:]] == [
        id(own[i].strokes) for i in (0, 1, 0, 1, 0)
    ]
    for i in (8, 11):
        assert (images[i] == 15).all()
    assert not (images[[6, 7, 9, 10, 12]] == 15).any()


def test_somebodys_drawings_alone():
    recipe = Recipe(0, 0, 0, (), Source((), (), shapes.TRAIN), 1, 4, [somebodys(9, (RING,))])
    images = recipe.draw(0)
    assert recipe.labels.tolist() == [9] * 4
    assert all(looks_like(image) == 0 for image in images)
    assert len({image.tobytes() for image in images}) == 4, "each drawn in another way"


def test_labels_are_those_of_what_is_drawn_in_this_order():
    recipe = Recipe(5, 12, 2, CLEAR, Source((), CLEAR, shapes.TRAIN), seed=1)
    assert recipe.labels.dtype == np.uint8
    assert recipe.labels.tolist() == [0, 1, 2, 0, 1, *range(10), 0, 1, NO_DIGIT, NO_DIGIT]


@pytest.mark.parametrize("counts", [(3, 0, 0), (0, 3, 0), (0, 0, 3), (2, 3, 4), (0, 0, 0)])
def test_as_many_as_are_wanted(recipe, counts):
    pens, made, none = counts
    some = replace(recipe, pen_digits=pens, generated_digits=made, non_digits=none)
    drawn = some.draw(0)
    assert (drawn.shape, drawn.dtype) == ((sum(counts), 28, 28), np.uint8)
    assert len(some.labels) == sum(counts)
    assert (some.labels == NO_DIGIT).sum() == none


def test_without_pen_digits_there_is_nothing_to_ask_of_them(recipe):
    without = replace(recipe, pen_digits=0, written=(), source=Source((), (), shapes.TRAIN))
    assert without.labels.tolist() == [*range(8)] + [NO_DIGIT] * 20
    assert without.draw(0).any(axis=(1, 2)).all()


def test_the_seed_and_the_epoch_decide_everything(recipe):
    first = recipe.draw(3)
    np.random.default_rng(0).random(5)
    np.testing.assert_array_equal(recipe.draw(3), first)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(recipe)).draw(3), first)
    others = [recipe.draw(4), replace(recipe, seed=6).draw(3)]
    for other in others:
        assert not (other == first).all(axis=(1, 2)).any(), "none is the same"


def test_drawings_fit_their_labels(monkeypatch):
    styles = Counter()

    def strokes_of(label, style):
        assert style in TEMPLATES[label]
        styles[label, style] += 1
        return [CLEAR[label % 3].strokes[0]]

    monkeypatch.setattr(generated, "strokes_of", strokes_of)
    recipe = Recipe(60, 400, 0, CLEAR, Source((), CLEAR, shapes.TRAIN), seed=1)
    looks = [looks_like(image) for image in recipe.draw(0)]
    np.testing.assert_array_equal(looks, recipe.labels % 3)
    assert len(styles) == sum(map(len, TEMPLATES.values())), "in every style"


def test_every_pen_digit_is_drawn_as_often_as_the_others_to_one(recipe, subjects):
    replace(recipe, written=CLEAR, pen_digits=74, generated_digits=0, non_digits=0).draw(0)
    counts = Counter(id(strokes) for strokes in subjects)
    assert [counts[id(digit.strokes)] for digit in CLEAR] == [25, 25, 24]


@pytest.mark.parametrize("letters", [True, False])
def test_non_digits_are_of_all_kinds_by_their_shares(subjects, monkeypatch, letters):
    kinds = Counter()

    def draw(kind, source, random):
        kinds[kind] += 1
        return [RING]

    monkeypatch.setattr(nondigits, "draw", draw)
    source = Source((Letter((LYING,), "Runes", 1, 1),) * letters, CLEAR, shapes.TRAIN)
    Recipe(0, 0, 4000, (), source, seed=1).draw(0)
    assert kinds.keys() == {*KINDS} - (set() if letters else {"letters"})
    total = sum(renewal._SHARES[kind] for kind in kinds)
    for kind, count in kinds.items():
        assert count / 4000 == pytest.approx(renewal._SHARES[kind] / total, abs=0.03)


def test_it_tells_how_much_is_done_and_whoever_is_told_may_end_it(recipe, subjects):
    many = replace(recipe, pen_digits=220)
    told = []
    many.draw(0, report=told.append)
    assert told == pytest.approx([0, 100 / 248, 200 / 248])
    subjects.clear()

    def leave(share):
        if share:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        many.draw(0, report=leave)
    assert len(subjects) == 100


# An epoch ahead


@pytest.fixture
def paced():
    """In the place of a recipe: each epoch is drawn when it is let go, and some go wrong."""
    begun, let_go, wrong = [], Counter(), {}
    freed = threading.Condition()

    def draw(epoch, *, report):
        begun.append((epoch, threading.current_thread()))
        report(0.5)
        with freed:
            assert freed.wait_for(lambda: let_go[epoch], PATIENCE)
        if epoch in wrong:
            raise wrong[epoch]
        return np.full((2, 28, 28), epoch, np.uint8)

    def go(*epochs):
        with freed:
            let_go.update(epochs)
            freed.notify_all()

    yield SimpleNamespace(draw=draw, go=go, begun=begun, wrong=wrong)
    go(*range(9))


def epochs(paced):
    return [epoch for epoch, _ in paced.begun]


@pytest.mark.parametrize("first", [0, 2])
def test_its_drawings_are_those_of_the_recipe(recipe, first):
    coming = Renewal(recipe, 4)
    for epoch in range(first, 4):
        np.testing.assert_array_equal(coming.drawings(epoch), recipe.draw(epoch))


def test_it_is_ready_when_it_is_drawn(paced):
    coming = Renewal(paced, 3)
    assert coming.share == 0
    assert not coming.ready(0)
    wait_for(lambda: coming.share == 0.5)
    assert not coming.ready(0)
    paced.go(0)
    wait_for(lambda: coming.ready(0))
    assert epochs(paced) == [0], "once, however often it is asked"


def test_the_next_epoch_is_drawn_while_this_one_is_learned_from(paced):
    paced.go(0, 1)
    coming = Renewal(paced, 3)
    assert (coming.drawings(0) == 0).all()
    wait_for(lambda: epochs(paced) == [0, 1])
    wait_for(lambda: coming.ready(1))
    assert epochs(paced) == [0, 1], "and no other"
    assert (coming.drawings(1) == 1).all()
    wait_for(lambda: epochs(paced) == [0, 1, 2])


def test_drawings_are_waited_for(paced):
    coming = Renewal(paced, 1)
    threading.Timer(0.1, paced.go, [0]).start()
    assert (coming.drawings(0) == 0).all()


def test_nothing_is_drawn_before_it_is_asked_for_nor_beyond_the_last_epoch(paced):
    paced.go(0, 1)
    coming = Renewal(paced, 2)
    assert not paced.begun
    for epoch in range(2):
        coming.drawings(epoch)
    time.sleep(0.05)
    assert epochs(paced) == [0, 1]


def test_what_goes_wrong_is_told_to_whoever_waits(paced):
    paced.wrong[1] = OSError("no ink")
    paced.go(0, 1)
    coming = Renewal(paced, 3)
    coming.drawings(0)
    wait_for(lambda: coming.ready(1))
    for _ in range(2):
        with pytest.raises(OSError, match="no ink"):
            coming.drawings(1)
    assert epochs(paced) == [0, 1], "it would go wrong again"


def test_nobody_need_wait_for_it_to_leave(paced):
    Renewal(paced, 1).ready(0)
    wait_for(lambda: paced.begun)
    (_, thread) = paced.begun[0]
    assert thread.daemon
    assert thread is not threading.main_thread()
