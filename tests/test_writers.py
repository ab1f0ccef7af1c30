import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core import stroke_files, strokes, writers
from mnist_core.strokes import PenDigit

UNSEEN = {2, 3, 4, 12, 14, 16, 19, 21, 22, 26}  # of writers 1 to 30, for ever
STROKE = np.zeros((1, 2))

names = st.lists(st.integers(1, 60), max_size=100)


def digit(writer, label=0):
    return PenDigit((STROKE,), label, writer)


def of(digits):
    return {each.writer for each in digits}


@given(names)
def test_no_writer_is_in_two_parts_and_no_digit_is_lost(written):
    digits = [digit(writer, label % 10) for label, writer in enumerate(written)]
    parts = writers.split(digits)
    assert sorted(id(each) for part in parts for each in part) == sorted(map(id, digits))
    for one in range(3):
        for other in range(one):
            assert not of(parts[one]) & of(parts[other])


@given(st.lists(st.integers(1, 30), min_size=1), st.randoms())
def test_the_order_of_the_digits_does_not_matter(written, random):
    shuffled = random.sample(written, len(written))
    parts = writers.split([digit(writer) for writer in written])
    again = writers.split([digit(writer) for writer in shuffled])
    assert [of(part) for part in parts] == [of(part) for part in again]


def test_digits_stay_in_their_order():
    digits = [digit(writer, label) for label in range(10) for writer in (5, 1, 9, 3, 30, 7)]
    for part in writers.split(digits):
        assert list(part) == [each for each in digits if each.writer in of(part)]


def test_the_same_writers_are_unseen_for_ever():
    # What was published of models rests on this: whoever fails here goes back.
    parts = writers.split([digit(writer) for writer in range(1, 31)])
    assert of(parts.unseen) == UNSEEN
    assert tuple(len(of(part)) for part in parts) == (16, 4, 10)


@given(st.sets(st.integers(1, 30)))
def test_a_writer_is_in_the_same_part_whoever_else_is_there(written):
    whole = writers.split([digit(writer) for writer in range(1, 31)])
    some = writers.split([digit(writer) for writer in written])
    for part, everyone in zip(some, whole, strict=True):
        assert of(part) == of(everyone) & written


@pytest.mark.skipif(not os.environ.get("STROKES_DIR"), reason="STROKES_DIR names no folder")
def test_the_real_writers():
    parts = writers.split(strokes.read_pendigits(stroke_files.find_pendigits()))
    assert of(parts.unseen) == UNSEEN
    assert (len(of(parts.train)), len(of(parts.validation))) == (16, 4)
    assert len(parts.unseen) == 2500
    for part in parts:
        assert {each.label for each in part} == set(range(10))
