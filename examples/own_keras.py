"""A network of your own in Keras 3, three rings in the plane: kobai compare examples/own_keras.py"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # before Keras is imported

import keras
import numpy as np

random = np.random.default_rng(0)
x = random.uniform(-1, 1, (900, 2)).astype(np.float32)
y = np.digitize(np.hypot(*x.T), [0.5, 0.8])  # which ring each point is in: 0, 1 or 2
data = (x, y)  # cut at random for training, validation and the test

layers = [keras.layers.Dense(16, activation="relu"), keras.layers.Dense(3, activation="softmax")]
model = keras.Sequential([keras.Input((2,)), *layers])
target = 0.9
