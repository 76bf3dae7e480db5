"""How TensorFlow's input pipelines run here."""

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return the same dataset without TensorFlow's tuning of how it runs.

    The tuner sleeps for 10 ms, then twice as long each time, up to a minute, and whoever ends the
    pipeline waits until it wakes. No pipeline here has a number of threads to tune.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
