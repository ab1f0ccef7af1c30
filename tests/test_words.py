import pytest

from mnist_core import words


@pytest.mark.parametrize(
    ("share", "says"),
    [
        (0.9234, "92 %"),
        (0.9899, "99 %"),
        (0.991, "99.1 %"),
        (0.999, "99.9 %"),
        (0.9999, ">99.9 %"),
        (1.0, ">99.9 %"),
        (0.003, "0.3 %"),
        (0.00001, "<0.1 %"),
        (0.0, "<0.1 %"),
    ],
)
def test_a_probability_is_never_certain_nor_impossible(share, says):
    assert words.percent(share) == says


@pytest.mark.parametrize(
    ("share", "says"), [(0.9912, "99.12 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, "–")]
)
def test_an_accuracy_is_what_was_measured(share, says):
    assert words.accuracy(share) == says


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0.0, "1 s"),
        (4.2, "4 s"),
        (59.4, "59 s"),
        (59.9, "1 min"),
        (60, "1 min"),
        (74, "1 min 15 s"),
        (118, "2 min"),
        (299, "5 min"),
        (1500, "25 min"),
        (3599, "1 h"),
        (3600, "1 h"),
        (9000, "2 h 30 min"),
        (86_000, "23 h 50 min"),
    ],
)
def test_a_duration_is_said_roughly_and_in_units_that_carry(seconds, says):
    assert words.duration(seconds) == says


@pytest.mark.parametrize(
    ("done", "total", "says"),
    [
        (3_140_000, 11_594_722, "Downloading MNIST: 3.1 of 11.6 MB"),
        (3_140_000, None, "Downloading MNIST: 3.1 MB"),
    ],
)
def test_a_download_says_how_far_it_is(done, total, says):
    assert words.downloaded(done, total) == says
