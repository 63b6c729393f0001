"""``digits-cnn``: a small convolutional network on scikit-learn's bundled digits. Imports TensorFlow.

The 8x8 images are enlarged to 16x16, so that the network has enough to do for kernels, threads and quantization to
matter, while training still takes seconds. Widths 0.25 to 2 span about 0.93 to 0.98 in accuracy and 30x in arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

# Before TensorFlow is imported: errors only.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

Images = NDArray[np.float32]
Labels = NDArray[np.int64]

_FILTERS = (8, 24, 48)
_TEST = 360
_CALIBRATION = 100
# The split belongs to the data, not to a study: accuracies stay comparable across seeds.
_SPLIT_SEED = 0


def dataset() -> tuple[Images, Labels, Images, Labels]:
    """Training images and labels, then held-out ones: (1437, 16, 16, 1), (1437,), (360, 16, 16, 1), (360,); 0..1."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[..., np.newaxis].repeat(2, axis=1).repeat(2, axis=2)
    train, test, train_labels, test_labels = train_test_split(
        images, digits.target.astype(np.int64), test_size=_TEST, random_state=_SPLIT_SEED, stratify=digits.target
    )
    return train, train_labels, test, test_labels


def network(width: float) -> keras.Model:
    """The untrained network; it returns logits, (batch, 10)."""
    first, second, third = (max(1, round(filters * width)) for filters in _FILTERS)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((16, 16, 1)),
            layers.Conv2D(first, 3, padding="same", activation="relu"),
            layers.Conv2D(second, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(third, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(4),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )


def train(width: float, epochs: int, seed: int) -> Sequence[NDArray[np.float32]]:
    """The weights after training with Adam on cross-entropy."""
    keras.utils.set_random_seed(seed)
    images, labels, _, _ = dataset()
    model = network(width)
    model.compile(keras.optimizers.Adam(0.003), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(images, labels, epochs=epochs, batch_size=64, verbose=0)
    weights: Sequence[NDArray[np.float32]] = model.get_weights()
    return weights


def convert(width: float, weights: Sequence[NDArray[np.float32]], quantization: str) -> bytes:
    """A .tflite flat buffer, after "Post-training quantization" of the LiteRT guide; int8 has int8 input and output."""
    model = network(width)
    model.set_weights(weights)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if quantization != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantization == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantization == "int8":
        converter.representative_dataset = _calibration
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def _calibration() -> Iterator[list[Images]]:
    images = dataset()[0]
    for index in range(_CALIBRATION):
        yield [images[index : index + 1]]
