"""The drawings of one visit."""

from __future__ import annotations

from typing import Any

from pages.components.sketchbook import LIMIT, Sketchbook
from tests.pages import drawn

_STROKES = [stroke for label in (5, 7, 4) for stroke in drawn.template(label)]


def objects(count: int) -> dict[str, Any]:
    return {"objects": [{"type": "Path"}] * count}


def picture(number: int) -> bytes:
    return drawn.png(_STROKES[:1], pen_width=4 + 0.5 * number)


def sketch(book: Sketchbook, number: int, strokes: int = 1) -> None:
    book.record(objects(strokes), picture(number))


def clear(book: Sketchbook) -> None:
    book.record(objects(0), b"empty" + bytes([len(book.drawings) % 2]))


def numbers(book: Sketchbook) -> list[int]:
    return [drawing.number for drawing in book.drawings]


def test_strokes_and_undo_stay_one_drawing() -> None:
    book = Sketchbook()
    sketch(book, 1)
    sketch(book, 2, strokes=2)
    sketch(book, 1, strokes=1)
    assert numbers(book) == [1]
    assert book.current is not None
    assert book.current.png == picture(1)


def test_a_cleared_board_begins_a_new_drawing() -> None:
    book = Sketchbook()
    sketch(book, 1)
    clear(book)
    assert book.current is None
    sketch(book, 2)
    assert numbers(book) == [2, 1]


def test_twenty_are_kept_newest_first() -> None:
    book = Sketchbook()
    for number in range(1, LIMIT + 4):
        sketch(book, number)
        clear(book)
    assert numbers(book) == list(range(LIMIT + 3, 3, -1))


def test_an_old_drawing_comes_back_and_stays_when_it_is_drawn_on() -> None:
    book = Sketchbook()
    sketch(book, 1)
    clear(book)
    sketch(book, 2)
    book.take_out(1)
    assert book.laid_out is not None
    assert book.laid_out["objects"] == objects(1)["objects"]
    sketch(book, 2)  # the canvas' last message, still about the other drawing
    assert book.current is not None
    assert book.current.number == 1
    sketch(book, 1)  # the canvas telling that it shows the old one now
    assert numbers(book) == [2, 1]
    sketch(book, 3, strokes=2)
    assert numbers(book) == [3, 2, 1]
    assert book.drawings[2].png == picture(1)


def test_taking_out_the_same_twice_is_new_to_the_canvas() -> None:
    book = Sketchbook()
    sketch(book, 1)
    book.take_out(1)
    first = book.laid_out
    clear(book)
    book.take_out(1)
    assert book.laid_out != first


def test_two_quick_undos_take_two_strokes() -> None:
    book = Sketchbook()
    sketch(book, 1, strokes=3)
    book.undo()
    book.undo()
    assert book.laid_out is not None
    assert len(book.laid_out["objects"]) == 1
    sketch(book, 2, strokes=1)
    assert numbers(book) == [1]
    assert book.current is not None
    assert book.current.png == picture(2)


def test_undoing_an_old_drawing_makes_a_new_one() -> None:
    book = Sketchbook()
    sketch(book, 1, strokes=2)
    clear(book)
    book.take_out(1)
    sketch(book, 1, strokes=2)
    book.undo()
    sketch(book, 2, strokes=1)
    assert numbers(book) == [2, 1]
    assert book.drawings[1].png == picture(1)


def test_a_stroke_after_undo_to_the_same_number_counts() -> None:
    book = Sketchbook()
    sketch(book, 1)
    clear(book)
    book.take_out(1)
    book.undo()
    sketch(book, 5)  # another single stroke, before the empty board was told
    assert book.current is not None
    assert book.current.png == picture(5)


def test_the_board_is_laid_out_anew_with_what_was_on_it() -> None:
    book = Sketchbook()
    sketch(book, 1, strokes=2)
    book.lay_out()
    assert book.laid_out is not None
    assert len(book.laid_out["objects"]) == 2
    sketch(book, 2, strokes=3)
    assert numbers(book) == [1]


def test_unknown_numbers_change_nothing() -> None:
    book = Sketchbook()
    sketch(book, 1)
    before = book.current
    book.take_out(99)
    assert book.current is before
    assert book.laid_out is None
