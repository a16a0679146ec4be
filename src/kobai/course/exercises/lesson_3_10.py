"""The exercises of lesson 3_10: clipping by the norm, a recurrent network's gradients, basins."""

import numpy as np

from kobai.course.exercise import Exercise, function

LONG = {"W": np.array([[3.0, -1.0], [2.0, 0.5]]), "b": np.array([4.0, -2.0])}
SHORT = {"W": np.array([[0.3, 0.1]]), "b": np.array([0.2])}


def length(arrays):
    return np.sqrt(sum((g**2).sum() for g in arrays))


def clip(grads, threshold):
    norm = length(grads.values())
    return {key: g * (threshold / norm if norm > threshold else 1.0) for key, g in grads.items()}


def clip_each(grads, threshold):
    return {key: clip({key: g}, threshold)[key] for key, g in grads.items()}


def clip_always(grads, threshold):
    return {key: g * threshold / length(grads.values()) for key, g in grads.items()}


def clip_squared(grads, threshold):
    norm = length(grads.values()) ** 2
    return {key: g * (threshold / norm if norm > threshold else 1.0) for key, g in grads.items()}


def clip_unit(grads, threshold):
    norm = length(grads.values())
    return {key: g / (norm if norm > threshold else 1.0) for key, g in grads.items()}


def clip_to_zero(grads, threshold):
    return {key: g * (length(grads.values()) <= threshold) for key, g in grads.items()}


W1, W2 = np.array([[0.5, 1.0], [0.0, 0.8]]), np.array([[1.1, 0.2, 0.0], [0.0, 0.9, 0.4], [0.3, 0.0, 1.0]])


def gradient_norms(W, T, *, first=1, kind=2, elementwise=False):
    found, power = [], np.eye(len(W))
    for t in range(T + 1):
        if first <= t < T + first:
            found.append(np.linalg.norm(power, kind))
        power = power * W if elementwise and t else power @ W
    return found


def norms_multiplied(W, T):
    return [np.linalg.norm(W, 2) ** t for t in range(1, T + 1)]


def radius_powers(W, T):
    return [np.abs(np.linalg.eigvals(W)).max() ** t for t in range(1, T + 1)]


MINIMA = np.array([[3.0, 2.0], [-2.8, 3.1], [-3.8, -3.3]])
ENDS = np.array([[-3.0, -3.0], [2.9, 2.1], [-2.0, 3.0], [0.5, 4.0], [-4.0, 0.4]])


def nearest(ends, minima, *, measure=lambda d: (d**2).sum(axis=2), pick=np.argmin):
    return pick(measure(ends[:, None] - minima[None]), axis=1)


EXERCISES: dict[str, Exercise] = {
    "clip": function(
        "clip",
        clip,
        [(LONG, 1.0), (SHORT, 1.0), (LONG, 2.5)],
        elementwise=lambda grads, threshold: {k: np.clip(g, -threshold, threshold) for k, g in grads.items()},
        each_array=clip_each,
        always=clip_always,
        squared=clip_squared,
        unit=clip_unit,
        to_zero=clip_to_zero,
    ),
    "gradient_norms": function(
        "gradient_norms",
        gradient_norms,
        [(W1, 4), (W2, 3)],
        from_identity=lambda W, T: gradient_norms(W, T, first=0),
        elementwise=lambda W, T: gradient_norms(W, T, elementwise=True),
        frobenius=lambda W, T: gradient_norms(W, T, kind="fro"),
        multiplied=norms_multiplied,
        radius=radius_powers,
        last_only=lambda W, T: gradient_norms(W, T)[-1],
    ),
    "nearest": function(
        "nearest",
        nearest,
        [(ENDS, MINIMA), (MINIMA[::-1] + 0.1, MINIMA)],
        farthest=lambda ends, minima: nearest(ends, minima, pick=np.argmax),
        from_one=lambda ends, minima: nearest(ends, minima) + 1,
        distance=lambda ends, minima: nearest(ends, minima, pick=np.min),
        first_coordinate=lambda ends, minima: nearest(ends, minima, measure=lambda d: np.abs(d[..., 0])),
        transposed=lambda ends, minima: nearest(minima, ends),
    ),
}
