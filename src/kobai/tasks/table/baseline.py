"""What predicts the label without a network: the commonest class or the mean, and a linear model.

The linear model is scikit-learn's, if it is installed: logistic regression of classes, ridge regression of
numbers. It is fitted on the training data, its penalty is chosen on the validation data, as the learning rate
of a network is, and the test data measure it.
"""

import functools
import importlib.util
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from kobai.basics.arrays import Array, Matrix
from kobai.tasks.measurement import Measure

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression, Ridge

ROWS = 100_000
"""Of more training rows a linear model is fitted to every second, third, …, so that it is not many more."""

PENALTIES = (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0)
"""The penalties of the linear model that are tried; scikit-learn's own choice is 1."""

Data = tuple[Matrix, Array]
"""x and y."""


def baselines(
    train: Data, validation: Data, test: Data, *, classes: int, metric: Measure
) -> dict[str, float]:
    """The test metric of each baseline, by name.

    Args:
      train, validation, test: (x, y), y as the network gets it: class numbers, or standardised numbers.
      classes: how many; 0 where numbers are predicted.
      metric: of outputs, as a network has them, and y; more is better.
    """

    def measured(outputs: Array, y: Array) -> float:
        return float(metric(np.asarray(outputs, np.float32), y))

    def constant(rows: int) -> Array:
        value = np.bincount(train[1], minlength=classes) if classes else [np.mean(train[1])]
        return np.tile(value, (rows, 1))

    tests = {"majority class" if classes else "mean": measured(constant(len(test[1])), test[1])}
    step = -(-len(train[1]) // ROWS)
    x, y = train[0][::step], train[1][::step]
    if importlib.util.find_spec("sklearn") is not None and y.min() < y.max():
        models = list(_linear((x, y), classes))
        scores = [measured(outputs(validation[0]), validation[1]) for outputs in models]
        best = models[int(np.argmax(scores))]
        name = "logistic regression" if classes else "ridge regression"
        tests[name] = measured(best(test[0]), test[1])
    return tests


def _linear(train: Data, classes: int) -> Iterator[Callable[[Matrix], Array]]:
    """The outputs of linear models, by the rows of x: one model for each penalty."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression, Ridge

    x, y = train
    for penalty in PENALTIES:
        if not classes:
            yield functools.partial(_predictions, Ridge(alpha=penalty).fit(x, y))
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            logistic = LogisticRegression(C=1 / penalty, max_iter=200).fit(x, y)
        yield functools.partial(_scores, logistic, classes)


def _predictions(ridge: "Ridge", x: Matrix) -> Array:
    """The predicted numbers [rows, 1]."""
    return ridge.predict(x)[:, None]


def _scores(logistic: "LogisticRegression", classes: int, x: Matrix) -> Array:
    """The score of each class [rows, classes]; a class without a row in training has the lowest."""
    decision = logistic.decision_function(x)
    if decision.ndim == 1:
        decision = np.stack([np.zeros_like(decision), decision], axis=1)
    outputs = np.full((len(decision), classes), -1e30)
    outputs[:, logistic.classes_] = decision
    return outputs
