from dataclasses import replace

import pytest

from mnist_core import pace, store
from mnist_core.settings import PRESETS

FAST = PRESETS["fast"].settings
MLP = PRESETS["mlp"].settings

pytestmark = pytest.mark.usefixtures("home")


def note_run(settings, **columns):
    with store.opened(write=True) as database:
        run = store.add_run(database, settings, owner="")
        store.update(database, run.id, **columns)


def halfway(seconds):
    return {"step": 500, "steps": 1000, "seconds": seconds, "images_per_second": 1000.0}


def test_the_first_training_is_expected_by_how_quick_the_computer_is():
    for preset in PRESETS.values():
        assert 0 < pace.expected_seconds(preset.settings) < 24 * 3600


def test_more_to_do_takes_longer():
    expected = pace.expected_seconds(FAST)
    # Twice the images, but the network is built once.
    assert 1.5 * expected < pace.expected_seconds(replace(FAST, epochs=2 * FAST.epochs))
    for more in (
        replace(FAST, filters=(16, 32, 64)),
        replace(FAST, augment=True),
        replace(FAST, batch_size=16),
        replace(FAST, pen_digits=5000),
        replace(FAST, generated_digits=5000),
        replace(FAST, non_digits=5000),
    ):
        assert pace.expected_seconds(more) > expected
    assert pace.expected_seconds(replace(FAST, images=1000)) < expected


def test_what_is_drawn_is_drawn_anew_for_every_epoch():
    def added(settings):
        drawn = replace(settings, non_digits=20_000)
        # So many images of MNIST instead take as long to learn from, but are there already.
        there = replace(settings, images=settings.images + 20_000)
        return pace.expected_seconds(drawn) - pace.expected_seconds(there)

    few = replace(FAST, images=10_000)
    assert added(few) > 0
    assert added(replace(few, epochs=3 * few.epochs)) > 1.5 * added(few)


def test_a_run_that_was_alike_knows_better():
    note_run(FAST, **halfway(50.0))
    assert pace.expected_seconds(FAST) == pytest.approx(100)
    assert pace.expected_seconds(replace(FAST, seed=9, epochs=2 * FAST.epochs)) == pytest.approx(
        200
    )
    assert pace.expected_seconds(replace(FAST, images=5500)) == pytest.approx(10)


def test_the_latest_that_was_alike_counts():
    note_run(FAST, **halfway(50.0))
    note_run(FAST, **halfway(20.0))
    note_run(MLP, **halfway(999.0))
    assert pace.expected_seconds(FAST) == pytest.approx(40)


@pytest.mark.parametrize(
    "columns",
    [{"state": "paused"}, halfway(2.0), halfway(50.0) | {"images_per_second": 0.0, "step": 0}],
)
def test_a_run_that_hardly_began_tells_nothing(columns):
    before = pace.expected_seconds(FAST)
    note_run(FAST, **columns)
    assert pace.expected_seconds(FAST) == before


@pytest.mark.parametrize(
    "other",
    [MLP, replace(FAST, augment=True), replace(FAST, batch_size=64), replace(FAST, filters=(8,))],
)
def test_a_run_of_another_kind_tells_nothing(other):
    before = pace.expected_seconds(FAST)
    note_run(other, **halfway(5000.0))
    assert pace.expected_seconds(FAST) == before
