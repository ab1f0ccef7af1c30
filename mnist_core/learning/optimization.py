"""By how much weights are changed: optimizers, and schedules of the learning rate."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from mnist_core.settings import Settings


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate by the number of batches done before, of `steps` in all."""

    def __init__(self, settings: Settings, steps: int) -> None:
        self.settings = settings
        self.steps = steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Constant, or up in a line, then down to zero; float32 of the shape of `step`."""
        step = tf.cast(step, tf.float32)
        highest = tf.ones_like(step) * self.settings.learning_rate
        if self.settings.schedule == "constant":
            return highest
        rising = (0.2 if self.settings.schedule == "one-cycle" else 0.1) * self.steps
        gone = tf.clip_by_value((step - rising) / (self.steps - rising), 0.0, 1.0)
        if self.settings.schedule == "cosine":
            gone = 0.5 - 0.5 * tf.cos(math.pi * gone)
        return highest * tf.minimum((step + 1) / rising, 1 - gone)


def optimizer(settings: Settings, schedule: Schedule) -> keras.optimizers.Optimizer:
    """The one that the settings name, at the learning rate of this schedule."""
    betas = {}
    if settings.schedule == "one-cycle":
        # Less memory of old gradients, while the steps are large (L. Smith, "A disciplined approach
        # to neural network hyper-parameters", 2018).
        betas = {"beta_1": 0.7, "beta_2": 0.99}
    match settings.optimizer:
        case "adam":
            return keras.optimizers.Adam(schedule, **betas)
        case "adamw":
            return keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay, **betas)
        case "sgd":
            return keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
        case "rmsprop":
            return keras.optimizers.RMSprop(schedule)
