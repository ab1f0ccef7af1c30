import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from mnist_core import (
    datasets,
    generated,
    generated_sets,
    handwriting,
    paths,
    shapes,
    stroke_files,
)
from mnist_core.datasets import Digits
from mnist_core.errors import DataDamaged, DataMissing
from mnist_core.learning import material
from mnist_core.learning.training import Training
from mnist_core.nondigits import NO_DIGIT
from mnist_core.settings import PRESETS
from tests.handwriting import made as made_by_hand

GENERATED = replace(PRESETS["fast"].settings, data="generated", images=250)
MIXED = replace(PRESETS["best"].settings, pen_digits=24, generated_digits=30, non_digits=20)


def silent(phase, share):
    pass


@pytest.fixture(autouse=True)
def studio(home, monkeypatch):
    monkeypatch.setattr(generated_sets, "HELD_OUT", 20)
    for name in ("STROKES_DIR", "LETTERS_DIR"):
        monkeypatch.delenv(name, raising=False)


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
    assert gathered.labels.dtype == np.uint8
    np.testing.assert_array_equal(gathered.labels, np.arange(250) % 10)
    assert gathered.drawn is None
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
        np.testing.assert_array_equal(again.labels, first.labels)


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
    assert gathered.labels.dtype == np.uint8
    learned, held_out = numbers(gathered.images), numbers(gathered.validation.images)
    assert len(held_out) == 5000
    np.testing.assert_array_equal(np.sort([*learned, *held_out]), np.arange(60_000))
    np.testing.assert_array_equal(gathered.labels, learned % 10)
    assert gathered.described["learned from MNIST"] == 55_000
    assert gathered.described["held out for validation"] == 5000


def test_fewer_images_are_a_fair_sample_that_the_seed_decides(mnist):
    few = replace(PRESETS["mlp"].settings, images=500)
    one, again, other = (
        material.gather(replace(few, seed=seed), report=silent) for seed in (1, 1, 2)
    )
    assert one.images.shape == (500, 28, 28)
    np.testing.assert_array_equal(np.bincount(one.labels), np.full(10, 50))
    assert not set(numbers(one.images)) & set(numbers(one.validation.images))
    np.testing.assert_array_equal(one.images, again.images)
    assert not np.array_equal(one.images, other.images)
    np.testing.assert_array_equal(one.validation.images, other.validation.images)
    assert one.described["learned from MNIST"] == 500
    assert one.drawn is None


def test_the_test_digits_are_those_of_mnist(mnist):
    assert len(material.load_test(MIXED, report=silent).labels) == 7


def test_without_mnist_and_without_a_network_there_is_nothing_to_learn_from(offline):
    with pytest.raises(DataMissing, match="could not be downloaded"):
        material.gather(MIXED, report=silent)


# What is drawn anew for every epoch


@pytest.fixture
def strokes(tmp_path, mnist, monkeypatch):
    """A few pen digits of fifteen writers and a few letters, each 1 MB to download."""
    digits = "".join(
        f'.SEGMENT DIGIT ? "{label}"\n.COMMENT {label} {writer} {label}\n'
        f".PEN_DOWN\n {writer} 0\n 50 {label + 10}\n.PEN_UP\n"
        for writer in range(1, 16)
        for label in range(10)
    )
    (tmp_path / "digits.tra").write_text(digits)
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        for alphabet in ("Greek", "Korean"):
            for character in (1, 4, 20):
                name = f"{alphabet}/character{character:02}/0001_01.txt"
                archive.writestr(name, f"START\n0,0,0\n{character},9,1\nBREAK\n")

    def fetch(name):
        def fetch(*, progress):
            progress(1_000_000, None)
            return tmp_path / name

        return fetch

    monkeypatch.setattr(stroke_files, "fetch_pendigits", fetch("digits.tra"))
    monkeypatch.setattr(stroke_files, "fetch_letters", fetch("letters.zip"))


def test_what_the_best_adds_to_mnist(strokes):
    told = []
    gathered = material.gather(MIXED, report=lambda *words: told.append(words))
    loading = ["Loading pen strokes"] * 2 + ["Loading letters"] * 2
    assert [phase for phase, _ in told[-4:]] == loading
    assert len(gathered.images) == len(gathered.labels) == 55_000
    assert len(gathered.validation.labels) == 5000, "chosen by MNIST alone"
    drawn = gathered.drawn
    assert (drawn.pen_digits, drawn.generated_digits, drawn.non_digits) == (24, 30, 20)
    assert len(gathered.labels) + len(drawn.labels) == MIXED.total_images
    assert drawn.seed == MIXED.seed
    assert drawn.source.shapes == shapes.TRAIN
    assert drawn.draw(0).any(axis=(1, 2)).all()
    assert gathered.described["drawn for every epoch"] == {
        "pen digits": 24, "generated digits": 30, "no digits": 20
    }  # fmt: skip
    json.dumps(gathered.described)


def test_writers_and_letters_that_are_held_out_are_not_learned_from(strokes):
    gathered = material.gather(MIXED, report=silent)
    of = {digit.writer for digit in gathered.drawn.written}
    assert len(of) == 8, "of fifteen five are unseen and two validate"
    assert len(gathered.drawn.written) == 80, "they with all that they wrote"
    assert gathered.drawn.source.digits == gathered.drawn.written
    assert gathered.described["pen digits of writers"] == sorted(of)
    (letter,) = gathered.drawn.source.letters
    assert (letter.alphabet, letter.character) == ("Korean", 1), "20 looks like a digit"
    assert gathered.described["letters"] == ["Korean"]


def test_without_strokes_and_without_a_network_templates_take_their_place(offline, mnist):
    told = []
    gathered = material.gather(MIXED, report=lambda *words: told.append(words[0]))
    drawn = gathered.drawn
    assert (drawn.pen_digits, drawn.generated_digits, drawn.non_digits) == (0, 54, 20)
    assert len(gathered.labels) + len(drawn.labels) == MIXED.total_images
    assert not drawn.written and not drawn.source.digits and "letters" not in drawn.source.kinds
    for what in ("pen digits", "letters"):
        assert any(f": The {what} could not be downloaded" in words for words in told)
    assert gathered.described["drawn for every epoch"] == {
        "pen digits": 0, "generated digits": 54, "no digits": 20
    }  # fmt: skip
    assert not {"pen digits of writers", "letters"} & gathered.described.keys()
    few = replace(gathered, images=gathered.images[:10], labels=gathered.labels[:10])
    made = Training(replace(PRESETS["mlp"].settings, epochs=1, batch_size=84), few)
    assert np.isfinite(made.advance(1).loss).all() and made.over


def test_damaged_strokes_are_done_without(mnist, monkeypatch, tmp_path):
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    for spec in stroke_files.COLLECTIONS:
        (tmp_path / spec.file_name).write_bytes(b"damaged")
    told = []
    gathered = material.gather(MIXED, report=lambda *words: told.append(words[0]))
    assert (gathered.drawn.pen_digits, gathered.drawn.generated_digits) == (0, 54)
    assert sum(str(tmp_path) in words for words in told) == 2
    assert str(tmp_path) not in json.dumps(gathered.described), "cards are shown to everyone"


@pytest.mark.parametrize("lacking", ["fetch_pendigits", "fetch_letters"])
def test_the_one_collection_does_not_need_the_other(strokes, monkeypatch, lacking):
    def fetch(*, progress):
        raise DataDamaged("It is not what it should be.")

    monkeypatch.setattr(stroke_files, lacking, fetch)
    gathered = material.gather(MIXED, report=silent)
    assert bool(gathered.drawn.written) == (lacking == "fetch_letters")
    assert bool(gathered.drawn.source.letters) == (lacking == "fetch_pendigits")


@pytest.mark.parametrize(
    ("changes", "fetched"),
    [
        ({"pen_digits": 0}, ["fetch_letters"]),
        ({"non_digits": 0}, ["fetch_pendigits"]),
        ({"pen_digits": 0, "non_digits": 0}, []),
    ],
)
def test_only_what_is_wanted_is_fetched(strokes, monkeypatch, changes, fetched):
    asked = []
    for name in ("fetch_pendigits", "fetch_letters"):
        fetch = getattr(stroke_files, name)
        monkeypatch.setattr(
            stroke_files, name, lambda name=name, fetch=fetch, **o: asked.append(name) or fetch(**o)
        )
    gathered = material.gather(replace(MIXED, **changes), report=silent)
    assert asked == fetched
    assert (NO_DIGIT in gathered.drawn.labels) == ("non_digits" not in changes)


def test_whoever_is_told_of_a_download_may_end_it(strokes):
    def leave(phase, share):
        if phase == "Loading letters":
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        material.gather(MIXED, report=leave)


# Somebody's own drawings


@pytest.fixture
def somebody():
    """The number of a profile with six drawings of a 7, of which two are held out."""
    profile = handwriting.add_profile("Anna").number
    for _ in range(6):
        handwriting.keep(profile, made_by_hand.new(7))
    return profile


def taught(profile, **changes):
    until = handwriting.latest(profile)
    return replace(GENERATED, profile=profile, drawings_until=until, own_digits=12, **changes)


def test_somebodys_drawings_are_learned_from_but_for_those_held_out(somebody):
    settings = taught(somebody)
    handwriting.keep(somebody, made_by_hand.new(7))  # since it was asked
    gathered = material.gather(settings, report=silent)
    kept = handwriting.drawings(somebody, newest_first=False)[:6]
    numbers = [drawing.number for drawing in gathered.drawn.own]
    assert numbers == [drawing.number for drawing in kept if not drawing.held_out]
    assert len(numbers) == 4
    assert gathered.drawn.labels.tolist() == [7] * 12
    assert gathered.described["own drawings"] == {"there are": 4, "an epoch has": 12}
    assert len(gathered.images) == 250, "besides the others"


def test_what_is_deleted_meanwhile_is_done_without(somebody):
    settings = taught(somebody)
    first = handwriting.drawings(somebody, held_out=False, newest_first=False)[0]
    handwriting.delete(first.number)
    gathered = material.gather(settings, report=silent)
    assert first.number not in [drawing.number for drawing in gathered.drawn.own]
    assert len(gathered.drawn.labels) == 12, "an epoch stays as long"
    handwriting.delete_all(somebody)
    with pytest.raises(DataMissing, match=r"^The drawings that it was to learn from are all del"):
        material.gather(settings, report=silent)


def test_what_is_no_digit_is_not_forgotten_without_mnist(somebody):
    settings = taught(somebody, generated_digits=5, non_digits=8)
    assert settings.total_images == 250 + 12 + 5 + 8
    gathered = material.gather(settings, report=silent)
    assert (gathered.drawn.labels == NO_DIGIT).sum() == 8


def test_who_teaches_nobodys_hand_looks_for_no_drawings(mnist, monkeypatch):
    monkeypatch.setattr(handwriting, "drawings", None)
    assert "own drawings" not in material.gather(MIXED, report=silent).described
