"""Relations between wrong numbers and the right ones that say what the mistake is, whatever the exercise.

Each is a relation of pairs of arrays (own, right), one pair a case. It must hold in all of them, and for at
least three different numbers. `of_pairs` goes through the relations in order. What is related is the change
that an answer made: of an update rule, the way from the start.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np

from kobai.course.exercise import Mistake, Observation
from kobai.course.traces import close

Pair = tuple[np.ndarray, np.ndarray]
Pairs = Sequence[Pair]
FEWEST = 3
"""Numbers that a relation must explain; with fewer it may be chance."""


def of_pairs(observations: Sequence[tuple[Observation, Observation]]) -> Mistake | None:
    """The relation that holds in all pairs of what is seen and what is right, as the mistake that it is."""
    pairs = [(own.value - right.origin, right.value - right.origin) for own, right in observations]
    if not pairs or any(own.shape != right.shape for own, right in pairs) or _too_few(pairs):
        return None
    factor = _factor(pairs, [right.inputs for _, right in observations])
    if factor is not None:
        return factor
    for name, image in IMAGES.items():
        if _holds(pairs, image):
            return Mistake(f"any.{name}")
    return _offset(pairs) or _one_off(pairs)


def _too_few(pairs: Pairs) -> bool:
    return len({round(float(v), 9) for _, right in pairs for v in right.ravel() if np.isfinite(v)}) < FEWEST


def _holds(pairs: Pairs, image: Callable[[np.ndarray], np.ndarray]) -> bool:
    """Whether every own array is the image of the right one, and the image is not the same for most."""
    with np.errstate(all="ignore"):
        images = [np.asarray(image(right)) for _, right in pairs]
    triples = [(own, right, other) for (own, right), other in zip(pairs, images, strict=True)]
    if any(own.shape != other.shape for own, _, other in triples):
        return False
    fits = all(close(own, other).all() for own, _, other in triples)
    return fits and not all(close(right, other).all() for _, right, other in triples)


IMAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "transposed": lambda right: right.T if right.ndim == 2 else right,
    "reversed": lambda right: right[::-1] if right.ndim else right,
    "absolute": np.abs,
    "root": np.sqrt,
    "squared": np.square,
    "inverse": lambda right: 1 / right,
    "complement": lambda right: 1 - right,
    "log": np.log,
    "exp": np.exp,
    "rounded": np.round,
    "rounded_down": np.floor,
    "rounded_up": np.ceil,
    "shifted_back": lambda right: np.roll(right, 1, axis=0) if right.ndim else right,
    "shifted_on": lambda right: np.roll(right, -1, axis=0) if right.ndim else right,
}
"""What the wrong numbers are of the right ones; the sentence is ``course.wrong.any.NAME``."""


# Factors

ANY = math.inf
"""The factor between zeros."""


def _factor(pairs: Pairs, inputs: Sequence[Mapping[str, object]]) -> Mistake | None:
    """One factor for each case: the sign, the base of a logarithm, a number of examples, or a number."""
    factors = [_ratio(own, right) for own, right in pairs]
    known = [(factor, sizes(each)) for factor, each in zip(factors, inputs, strict=True) if factor != ANY]
    if not known or any(factor is None for factor, _ in known):
        return None
    numbers = [factor for factor, _ in known if factor is not None]
    one = math.isclose(min(numbers), max(numbers), rel_tol=1e-6)
    if one and math.isclose(numbers[0], 1, rel_tol=1e-6):
        return None
    for name, function in COUNTS.items():
        counts = [
            _count(factor, lengths, function) for factor, (_, lengths) in zip(numbers, known, strict=True)
        ]
        if all(counts) and len(set(counts)) > 1:  # of one n alone it could be any factor
            return Mistake(f"any.{name}")
    if not one:
        return None
    if math.isclose(numbers[0], -1, rel_tol=1e-6):
        return Mistake("any.sign")
    for base, ratio in (("10", math.log(10)), ("2", math.log(2))):
        if math.isclose(numbers[0] * ratio, 1, rel_tol=1e-6):
            return Mistake("any.log_base", base=base)
    return Mistake("any.factor", factor=spoken(numbers[0]))


COUNTS: dict[str, Callable[[int], float]] = {
    "n_less_one": lambda n: n / (n - 1),
    "n_not_less_one": lambda n: (n - 1) / n,
    "n_less_one_root": lambda n: math.sqrt(n / (n - 1)),
    "n_not_less_one_root": lambda n: math.sqrt((n - 1) / n),
    "not_divided_by_count": lambda n: n,
    "divided_by_count": lambda n: 1 / n,
}
"""Factors that come from a number n of examples, features or other things in the inputs of a case."""


def _count(factor: float, numbers: Iterable[int], function: Callable[[int], float]) -> int:
    """The n among these of which this is the factor; 0 if there is none."""
    return next((n for n in numbers if n > 1 and math.isclose(function(n), factor, rel_tol=1e-6)), 0)


def sizes(inputs: Mapping[str, object]) -> set[int]:
    """The lengths of all arrays and lists among the inputs, along each axis and in all."""
    lengths: set[int] = set()
    for value in inputs.values():
        if isinstance(value, Mapping):
            lengths |= sizes(value)
        elif isinstance(value, np.ndarray):
            lengths |= {*value.shape, value.size}
        elif isinstance(value, list | tuple):
            lengths |= {len(value)} | sizes({str(i): part for i, part in enumerate(value)})
    return lengths


def _ratio(own: np.ndarray, right: np.ndarray) -> float | None:
    """own / right where that is one number; `ANY` where all are 0; None where it is not."""
    finite = np.isfinite(right)
    if not np.array_equal(np.isfinite(own), finite) or not close(own[~finite], right[~finite]).all():
        return None
    own, right = own[finite], right[finite]
    largest = np.abs(right).max(initial=0.0)
    nonzero = np.abs(right) > 1e-9 * largest
    if not nonzero.any():
        return ANY if np.allclose(own, 0, atol=1e-10) else None
    ratio = float(np.median(own[nonzero] / right[nonzero]))
    return ratio if ratio and np.allclose(own, ratio * right, rtol=1e-6, atol=1e-9 * largest) else None


def spoken(factor: float) -> str:
    """A factor as a person would say it: 2, 1/3, −0.5, 1.234."""
    fraction = Fraction(factor).limit_denominator(24)
    simple = math.isclose(float(fraction), factor, rel_tol=1e-6)
    return str(fraction).replace("-", "−") if simple else f"{factor:.6g}".replace("-", "−")


def _offset(pairs: Pairs) -> Mistake | None:
    """Every number too large or too small by one and the same number."""
    if any(not np.array_equal(np.isfinite(own), np.isfinite(right)) for own, right in pairs):
        return None
    differences = np.concatenate([(own - right)[np.isfinite(right)] for own, right in pairs])
    if len(differences) < FEWEST or not np.allclose(differences, differences[0], rtol=1e-6, atol=1e-9):
        return None
    whole = all(np.array_equal(right, np.round(right)) for _, right in pairs if np.isfinite(right).all())
    if whole and abs(abs(differences[0]) - 1) < 1e-6:
        return Mistake("any.one_more" if differences[0] > 0 else "any.one_less")
    return Mistake("any.offset", offset=f"{differences[0]:+.6g}".replace("-", "−"))


def _one_off(pairs: Pairs) -> Mistake | None:
    """Whole numbers, of which all that are wrong are too large, or all too small, by 1."""
    own, right = (np.concatenate([each.ravel() for each in side]) for side in zip(*pairs, strict=True))
    wrong = ~close(own, right)
    if wrong.sum() < FEWEST or not np.array_equal(right[wrong], np.round(right[wrong])):
        return None
    differences = set((own - right)[wrong].tolist())
    names = {1.0: "any.some_one_more", -1.0: "any.some_one_less"}
    return Mistake(names[differences.pop()]) if differences in ({1.0}, {-1.0}) else None


# Shapes


def of_shape(own: Observation, right: Observation) -> Mistake | None:
    """What became of an array that has another shape than the right one; None where nothing is known."""
    value, other = own.value, right.value
    if value.ndim == 2 and value.T.shape == other.shape and close(value.T, other).all():
        return Mistake("any.transposed")
    if value.size == other.size and close(value.ravel(), other.ravel()).all():
        return Mistake("any.reshaped", found=value.shape, expected=other.shape)
    if value.ndim and value.ndim == other.ndim and value.shape[1:] == other.shape[1:]:
        name = of_rows(list(value), list(other))
        if name:
            return Mistake(name)
    matrices = [
        each.shape for each in right.inputs.values() if isinstance(each, np.ndarray) and each.ndim == 2
    ]
    if other.ndim == 1 and any(value.shape == (m,) and other.shape == (n,) for m, n in matrices if m != n):
        return Mistake("any.other_axis", found=value.shape, expected=other.shape)
    if other.ndim == 1 and any(value.shape == (n,) and other.shape == (m,) for m, n in matrices if m != n):
        return Mistake("any.other_axis", found=value.shape, expected=other.shape)
    return None


def of_rows(own: Sequence[np.ndarray], right: Sequence[np.ndarray]) -> str:
    """The name of the mistake where rows or parts agree but for one or more at an end; else empty."""
    for more, less, name in ((own, right, "extra"), (right, own, "missing")):
        count = len(more) - len(less)
        if count > 0 and len(less) >= 1:
            if _all_close(more[count:], less):
                return f"any.{name}_first"
            if _all_close(more[:-count], less):
                return f"any.{name}_last"
    return ""


def _all_close(values: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return all(
        value.shape == other.shape and bool(close(value, other).all())
        for value, other in zip(values, others, strict=True)
    )
