"""Make src/kobai/tasks/data/digits.npz from scikit-learn's copy of the digits (see the README beside it)."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, labels = load_digits(return_X_y=True)
rest, test = train_test_split(np.arange(len(labels)), test_size=350, stratify=labels, random_state=0)
train, validation = train_test_split(rest, test_size=350, stratify=labels[rest], random_state=0)
split = np.zeros(len(labels), np.uint8)
split[validation], split[test] = 1, 2
path = Path(__file__).parents[1] / "src/kobai/tasks/data/digits.npz"
np.savez_compressed(path, images=images.astype(np.uint8), labels=labels.astype(np.uint8), split=split)
