"""The sets on which models are measured, from tiny files."""

import os
import zipfile

import numpy as np
import pytest

from mnist_core import datasets, generated, heldout, stroke_files
from mnist_core.datasets import Digits
from mnist_core.heldout import Drawings
from mnist_core.nondigits import KINDS, NO_DIGIT
from mnist_core.strokes import fit
from tests.tiny_pens import write_pendigits

needs_strokes = pytest.mark.skipif(
    not os.environ.get("STROKES_DIR"), reason="STROKES_DIR names no folder"
)
needs_letters = pytest.mark.skipif(
    not os.environ.get("LETTERS_DIR"), reason="LETTERS_DIR names no folder"
)
FEW = 6  # non-digits of each kind, in place of hundreds
WITHOUT_LETTERS = [kind for kind in KINDS if kind != "letters"]
ALIKE = "no digit, unseen: Latin letters that look like digits"


@pytest.fixture
def few(offline, monkeypatch):
    """A machine with nothing on it, where sets are small."""
    made = generated.make_digits(20, seed=8)
    monkeypatch.setattr(heldout, "_EACH", FEW)
    monkeypatch.setattr(heldout, "generated_digits", lambda: Digits(made.images, made.labels))


@pytest.fixture
def pens(few, tmp_path, monkeypatch):
    """Ten digits by each of four writers, one of whom validates and two are unseen; none alike."""
    write_pendigits(tmp_path, writers=(1, 7, 2, 3))
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))


@pytest.fixture
def letters(few, tmp_path, monkeypatch):
    """Nine letters of each of three alphabets by two people, no two alike."""
    random = np.random.default_rng(2)
    with zipfile.ZipFile(tmp_path / "strokes_background_small1.zip", "w") as archive:
        for alphabet in ("Greek", "Latin", "Runes"):
            for character in range(1, 10):
                for drawer in (1, 2):
                    points = "".join(f"{x},{-y},0\n" for x, y in random.integers(0, 105, (6, 2)))
                    archive.writestr(
                        f"set/{alphabet}/character{character:02}/0001_{drawer:02}.txt",
                        f"START\n{points}BREAK\n",
                    )
    monkeypatch.setenv("LETTERS_DIR", str(tmp_path))


def outlines(drawn):
    """What was drawn, wherever and however large."""
    return [
        np.concatenate(fit(strokes, size=1000, centre=(0, 0))).round(3).tobytes()
        for strokes, _ in drawn.strokes
    ]


def kinds_of(part, kinds):
    return [f"no digit, {part}: {kind}" for kind in kinds]


# What there is


def test_with_nothing_on_the_machine_everything_is_generated(few):
    assert list(heldout.test_set()) == ["generated digits"]
    found = heldout.sets(complain=pytest.fail)
    assert list(found) == [
        *kinds_of("validation", WITHOUT_LETTERS),
        *kinds_of("unseen", WITHOUT_LETTERS),
        "generated digits",
    ]
    assert heldout.pen_digits("validation") == heldout.pen_digits("unseen") == ()
    for name, drawn in found.items():
        if isinstance(drawn, Drawings):
            assert drawn.labels.tolist() == [NO_DIGIT] * FEW, name


def test_with_pens_their_digits_are_sets_of_their_own(pens):
    found = heldout.sets(complain=pytest.fail)
    for part, writers in (("validation", 1), ("unseen", 2)):
        for name in (f"pen digits, {part} writers", f"pen digits, {part} writers, anywhere"):
            assert found[name].labels.tolist() == [*range(10)] * writers
    assert not any("letters" in name for name in found)


def test_with_letters_they_are_a_kind_more(letters):
    found = heldout.sets(complain=pytest.fail)
    assert list(found) == [
        *kinds_of("validation", list(KINDS)),
        *kinds_of("unseen", list(KINDS)),
        ALIKE,
        "generated digits",
    ]
    # Of Latin the 2nd, 7th and 9th look like digits; of the rest every fourth is for choosing.
    assert len(found["no digit, validation: letters"].labels) == 2 * 2
    assert len(found["no digit, unseen: letters"].labels) == 2 * (9 + 6)
    assert len(found[ALIKE].labels) == 2 * 3
    assert set(found[ALIKE].labels) == {NO_DIGIT}


def test_with_mnist_its_test_digits_come_in_four_ways(few, monkeypatch):
    made = generated.make_digits(30, seed=4)
    few_of = {"test": Digits(made.images, made.labels)}
    monkeypatch.setattr(datasets, "load_mnist", few_of.__getitem__)
    monkeypatch.setattr(heldout, "mnist_validation", lambda: few_of["test"])
    assert list(heldout.test_set()) == ["MNIST test"]
    found = heldout.sets(complain=pytest.fail)
    names = list(found)[:8]
    for part, ways in (("validation", names[:4]), ("test", names[4:])):
        changed = (f"MNIST {part}, {way}" for way in ("turned", "thinned", "thickened"))
        assert ways == [f"MNIST {part}", *changed]
        for name in ways:
            assert (found[name].labels == made.labels).all()
            assert found[name].images.shape == made.images.shape
        assert len({found[name].images.tobytes() for name in ways}) == 4


@pytest.mark.parametrize("spec", stroke_files.COLLECTIONS, ids=lambda spec: spec.title)
def test_what_is_damaged_is_left_out_and_named(few, spec, tmp_path, monkeypatch):
    (tmp_path / spec.file_name).write_bytes(b"damaged")
    monkeypatch.setenv("STROKES_DIR", str(tmp_path))
    said = []
    assert list(heldout.sets(complain=said.append)) == ["generated digits"]
    assert len(said) == 2
    assert all(words.startswith(f"Left out: {spec.file_name} is no ") for words in said)


def test_the_validation_set_is_what_is_held_out(monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    labels = (np.arange(6000) % 10).astype(np.uint8)
    monkeypatch.setattr(datasets, "load_mnist", {"train": (images, labels)}.__getitem__)
    held_out = heldout.mnist_validation()
    expected = datasets.split_validation(images, labels)[1]
    np.testing.assert_array_equal(held_out.images, expected.images)
    assert len(held_out.labels) == 5000


@pytest.mark.parametrize("files", ["few", "pens", "letters"])
def test_the_drawings_are_the_same_every_time(files, request):
    request.getfixturevalue(files)
    once, twice = heldout.sets(complain=pytest.fail), heldout.sets(complain=pytest.fail)
    assert list(once) == list(twice)
    for name, drawn in once.items():
        if isinstance(drawn, Drawings):
            for one, other in zip(drawn.strokes, twice[name].strokes, strict=True):
                assert one[1] == other[1]
                assert all((a == b).all() for a, b in zip(one[0], other[0], strict=True))


def test_what_serves_choices_is_never_reported(pens, letters):
    assert not writers_of("validation") & writers_of("unseen")
    found = heldout.sets(complain=pytest.fail)
    for kind in ("letters", "scribbles", "shapes", "figures", "pairs"):
        chosen = outlines(found[f"no digit, validation: {kind}"])
        reported = outlines(found[f"no digit, unseen: {kind}"])
        assert not set(chosen) & set(reported), kind
    alike = outlines(found[ALIKE])
    assert not set(alike) & set(outlines(found["no digit, unseen: letters"]))


def writers_of(part):
    return {digit.writer for digit in heldout.pen_digits(part)}


# How pen digits are drawn


def test_in_the_standard_way_they_are_large_and_in_the_middle(pens):
    written = heldout.pen_digits("unseen")
    drawn = heldout.standard(written)
    assert drawn.labels.tolist() == [digit.label for digit in written]
    assert drawn.labels.dtype == np.uint8
    for strokes, pen_width in drawn.strokes:
        points = np.concatenate(list(strokes))
        assert pen_width == 18
        np.testing.assert_allclose(points.min(axis=0) + points.max(axis=0), 280)
        assert np.ptp(points, axis=0).max() == pytest.approx(200)


def test_anywhere_they_are_the_same_digits(pens):
    written = heldout.pen_digits("validation")
    drawn = heldout.anywhere(written, "validation", times=3)
    assert drawn.labels.tolist() == [digit.label for digit in written] * 3
    assert outlines(drawn) == outlines(heldout.standard(written)) * 3
    assert len({pen_width for _, pen_width in drawn.strokes}) == len(drawn.strokes)


def test_drawings_are_painted_as_they_are_asked_for():
    drawn = [(generated.strokes_of(3, "round"), 18.0)] * 2
    images = iter(Drawings(drawn, np.array([3, 3], np.uint8)))
    first, second = next(images), next(images)
    assert (first.shape, first.dtype) == ((280, 280, 4), np.uint8)
    assert (first == second).all()
    with pytest.raises(StopIteration):
        next(images)


# Other ways of writing MNIST's digits


@pytest.mark.parametrize("change", ["turned", "thinned", "thickened"])
def test_digits_are_changed_one_by_one_and_the_same_every_time(change):
    images = generated.make_digits(30, seed=6).images
    changed = getattr(heldout, change)(images)
    assert (changed.shape, changed.dtype) == (images.shape, np.uint8)
    assert (changed == getattr(heldout, change)(images)).all()
    assert (changed != images).any(axis=(1, 2)).all()
    assert (getattr(heldout, change)(images[:7]) == changed[:7]).all()


def test_thin_lines_lie_within_and_thick_ones_around():
    images = generated.make_digits(40, seed=7).images
    assert (heldout.thinned(images) <= images).all()
    assert (images <= heldout.thickened(images)).all()
    for change in (heldout.thinned, heldout.thickened):
        assert (change(images)[::-1] == change(images[::-1])).all()


def test_turned_digits_keep_their_place_and_about_their_ink():
    images = generated.make_digits(40, seed=9).images
    ink, after = (each.sum(axis=(1, 2), dtype=float) for each in (images, heldout.turned(images)))
    np.testing.assert_allclose(after, ink, rtol=0.1)
    turned = heldout.turned(np.full((50, 28, 28), 255, np.uint8))
    assert (turned[:, 4:-4, 4:-4] == 255).all()


# The real data


@needs_strokes
def test_the_real_pen_digits():
    unseen, validation = heldout.pen_digits("unseen"), heldout.pen_digits("validation")
    assert len(unseen) == 2500
    assert len(writers_of("unseen")) == 10
    assert len(writers_of("validation")) == 4
    assert {digit.label for digit in validation} == set(range(10))
    assert len(heldout.anywhere(unseen, "unseen").strokes) == 2500


@needs_strokes
@needs_letters
def test_the_real_non_digits(monkeypatch):
    monkeypatch.setattr(heldout, "_EACH", FEW)
    found = heldout.no_digits("unseen")
    assert [kind for kind in found if kind in KINDS] == list(KINDS)
    assert len(found["letters"].labels) == (24 + 26 - 8) * 20
    (alike,) = found.keys() - KINDS
    assert len(found[alike].labels) == 8 * 20


def test_what_is_measured_on_is_known(offline, monkeypatch):
    images = np.random.default_rng(1).integers(0, 256, (6000, 28, 28), np.uint8)
    labels = (np.arange(6000) % 10).astype(np.uint8)
    assert heldout.measured_on(images[:3]) == 0, "there is no MNIST here"
    parts = {"train": Digits(images, labels), "test": Digits(images[:7] // 2, labels[:7])}
    monkeypatch.setattr(datasets, "load_mnist", parts.__getitem__)
    rows = datasets.validation_rows(labels)
    others = np.setdiff1d(np.arange(6000), rows)
    asked = np.concatenate([images[rows[:4]], images[others[:5]], images[:2] // 2])
    assert heldout.measured_on(asked) == 6
