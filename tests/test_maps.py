import subprocess
import sys

import numpy as np
import pytest

from mnist_core import datasets, maps, paths
from mnist_core.datasets import Digits
from mnist_core.errors import InputError
from mnist_core.generated import make_digits
from mnist_core.maps import DigitMap, kept_map, neighbour_agreement, neighbour_map, pca_map

ALL = np.arange(200, dtype=np.int32)


@pytest.fixture(scope="module")
def digits():
    """At half their size, which is as good a test and has a sixteenth of the work."""
    made = make_digits(200, seed=1)
    return Digits(made.images[:, ::2, ::2].copy(), made.labels)


def no_one(share, words):
    pass


def fills_the_square(places):
    assert places.dtype == np.float32
    low, high = places.min(axis=0), places.max(axis=0)
    longer = int(np.argmax(high - low))
    np.testing.assert_allclose([low[longer], high[longer]], [0, 1], atol=1e-6)
    np.testing.assert_allclose(low + high, 1, atol=1e-5)


# Which digits


def test_few_digits_are_all_shown():
    rows = maps.sampled_rows(np.zeros(5, np.uint8))
    assert rows.dtype == np.int32
    np.testing.assert_array_equal(rows, np.arange(5))


def test_of_many_each_label_keeps_its_share():
    labels = np.random.default_rng(0).choice(3, 5000, p=[0.7, 0.2, 0.1]).astype(np.uint8)
    rows = maps.sampled_rows(labels, 500)
    assert len(rows) == 500 and (np.diff(rows) > 0).all()
    shares = np.bincount(labels[rows]) * 10 - np.bincount(labels)
    assert (np.abs(shares) <= 10).all()


def test_the_sample_is_the_same_everywhere():
    labels = (np.arange(60_000) % 10).astype(np.uint8)
    rows = maps.sampled_rows(labels)
    assert len(rows) == 10_000
    assert rows[:6].tolist() == [16, 25, 33, 41, 42, 62]


# By principal components


def test_pca_map_is_what_the_singular_value_decomposition_finds(digits):
    rows = ALL[20:180:2]
    drawn = pca_map(digits.images, rows)
    np.testing.assert_array_equal(drawn.rows, rows)
    fills_the_square(drawn.places)
    flat = digits.images[rows].reshape(len(rows), -1).astype(np.float64)
    flat -= flat.mean(axis=0)
    _, _, axes = np.linalg.svd(flat, full_matrices=False)
    wanted = flat @ axes[:2].T
    wanted -= wanted.mean(axis=0)
    found = drawn.places.astype(np.float64)
    found -= found.mean(axis=0)
    for axis in (0, 1):
        wanted[:, axis] *= np.sign(wanted[:, axis] @ found[:, axis])
    scale = np.linalg.norm(found) / np.linalg.norm(wanted)
    np.testing.assert_allclose(found, wanted * scale, atol=1e-4)


def test_pca_map_of_digits_that_are_all_the_same():
    drawn = pca_map(np.full((3, 8, 8), 7, np.uint8), np.arange(3, dtype=np.int32))
    np.testing.assert_array_equal(drawn.places, np.full((3, 2), 0.5))


# By neighbours


def test_neighbour_map_keeps_labels_together_better_than_pca(digits):
    told = []
    drawn = neighbour_map(digits.images, ALL, tell=lambda *words: told.append(words))
    fills_the_square(drawn.places)
    assert neighbour_agreement(drawn.places, digits.labels) > 0.1 + neighbour_agreement(
        pca_map(digits.images, ALL).places, digits.labels
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == pytest.approx(1)
    assert len(told) == 76
    assert told[0][1] == "Comparing 200 digits"
    assert told[-1][1] == "Arranging 200 digits: step 750 of 750"


def test_the_same_seed_gives_the_same_map(digits, monkeypatch):
    monkeypatch.setattr(maps, "_EXAGGERATED", 20)
    monkeypatch.setattr(maps, "_PLAIN", 20)
    # Two of the same, which must not stay on one spot.
    rows = ALL[:60]
    images = digits.images[:60].copy()
    images[1] = images[0]
    first, second, other = (
        neighbour_map(images, rows, seed=seed, tell=no_one).places for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all() and (first != other).any()
    assert (first[0] != first[1]).any()


def test_few_digits_are_no_map(digits):
    with pytest.raises(InputError, match="at least 10"):
        neighbour_map(digits.images, ALL[:9], tell=no_one)


def test_agreement():
    places = np.array([[0, 0], [0, 0.1], [0.1, 0], [1, 1], [1, 0.9]], np.float32)
    labels = np.array([1, 1, 2, 3, 3], np.uint8)
    assert neighbour_agreement(places, labels, 1) == pytest.approx(4 / 5)


# Kept


@pytest.fixture
def made(home, digits, monkeypatch):
    """A map that was made of 30 digits."""
    few = Digits(digits.images[:30], digits.labels[:30])
    monkeypatch.setattr(datasets, "load_mnist", lambda split: few)
    monkeypatch.setattr(maps, "neighbour_map", lambda images, rows, tell: pca_map(images, rows))
    return maps.make_map("test", no_one)


def files():
    return list((paths.cache() / "maps").iterdir())


def test_there_is_no_map_at_first(home):
    assert kept_map("test") is None
    assert not home.exists()
    with pytest.raises(InputError):
        kept_map("other")


def test_a_map_is_kept(made):
    kept = kept_map("test")
    assert isinstance(kept, DigitMap)
    np.testing.assert_array_equal(kept.rows, made.rows)
    np.testing.assert_array_equal(kept.places, made.places)
    assert kept.rows.dtype == np.int32 and kept.places.dtype == np.float32
    assert kept_map("train") is None
    (file,) = files()
    assert file.name == "tsne-1-test-6d87418db22c.npz"


def test_another_recipe_is_another_map(made, monkeypatch):
    monkeypatch.setattr(maps, "_RECIPE", "tsne-2")
    assert kept_map("test") is None


@pytest.mark.parametrize("keep", [0, 10, 200, -30])
def test_a_damaged_map_is_none(made, keep):
    (file,) = files()
    file.write_bytes(file.read_bytes()[:keep])
    assert kept_map("test") is None


def test_a_map_of_something_else_is_none(made):
    (file,) = files()
    np.savez(file, rows=made.rows, places=made.places[:-1])
    assert kept_map("test") is None
    np.savez(file, rows=made.rows)
    assert kept_map("test") is None


# Who loads what


def test_looking_at_maps_loads_no_learning_library():
    program = (
        "import sys; from mnist_core import maps, predictions;"
        "maps.kept_map('test'); maps.status('test'); print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=paths.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "mnist_core.maps" in loaded
    assert not {"sklearn", "openTSNE", "ai_edge_litert"} & set(loaded)
