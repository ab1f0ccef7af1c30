import numpy as np
import pytest

from mnist_core import speed


class Slow:
    """Reads in a time that a clock of its own says: slow at first, and then nearly half of it."""

    def __init__(self):
        self.now, self.shapes = 0.0, []

    def predict(self, digits):
        self.shapes.append(digits.shape)
        done = len(self.shapes)
        self.now += 1.0 if done <= 5 or done > 31 else 0.002
        return np.full((len(digits), 10), 0.1, np.float32)


def test_the_usual_time_of_one_digit_once_it_is_warm(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(speed.time, "perf_counter", lambda: slow.now)
    assert speed.reading_milliseconds(slow) == pytest.approx(2.0)
    assert slow.shapes == [(1, 28, 28)] * 55
