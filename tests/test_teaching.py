"""What is trained to teach a network somebody's hand."""

from dataclasses import asdict, replace

import pytest

from mnist_core import datasets, handwriting, registry, teaching
from mnist_core.errors import InputError
from mnist_core.settings import PRESETS
from tests.handwriting.made import new
from tests.shipped import add_copy


@pytest.fixture
def somebody(offline):
    return handwriting.add_profile("Anna").number


def keep(profile, *labels):
    for label in labels:
        handwriting.keep(profile, new(label))


def shipped():
    return registry.find(registry.SHIPPED)


def test_nothing_to_learn_from_is_one_sentence(somebody):
    nothing = r"^There is nothing to learn from yet: store a drawing of a digit first\.$"
    with pytest.raises(InputError, match=nothing):
        teaching.settings_for(somebody, shipped())
    keep(somebody, 3, 3)
    first = handwriting.drawings(somebody, held_out=False)[0]
    handwriting.delete(first.number)
    with pytest.raises(InputError, match=nothing):  # the one that is left is held out
        teaching.settings_for(somebody, shipped())


def test_it_goes_on_from_the_network_with_the_drawings_that_are_there(somebody):
    keep(somebody, 3, 4, 5)
    settings = teaching.settings_for(somebody, shipped()).check()
    assert settings.start_from == registry.SHIPPED
    assert (settings.profile, settings.drawings_until) == (somebody, handwriting.latest(somebody))
    best = PRESETS["best"].settings
    assert (settings.family, settings.filters, settings.head) == (
        best.family,
        best.filters,
        best.head,
    )
    assert settings.epochs < best.epochs
    assert settings.non_digits, "or it forgets what is no digit"
    assert settings.pen_digits > settings.generated_digits > 0
    # The same drawings are the same training, another one makes it another.
    assert teaching.settings_for(somebody, shipped()) == settings
    keep(somebody, 6)
    assert teaching.settings_for(somebody, shipped()) != settings


def test_few_drawings_have_less_weight_than_many_and_never_too_much(somebody):
    weights = []
    for _ in range(3):
        keep(somebody, 7)
        weights.append(teaching.settings_for(somebody, shipped()).own_digits)
    assert weights == [60, 60, 120], "the second is held out"
    keep(somebody, *[label for label in range(10) for _ in range(9)])
    settings = teaching.settings_for(somebody, shipped())
    assert settings.own_digits == 2000
    assert settings.own_digits < settings.total_images / 2


def test_what_a_network_never_learned_is_not_added(somebody):
    keep(somebody, 1)
    plain = replace(PRESETS["fast"].settings, seed=9)
    add_copy("fast-1", preset="fast", settings=asdict(plain))
    settings = teaching.settings_for(somebody, registry.find("fast-1"))
    assert (settings.pen_digits, settings.generated_digits, settings.non_digits) == (0, 0, 0)
    assert (settings.start_from, settings.seed, settings.own_digits) == ("fast-1", 9, 60)


def test_a_network_that_was_taught_before_is_taught_the_next_hand(somebody):
    keep(somebody, 1)
    once = teaching.settings_for(somebody, shipped())
    add_copy("best-1", settings=asdict(once))
    other = handwriting.add_profile("Ben").number
    keep(other, 2)
    twice = teaching.settings_for(other, registry.find("best-1"))
    assert (twice.profile, twice.start_from) == (other, "best-1")
    assert (twice.pen_digits, twice.non_digits) == (once.pen_digits, once.non_digits)
    assert teaching.taught(registry.find("best-1")) == somebody
    assert teaching.taught(shipped()) == 0


def test_without_mnist_generated_digits_take_its_place(somebody, monkeypatch):
    keep(somebody, 1)
    assert teaching.settings_for(somebody, shipped()).data == "generated"
    monkeypatch.setattr(datasets, "find_mnist", lambda: "somewhere")
    assert teaching.settings_for(somebody, shipped()).data == "mnist"


def test_what_learned_without_mnist_is_taught_as_quickly(somebody):
    keep(somebody, 1)
    settings = replace(PRESETS["best"].settings, data="generated")
    add_copy("best-1", settings=asdict(settings))
    taught = teaching.settings_for(somebody, registry.find("best-1"))
    assert taught == replace(
        teaching.settings_for(somebody, shipped()), start_from="best-1", seed=taught.seed
    )
