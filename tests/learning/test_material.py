from dataclasses import replace

import numpy as np
import pytest

from mnist_core import datasets, generated, paths
from mnist_core.datasets import Digits
from mnist_core.errors import DataMissing
from mnist_core.learning import material
from mnist_core.settings import PRESETS

GENERATED = replace(PRESETS["fast"].settings, data="generated", images=250)
MIXED = replace(PRESETS["best"].settings, generated_digits=30, scribbles=20)


def silent(phase, share):
    pass


@pytest.fixture(autouse=True)
def studio(home, monkeypatch):
    monkeypatch.setattr(material, "_HELD_OUT", 20)


@pytest.fixture
def made(monkeypatch):
    """How many digits were made, time after time."""
    counts = []
    make = generated.make_digits

    def counting(count, *, seed):
        counts.append(count)
        return make(count, seed=seed)

    monkeypatch.setattr(generated, "make_digits", counting)
    return counts


@pytest.fixture
def mnist(monkeypatch):
    """Something in MNIST's place: 60,000 pictures that tell their number, and few to test with."""
    images = np.zeros((60_000, 28, 28), np.uint8)
    images[:, 0, :2] = np.arange(60_000, dtype="<u2")[:, None].view(np.uint8)
    train = Digits(images, (np.arange(60_000) % 10).astype(np.uint8))
    test = Digits(images[:7], train.labels[:7])
    monkeypatch.setattr(datasets, "fetch_mnist", lambda *, progress: progress(5_000_000, None))
    monkeypatch.setattr(datasets, "load_mnist", {"train": train, "test": test}.__getitem__)
    return train


def numbers(images):
    return np.ascontiguousarray(images[:, 0, :2]).view("<u2").ravel()


# Generated digits


def test_digits_are_generated_where_that_is_wanted():
    gathered = material.gather(GENERATED, report=silent)
    assert gathered.images.shape == (250, 28, 28)
    assert gathered.images.dtype == np.uint8
    assert gathered.targets.shape == (250, 10)
    assert gathered.targets.dtype == np.float32
    np.testing.assert_array_equal(gathered.targets.sum(axis=1), 1)
    np.testing.assert_array_equal(gathered.targets.argmax(axis=1), np.arange(250) % 10)
    assert gathered.validation.images.shape == (20, 28, 28)
    assert gathered.described["generated digits, no MNIST"] == "250 from seed 1"


def test_what_is_learned_from_chosen_by_and_measured_on_is_never_the_same():
    gathered = material.gather(GENERATED, report=silent)
    test = material.load_test(GENERATED, report=silent)
    every = [*gathered.images, *gathered.validation.images, *test.images]
    assert len({image.tobytes() for image in every}) == 250 + 20 + 20


def test_the_seed_decides_what_is_learned_from_and_nothing_else():
    one, other = (material.gather(replace(GENERATED, seed=s), report=silent) for s in (1, 2))
    assert not np.array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.validation.images, other.validation.images)


def test_generated_digits_are_kept_and_the_same_when_made_anew(made):
    first = material.gather(GENERATED, report=silent)
    assert sum(made) == 270
    made.clear()
    kept = material.gather(GENERATED, report=silent)
    assert sum(made) == 120, "a sample, to see whether they are still made so"
    for file in (paths.data() / "generated").iterdir():
        file.unlink()
    anew = material.gather(GENERATED, report=silent)
    for again in (kept, anew):
        np.testing.assert_array_equal(again.images, first.images)
        np.testing.assert_array_equal(again.targets, first.targets)


@pytest.mark.parametrize("content", [b"", b"no arrays", b"PK\3\4" + bytes(100), None])
def test_kept_digits_that_are_damaged_or_outdated_are_made_anew(content):
    first = material.gather(GENERATED, report=silent)
    (file,) = (paths.data() / "generated").glob("digits-250-*")
    if content is None:
        np.savez(file, images=first.images[::-1], labels=np.zeros(250, np.uint8))
    else:
        file.write_bytes(content)
    again = material.gather(GENERATED, report=silent)
    np.testing.assert_array_equal(again.images, first.images)
    with np.load(file) as arrays:
        np.testing.assert_array_equal(arrays["images"], first.images)


def test_progress_is_reported_and_whoever_is_told_may_end_it():
    told = []
    material.gather(GENERATED, report=lambda *words: told.append(words))
    assert told == [("Making digits: 100 of 250", 0.4), ("Making digits: 200 of 250", 0.8)]

    def leave(phase, share):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        material.gather(replace(GENERATED, seed=5), report=leave)
    assert not list((paths.data() / "generated").glob("*-5.npz"))


# MNIST


def test_mnist_less_what_is_held_out(mnist):
    told = []
    gathered = material.gather(PRESETS["mlp"].settings, report=lambda *words: told.append(words))
    assert told == [("Loading MNIST", 0), ("Downloading MNIST: 5.0 MB", pytest.approx(5 / 12))]
    assert gathered.images.shape == (55_000, 28, 28)
    assert gathered.targets.dtype == np.float32
    learned, held_out = numbers(gathered.images), numbers(gathered.validation.images)
    assert len(held_out) == 5000
    np.testing.assert_array_equal(np.sort([*learned, *held_out]), np.arange(60_000))
    np.testing.assert_array_equal(gathered.targets.argmax(axis=1), learned % 10)
    assert gathered.described["learned from MNIST"] == 55_000
    assert gathered.described["held out for validation"] == 5000


def test_fewer_images_are_a_fair_sample_that_the_seed_decides(mnist):
    few = replace(PRESETS["mlp"].settings, images=500)
    one, again, other = (
        material.gather(replace(few, seed=seed), report=silent) for seed in (1, 1, 2)
    )
    assert one.images.shape == (500, 28, 28)
    np.testing.assert_array_equal(one.targets.sum(axis=0), np.full(10, 50))
    assert not set(numbers(one.images)) & set(numbers(one.validation.images))
    np.testing.assert_array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.validation.images, other.validation.images)
    assert one.described["learned from MNIST"] == 500


def test_what_the_best_adds_to_mnist(mnist):
    gathered = material.gather(MIXED, report=silent)
    assert gathered.images.shape == (55_050, 28, 28)
    assert len(gathered.images) == MIXED.total_images
    np.testing.assert_allclose(gathered.targets.sum(axis=1), 1, atol=1e-6)
    assert (gathered.targets[:-20].max(axis=1) == 1).all()
    np.testing.assert_array_equal(gathered.targets[-20:], np.float32(0.1))
    assert gathered.images[-50:].any(axis=(1, 2)).all()
    assert len(gathered.validation.labels) == 5000, "chosen by MNIST alone"
    seed = MIXED.seed
    assert gathered.described["generated digits"] == f"30 from seed {seed}"
    assert gathered.described["generated scribbles"] == f"20 from seed {seed}"


def test_the_test_digits_are_those_of_mnist(mnist):
    assert len(material.load_test(MIXED, report=silent).labels) == 7


def test_without_mnist_and_without_a_network_there_is_nothing_to_learn_from(offline):
    with pytest.raises(DataMissing, match="could not be downloaded"):
        material.gather(MIXED, report=silent)
