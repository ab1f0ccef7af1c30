"""What comes of a set: what is read right, how sure the network is, what is flagged."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core import examination, generated
from mnist_core.datasets import Digits
from mnist_core.examination import Result
from mnist_core.heldout import Drawings
from mnist_core.nondigits import NO_DIGIT


def reader(answers):
    """Stands in for a classifier that gives these answers."""
    probabilities = np.eye(10, dtype=np.float32)[list(answers)]
    return SimpleNamespace(predict=lambda images: probabilities[: len(images)])


@pytest.fixture
def judged(monkeypatch):
    """Have drawings read with these answers and verdicts, one after the other."""

    def judge(*answers):
        left = iter(answers)

        def read(image, classifier):
            assert image.shape == (280, 280, 4)
            label, verdict = next(left)
            return SimpleNamespace(
                probabilities=np.eye(10, dtype=np.float32)[label], verdict=verdict
            )

        monkeypatch.setattr(examination, "read_drawing", read)
        return SimpleNamespace()

    return judge


def drawings(*labels):
    strokes = [(generated.strokes_of(3, "round"), 18.0)] * len(labels)
    return Drawings(strokes, np.array(labels, np.uint8))


def test_of_digits_in_mnist_form_only_the_network_is_asked():
    digits = Digits(np.zeros((4, 28, 28), np.uint8), np.array([1, 7, 7, 7], np.uint8))
    result = examination.examine(reader([1, 1, 7, 3]), digits)
    assert (result.count, result.flagged) == (4, None)
    assert result.counted is not None
    assert result.counted.accuracy == 0.5
    assert result.calibration_error == pytest.approx(0.5)


def test_of_drawn_digits_only_those_read_right_count_as_flagged(judged):
    classifier = judged((3, "digit"), (3, "unsure"), (5, "not a digit"), (5, "digit"))
    result = examination.examine(classifier, drawings(3, 3, 3, 3))
    assert result.count == 4
    assert result.counted is not None
    assert result.counted.confusion[3].tolist() == [0, 0, 0, 2, 0, 2, 0, 0, 0, 0]
    assert result.flagged == 0.5


def test_of_what_is_no_digit_all_that_is_not_called_one_is_flagged(judged):
    classifier = judged((3, "digit"), (3, "unsure"), (5, "not a digit"), (0, "blank"))
    result = examination.examine(classifier, drawings(*[NO_DIGIT] * 4))
    assert result == Result(4, None, None, 0.75)


def test_where_none_is_read_right_nothing_is_said_of_flags(judged):
    result = examination.examine(judged((5, "digit"), (5, "unsure")), drawings(3, 3))
    assert result.counted is not None
    assert (result.counted.accuracy, result.flagged) == (0, None)
    assert json.loads(json.dumps(result.as_json(), allow_nan=False))["accuracy"] == 0


def test_all_non_digits_together_come_last_but_for_the_look_alikes(judged):
    classifier = judged(
        (0, "unsure"), (0, "digit"), (0, "digit"), (0, "unsure"), (0, "digit"), (0, "digit")
    )
    none = drawings(NO_DIGIT)
    drawn = {
        "no digit, validation: pairs": none,
        "no digit, unseen: letters": drawings(NO_DIGIT, NO_DIGIT),
        "no digit, unseen: shapes": none,
        "no digit, unseen: Latin letters that look like digits": none,
        "pen digits": drawings(0),
    }
    results = list(examination.examine_all(classifier, drawn))
    assert [name for name, _ in results[:5]] == list(drawn)
    assert results[5:] == [
        ("no digit, validation", Result(1, None, None, 1.0)),
        ("no digit, unseen", Result(3, None, None, pytest.approx(1 / 3))),
    ]


def test_the_numbers_are_rounded_and_fit_for_json(judged):
    classifier = judged((3, "digit"), (3, "unsure"), (3, "digit"), (8, "digit"))
    values = examination.examine(classifier, drawings(3, 3, 3, 7)).as_json()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    recalls = [None, None, None, 1.0, None, None, None, 0.0, None, None]
    assert values == {
        "count": 4,
        "accuracy": 0.75,
        "recalls": recalls,
        "calibration_error": 0.25,
        "flagged": 0.33333,
    }
    classifier = judged(*[(3, "unsure")] * 2, (3, "digit"))
    values = examination.examine(classifier, drawings(*[NO_DIGIT] * 3)).as_json()
    assert values == {"count": 3, "flagged": 0.66667}
