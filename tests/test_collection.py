import threading

import numpy as np
import pytest

from mnist_core import collection as collections
from mnist_core import datasets
from mnist_core.collection import ORDERS, Collection, collection
from mnist_core.datasets import Digits
from mnist_core.errors import DataMissing, InputError

needs_mnist = pytest.mark.skipif(datasets.find_mnist() is None, reason="needs MNIST")


@pytest.fixture(scope="module")
def made():
    return collection("generated")


@pytest.mark.parametrize("order", [o for o in ORDERS if o != "hard"])
@pytest.mark.parametrize("classes", [(), (4,), (1, 7, 9)])
def test_every_order_holds_just_the_chosen_digits_once(made, order, classes):
    rows = made.order(classes, order)
    wanted = np.flatnonzero(np.isin(made.labels, classes or range(10)))
    assert sorted(rows) == wanted.tolist()
    assert rows.tolist() == made.order(classes, order).tolist()


def test_random_is_the_same_for_the_same_seed_and_classes_keep_its_order(made):
    rows = made.order((), "random", seed=4)
    assert rows.tolist() != made.order((), "random", seed=5).tolist()
    sevens = rows[made.labels[rows] == 7]
    assert made.order((7,), "random", seed=4).tolist() == sevens.tolist()


def test_random_is_the_same_on_every_computer():
    blank = Collection("test", Digits(np.zeros((6, 28, 28), np.uint8), np.zeros(6, np.uint8)))
    assert blank.order((), "random", seed=1).tolist() == [2, 4, 5, 0, 3, 1]


def test_thick_and_slanted_go_by_their_measures(made):
    thickness = made.measures.thickness[made.order((), "thick")]
    assert (np.diff(thickness) <= 0).all()
    rows = made.order((2,), "slanted")
    leaning = np.abs(made.measures.slant[rows] - np.median(made.measures.slant[rows]))
    assert (np.diff(leaning) <= 0).all()


def test_typical_is_unusual_backwards_and_takes_turns_among_the_classes(made):
    typical = made.order((), "typical")
    assert set(made.labels[typical[:10]]) == set(range(10))
    assert (np.diff(made.unusual[typical]) >= 0).all()
    assert (np.diff(made.unusual[made.order((), "unusual")]) <= 0).all()


def test_a_stranger_in_its_class_is_the_most_unusual():
    random = np.random.default_rng(1)
    images = np.zeros((60, 28, 28), np.uint8)
    images[:, 4:24, 12:16] = random.integers(180, 255, (60, 20, 4))
    images[41] = images[41].T
    strange = Collection("test", Digits(images, np.ones(60, np.uint8)))
    assert strange.order((), "unusual")[0] == 41


def test_hard_goes_by_the_probability_of_the_label(made):
    probabilities = np.full((len(made.labels), 10), 0.1, np.float32)
    probabilities[5, made.labels[5]] = 0.01
    probabilities[9, made.labels[9]] = 0.02
    assert made.order((), "hard", probabilities=probabilities)[:2].tolist() == [5, 9]
    with pytest.raises(InputError, match="only a network"):
        made.order((), "hard")


def test_there_is_no_other_order(made):
    with pytest.raises(InputError, match="choose one of dataset, random"):
        made.order((), "upside-down")


def test_a_class_without_digits_is_no_trouble():
    images = np.zeros((3, 28, 28), np.uint8)
    alone = Collection("test", Digits(images, np.array([2, 2, 5], np.uint8)))
    for order in ("typical", "unusual", "slanted", "thick"):
        assert sorted(alone.order((), order)) == [0, 1, 2]
    assert alone.order((9,), "dataset").tolist() == []


def test_all_who_ask_at_once_share_one_working_out(made, monkeypatch):
    counted = []
    measure = collections.measure
    monkeypatch.setattr(collections, "measure", lambda *a: counted.append(1) or measure(*a))
    fresh = Collection("generated", Digits(made.images, made.labels))
    threads = [threading.Thread(target=lambda: fresh.measures) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(counted) == 1


def test_without_mnist_it_is_missing_and_generated_digits_are_there(offline):
    with pytest.raises(DataMissing):
        collection("test")
    assert len(collection("generated").labels) == 400


def test_a_replaced_file_is_read_anew(monkeypatch):
    first, second = (
        Digits(np.full((2, 28, 28), value, np.uint8), np.zeros(2, np.uint8)) for value in (1, 2)
    )
    monkeypatch.setattr(collections, "_kept", {})
    monkeypatch.setattr(datasets, "load_mnist", lambda split: first)
    assert collection("test") is collection("test")
    monkeypatch.setattr(datasets, "load_mnist", lambda split: second)
    assert collection("test").images[0, 0, 0] == 2


@needs_mnist
def test_mnist_is_measured_as_it_is_known_to_be():
    train = collection("train")
    known = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.measures.counts.tolist() == known
    assert train.measures.ink.mean() == pytest.approx(33.318, abs=0.001)
    # Ten components hold about half of MNIST's variance.
    assert train.components.share[:10].sum() == pytest.approx(0.488, abs=0.002)
