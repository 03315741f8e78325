"""The loss scaling of a policy in TensorFlow: its variables, and one step of its rule (impls.precision)."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf

from impls.precision import LossScaling


class Scaling:
    """The scale, and how many steps in a row had finite gradients since it last changed."""

    def __init__(self, rule: LossScaling):
        self._rule = rule
        self.scale = tf.Variable(rule.initial, trainable=False, dtype=tf.float32)
        self._finite_steps = tf.Variable(0, trainable=False, dtype=tf.int64)  # an int32 would stay on the host

    def begin(self) -> None:
        """Set both to what they were at first."""
        self.scale.assign(self._rule.initial)
        self._finite_steps.assign(0)

    def move(self, finite: tf.Tensor) -> None:
        """One step of the rule, after a step of training whose gradients are all `finite`, or not."""
        steps = tf.where(finite, self._finite_steps + 1, tf.zeros_like(self._finite_steps))
        grows = tf.equal(steps, self._rule.interval)
        kept = tf.where(grows, self.scale * self._rule.factor, self.scale)
        self.scale.assign(tf.where(finite, kept, self.scale / self._rule.factor))
        self._finite_steps.assign(tf.where(grows, tf.zeros_like(steps), steps))


def all_finite(arrays: Iterable[tf.Tensor]) -> tf.Tensor:
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(array)) for array in arrays])
