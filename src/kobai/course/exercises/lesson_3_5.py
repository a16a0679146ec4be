"""The exercises of lesson 3_5: how variance travels, Xavier's initial values, the spread of each layer."""

from functools import partial

from kobai.course.exercise import Exercise, function
from kobai.course.exercises.initial import STACKS, initializer, layer_stds


def per_node(x, weights, f):
    """A deviation for each node instead of one for the layer."""
    stds = []
    for W in weights:
        x = f(x @ W)
        stds.append(x.std(axis=0).mean())
    return stds


EXERCISES: dict[str, Exercise] = {
    "variance_factor": function(
        "variance_factor",
        lambda n1, std: n1 * std**2,
        [(100, 0.1), (400, 0.05), (7, 2.0)],
        no_square=lambda n1, std: n1 * std,
        no_count=lambda n1, std: std**2,
        root=lambda n1, std: n1**0.5 * std,
        mean=lambda n1, std: std**2 / n1,
    ),
    "xavier": initializer(
        "xavier",
        lambda n1, n2: (2 / (n1 + n2)) ** 0.5,
        forward_only=lambda n1, n2: (1 / n1) ** 0.5,
        backward_only=lambda n1, n2: (1 / n2) ** 0.5,
        he=lambda n1, n2: (2 / n1) ** 0.5,
        variance=lambda n1, n2: 2 / (n1 + n2),
        one=lambda n1, n2: (1 / (n1 + n2)) ** 0.5,
        product=lambda n1, n2: (2 / (n1 * n2)) ** 0.5,
        divided=lambda n1, n2: ((n1 + n2) / 2) ** 0.5,
        uniform_bound=lambda n1, n2: (6 / (n1 + n2)) ** 0.5,
    ),
    "layer_stds": function(
        "layer_stds",
        layer_stds,
        STACKS,
        variance=partial(layer_stds, variance=True),
        before_activation=partial(layer_stds, before=True),
        not_chained=partial(layer_stds, chain=False),
        sample=partial(layer_stds, ddof=1),
        per_node=per_node,
        last_only=lambda x, weights, f: layer_stds(x, weights, f)[-1],
    ),
}
