"""What the Dataset page shows, as an address: written and understood, whoever edited it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mnist_core.collection import ORDERS, PARTS
from pages.components.view import DEFAULT, LAYOUTS, LOOKS, View, read

CLASSES = some.sets(some.integers(0, 9)).map(lambda digits: tuple(sorted(digits)))
NUMBERS = some.integers(0, 999_999_999)
# A reader's lasso has at most four decimals.
PLACES = some.integers(-100_000, 100_000).map(lambda n: n / 10_000)
LASSOS = some.lists(some.tuples(PLACES, PLACES), min_size=3, max_size=40).map(tuple)
VIEWS = some.builds(
    View,
    look=some.sampled_from(LOOKS),
    part=some.sampled_from(PARTS),
    classes=CLASSES,
    order=some.sampled_from(ORDERS),
    seed=NUMBERS,
    page=NUMBERS.map(lambda n: n or 1),
    digit=some.none() | some.tuples(some.sampled_from(PARTS), NUMBERS),
    layout=some.sampled_from(LAYOUTS),
    hidden=CLASSES,
    lasso=some.just(()) | LASSOS,
)
NAMES = tuple(field.name for field in fields(View))

FULL = {
    "look": "map",
    "part": "test",
    "classes": "147",
    "order": "random",
    "seed": "12",
    "page": "3",
    "digit": "train-59999",
    "layout": "neighbours",
    "hidden": "09",
    "lasso": "0.1_0.2_0.9_0.2_0.5_0.75",
}


@given(VIEWS)
def test_what_is_written_is_understood_as_it_was(view: View) -> None:
    seen, wrong = read(view.written())
    assert not wrong
    # The seed counts in the random order only.
    assert seen == (view if view.order == "random" else replace(view, seed=0))


@given(VIEWS)
def test_only_what_differs_from_the_default_is_written(view: View) -> None:
    written = view.written()
    assert all(isinstance(value, str) and value for value in written.values())
    for name in NAMES:
        differs = getattr(view, name) != getattr(DEFAULT, name)
        assert (name in written) == (differs and (name != "seed" or view.order == "random"))


def test_the_default_needs_no_address() -> None:
    assert DEFAULT.written() == {}
    assert read({}) == (DEFAULT, [])


def test_every_part_of_a_view_has_its_place_in_the_address() -> None:
    view, wrong = read(FULL)
    assert not wrong
    assert view == View(
        "map", "test", (1, 4, 7), "random", 12, 3, ("train", 59_999), "neighbours", (0, 9),
        ((0.1, 0.2), (0.9, 0.2), (0.5, 0.75)),
    )  # fmt: skip
    assert view.written() == FULL


def test_a_lasso_drawn_close_up_loses_nothing() -> None:
    fine = ((0.5001, 0.0001), (0.5009, 0.5001), (0.5004, -0.0007))
    assert read(View(lasso=fine).written())[0].lasso == fine


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("classes", "7414417", (1, 4, 7)),
        ("classes", "", ()),
        ("hidden", "9999", (9,)),
        ("hidden", "", ()),
        ("seed", "007", 7),
        ("page", "00000001", 1),
        ("digit", "test-0", ("test", 0)),
        ("lasso", "0_0_1e0_0_1_.5", ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5))),
    ],
)
def test_another_way_to_write_it_is_understood(name: str, text: str, meant: Any) -> None:
    view, wrong = read({name: text, **({"order": "random"} if name == "seed" else {})})
    assert not wrong
    assert getattr(view, name) == meant
    assert read(view.written()) == (view, [])


NO_NAMES = [
    "",
    " ",
    "Glance",
    "glance ",
    "nothing",
    "0",
    "__class__",
    "'; DROP TABLE",
    "\x00",
    "🙂",
]
NO_NUMBERS = [
    "", " ", "-1", "+1", "1.0", "1e3", "1_000", " 1", "1\n", "٣", "１２", "²", "nan", "inf",
    "0x10", "1234567890", "9" * 10_000,
]  # fmt: skip
NO_DIGITS = [
    "-1",
    "1,2",
    "1 2",
    "1-3",
    "٣",
    "１",
    "²",
    "a",
    "12a",
    "1.5",
    "🙂",
    "\x00",
    "x" * 99_999,
]
NO_DIGIT = [
    "", "-", "train", "train-", "-5", "5", "5-train", "train--5", "train-1-2", "train-1.5",
    "train-٣", "train-1234567890", "Train-5", "validation-5", "train - 5", "train-" + "1" * 10_000,
]  # fmt: skip
SQUARE = "0_0_1_0_1_1"
NO_LASSO = [
    "", "_", "0", "0_0", "0_0_1_0", "0_0_1_0_1", SQUARE + "_0", SQUARE + "_", "_" + SQUARE,
    "nan_0_1_0_1_1", "0_0_1_0_1_inf", "-inf_0_1_0_1_1", "Infinity_0_1_0_1_1", "0_0_1_0_1_1e9",
    "0_0_1_0_1_-1e300", "0_0_1_0_1_1e999", "0,0,1,0,1,1", "a_b_c_d_e_f", "0x1_0_1_0_1_1",
    "_".join(["0.5"] * 1000), "0" * 100_000,
]  # fmt: skip
HOSTILE = [
    *(("look", text) for text in NO_NAMES),
    *(("part", text) for text in NO_NAMES),
    *(("order", text) for text in NO_NAMES),
    *(("layout", text) for text in NO_NAMES),
    *(("seed", text) for text in NO_NUMBERS),
    *(("page", text) for text in [*NO_NUMBERS, "0", "000"]),
    *(("classes", text) for text in NO_DIGITS),
    *(("hidden", text) for text in NO_DIGITS),
    *(("digit", text) for text in NO_DIGIT),
    *(("lasso", text) for text in NO_LASSO),
]


@pytest.mark.parametrize(
    ("name", "text"), HOSTILE, ids=[f"{name}={text[:16]!a}" for name, text in HOSTILE]
)
def test_what_makes_no_sense_is_one_sentence_and_leaves_the_rest(name: str, text: str) -> None:
    view, wrong = read({**FULL, name: text})
    assert len(wrong) == 1
    assert wrong[0].startswith(f"The address asks for `{name}=")
    assert len(wrong[0]) < 300
    assert "\n" not in wrong[0]
    assert view == replace(read(FULL)[0], **{name: getattr(DEFAULT, name)})


def test_every_wrong_parameter_has_its_sentence() -> None:
    view, wrong = read(dict.fromkeys(NAMES, "?"))
    assert view == DEFAULT
    assert len(wrong) == len(NAMES)
    for name, sentence in zip(NAMES, wrong, strict=True):
        assert f" `{name}='?'`, which there is not" in sentence


@pytest.mark.parametrize("text", ["![](http://a.example/b.png)", "`![](http://a.example/b.png)`"])
def test_an_address_puts_nothing_on_the_page_but_its_own_words(text: str) -> None:
    _, (sentence,) = read({"look": text})
    before, quoted, after = sentence.split("`")
    assert "http" in quoted
    assert "http" not in before + after


@given(some.dictionaries(some.sampled_from(NAMES), some.text("0123456789-_.aenif ٣１²🙂\x00")))
def test_whatever_the_address_holds_there_is_a_view_that_can_be_written(
    parameters: dict[str, str],
) -> None:
    view, wrong = read(parameters)
    assert len(wrong) <= len(parameters)
    again, none = read(view.written())
    assert not none
    assert again.written() == view.written()


def test_parameters_of_other_names_are_left_alone() -> None:
    given = {"utm_source": "mail", "Look": "wall", "view": "map", "": "x", "look": "wall"}
    kept = dict(given)
    assert read(given) == (View(look="wall"), [])
    assert given == kept
