"""Small pieces that pages share."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.inference import Reading
from mnist_core.words import percent
from pages.components import answer, sources


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, ">99.9 %"),
        (0.99951, ">99.9 %"),
        (0.999, "99.9 %"),
        (0.99, "99.0 %"),
        (0.923, "92 %"),
        (0.005, "0.5 %"),
        (0.0004, "<0.1 %"),
        (0.0, "<0.1 %"),
    ],
)
def test_percent_is_never_certain_nor_impossible(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("url", "works"),
    [
        ("http://localhost:8501/", True),
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        ("https://digits.example/", True),
        ("http://192.168.1.20:8501/", False),
        ("http://classroom.local/", False),
        (None, False),
    ],
)
def test_the_camera_is_offered_where_browsers_allow_it(url: str | None, works: bool) -> None:
    assert sources.camera_works(url) is works


def reading(verdict: str, reason: str = "") -> Reading:
    probabilities = np.full(10, 0.02, np.float32)
    probabilities[[4, 9]] = 0.5, 0.34
    return Reading(np.zeros((28, 28), np.uint8), probabilities, 4, 0.5, verdict, reason)  # type: ignore[arg-type]


def test_no_reading_is_an_invitation_without_a_number() -> None:
    parts = answer._parts(None, "Draw something.")
    assert parts["verdict"] == "blank"
    assert not any(character.isdigit() for part in parts.values() for character in part)


def test_the_digit_comes_first_then_how_sure_then_the_runner_up() -> None:
    parts = answer._parts(reading("digit"), "")
    assert parts["digit"] == "4"
    assert parts["headline"] == "50 % sure"
    assert parts["detail"] == "Next guess: 9 (34 %)"


def test_unsure_says_why() -> None:
    parts = answer._parts(reading("unsure", "It is faint."), "")
    assert parts["headline"] == "Unsure"
    assert parts["detail"].startswith("It is faint.")


def test_what_is_no_digit_gets_no_large_number() -> None:
    parts = answer._parts(reading("not a digit", "It is unlike any."), "")
    assert parts["digit"] == "?"
    assert "closest is 4" in parts["detail"]
