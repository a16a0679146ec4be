"""What is said of wrong answers that nobody has named: a planted mistake earns each general sentence."""

import itertools
import linecache
from functools import partial

import numpy as np
import pytest

from kobai import words
from kobai.course.cases import AUTHORS
from kobai.course.exercise import function
from kobai.course.exercises import find
from kobai.course.judge import PASSED, WRONG, judge
from kobai.course.mutants import surroundings
from kobai.course.source import answer_code
from kobai.words import TABLES

RANDOM = np.random.default_rng(15)
X, X1 = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(6, 2))
ANY = "course.wrong.any."


def of_array(reference, *cases):
    return function("f", reference, [(case,) for case in cases or (X, X1)])


COLUMN_MEANS = of_array(lambda x: x.mean(axis=0))
COLUMN_SUMS = of_array(lambda x: x.sum(axis=0))
VARIANCES = of_array(lambda x: x.var(axis=0))
SAMPLE_VARIANCES = of_array(lambda x: x.var(axis=0, ddof=1))
STDS, SAMPLE_STDS = of_array(lambda x: x.std(axis=0)), of_array(lambda x: x.std(axis=0, ddof=1))
POSITIVE = of_array(lambda x: x**2 + 0.5)
LOGARITHM = of_array(lambda x: np.log(x**2 + 0.5))
PLACES = of_array(lambda x: np.argsort(x, axis=None))
SUMS = of_array(lambda x: np.cumsum(x))
PARTS = function("f", lambda x, s: (s * x.sum(), (x * s**2).sum()), [(X, 0.3), (X1, 1.7)])


def after(name, change):
    """The right answer to an exercise with a change to its result."""
    exercise = find(name) if isinstance(name, str) else name
    return exercise, lambda *case: change(exercise.reference(*case))


def instead(name, old, new):
    """The answer in the lesson with one piece of its code replaced."""
    code, defined = answer_code(name)
    assert code.count(old) >= 1, code
    namespace = surroundings(code)
    exec(code.replace(old, new), namespace)
    return find(name), namespace[defined]


VARIANCE = "x.var(axis=0) + epsilon"
PLANTED = {
    # the form of a result
    "none": after("3_7.forward", lambda pair: (pair[0], None)),
    "form_tuple": after("3_7.forward", lambda pair: pair[0]),
    "form_dict": after("3_7.backward", lambda grads: list(grads.values())),
    "form_array": after("3_2.affine_forward", lambda y: (y, y)),
    "form_number": after("3_8.log_likelihood", lambda sum_: [sum_]),
    "keys": after("3_7.backward", lambda grads: {key.lower(): g for key, g in grads.items()}),
    "count": after("3_7.forward", lambda pair: (pair[0], 1.0, pair[1])),
    "extra_first": after("3_5.layer_stds", lambda stds: [9.9, *stds]),
    "extra_last": after("3_5.layer_stds", lambda stds: [*stds, 9.9]),
    "missing_first": after("3_5.layer_stds", lambda stds: stds[1:]),
    "missing_last": after("3_5.layer_stds", lambda stds: stds[:-1]),
    "transposed": after("3_2.affine_forward", np.transpose),
    "reshaped": after("3_2.affine_forward", np.ravel),
    "other_axis": (COLUMN_MEANS, lambda x: x.mean(axis=1)),
    # all values of a result
    "ignored": (find("3_8.mean_gradient"), lambda gradient, x, t, size: gradient(x, t)),
    "ignored_in_part": (PARTS, lambda x, s: (x.sum(), (x * s**2).sum())),
    "nan": after(POSITIVE, lambda y: y * np.nan),
    "nan_divide": after(POSITIVE, lambda y: y / np.zeros_like(y)),
    "nan_invalid": after(POSITIVE, lambda y: np.sqrt(-y)),
    "nan_overflow": after(POSITIVE, lambda y: np.exp(1000 + y)),
    "sign": after(POSITIVE, np.negative),
    "factor": after(POSITIVE, lambda y: 3 * y),
    "log_base": (LOGARITHM, lambda x: np.log10(x**2 + 0.5)),
    "n_less_one": (VARIANCES, lambda x: x.var(axis=0, ddof=1)),
    "n_not_less_one": (SAMPLE_VARIANCES, lambda x: x.var(axis=0)),
    "n_less_one_root": (STDS, lambda x: x.std(axis=0, ddof=1)),
    "n_not_less_one_root": (SAMPLE_STDS, lambda x: x.std(axis=0)),
    "not_divided_by_count": (COLUMN_MEANS, lambda x: x.sum(axis=0)),
    "divided_by_count": (COLUMN_SUMS, lambda x: x.mean(axis=0)),
    "reversed": after(SUMS, lambda sums: sums[::-1]),
    "absolute": after(SUMS, np.abs),
    "root": after(POSITIVE, np.sqrt),
    "squared": after(POSITIVE, np.square),
    "inverse": after(POSITIVE, lambda y: 1 / y),
    "complement": after(POSITIVE, lambda y: 1 - y),
    "log": after(POSITIVE, np.log),
    "exp": after(LOGARITHM, np.exp),
    "rounded": after(SUMS, np.round),
    "rounded_down": after(SUMS, np.floor),
    "rounded_up": after(SUMS, np.ceil),
    "shifted_back": after(SUMS, lambda sums: np.roll(sums, 1)),
    "shifted_on": after(SUMS, lambda sums: np.roll(sums, -1)),
    "zero": after(POSITIVE, lambda y: 0 * y),
    "one_more": after(PLACES, lambda places: places + 1),
    "one_less": after(PLACES, lambda places: places - 1),
    "some_one_more": after(PLACES, lambda places: places + (places > 2)),
    "some_one_less": instead("3_8.early_stop", "start=1", "start=0"),
    "offset": after(POSITIVE, lambda y: y + 0.25),
    # one change to the code
    "mutant_sign": instead("3_9.two_loops", "q = q - a[i]", "q = q + a[i]"),
    "mutant_operator": instead("3_11.batch_norm", "gamma * (", "gamma / ("),
    "mutant_comparison": instead("3_4.standardize", "std == 0", "std != 0"),
    "mutant_argument": instead("3_9.two_loops", "q - a[i] * Y[i]", "q - a[i] * S[i]"),
    "mutant_transposed": instead("3_9.bfgs_update", "left.T", "left"),
    "mutant_order": after("3_4.standardize", lambda pair: pair[::-1]),
    "mutant_condition": instead("3_11.averages", "theta if t <= start else mean", "mean"),
    "mutant_swapped": instead("3_8.log_likelihood", "np.log(2 * np.pi) / 2", "2 / np.log(2 * np.pi)"),
    "mutant_term": instead("3_10.smoothed_gradient", "theta + width * u", "theta + u"),
    "mutant_factor": instead("3_11.batch_norm", VARIANCE, f"2 * ({VARIANCE})"),
    "mutant_number": instead("3_9.two_loops", "* (S[-1] @", "* (S[-2] @"),
    "mutant_function": instead("3_11.batch_norm", "x - x.mean(axis=0)", "x - x.sum(axis=0)"),
    "mutant_log": instead("3_8.log_likelihood", "np.log(", "np.log10("),
    "mutant_left_out": instead("3_8.log_likelihood", "np.log(std)", "std"),
    "mutant_axis": instead("3_11.batch_norm", "x - x.mean(axis=0)", "x - x.mean()"),
    "mutant_statement": instead("3_9.two_loops", "        q = q - a[i] * Y[i]\n", ""),
    "mutant_loop": instead("3_9.two_loops", ") * S[i]\n", ") * S[i]\n        break\n"),
}  # fmt: skip
"""By the name of the sentence: an exercise, and an answer with that mistake."""


def name_of(exercise):
    """The full name of an exercise of the course; of one of this file's own another."""
    from kobai.course.exercises import of_lesson
    from kobai.course.source import lesson_names

    tables = [of_lesson(lesson) for lesson in lesson_names()]
    return next((name for table in tables for name, each in table.items() if each is exercise), "x.f")


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_mistake_that_nobody_has_named_is_told_in_general_terms(mistake):
    exercise, answer = PLANTED[mistake]
    verdict = judge(name_of(exercise), exercise, {exercise.defines: answer})
    assert (verdict.status, verdict.mistake) == (WRONG, f"any.{mistake}")
    for language in TABLES:
        with words.language(language):
            assert verdict.message.startswith(words.say(ANY + mistake, **verdict.values))
            assert "(" in verdict.message.splitlines()[-1]  # what it was called with


def test_every_general_sentence_is_earned_by_some_mistake():
    keys = {key.removeprefix(ANY) for key in TABLES["en"] if key.startswith(ANY)}
    assert sorted(keys) == sorted([*PLANTED, "globals"])


def in_cell(source, **variables):
    """A notebook's variables after a cell, whose lines can be shown."""
    name, namespace = f"cell-{len(source)}", {"np": np, **variables}
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)
    return namespace


def told(name, source, **variables):
    return judge(name, find(name), in_cell(source, **variables))


def test_a_variable_of_the_notebook_in_place_of_an_argument_is_named():
    right = "def batch_norm(x, gamma, beta, epsilon):\n    {} = gamma\n    return {} * (x - x.mean(axis=0))"
    code = right.format("_", "G") + " / np.sqrt(x.var(axis=0) + epsilon) + beta\n"
    verdict = told("3_11.batch_norm", code, G=2.0)
    assert (verdict.mistake, verdict.values) == ("any.globals", {"names": "G"})
    raises = told("3_2.affine_forward", "def affine_forward(x, W, b):\n    return x @ W + B\n", B=np.ones(2))
    assert "the answer uses B, a variable of the notebook" in raises.message


def test_where_nan_began_is_shown_in_the_learners_own_line():
    code = "def relu_factor(h):\n    below = h - h\n    return (h**2).mean() / below.mean()\n"
    verdict = told("3_6.relu_factor", code)
    assert verdict.mistake == "any.nan_divide"
    assert "here: return (h**2).mean() / below.mean()" in verdict.sentence


# What the general sentences must not say


def test_whole_numbers_that_agree_by_chance_are_no_evidence_for_a_slip():
    """Many programs choose the same of three minima, and only some of them have a wrong exponent."""
    verdict = told(*slip("3_10.nearest", "** 2", "** 3"))
    assert (verdict.status, verdict.mistake) == (WRONG, "")


def test_twice_the_right_numbers_are_not_taken_for_n_minus_1_with_n_of_2():
    exercise, answer = after("3_2.affine_forward", lambda y: 2 * y)
    verdict = judge("3_2.affine_forward", exercise, {"affine_forward": answer})
    assert (verdict.mistake, verdict.values) == ("any.factor", {"factor": "2"})


def test_an_answer_right_in_all_but_one_number_gets_no_general_sentence():
    exercise, answer = after("3_2.affine_forward", lambda y: y + (np.arange(y.size).reshape(y.shape) == 1))
    verdict = judge("3_2.affine_forward", exercise, {"affine_forward": answer})
    assert verdict.mistake == ""
    assert verdict.message.startswith("not yet. First difference: in example 1, affine_forward(…)[0, 1]")


# Mistakes that once were told wrongly

TRAIN_BY_HAND = """
def train(network, optimizer, x, t, batches):
    losses = []
    for batch in batches:
        loss, grads = network.gradient(x[batch], t[batch])
        for key in grads:
            network.params[key] -= 0.1 * grads[key]
        losses.append(loss)
    return losses
"""
LOSS_MISSING = "def squared_error(y, t):\n    return 2 * (y - t) / len(y)\n"
NO_DICT = "def backward(params, x, h, dy):\n    return h.T @ dy, dy.sum(axis=0)\n"
NONE = "def forward(params, x):\n    return np.tanh(x @ params['W1'] + params['b1']), None\n"


def slip(name, old, new):
    """The answer in the lesson with a slip, as text."""
    code, _ = answer_code(name)
    assert old in code
    return name, code.replace(old, new)


ONCE_MISLEADING = {
    "adadelta_r_without_epsilon": slip("3_1.adadelta", "self.epsilon + self.r", "self.r"),
    "any.mutant_sign": slip("3_1.adadelta", "self.epsilon + self.r", "self.epsilon - self.r"),
    "any.nan_invalid": slip("3_1.adam", "np.sqrt(v_hat)", "np.sqrt(-v_hat)"),
    "adam_from_zero": slip("3_1.adam", "self.t += 1", "pass"),
    "train.by_hand": ("3_2.train", TRAIN_BY_HAND),
    "early_stop.reversed": slip("3_8.early_stop", "value < lowest", "value >= lowest"),
    "early_stop.late": slip("3_8.early_stop", "best >= patience", "best > patience"),
    "any.form_tuple": ("3_7.squared_error", LOSS_MISSING),
    "any.form_dict": ("3_7.backward", NO_DICT),
    "any.none": ("3_7.forward", NONE),
}
"""By the name of the mistake that it is."""


@pytest.mark.parametrize("mistake", ONCE_MISLEADING)
def test_what_was_once_told_wrongly_is_told_rightly(mistake):
    verdict = told(*ONCE_MISLEADING[mistake])
    assert (verdict.status, verdict.mistake) == (WRONG, mistake)


BFGS, OUTER = "3_9.bfgs_update", "np.outer(s, y)"
OLD, NEW = "/ (g @ g)\n    return", "/ (new @ new)\n    return"
TEACHERS = {
    "β after the gradient": ("cg_step.overwritten", slip("3_9.cg_step", OLD, NEW)),
    "s * y": ("bfgs_update.elementwise", slip(BFGS, OUTER, "(s * y)")),
    "s * y, s * s": ("bfgs_update.elementwise", slip(BFGS, "np.outer(", "np.multiply(")),
    "s @ y": ("bfgs_update.inner", slip(BFGS, OUTER, "(s @ y)")),
    "s @ y, s @ s": ("bfgs_update.inner", slip(BFGS, "np.outer(", "np.dot(")),
}  # fmt: skip


@pytest.mark.parametrize("case", TEACHERS)
def test_mistakes_that_the_teachers_guide_names_are_known(case):
    mistake, (name, code) = TEACHERS[case]
    assert told(name, code).mistake == mistake


OVERWRITTEN = """
def cg_step(A, x, g, d):
    a = {length} / (d @ A @ d)
    x = x + a * d
    g = g + a * (A @ d)
    return x, g, -g + {factor} * d
"""


@pytest.mark.parametrize("seed", [AUTHORS, 7])
@pytest.mark.parametrize("factor", ["(g @ g) / (g @ g)", "1"])
@pytest.mark.parametrize("length", ["g @ g", "-g @ d", "-(g @ d)"])
def test_a_gradient_overwritten_before_beta_is_told_however_the_length_is_written(length, factor, seed):
    code = OVERWRITTEN.format(length=length, factor=factor)
    verdict = judge("3_9.cg_step", find("3_9.cg_step"), in_cell(code), seed=seed)
    assert verdict.mistake == "cg_step.overwritten"


IN_FACTORS = """
def bfgs_update(H, s, y):
    {guard}
    r, I = 1 / (y @ s), np.eye(len(s))
    return (I - r * {left}) @ H @ (I - r * {right}) + r * {last}
"""
IN_TERMS = """
def bfgs_update(H, s, y):
    {guard}
    ys = y @ s
    return H - ({left} + {right}) / ys + (1 + y @ H @ y / ys) * {last} / ys
"""
FACTORS = ["np.outer(s, y)", "s * y", "s @ y"], ["np.outer(y, s)", "y * s", "(y * s)[:, None]", "y @ s"]
TERMS = (
    ["np.outer(s, y) @ H", "s * y @ H", "s * (y @ H)", "s @ y * H"],
    ["H @ np.outer(y, s)", "H @ y * s", "H @ (y * s)", "H * (y @ s)"],
)
LASTS = ["np.outer(s, s)", "s * s", "s @ s"]
UPDATES = [
    (form, *products)
    for form, places in ((IN_FACTORS, FACTORS), (IN_TERMS, TERMS))
    for products in itertools.product(*places, LASTS)
    if not all("outer" in product for product in products)
]


@pytest.mark.parametrize("guard", ["if y @ s <= 0: return H", ""])
@pytest.mark.parametrize("seed", [AUTHORS, 7])
def test_other_products_than_the_outer_ones_are_told_in_all_spellings(seed, guard):
    for form, left, right, last in UPDATES:
        namespace = {"np": np}
        exec(form.format(guard=guard, left=left, right=right, last=last), namespace)
        verdict = judge(BFGS, find(BFGS), namespace, seed=seed)
        inner = "s @ y" in left or "y @ s" in right or last == "s @ s"
        assert verdict.mistake == f"bfgs_update.{'inner' if inner else 'elementwise'}", (left, right, last)


EARLY_STOP = """
def early_stop(values, patience):
    best, lowest, waited = {best}, {lowest}, 0
    for step, value in enumerate(values, start=1):
        if value {comparison} lowest:
            best, lowest, waited = step, value, 0
            continue
        waited += 1
        if {waited} >= patience:
            return best, step
    return best, len(values)
"""


@pytest.mark.parametrize("best", ["0", "1"])
@pytest.mark.parametrize("lowest", ["np.inf", "values[0]", "-np.inf"])
@pytest.mark.parametrize("comparison", [">", ">="])
@pytest.mark.parametrize("waited", ["waited", "step - best"])
def test_a_comparison_with_the_lowest_the_wrong_way_round_is_told(best, lowest, comparison, waited):
    code = EARLY_STOP.format(best=best, lowest=lowest, comparison=comparison, waited=waited)
    assert told("3_8.early_stop", code).mistake == "early_stop.reversed"


UNIFORM = """
def {name}(n1, n2, random):
    bound = {bound}
    return {draw}
"""


@pytest.mark.parametrize("seed", [AUTHORS, 7])
@pytest.mark.parametrize("bound", ["np.sqrt(6 / (n1 + n2))", "np.sqrt(2 / n1)", "0.1"])
@pytest.mark.parametrize(
    "draw",
    [
        "random.uniform(-bound, bound, (n1, n2))",
        "random.uniform(-bound, bound, size=(n1, n2))",
        "bound * (2 * random.random((n1, n2)) - 1)",
        "bound * random.random((n1, n2))",
    ],
)
@pytest.mark.parametrize("name", ["xavier", "he"])
def test_initial_weights_drawn_uniformly_are_told(name, draw, bound, seed):
    exercise = {"xavier": "3_5.xavier", "he": "3_6.he"}[name]
    code = UNIFORM.format(name=name, bound=bound, draw=draw)
    assert judge(exercise, find(exercise), in_cell(code), seed=seed).mistake == f"{name}.uniform"


# Wrong answers that once passed, and right ones that did not


def norm(power):
    def nearest(ends, minima):
        return (np.abs(ends[:, None] - minima[None]) ** power).sum(axis=2).argmin(axis=1)

    return nearest


def by_default(name, old, new):
    code, defined = answer_code(name)
    namespace = surroundings(code)
    exec(code.replace(old, new), namespace)
    return name, namespace[defined]


def logistic(s, y):
    return np.log(1 + np.exp(-y * s)).mean()


ONCE_PASSED = {
    "labels not looked at": ("3_8.two_losses", lambda s, y: ((s <= 0).mean(), logistic(s, y))),
    "0 with a label of −1": (
        "3_8.two_losses",
        lambda s, y: (((y * s < 0) | ((s == 0) & (y > 0))).mean(), logistic(s, y)),
    ),
    "size not used": ("3_8.mean_gradient", lambda gradient, x, t, size: gradient(x, t)),
    "sum of absolute values": ("3_10.nearest", norm(1)),
    "fourth powers": ("3_10.nearest", norm(4)),
    "h by default": by_default("3_2.numerical_gradient", "h=1e-4", "h=2e-4"),
    "ε by default": by_default("3_1.adam", "epsilon=1e-8", "epsilon=1e-7"),
    "η by default": by_default("3_1.sgd", "learning_rate=0.01", "learning_rate=0.02"),
    "ρ by default": by_default("3_1.rmsprop", "decay=0.9", "decay=0.99"),
}


@pytest.mark.parametrize("case", ONCE_PASSED)
def test_what_once_passed_is_wrong(case):
    name, answer = ONCE_PASSED[case]
    for seed in (0, 3):
        assert judge(name, find(name), {find(name).defines: answer}, seed=seed).status == WRONG


@pytest.mark.parametrize(
    "name",
    [
        "3_2.affine_forward",
        "3_4.standardize",
        "3_5.layer_stds",
        "3_7.backward",
        "3_9.two_loops",
        "3_11.batch_norm",
    ],
)
def test_a_right_answer_in_float32_passes(name):
    def single(value):
        if isinstance(value, dict):
            return {key: single(part) for key, part in value.items()}
        if isinstance(value, tuple | list):
            return type(value)(map(single, value))
        return np.asarray(value, np.float32) if isinstance(value, np.ndarray | float) else value

    exercise = find(name)
    answer = lambda *case: single(exercise.reference(*map(single, case)))  # noqa: E731
    assert judge(name, exercise, {exercise.defines: answer}).status == PASSED


def test_float32_is_no_excuse_for_a_small_mistake():
    exercise, answer = after("3_2.affine_forward", lambda y: (y * 1.0001).astype(np.float32))
    assert judge("3_2.affine_forward", exercise, {"affine_forward": answer}).status == WRONG


# Families


def with_epsilon(size, train, others, *, inside=False):
    mean = train.mean(axis=0)
    std = np.sqrt(train.var(axis=0) + size) if inside else train.std(axis=0) + size
    return (train - mean) / std, (others - mean) / std


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("seed", [AUTHORS, 5, 6])
@pytest.mark.parametrize("size", [3.0, 0.1, 1e-3, 1e-5, 2e-6, 1e-7, 1e-8, 1e-10, 1e-12])
def test_an_epsilon_of_any_size_is_recognised(size, inside, seed):
    answer = partial(with_epsilon, size, inside=inside)
    verdict = judge("3_4.standardize", find("3_4.standardize"), {"standardize": answer}, seed=seed)
    assert verdict.mistake == "standardize.epsilon"


@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-6])
def test_whatever_is_added_within_the_logarithm_is_recognised(size):
    from kobai.course.exercises.lesson_3_2 import softmax_log_epsilon

    answer = partial(softmax_log_epsilon, small=size)
    verdict = judge("3_2.softmax_loss", find("3_2.softmax_loss"), {"softmax_loss": answer})
    assert verdict.mistake == "softmax_loss.log_epsilon"
