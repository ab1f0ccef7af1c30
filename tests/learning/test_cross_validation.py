import json
import sys
from dataclasses import replace
from multiprocessing import active_children

import numpy as np
import pytest

from mnist_core import datasets, doubts, paths, registry, stroke_files
from mnist_core.datasets import Digits
from mnist_core.errors import DataMissing, InputError, RunError
from mnist_core.generated import make_digits
from mnist_core.learning import cross_validation, folds, material, training
from mnist_core.learning.cross_validation import Plan, cross_validate
from mnist_core.nondigits import NO_DIGIT
from mnist_core.settings import PRESETS, Settings

SETTINGS = Settings("mlp", "dense", hidden=(16,), epochs=6, learning_rate=0.01, seed=7)
WILD = replace(SETTINGS, learning_rate=1e30)
PLAN = Plan(SETTINGS, folds=4, networks=1)


def silent(*_):
    pass


@pytest.fixture(autouse=True)
def studio(home):
    return home


@pytest.fixture(scope="module")
def digits():
    made = make_digits(130, seed=4)
    return Digits(made.images, made.labels)


@pytest.fixture
def learner():
    return Learner()


class Learner:
    """In the place of a training: keeps what it is given, and reads all digits as its own seed."""

    def __init__(self, *, fails_at=None):
        self.given = []
        self.fails_at = fails_at

    def __call__(self, settings, learned, held_out, watch):
        if len(self.given) == self.fails_at:
            raise KeyboardInterrupt
        self.given.append((settings, learned, held_out))
        watch(0.5)
        return np.full((len(held_out), 10), settings.seed, np.float32)


def as_set(images):
    return {image.tobytes() for image in images}


def kept():
    return sorted(paths.home().glob("cross-validation/*/*.npz"))


# Folds


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_every_fold_has_its_share_of_every_label(count):
    labels = np.random.default_rng(1).choice(10, 1003, p=np.arange(10) / 45).astype(np.uint8)
    dealt = folds.deal(labels, count, seed=3)
    assert (dealt.shape, dealt.dtype) == ((1003,), np.uint8)
    assert np.ptp(np.bincount(dealt, minlength=count)) <= 1
    for label in range(10):
        assert np.ptp(np.bincount(dealt[labels == label], minlength=count)) <= 1


def test_folds_are_the_same_with_every_numpy():
    labels = np.tile(np.arange(10, dtype=np.uint8), 3)
    expected = "020110222021100101111022221002"
    assert "".join(map(str, folds.deal(labels, 3, seed=1))) == expected
    assert "".join(map(str, folds.deal(labels, 3, seed=2))) != expected


def test_folds_are_not_in_the_order_of_the_set():
    dealt = folds.deal(np.zeros(1000, np.uint8), 5, seed=0)
    assert len(set(np.bincount(dealt[:200], minlength=5))) > 1
    assert not np.array_equal(dealt, np.sort(dealt))


def test_as_many_folds_as_digits():
    dealt = folds.deal(np.array([4, 4, 9], np.uint8), 3, seed=0)
    assert sorted(dealt) == [0, 1, 2]


@pytest.mark.parametrize(("count", "labels"), [(1, 10), (0, 10), (-1, 10), (11, 10), (256, 999)])
def test_impossible_numbers_of_folds_are_refused(count, labels):
    with pytest.raises(InputError, match=f"{labels} digits can't be dealt out to {count} folds"):
        folds.deal(np.zeros(labels, np.uint8), count, seed=0)


def test_labels_that_are_no_row_are_refused():
    with pytest.raises(InputError, match=r"must be \(N,\); these are \(2, 2\)"):
        folds.deal(np.zeros((2, 2), np.uint8), 2, seed=0)


# What is learned from


@pytest.mark.parametrize("networks", [1, 2])
def test_digits_are_read_by_networks_that_never_saw_them(digits, learner, networks):
    plan = replace(PLAN, networks=networks)
    cross_validate(plan, digits, show=silent, train=learner)
    assert len(learner.given) == 4 * networks
    for _, learned, held_out in learner.given:
        assert len(learned.images) + len(held_out) == 130
        assert not as_set(learned.images) & as_set(held_out)
        assert len(learned.validation.labels) == 0, "there is nothing to choose by"
    for network in range(networks):
        parts = [held_out for _, _, held_out in learner.given[4 * network : 4 * network + 4]]
        assert as_set(np.concatenate(parts)) == as_set(digits.images)
        assert sum(map(len, parts)) == 130


def test_images_and_labels_stay_together(digits, learner):
    label_of = dict(zip((i.tobytes() for i in digits.images), digits.labels, strict=True))
    cross_validate(PLAN, digits, show=silent, train=learner)
    for _, learned, _ in learner.given:
        wanted = [label_of[image.tobytes()] for image in learned.images]
        np.testing.assert_array_equal(learned.labels, wanted)


def test_every_training_has_a_seed_of_its_own(digits, learner):
    cross_validate(replace(PLAN, networks=2), digits, show=silent, train=learner)
    assert [settings.seed for settings, *_ in learner.given] == [*range(7, 15)]
    assert {replace(settings, seed=7) for settings, *_ in learner.given} == {SETTINGS}


def test_what_a_preset_adds_is_learned_from_in_every_fold(digits, learner, monkeypatch):
    train = Digits(np.zeros((60_000, 28, 28), np.uint8), (np.arange(60_000) % 10).astype(np.uint8))
    monkeypatch.setattr(datasets, "fetch_mnist", lambda *, progress: None)
    monkeypatch.setattr(datasets, "load_mnist", {"train": train}.__getitem__)

    def nowhere(*, progress):
        raise DataMissing("There is none.")

    monkeypatch.setattr(stroke_files, "fetch_pendigits", nowhere)
    monkeypatch.setattr(stroke_files, "fetch_letters", nowhere)
    settings = replace(PRESETS["best"].settings, pen_digits=10, generated_digits=20, non_digits=20)
    cross_validate(Plan(settings, folds=2, networks=1), digits, show=silent, train=learner)
    for _, learned, held_out in learner.given:
        assert len(learned.images) == 130 - len(held_out)
        assert not as_set(learned.images) & as_set(held_out)
        assert len(learned.drawn.labels) == 50
        assert (learned.drawn.labels == NO_DIGIT).sum() == 20
        assert learned.drawn.seed == settings.seed


# What comes of it


def test_each_digit_gets_what_was_said_of_it(digits, learner):
    outcome = cross_validate(replace(PLAN, networks=2), digits, show=silent, train=learner)
    dealt = folds.deal(digits.labels, 4, seed=7)
    assert outcome.probabilities.dtype == np.float32
    # The seeds 7 to 10, then 11 to 14: what is averaged of fold f is 7 + f and 11 + f.
    np.testing.assert_array_equal(outcome.probabilities, np.repeat(dealt[:, None] + 9.0, 10, 1))
    assert outcome.seconds > 0


def test_progress_is_told(digits, learner):
    told = []
    cross_validate(PLAN, digits, show=lambda *what: told.append(what), train=learner)
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert told[1] == ("Fold 1 of 4", 0.125)
    assert told[-1][0].startswith("Fold 4 of 4: ") and told[-1][0].endswith(" % read right")


@pytest.mark.parametrize("done", [1, 3, 5])
def test_after_an_interruption_it_goes_on_with_the_fold_it_was_at(digits, learner, done):
    plan = replace(PLAN, networks=2)
    whole = cross_validate(plan, digits, show=silent, train=learner)
    cross_validation.forget(plan, digits)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(plan, digits, show=silent, train=Learner(fails_at=done))
    assert len(kept()) == done
    rest = Learner()
    again = cross_validate(plan, digits, show=silent, train=rest)
    assert len(rest.given) == 8 - done
    np.testing.assert_array_equal(again.probabilities, whole.probabilities)


def test_another_plan_or_set_starts_anew(digits, learner):
    cross_validate(PLAN, digits, show=silent, train=learner)
    other_digits = Digits(digits.images[::-1].copy(), digits.labels[::-1].copy())
    for plan, which in [
        (replace(PLAN, folds=3), digits),
        (replace(PLAN, settings=replace(SETTINGS, epochs=7)), digits),
        (PLAN, other_digits),
    ]:
        other = Learner()
        cross_validate(plan, which, show=silent, train=other)
        assert len(other.given) == plan.folds


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", None])
def test_what_was_kept_and_is_damaged_is_made_anew(digits, learner, content):
    cross_validate(PLAN, digits, show=silent, train=learner)
    if content is None:
        np.savez(kept()[2], probabilities=np.zeros((3, 10)), seconds=1.0)
    else:
        kept()[2].write_bytes(content)
    again = Learner()
    cross_validate(PLAN, digits, show=silent, train=again)
    assert len(again.given) == 1


def test_impossible_plans_are_refused(digits, learner):
    for plan in (
        replace(PLAN, networks=0),
        replace(PLAN, folds=1),
        replace(PLAN, settings=replace(SETTINGS, seed=2**31 - 1)),
    ):
        with pytest.raises(InputError):
            cross_validate(plan, digits, show=silent, train=learner)


# The training itself


def test_the_last_weights_are_taken_and_nothing_is_validated(digits, monkeypatch):
    def no_validation(self):
        raise AssertionError("a choice")

    monkeypatch.setattr(training.Training, "validate", no_validation)
    shares = []
    learned = folds.without(
        material.Material(digits.images, digits.labels, folds.NO_DIGITS, {}),
        np.arange(130) < 30,
    )
    read = folds.learn_here(SETTINGS, learned, digits.images[:30], shares.append)
    assert (read.shape, read.dtype) == ((30, 10), np.float32)
    np.testing.assert_allclose(read.sum(axis=1), 1, atol=1e-5)
    assert shares == sorted(shares) and shares[-1] == 1


def test_a_loss_beyond_all_bounds_ends_it(digits):
    learned = material.Material(digits.images, digits.labels, folds.NO_DIGITS, {})
    with pytest.raises(RunError, match="beyond all bounds"):
        folds.learn_here(WILD, learned, digits.images, silent)


def test_networks_read_what_they_never_saw_better_than_by_chance(digits):
    outcome = cross_validate(
        Plan(replace(SETTINGS, epochs=20), folds=2, networks=1),
        digits,
        show=silent,
        train=folds.learn_here,
    )
    assert (outcome.probabilities.argmax(axis=1) == digits.labels).mean() > 0.4


def test_apart_is_as_here(digits, recipe):
    learned = material.Material(
        digits.images[:100], digits.labels[:100], folds.NO_DIGITS, {}, recipe
    )
    shares = []
    apart = folds.learn_apart(SETTINGS, learned, digits.images[100:], shares.append)
    here = folds.learn_here(SETTINGS, learned, digits.images[100:], silent)
    np.testing.assert_allclose(apart, here, atol=1e-4)
    assert shares[-1] == 1
    assert not active_children()


def test_what_goes_wrong_apart_is_told_here(digits):
    learned = material.Material(digits.images, digits.labels, folds.NO_DIGITS, {})
    with pytest.raises(RunError, match="beyond all bounds"):
        folds.learn_apart(WILD, learned, digits.images, silent)
    assert not active_children()


def test_a_process_that_ends_early_is_told_of(digits, capfd):
    with pytest.raises(RunError, match=r"ended early \(exit status 1\)"):
        folds.learn_apart(SETTINGS, "nothing", digits.images, silent)
    assert not active_children()


def test_an_interruption_ends_the_process(digits):
    def interrupt(share):
        raise KeyboardInterrupt

    learned = material.Material(digits.images, digits.labels, folds.NO_DIGITS, {})
    with pytest.raises(KeyboardInterrupt):
        folds.learn_apart(SETTINGS, learned, digits.images, interrupt)
    assert not active_children()


# The command


@pytest.fixture
def mnist(digits, monkeypatch):
    monkeypatch.setattr(datasets, "load_mnist", lambda split, download: {"train": digits}[split])


def test_the_command_writes_predictions_with_a_card(digits, mnist, learner, tmp_path, capsys):
    def certain(settings, learned, held_out, watch):
        probabilities = learner(settings, learned, held_out, watch)
        probabilities[:] = np.eye(10)[4]
        return probabilities

    folder = tmp_path / "deep" / "out"
    arguments = ["--folds", "3", "--networks", "2", "--seed", "5", "--to", str(folder)]
    assert cross_validation.main(arguments, train=certain) == 0
    assert [settings.seed for settings, *_ in learner.given] == [*range(5, 11)]
    written = registry.open_folder(folder)
    written.check()
    assert {file.name for file in folder.iterdir()} == {"card.json", doubts.PREDICTIONS}
    card = written.card
    assert (card["preset"], card["folds"], card["networks"], card["seed"]) == ("dropout", 3, 2, 5)
    assert card["out_of_sample_accuracy"] == (digits.labels == 4).mean()
    assert {"wall_seconds", "created", "settings", "data", "versions"} <= set(card)
    with np.load(folder / doubts.PREDICTIONS) as arrays:
        assert arrays["probabilities"].dtype == np.float16
        np.testing.assert_array_equal(arrays["probabilities"], np.eye(10)[[4] * 130])
    said = capsys.readouterr()
    assert "read right, after 1 s" in said.out
    assert said.err.count("\n") == 6
    assert not kept(), "what is done is kept no longer than it is needed"


def test_an_interrupted_command_says_so_and_goes_on(mnist, tmp_path, capsys):
    arguments = ["--to", str(tmp_path / "out")]
    assert cross_validation.main(arguments, train=Learner(fails_at=2)) == 130
    assert "goes on with the fold it was at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    rest = Learner()
    rest_and_scale = lambda *given: rest(*given) / 1000  # noqa: E731
    assert cross_validation.main(arguments, train=rest_and_scale) == 0
    assert len(rest.given) == 8, "ten in all, of which two were done"


def test_what_goes_wrong_is_one_line(mnist, tmp_path, capsys):
    assert cross_validation.main(["--folds", "1000", "--to", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == "130 digits can't be dealt out to 1000 folds.\n"


def test_a_terminal_sees_a_bar(mnist, learner, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    cross_validation.main(["--to", str(tmp_path / "out")], train=learner)
    assert "Fold 5 of 5" in capsys.readouterr().err


# What ships


def test_rounding_leaves_the_doubtful_as_they_were():
    random = np.random.default_rng(1)
    labels = random.integers(0, 10, 3000).astype(np.uint8)
    probabilities = random.dirichlet(np.full(10, 0.05), 3000).astype(np.float32)
    shipped = cross_validation.rounded(probabilities, labels)
    assert (shipped.shape, shipped.dtype) == ((3000, 10), np.float16)
    np.testing.assert_allclose(shipped, probabilities, atol=1 / 1000)
    doubtful = probabilities[np.arange(3000), labels] < 0.5
    np.testing.assert_array_equal(shipped[doubtful], probabilities[doubtful].astype(np.float16))


def test_what_ships_says_how_it_was_made():
    card = json.loads((doubts.FOLDER / "card.json").read_text())
    preset = PRESETS[card["preset"]].settings
    plan = Plan(replace(preset, seed=card["seed"]), card["folds"], card["networks"])
    assert Settings.from_json(json.dumps(card["settings"])) == plan.settings
    assert (plan.folds, card["versions"].keys()) == (
        5,
        {"python", "keras", "numpy", "tensorflow"},
    )
