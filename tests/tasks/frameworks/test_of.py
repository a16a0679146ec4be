"""A task of a model and data: what follows from the labels, what is said of it, and what is refused."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.networks import mlp
from kobai.tasks.check import check_start, check_task
from kobai.tasks.load import load

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((60, 3)).astype(np.float32)
CLASSES = (np.arange(60) % 3).astype(np.int64)
NUMBERS = X @ np.array([1.0, -2.0, 0.5], np.float32)


def linear(outputs, end=lambda z: z):
    """A layer as two functions, whose outputs go through `end`."""

    def init(key):
        return {"w": jax.random.normal(key, (3, outputs)), "b": jnp.zeros(outputs)}

    def apply(parameters, x):
        return end(x @ parameters["w"] + parameters["b"])

    return init, apply


def value(task, part="validation"):
    """(loss, metric) at the parameters that the task has."""
    check_task(task)
    check_start(task, task.parameters)
    return [float(number) for number in task.evaluate(task.parameters, task.state, getattr(task, part))]


def outputs(task, model):
    return np.asarray(model[1](task.parameters, task.validation[0]))


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def test_whole_numbers_are_classes():
    model = linear(3)
    task = kobai.Task.of(model, (X, CLASSES))
    z, y = outputs(task, model), task.validation[1]
    loss = -log_softmax(z)[np.arange(len(y)), y].mean()
    assert value(task) == pytest.approx([loss, (z.argmax(axis=1) == y).mean()], rel=1e-5)
    assert (task.metric_label, task.maximize, task.metric_range) == ("accuracy", True, (0.0, 1.0))
    assert "Labels: 3 classes; loss: cross-entropy on logits; metric: accuracy." in map(str, task.preparation)


@pytest.mark.parametrize("labels", ["text", "one-hot", "column"])
def test_other_ways_to_write_classes_are_the_same(labels):
    written = {
        "text": np.array(["ant", "bee", "cat"])[CLASSES],
        "one-hot": np.eye(3, dtype=np.float32)[CLASSES],
        "column": CLASSES[:, None],
    }[labels]
    model = linear(3)
    assert value(kobai.Task.of(model, (X, written), test=0)) == pytest.approx(
        value(kobai.Task.of(model, (X, CLASSES), test=0)), rel=0.5
    )
    task = kobai.Task.of(model, ((X, written), (X, written), None))
    np.testing.assert_array_equal(task.train[1], CLASSES)
    if labels == "text":
        assert "3 classes (ant, bee, cat)" in str(task.preparation[0])


def test_probabilities_of_a_softmax_are_known_whatever_the_loss_is_called():
    model = linear(3, jax.nn.softmax)
    task = kobai.Task.of(model, (X, CLASSES))
    assert value(task) == pytest.approx(value(kobai.Task.of(linear(3), (X, CLASSES))), rel=1e-5)
    assert "cross-entropy of the model's probabilities" in str(task.preparation[0])


def test_logits_that_happen_to_lie_between_0_and_1_are_no_probabilities():
    """Small outputs of a network at its start; with other parameters they leave the interval."""
    task = kobai.Task.of(linear(1, lambda z: z / 12 + 0.5), (X, CLASSES % 2))
    assert "on a logit" in str(task.preparation[0])


@pytest.mark.parametrize("end", [lambda z: z, jax.nn.sigmoid])
def test_two_classes_with_one_output(end):
    model = linear(1, end)
    y = (NUMBERS > 0).astype(int)
    task = kobai.Task.of(model, (X, y))
    p = outputs(task, linear(1, jax.nn.sigmoid))[:, 0]
    y = task.validation[1][:, 0]
    expected = [-np.log(np.where(y, p, 1 - p)).mean(), ((p > 0.5) == y).mean()]
    assert value(task) == pytest.approx(expected, rel=1e-4)
    assert "2 classes" in str(task.preparation[0])


def test_numbers_ask_for_the_squared_error_and_are_no_matrix_of_differences():
    """(n, 1) minus (n,) would be (n, n), and no error anywhere."""
    model = linear(1)
    task = kobai.Task.of(model, (X, NUMBERS))
    o, y = outputs(task, model)[:, 0], task.validation[1][:, 0]
    error = ((o - y) ** 2).mean()
    assert value(task) == pytest.approx([error, 1 - error / y.var()], rel=1e-4)
    assert task.metric_label == "R²"
    assert not math.isclose(error, ((o[:, None] - y) ** 2).mean())


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("squared error", lambda r: r**2),
        ("MSE", lambda r: r**2),
        ("mae", np.abs),
        ("huber", lambda r: np.where(np.abs(r) < 1, r**2 / 2, np.abs(r) - 0.5)),
    ],
)
def test_losses_by_name(name, function):
    model = linear(1)
    task = kobai.Task.of(model, (X, NUMBERS), loss=name)
    r = outputs(task, model) - task.validation[1]
    assert value(task)[0] == pytest.approx(function(r).mean(), rel=1e-5)


def test_a_loss_of_optax_and_a_metric_of_ones_own():
    def error_rate(outputs, y):
        return jnp.mean(jnp.argmax(outputs, axis=-1) != y)

    model = linear(3)
    loss = optax.softmax_cross_entropy_with_integer_labels
    task = kobai.Task.of(model, (X, CLASSES), loss=loss, metric=error_rate)
    theirs, mine = value(task), value(kobai.Task.of(model, (X, CLASSES)))
    assert theirs == pytest.approx([mine[0], 1 - mine[1]], rel=1e-5)
    assert (task.metric_label, task.maximize) == ("error_rate", False)


def test_a_network_of_ours_and_a_function_that_makes_a_model():
    assert value(kobai.Task.of(mlp.network((3, 5, 3), "relu"), (X, CLASSES)))[0] == pytest.approx(math.log(3))
    task = kobai.Task.of(lambda: linear(3), (X, CLASSES))
    assert task.own is not None
    assert not np.array_equal(task.own(0)["w"], task.own(1)["w"])


def test_a_function_that_takes_options_gives_its_name_whatever_they_are():
    def width(outputs=3):
        return linear(outputs)

    assert kobai.Task.of(functools.partial(width, outputs=4), (X, CLASSES)).name == "width"


def test_classes_on_axis_1_as_pytorch_has_them():
    def apply(parameters, x):
        return jnp.moveaxis(x[:, :, None] * parameters["w"], 1, 2)  # [n, classes, positions]

    model = (lambda key: {"w": jax.random.normal(key, (4,))}, apply)
    y = np.tile(CLASSES[:, None], (1, 3))
    assert value(kobai.Task.of(model, (X, y)))[1] == pytest.approx(value(kobai.Task.of(model, (X, y)))[1])


def test_roles_that_are_said_stand_beside_those_that_are_told():
    model = (lambda key: {"w": jax.random.normal(key, (3, 3)), "place": jnp.ones((2, 3, 3))}, None)
    model = (model[0], lambda p, x: x @ p["w"] + p["place"].sum(axis=(0, 1)))
    with pytest.raises(UsageError, match='"place": "weight"'):
        check_task(kobai.Task.of(model, (X, CLASSES)))
    task = kobai.Task.of(model, (X, CLASSES), roles={"place": "bias"})
    assert [role.kind for role in task.every_role] == ["bias", "weight"]


def test_a_file_with_a_model_and_data_is_a_task(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import jax.numpy as jnp, numpy as np\n"
        "def model(width=4):\n"
        "    return (lambda key: {'w': jnp.ones((3, width))}, lambda p, x: (x @ p['w']).sum(1))\n"
        "def data():\n"
        "    return np.ones((20, 3)), np.arange(20.0)\n"
        "target, loss = 0.5, 'mae'\n"
    )
    task = load(str(file))
    assert (task.name, task.targets, task.parameters["w"].shape) == ("mine", (0.5,), (3, 4))
    assert "absolute error" in str(task.preparation[0])
    assert load(str(file), width=7).parameters["w"].shape == (3, 7)
    with pytest.raises(UsageError, match="the model takes no activation"):
        load(str(file), activation="relu")


def test_a_comparison_of_a_model_says_what_was_decided_and_how_it_was_called():
    small = {"optimizers": "sgd", "learning_rates": [0.1], "tuning_seeds": 1, "seeds": 2, "steps": 20}
    result = kobai.compare(linear(3), (X, CLASSES), validation=0.3, progress=False, **small)
    assert [i.name for i in result.outcome.study.initializers] == ["own", "he", "xavier"]
    assert "Labels: 3 classes" in str(result)
    assert result.command.startswith("kobai.compare(task, data=data, ")
    assert "validation=0.3" in result.command
    pretrained = kobai.Task.of(linear(3), (X, CLASSES), pretrained=True, target=0.5)
    given = kobai.compare(pretrained, progress=False, **small)
    assert [i.name for i in given.outcome.study.initializers] == ["given"]


def refusals():
    three, one = linear(3), linear(1)

    def broken(parameters, x):
        raise ValueError("seven is no shape")

    return [
        (3, (X, CLASSES), {}, "model must be a module of PyTorch.* got int"),
        (three, None, {}, r"data must be \(x, y\)"),
        (three, (X, CLASSES + 1), {}, "labels of train must be between 0 and 2, .* got 3; count them from 0"),
        (three, (X, NUMBERS), {}, r"must have one shape, got \('n',\) and \('n', 3\)"),
        (three, (X, NUMBERS), {"loss": "cross-entropy"}, "cross-entropy needs whole numbers .* got float32"),
        (three, (X, CLASSES), {"loss": "hinge"}, "no loss 'hinge'"),
        (three, (X, CLASSES), {"metric": "f1"}, "no metric 'f1'"),
        (three, (X[:, :2], CLASSES), {}, r"inputs of the shapes \(8, 2\): TypeError"),
        ((one[0], broken), (X, NUMBERS), {}, r"seven is no shape \(.*test_of.py:\d+\)"),
        (lambda depth: three, (X, CLASSES), {}, "makes the model has raised .*depth"),
        (linear(3, lambda z: (z, z)), (X, CLASSES), {}, "returns a tuple and no array"),
    ]


@pytest.mark.parametrize("case", range(len(refusals())))
def test_what_cannot_be_trained_is_refused_in_a_sentence(case):
    model, data, options, message = refusals()[case]
    with pytest.raises(UsageError, match=message):
        kobai.Task.of(model, data, **options)


def test_a_model_without_data_and_what_belongs_to_one_without_it():
    with pytest.raises(UsageError, match=r"is a model without data; write kobai.compare\(model, \(x, y\)\)"):
        kobai.compare(linear(3))
    with pytest.raises(UsageError, match="loss belongs to a model and data"):
        kobai.compare("digits", loss="mse")


def test_a_loss_that_is_not_finite_at_the_start_is_refused():
    x = X.copy()
    x[5] = np.nan
    with pytest.raises(UsageError, match="holds nan"):
        value(kobai.Task.of(linear(3), (x, CLASSES)))
