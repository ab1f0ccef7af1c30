"""How a passcode is compared, and how guessing it is slowed down."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mnist_core import guessing
from mnist_core.errors import NotAllowed
from mnist_core.guessing import ALL_TRIES, TRIES, WITHIN, Gate, same

SECRET = "crossed 7"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def says(gate: Gate, given: str, who: str = "me") -> str:
    try:
        gate.check(given, secret=SECRET, who=who)
    except NotAllowed as error:
        return str(error)
    return "right"


@pytest.mark.parametrize("given", ["", "crossed", "crossed 7 ", "Crossed 7", "crossed\u00a07"])
def test_only_the_very_same_text_is_right(given: str) -> None:
    assert same(SECRET, SECRET)
    assert not same(given, SECRET)
    assert says(Gate(), given) == "That is not the passcode."


def test_any_text_can_be_compared() -> None:
    assert same("sésame 七 \ud800", "sésame 七 \ud800")
    assert not same("\ud800", "?")
    assert not same("sésame", "sesame")


def test_after_five_wrong_tries_not_even_the_right_one_opens(clock: list[float]) -> None:
    gate = Gate()
    for number in range(TRIES):
        clock[0] += 1
        assert says(gate, f"guess {number}") == "That is not the passcode."
    assert says(gate, SECRET) == "Too many wrong tries: wait a minute."
    clock[0] = 1000 + 1 + WITHIN - 0.1  # a tenth of a second before the first is forgotten
    assert says(gate, SECRET).startswith("Too many")
    clock[0] += 0.2
    assert says(gate, "another") == "That is not the passcode.", "one more, since one is forgotten"
    assert says(gate, SECRET).startswith("Too many")
    clock[0] += WITHIN
    assert says(gate, SECRET) == "right"


def test_what_is_refused_unseen_does_not_count(clock: list[float]) -> None:
    gate = Gate()
    for _ in range(TRIES + 20):
        says(gate, "wrong")
    clock[0] += WITHIN + 0.1
    assert says(gate, SECRET) == "right"


def test_the_right_one_costs_no_try(clock: list[float]) -> None:
    gate = Gate()
    for _ in range(TRIES + 1):
        assert says(gate, SECRET) == "right"


def test_one_who_guesses_does_not_keep_the_others_out(clock: list[float]) -> None:
    gate = Gate()
    for _ in range(TRIES + 1):
        says(gate, "wrong")
    assert says(gate, SECRET, who="teacher") == "right"


def test_who_takes_another_name_for_each_guess_is_stopped_too(clock: list[float]) -> None:
    gate = Gate()
    said = [says(gate, "wrong", who=str(number)) for number in range(ALL_TRIES + 5)]
    assert said.count("That is not the passcode.") == ALL_TRIES
    assert says(gate, SECRET, who="teacher").startswith("Too many")


def test_a_class_that_guesses_at_once_gets_no_more_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(given: str, secret: str) -> bool:
        time.sleep(0.01)
        return given == secret

    monkeypatch.setattr(guessing, "same", slowly)
    gate = Gate()
    with ThreadPoolExecutor(20) as pool:
        said = list(pool.map(lambda guess: says(gate, guess), map(str, range(200))))
    assert said.count("That is not the passcode.") == TRIES
