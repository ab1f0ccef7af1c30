"""Drawings that are no digit, and the things they are made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast, get_args

import numpy as np
import pytest

from mnist_core import generated, nondigits, shapes
from mnist_core.nondigits import KINDS, Source, draw, split_letters
from mnist_core.penmanship import write_again
from mnist_core.preprocessing import place
from mnist_core.stroke_files import Letter
from mnist_core.strokes import PenDigit, Stroke, fit, render
from mnist_core.templates import TEMPLATES

ALPHABETS = {"Balinese": 24, "Early_Aramaic": 22, "Greek": 24, "Korean": 40, "Latin": 26}


def digit(label: int, style: str | None = None, writer: int = 1) -> PenDigit:
    style = style or next(iter(TEMPLATES[label]))
    return PenDigit(tuple(generated.strokes_of(label, style)), label, writer)


def letter(alphabet: str, character: int, drawer: int = 1) -> Letter:
    return Letter(
        (np.array([[0.0, 0.0], [3.0, 9.0], [character, drawer]]),), alphabet, character, drawer
    )


LETTERS = tuple(
    letter(name, c + 1, d) for name, n in ALPHABETS.items() for c in range(n) for d in (1, 2)
)
DIGITS = tuple(digit(label) for label in TEMPLATES)
WITHOUT = Source((), (), shapes.TRAIN)
WITH = Source(LETTERS, DIGITS, shapes.TRAIN)


def extent(drawn: list[Stroke]) -> float:
    return float(np.ptp(np.concatenate(drawn), axis=0).max())


def picture(drawn: list[Stroke]) -> np.ndarray:
    return render(fit(drawn))[..., 0].astype(int)


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    return float(np.abs(one - other).mean()) < 1


# Drawing


@pytest.mark.parametrize("source", [WITHOUT, WITH], ids=["without", "with"])
def test_every_kind_can_be_drawn(source: Source) -> None:
    for kind in source.kinds:
        for seed in range(30):
            drawn = draw(kind, source, np.random.default_rng(seed))
            assert len(drawn) >= 1, kind
            for stroke in drawn:
                assert stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 1, kind
                assert np.isfinite(stroke).all(), kind
            assert extent(drawn) > 0, kind
            image = place(write_again(drawn, np.random.default_rng(seed)))
            assert image.shape == (28, 28)
            assert image.max() == 255


def test_the_kinds_are_those_there_is_something_for() -> None:
    assert WITH.kinds == KINDS
    assert set(KINDS) - set(WITHOUT.kinds) == {"letters"}
    assert Source(LETTERS, (), shapes.TRAIN).kinds == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_draws_the_same(kind: nondigits.Kind) -> None:
    once, twice = (draw(kind, WITH, np.random.default_rng(8)) for _ in range(2))
    assert len(once) == len(twice)
    assert all((a == b).all() for a, b in zip(once, twice, strict=True))
    random = np.random.default_rng(8)
    many = {b"".join(s.tobytes() for s in draw(kind, WITH, random)) for _ in range(40)}
    assert len(many) >= 8, "they vary"


def test_only_letters_and_shapes_that_are_handed_in_are_drawn() -> None:
    random = np.random.default_rng(2)
    source = Source(LETTERS[:1], (), ("house",))
    house = [generated.curve(points) for points in shapes.SHAPES["house"]]
    for _ in range(5):
        for kind, expected in (("letters", list(LETTERS[0].strokes)), ("shapes", house)):
            drawn = draw(kind, source, random)
            assert len(drawn) == len(expected)
            assert all((a == b).all() for a, b in zip(drawn, expected, strict=True))


def test_half_a_digit_is_half_of_its_length_at_most() -> None:
    def length(drawn: list[Stroke]) -> float:
        return sum(float(np.hypot(*np.diff(s, axis=0).T).sum()) for s in drawn)

    random = np.random.default_rng(3)
    for whole in (
        list(digit(label, style).strokes) for label in (0, 2, 3) for style in TEMPLATES[label]
    ):
        step = max(float(np.hypot(*np.diff(stroke, axis=0).T).max()) for stroke in whole)
        for _ in range(20):
            half = draw("halves", Source((), (PenDigit(tuple(whole), 2, 1),), shapes.TRAIN), random)
            assert 0.4 * length(whole) - step <= length(half) <= 0.5 * length(whole) + 1e-9


@pytest.mark.parametrize("source", [WITHOUT, WITH], ids=["without", "with"])
def test_a_pair_stands_side_by_side(source: Source) -> None:
    random = np.random.default_rng(4)
    for _ in range(60):
        drawn = draw("pairs", source, random)
        assert any(side_by_side(drawn[:k], drawn[k:]) for k in range(1, len(drawn)))


def side_by_side(left: list[Stroke], right: list[Stroke]) -> bool:
    end = max(float(stroke[:, 0].max()) for stroke in left)
    start = min(float(stroke[:, 0].min()) for stroke in right)
    sizes = [extent(left), extent(right)]
    return 0.8 - 1e-9 <= min(sizes) <= max(sizes) <= 1 + 1e-9 and -0.1 <= start - end <= 0.35


def test_turned_is_mirrored_or_lies_on_its_side() -> None:
    upright = picture(list(digit(7).strokes))
    ways = {
        "mirrored": np.fliplr(upright),
        "on its left": np.rot90(upright),
        "on its right": np.rot90(upright, -1),
    }
    random = np.random.default_rng(5)
    seen = set()
    for _ in range(20):
        drawn = picture(draw("turned", Source((), (digit(7),), shapes.TRAIN), random))
        assert not alike(drawn, upright)
        (way,) = (name for name, expected in ways.items() if alike(drawn, expected))
        seen.add(way)
    assert seen == set(ways)


def test_what_looks_like_a_digit_from_all_sides_is_not_turned() -> None:
    random = np.random.default_rng(6)
    round_ones = [picture(list(digit(label).strokes)) for label in (0, 8)]
    for _ in range(60):
        drawn = picture(draw("turned", WITH, random))
        for image in round_ones:
            for way in (image, np.fliplr(image), np.rot90(image), np.rot90(image, -1)):
                assert not alike(drawn, way)


@pytest.mark.parametrize("kind", ["halves", "turned"])
def test_where_no_digit_is_of_use_templates_are_taken(kind: nondigits.Kind) -> None:
    """Half a 1 is a 1, and so is a 1 upside down."""
    ones = Source((), (digit(1),) * 3, shapes.TRAIN)
    random = np.random.default_rng(7)
    left = iter(range(10_000))

    def integers(*limits: int) -> int:
        next(left)  # ends what would go on for ever
        return int(random.integers(*limits))

    impatient = SimpleNamespace(
        integers=integers, random=random.random, uniform=random.uniform, choice=random.choice
    )
    for _ in range(10):
        assert extent(draw(kind, ones, cast(np.random.Generator, impatient))) > 0


# Letters


def test_letters_are_split_by_character() -> None:
    parts = split_letters(LETTERS)
    places = {id(each): place for place, each in enumerate(LETTERS)}
    characters = [{(each.alphabet, each.character) for each in part} for part in parts]
    for one in range(len(parts)):
        for other in range(one):
            assert not characters[one] & characters[other]
    for part in parts:
        assert {each.drawer for each in part} == {1, 2}
        order = [places[id(each)] for each in part]
        assert order == sorted(order)


def test_two_alphabets_stay_unseen() -> None:
    parts = split_letters(LETTERS)
    seen = {each.alphabet for each in (*parts.train, *parts.validation)}
    assert seen == {"Balinese", "Early_Aramaic", "Korean"}
    assert {each.alphabet for each in parts.unseen} == {"Greek", "Latin"}
    assert len({each.character for each in parts.unseen if each.alphabet == "Greek"}) == 24


def test_letters_that_look_like_digits_are_told_apart_in_latin_and_dropped_elsewhere() -> None:
    parts = split_letters(LETTERS)
    assert {each.alphabet for each in parts.lookalikes} == {"Latin"}
    names = {"abcdefghijklmnopqrstuvwxyz"[each.character - 1] for each in parts.lookalikes}
    assert names == set("bgiloqsz")
    kept = {(each.alphabet, each.character) for part in parts for each in part}
    assert ("Early_Aramaic", 2) not in kept
    assert sum(map(len, parts)) < len(LETTERS)


def test_a_quarter_of_the_letters_is_for_choosing() -> None:
    parts = split_letters(LETTERS)
    assert 0.15 < len(parts.validation) / len(parts.train + parts.validation) < 0.35


def test_no_letters_are_split_into_none() -> None:
    assert split_letters(()) == ((), (), (), ())


# Shapes


def test_every_shape_is_in_one_part() -> None:
    parts = [shapes.TRAIN, shapes.VALIDATION, shapes.UNSEEN]
    assert sorted(name for part in parts for name in part) == sorted(shapes.SHAPES)
    assert all(len(part) >= 5 for part in parts)


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_shapes_fill_a_unit_box(name: str) -> None:
    points = np.array([point for stroke in shapes.SHAPES[name] for point in stroke])
    assert points.min() >= 0
    assert points.max() <= 1
    assert np.ptp(points, axis=0).max() > 0.6
    drawn = np.concatenate([generated.curve(stroke) for stroke in shapes.SHAPES[name]])
    assert drawn.min() > -0.1, "curves swing out a little only"
    assert drawn.max() < 1.1


def test_shapes_differ() -> None:
    pictures = {
        picture([generated.curve(stroke) for stroke in points]).tobytes()
        for points in shapes.SHAPES.values()
    }
    assert len(pictures) == len(shapes.SHAPES)


def test_kinds_are_named_once() -> None:
    assert get_args(nondigits.Kind) == KINDS
    assert len(set(KINDS)) == len(KINDS)
    assert nondigits.NO_DIGIT not in TEMPLATES
