import json
import math
import resource
import threading
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_core import registry, shapes
from mnist_core.errors import ModelError, RunError
from mnist_core.learning import losses, optimization
from mnist_core.learning.renewal import Recipe
from mnist_core.learning.training import Training
from mnist_core.nondigits import NO_DIGIT, Source
from mnist_core.settings import Settings

# 200 digits are six batches and eight digits left over.
DENSE = Settings("mlp", "dense", hidden=(16,), epochs=2, batch_size=32, learning_rate=0.01)
CNN = Settings(
    "best",
    "cnn",
    filters=(4, 6),
    dropout=0.4,
    epochs=2,
    batch_size=32,
    learning_rate=0.01,
    optimizer="adamw",
    schedule="one-cycle",
    augment=True,
)


def train(made, *, count=100, until=None):
    """Go on to `until`, or to the end, `count` batches at a time; gives all losses."""
    losses = []
    while made.step < (until or made.steps):
        losses.append(made.advance(min(count, (until or made.steps) - made.step)).loss)
        if made.due:
            list(made.validate())
    return np.concatenate(losses)


def state(made):
    return [np.asarray(variable) for variable in made._state()]


def assert_same(one, other):
    for got, wanted in zip(one, other, strict=True):
        np.testing.assert_array_equal(got, wanted)


def always(made, logits):
    """Have a network say the same of everything."""
    *before, kernel, _ = made._model.get_weights()
    made._model.set_weights([*before, np.zeros_like(kernel), np.asarray(logits, np.float32)])


@pytest.fixture(scope="module")
def whole(small_set):
    """The network with everything that chance decides, trained in one go; and its losses."""
    made = Training(CNN, small_set)
    return made, train(made)


# Learning


def test_it_learns(small_set):
    made = Training(replace(DENSE, epochs=12), small_set)
    losses = train(made)
    assert losses[0] == pytest.approx(math.log(10), rel=0.2)
    assert losses[-7:].mean() < losses[:7].mean() / 4
    answers = made.probabilities(small_set.images).argmax(axis=1)
    assert (answers == small_set.labels).mean() > 0.9


def test_the_same_seed_trains_the_same_network(small_set, whole):
    made, losses = whole
    again = Training(CNN, small_set)
    np.testing.assert_array_equal(train(again), losses)
    assert_same(state(again), state(made))
    assert_same(again.best[0], made.best[0])


def test_another_seed_trains_another(small_set):
    one, other = (Training(replace(DENSE, seed=seed), small_set) for seed in (1, 2))
    assert not np.array_equal(train(one), train(other))


@pytest.mark.parametrize("count", [1, 3])
def test_it_does_not_matter_how_many_batches_are_done_at_a_time(small_set, whole, count):
    made, losses = whole
    again = Training(CNN, small_set)
    np.testing.assert_array_equal(train(again, count=count), losses)
    assert_same(state(again), state(made))


@pytest.mark.parametrize("count", [1, 4, 100])
def test_every_image_is_shown_once_an_epoch(small_set, count):
    made = Training(replace(DENSE, epochs=3), small_set)
    shown = []

    def learn(rows, step):
        assert step == len(np.concatenate([[], *(len(r) * [0] for r in shown)]))
        shown.append(rows)
        return (tf.zeros(len(rows)),) * 2

    made._learn = learn
    images = 0
    while not made.over:
        images += made.advance(count).images
    assert images == 600
    assert {row.shape[1] for row in shown} == {32, 8}
    epochs = np.concatenate([rows.ravel() for rows in shown]).reshape(3, 200)
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(200))
    assert not np.array_equal(epochs[0], epochs[1])


def test_batches_are_told_in_order_and_end_with_the_epoch(small_set):
    made = Training(DENSE, small_set)
    assert (made.steps_per_epoch, made.steps, made.step) == (7, 14, 0)
    told = [made.advance(100) for _ in range(4)]
    assert [(b.first, len(b.loss), b.images) for b in told] == [
        (1, 6, 192),
        (7, 1, 8),
        (8, 6, 192),
        (14, 1, 8),
    ]
    for batches in told:
        assert batches.loss.shape == batches.accuracy.shape == batches.learning_rate.shape
        assert ((batches.accuracy >= 0) & (batches.accuracy <= 1)).all()
    assert made.over


@pytest.mark.parametrize(("size", "steps"), [(8, 25), (200, 1), (2048, 1)])
def test_batches_of_any_size(small_set, size, steps):
    made = Training(replace(DENSE, batch_size=size, epochs=1), small_set)
    assert made.steps == steps
    assert len(train(made)) == steps
    assert made.over


def test_with_augmentation_every_epoch_shows_fresh_variants(small_set):
    few = replace(small_set, images=small_set.images[:8], labels=small_set.labels[:8])
    still = replace(DENSE, batch_size=8, epochs=4, learning_rate=1e-5)
    plain, varied = (
        train(Training(replace(still, augment=augment), few)) for augment in (False, True)
    )
    assert np.ptp(plain) < 0.002 < 0.01 < np.ptp(varied)


def test_the_order_is_made_once_an_epoch(small_set, monkeypatch):
    made = Training(DENSE, small_set)
    sort, sorted_ = np.argsort, []
    monkeypatch.setattr(np, "argsort", lambda *a, **b: sorted_.append(1) or sort(*a, **b))
    train(made, count=1)
    assert made.over and len(sorted_) == made.settings.epochs


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_what_is_told_is_the_cross_entropy_without_smoothing(small_set, smoothing):
    made = Training(replace(DENSE, label_smoothing=smoothing), small_set)
    rows = made._order(0)[:32]
    probabilities = made.probabilities(small_set.images[rows])
    wanted = np.eye(10)[small_set.labels[rows]]
    batches = made.advance(1)
    by_hand = -(wanted * np.log(probabilities)).sum(axis=1).mean()
    assert batches.loss[0] == pytest.approx(by_hand, rel=1e-4)
    right = probabilities.argmax(axis=1) == wanted.argmax(axis=1)
    assert batches.accuracy[0] == pytest.approx(right.mean())


def test_smoothed_labels_make_a_modest_network(small_set):
    few = replace(small_set, images=small_set.images[:20], labels=small_set.labels[:20])
    plain, smoothed = (
        Training(replace(DENSE, epochs=150, label_smoothing=smoothing), few)
        for smoothing in (0.0, 0.5)
    )
    for made in (plain, smoothed):
        train(made)
        answers = made.probabilities(few.images).argmax(axis=1)
        np.testing.assert_array_equal(answers, few.labels)
    assert plain.probabilities(few.images).max(axis=1).mean() > 0.95
    # Half of each target is spread over all ten digits: 0.55 is left.
    modest = smoothed.probabilities(few.images).max(axis=1)
    np.testing.assert_allclose(modest, 0.55, atol=0.05)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_every_optimizer_learns(small_set, optimizer):
    made = Training(replace(DENSE, optimizer=optimizer, epochs=4), small_set)
    losses = train(made)
    assert losses[-7:].mean() < losses[:7].mean() - 0.5


def test_warming_up_learns_nothing(small_set):
    made = Training(CNN, small_set)
    before = state(made)
    made.warm_up()
    assert_same(state(made), before)
    assert made.step == 0


# What is no digit


def by_hand(labels, logits, smoothing):
    """The loss, one by one, in plain Python; and without what keeps the ten digits alike."""
    found = []
    for label, row in zip(labels, logits.astype(np.float64), strict=True):
        eleven = np.exp([*row, 0.0]) / np.exp([*row, 0.0]).sum()
        aim = np.full(11, smoothing / 11)
        aim[label] += 1 - smoothing
        loss = plain = -(aim * np.log(eleven)).sum()
        if label == 10:
            ten = np.exp(row) / np.exp(row).sum()
            loss -= 0.5 * np.log(ten).mean()
        found.append((loss, plain))
    return np.array(found).T


def whole_loss(labels, logits, smoothing):
    """What is learned by where there are non-digits."""
    labels, logits = tf.constant(labels), tf.constant(logits)
    entropy = losses.cross_entropy(labels, logits, 11, smoothing)
    return entropy + 0.5 * losses.decidedness(labels, logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_no_digit_is_an_eleventh_class_whose_logit_is_zero(smoothing):
    random = np.random.default_rng(2)
    logits = random.normal(0, 4, (60, 10)).astype(np.float32)
    labels = random.integers(0, 11, 60).astype(np.uint8)
    assert {0, 9, NO_DIGIT} < set(labels)
    got = whole_loss(labels, logits, smoothing)
    assert got.shape == (60,)
    np.testing.assert_allclose(got, by_hand(labels, logits, smoothing)[0], rtol=1e-4)


def test_what_is_none_costs_least_where_all_digits_are_alike_and_unlikely():
    def loss(logits):
        return float(whole_loss(np.array([NO_DIGIT], np.uint8), np.float32([logits]), 0.0)[0])

    alike, low = [0.0] * 10, [-9.0] * 10
    assert loss(low) == pytest.approx(0.5 * math.log(10), abs=0.01)
    assert loss(low) < loss(alike)
    assert loss(low) < loss([-9.0] * 9 + [-5.0])
    assert loss([-5.0] * 9 + [9.0]) > 9


def test_the_loss_that_is_told_is_the_cross_entropy_of_eleven_classes(drawn_set):
    made = Training(replace(DENSE, label_smoothing=0.3), drawn_set)
    logits = np.linspace(-2, 1, 10, dtype=np.float32)
    always(made, logits)
    labels = made._labels[made._order(0)[:32]]
    assert NO_DIGIT in labels
    _, wanted = by_hand(labels, np.tile(logits, (32, 1)), 0.0)
    assert made.advance(1).loss[0] == pytest.approx(np.mean(wanted), rel=1e-4)


def test_what_is_told_from_digits_counts_as_right(small_set, drawn_set):
    below, third = np.full(10, -1.0), np.full(10, -1.0)
    third[3] = 1.0
    made = Training(DENSE, drawn_set)
    labels = made._labels[made._order(0)]
    for start, logits, answer in ((0, below, NO_DIGIT), (32, third, 3)):
        always(made, logits)
        share = (labels[start : start + 32] == answer).mean()
        assert 0 < share < 1
        assert made.advance(1).accuracy[0] == pytest.approx(share)
    # Who never saw what is none always says a digit.
    made = Training(DENSE, small_set)
    third[3] = -0.5
    always(made, third)
    share = (small_set.labels[made._order(0)[:32]] == 3).mean()
    assert share > 0
    assert made.advance(1).accuracy[0] == pytest.approx(share)


def test_digits_are_told_from_what_is_none(small_set):
    recipe = Recipe(0, 0, 100, (), Source((), (), shapes.TRAIN), seed=3)
    made = Training(replace(DENSE, epochs=10), replace(small_set, drawn=recipe))
    losses = train(made)
    assert losses[-10:].mean() < losses[:10].mean() / 2
    of = [
        np.asarray(made._to_logits(images[..., None].astype(np.float32) / 255))
        for images in (small_set.validation.images, recipe.draw(99))  # neither was learned from
    ]
    digits, none = (np.log(np.exp(logits).sum(axis=1)) for logits in of)
    assert np.median(digits) > 0 > np.median(none)
    assert (digits[:, None] > none).mean() > 0.75


# What is drawn anew for every epoch


VARIED = replace(DENSE, dropout=0.3, augment=True, optimizer="adamw", schedule="cosine")


@pytest.fixture(scope="module")
def renewed(drawn_set):
    """Trained in one go with drawings; and its losses."""
    made = Training(VARIED, drawn_set)
    return made, train(made)


def test_every_epoch_shows_its_own_drawings(drawn_set, recipe):
    made = Training(VARIED, drawn_set)
    assert (made.steps_per_epoch, made.steps) == (8, 16)
    np.testing.assert_array_equal(made._labels, [*drawn_set.labels, *recipe.labels])
    shown, learn = [], made._learn

    def watch(rows, step):
        shown.append(rows.ravel())
        epoch = step // 8
        np.testing.assert_array_equal(made._images[:200], drawn_set.images)
        np.testing.assert_array_equal(made._images[200:], recipe.draw(epoch))
        return learn(rows, step)

    made._learn = watch
    train(made, count=5)
    for epoch in np.concatenate(shown).reshape(2, 240):
        np.testing.assert_array_equal(np.sort(epoch), np.arange(240))


def test_it_tells_how_much_is_drawn_until_it_can_go_on(drawn_set, small_set, monkeypatch):
    assert Training(DENSE, small_set).drawing is None
    drawn, go = [], threading.Event()
    draw = Recipe.draw

    def slowly(self, epoch, *, report):
        drawn.append(epoch)
        report(0.25)
        assert go.wait(20)
        return draw(self, epoch)

    monkeypatch.setattr(Recipe, "draw", slowly)
    made = Training(DENSE, drawn_set)
    assert not drawn, "nothing before it is needed"
    while made.drawing != 0.25:
        time.sleep(0.002)
    go.set()
    while made.drawing is not None:
        time.sleep(0.002)
    made.advance(3)
    assert made.drawing is None, "in the middle of an epoch it never waits"
    train(made)
    assert made.over and made.drawing is None
    assert drawn == [0, 1], "and none beyond the last"


def test_what_goes_wrong_with_drawing_ends_the_training(drawn_set, monkeypatch):
    def draw(self, epoch, *, report):
        raise OSError("no ink")

    monkeypatch.setattr(Recipe, "draw", draw)
    made = Training(DENSE, drawn_set)
    with pytest.raises(OSError, match="no ink"):
        made.advance(1)


@pytest.mark.parametrize("pause_at", [3, 8, 12])
def test_a_resumed_training_sees_the_drawings_it_would_have_seen(
    drawn_set, renewed, tmp_path, pause_at
):
    made, losses = renewed
    first = Training(VARIED, drawn_set)
    before = train(first, until=pause_at)
    first.save(tmp_path / "checkpoint.npz")
    second = Training(VARIED, drawn_set)
    second.restore(tmp_path / "checkpoint.npz")
    np.testing.assert_array_equal(np.concatenate([before, train(second, count=3)]), losses)
    assert_same(state(second), state(made))
    assert_same(second.best[0], made.best[0])


def test_going_back_to_a_checkpoint_goes_back_to_its_drawings(drawn_set, renewed, tmp_path):
    made = Training(VARIED, drawn_set)
    train(made, until=3)
    made.save(tmp_path / "checkpoint.npz")
    train(made, until=13)
    made.restore(tmp_path / "checkpoint.npz")
    np.testing.assert_array_equal(train(made), renewed[1][3:])


# Going on from a model


def saved(made, folder):
    """The model of a training as it stands."""
    list(made.validate())
    folder.mkdir()
    made.best_model()[0].save(folder / "model.keras")
    return registry.write_card(folder, {"id": "mlp-1"})


@pytest.mark.parametrize("settings", [DENSE, CNN], ids=["dense", "cnn"])
def test_it_begins_with_what_a_model_says(small_set, some_digits, as_input, tmp_path, settings):
    first = Training(settings, small_set)
    first.advance(5)
    base = saved(first, tmp_path / "mlp-1")
    further = Training(replace(settings, seed=7, dropout=0.1), small_set)
    assert not np.allclose(further.logits(some_digits), first.logits(some_digits), atol=1e-3)
    further.start_from(base)
    assert (further.step, further.validated, further.best) == (0, -1, None)
    np.testing.assert_array_equal(further.logits(some_digits), first.logits(some_digits))
    kept = keras.saving.load_model(base.folder / "model.keras")
    read = np.asarray(kept(as_input(some_digits), training=False))
    np.testing.assert_allclose(further.probabilities(some_digits), read, atol=0.02)


def test_what_calibration_did_is_undone(small_set, some_digits, tmp_path):
    made = Training(DENSE, small_set)
    base = saved(made, tmp_path / "mlp-1")
    registry.write_card(base.folder, {**base.card, "temperature": 0.5})
    further = Training(replace(DENSE, seed=3), small_set)
    further.start_from(registry.open_folder(base.folder))
    np.testing.assert_allclose(
        further.logits(some_digits), 0.5 * made.logits(some_digits), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(
    "changes", [{"hidden": (17,)}, {"hidden": (16, 16)}, {"hidden": ()}, {"activation": "tanh"}]
)
def test_a_model_with_other_layers_is_refused(small_set, tmp_path, changes):
    base = saved(Training(DENSE, small_set), tmp_path / "mlp-1")
    other = Training(replace(DENSE, **changes), small_set)
    before = state(other)
    with pytest.raises(RunError, match=r"^mlp-1 has other layers than this network: train .+\.$"):
        other.start_from(base)
    assert_same(state(other), before)


def test_a_model_whose_file_was_altered_or_is_gone_is_refused(small_set, tmp_path):
    made = Training(DENSE, small_set)
    base = saved(made, tmp_path / "mlp-1")
    before = state(made)
    Training(replace(DENSE, seed=2), small_set)._model.save(base.folder / "model.keras")
    with pytest.raises(ModelError, match=r"model\.keras is damaged or was altered"):
        made.start_from(base)
    (base.folder / "model.keras").unlink()
    with pytest.raises(ModelError, match=r"model\.keras can't be read: No such file"):
        made.start_from(base)
    assert_same(state(made), before)


# The learning rate


def rates(schedule, steps):
    settings = replace(DENSE, schedule=schedule, learning_rate=0.5)
    return np.asarray(optimization.Schedule(settings, steps)(tf.range(steps)))


def test_a_constant_rate_is_constant():
    np.testing.assert_array_equal(rates("constant", 100), np.full(100, 0.5, np.float32))


def test_one_cycle_rises_for_a_fifth_and_falls_in_a_line():
    got = rates("one-cycle", 100)
    np.testing.assert_allclose(got[:20], 0.5 * np.arange(1, 21) / 20, rtol=1e-5)
    np.testing.assert_allclose(got[20:], 0.5 * (1 - np.arange(80) / 80), rtol=1e-4)


def test_cosine_rises_for_a_tenth_and_falls_along_a_cosine():
    got = rates("cosine", 100)
    np.testing.assert_allclose(got[:10], 0.5 * np.arange(1, 11) / 10, rtol=1e-5)
    falling = 0.25 + 0.25 * np.cos(np.pi * np.arange(90) / 90)
    np.testing.assert_allclose(got[10:], falling, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one-cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_shortest_runs_have_a_rate_too(schedule, steps):
    got = rates(schedule, steps)
    assert ((got > 0) & (got <= 0.5)).all()


def test_the_rate_that_is_told_is_the_one_that_is_used(small_set):
    made = Training(replace(DENSE, schedule="one-cycle"), small_set)
    told = np.concatenate([made.advance(4).learning_rate for _ in range(6)])
    np.testing.assert_allclose(told, np.asarray(made._schedule(tf.range(14))), rtol=1e-6)
    assert float(made._optimizer.learning_rate) == pytest.approx(0, abs=1e-6)


# Validation, and what is kept


def test_validation_is_due_once_after_every_epoch(small_set):
    made = Training(DENSE, small_set)
    assert (made.due, made.validated) == (False, -1)
    made.advance(100)
    assert not made.due, "the last batch is still to come"
    made.advance(100)
    assert made.due and not made.over
    *pauses, seen = made.validate()
    assert set(pauses) == {None}
    assert (seen.step, made.validated, made.due) == (7, 7, False)
    train(made)
    assert made.over and not made.due


def test_validation_counts_what_is_read(small_set):
    made = Training(DENSE, small_set)
    made.advance(3)
    seen = list(made.validate())[-1]
    digits = small_set.validation
    probabilities = made.probabilities(digits.images)
    answers = probabilities.argmax(axis=1)
    assert seen.accuracy == pytest.approx((answers == digits.labels).mean())
    of_label = probabilities[np.arange(50), digits.labels]
    assert seen.loss == pytest.approx(-np.log(of_label).mean(), rel=1e-5)
    assert seen.confusion.dtype == np.uint32
    for label in range(10):
        counted = np.bincount(answers[digits.labels == label], minlength=10)
        np.testing.assert_array_equal(seen.confusion[label], counted)


def test_validation_teaches_nothing(small_set):
    made = Training(CNN, small_set)
    made.advance(2)
    before = state(made)
    list(made.validate())
    assert_same(state(made), before)


def test_the_best_weights_are_kept_not_the_last(small_set, as_input):
    made = Training(replace(DENSE, epochs=4), small_set)
    train(made)
    good = made.best[1]
    wanted = made.probabilities(small_set.validation.images)
    made._model.set_weights([np.zeros_like(w) for w in made._model.get_weights()])
    made.step += 1
    worse = list(made.validate())[-1]
    assert worse.accuracy < good.accuracy
    assert made.best[1] is good
    kept, seen = made.best_model()
    assert seen is good
    read = kept(as_input(small_set.validation.images), training=False)
    np.testing.assert_allclose(read, wanted, atol=1e-5)


@pytest.mark.parametrize("schedule", ["cosine", "one-cycle"])
def test_at_the_end_of_a_schedule_down_to_zero_the_last_weights_are_kept(small_set, schedule):
    made = Training(replace(DENSE, epochs=2, schedule=schedule), small_set)
    made.advance(made.steps_per_epoch)
    list(made.validate())
    early = made.best[1]
    made._model.set_weights([np.zeros_like(w) for w in made._model.get_weights()])
    made.step = made.steps - 1
    worse = list(made.validate())[-1]
    assert worse.accuracy < early.accuracy
    assert made.best[1] is early, "before the end the best are"
    made.step += 1
    last = list(made.validate())[-1]
    assert made.best[1] is last
    assert not any(weights.any() for weights in made.best[0])


def test_of_equals_the_later_is_kept(small_set):
    made = Training(DENSE, small_set)
    made.advance(1)
    list(made.validate())
    made.step += 1
    later = list(made.validate())[-1]
    assert made.best[1] is later


def test_before_the_first_validation_there_is_no_network_to_keep(small_set):
    with pytest.raises(RunError, match="no network to keep"):
        Training(DENSE, small_set).best_model()


@pytest.mark.parametrize("count", [1, 30, 1001])
def test_any_number_of_digits_is_read(trained, some_digits, count):
    digits = np.resize(some_digits, (count, 28, 28))
    probabilities = trained.probabilities(digits)
    assert probabilities.shape == (count, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(probabilities[-1], trained.probabilities(digits[-1:])[0], atol=1e-5)
    likely = np.exp(trained.logits(digits))
    np.testing.assert_allclose(probabilities, likely / likely.sum(axis=1)[:, None], rtol=1e-4)


def test_the_kept_model_is_plain_keras(model, trained, some_digits, as_input):
    kinds = {type(layer).__module__.partition(".")[0] for layer in model.layers}
    assert kinds == {"keras"}
    trained_answers = trained.best[1].accuracy
    digits = trained.material.validation
    answers = np.asarray(model(as_input(digits.images), training=False)).argmax(axis=1)
    assert (answers == digits.labels).mean() == pytest.approx(trained_answers)


# Checkpoints


@pytest.mark.parametrize("pause_at", [4, 7, 10])
def test_a_resumed_training_ends_as_one_that_was_never_interrupted(
    small_set, whole, tmp_path, pause_at
):
    made, losses = whole
    first = Training(CNN, small_set)
    before = train(first, until=pause_at)
    first.save(tmp_path / "checkpoint.npz")
    second = Training(CNN, small_set)
    second.restore(tmp_path / "checkpoint.npz")
    assert (second.step, second.validated) == (pause_at, 7 if pause_at >= 7 else -1)
    np.testing.assert_array_equal(np.concatenate([before, train(second)]), losses)
    assert_same(state(second), state(made))
    assert_same(second.best[0], made.best[0])
    assert second.best[1].accuracy == made.best[1].accuracy
    assert second.best[1].step == made.best[1].step


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_every_optimizer_goes_on_where_it_was(small_set, tmp_path, optimizer):
    settings = replace(DENSE, optimizer=optimizer, schedule="cosine")
    made = Training(settings, small_set)
    train(made, until=5)
    made.save(tmp_path / "checkpoint.npz")
    rest = train(made)
    again = Training(settings, small_set)
    again.restore(tmp_path / "checkpoint.npz")
    np.testing.assert_array_equal(train(again), rest)


def test_the_best_comes_back_even_where_the_last_is_worse(small_set, tmp_path):
    made = Training(DENSE, small_set)
    train(made)
    made._model.set_weights([np.zeros_like(w) for w in made._model.get_weights()])
    made.save(tmp_path / "checkpoint.npz")
    again = Training(DENSE, small_set)
    again.restore(tmp_path / "checkpoint.npz")
    assert_same(again.best[0], made.best[0])
    assert again.best[1].loss == made.best[1].loss
    np.testing.assert_array_equal(again.best[1].confusion, made.best[1].confusion)


def test_a_checkpoint_is_written_whole(small_set, tmp_path):
    made = Training(DENSE, small_set)
    for _ in range(2):
        made.advance(1)
        made.save(tmp_path / "deep" / "checkpoint.npz")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["checkpoint.npz"]


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_one_before(small_set, tmp_path):
    file = tmp_path / "checkpoint.npz"
    made = Training(DENSE, small_set)
    made.save(file)
    before = file.read_bytes()
    made.advance(1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            made.save(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"hidden": (16, 16)}, {"learning_rate": 0.02}, {"epochs": 3}]
)
def test_a_checkpoint_of_other_settings_is_refused(small_set, tmp_path, changes):
    made = Training(DENSE, small_set)
    made.save(tmp_path / "checkpoint.npz")
    other = Training(replace(DENSE, **changes), small_set)
    with pytest.raises(RunError, match=r"checkpoint\.npz can't be used: it belongs to other"):
        other.restore(tmp_path / "checkpoint.npz")


def test_a_checkpoint_from_before_a_setting_was_invented_fits(small_set, tmp_path):
    file = tmp_path / "checkpoint.npz"
    made = Training(DENSE, small_set)
    made.advance(2)
    made.save(file)
    with np.load(file) as kept:
        arrays = dict(kept)
    settings = json.loads(str(arrays["settings"]))
    del settings["non_digits"]
    np.savez(file, **arrays | {"settings": np.array(json.dumps(settings))})
    again = Training(DENSE, small_set)
    again.restore(file)
    assert again.step == 2


def test_a_checkpoint_that_is_damaged_or_missing_is_refused(small_set, tmp_path):
    file = tmp_path / "checkpoint.npz"
    made = Training(DENSE, small_set)
    made.save(file)
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(RunError, match=r"checkpoint\.npz can't be used: .*No such file"):
        made.restore(file)
    for damaged in (b"", b"PK\3\4", content[:-30], content[: len(content) // 2], b"x" * 5000):
        file.write_bytes(damaged)
        with pytest.raises(RunError, match=r"checkpoint\.npz can't be used"):
            made.restore(file)


def test_a_checkpoint_with_one_wrong_byte_is_refused_or_does_not_matter(small_set, tmp_path):
    file = tmp_path / "checkpoint.npz"
    made = Training(replace(DENSE, hidden=(2,)), small_set)
    made.save(file)
    content = file.read_bytes()
    before = state(made)
    random = np.random.default_rng(4)
    refused = 0
    for place in random.integers(0, len(content), 150):
        wrong = bytearray(content)
        wrong[place] ^= int(random.integers(1, 256))
        file.write_bytes(wrong)
        try:
            made.restore(file)
            assert_same(state(made), before)
        except RunError:
            refused += 1
    assert refused > 75
