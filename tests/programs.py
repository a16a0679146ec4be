"""Programs that `kobai code` writes, executed on the start and the batches of the engine's own trainings."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import kobai
from kobai.engine.cell import Cell
from kobai.engine.draws import INITIAL, mini_batch, stream
from kobai.engine.spelling import spell_method, spell_strategy
from kobai.engine.strategy import Strategy
from kobai.engine.sweep import Sweep
from kobai.networks.network import Dense
from kobai.questions.comparison.code.write import programmed
from kobai.schedules import schedule
from kobai.stabilizers import early_stopping, exponential, l1, l2, polyak, weight_decay
from kobai.study.facts import Examples
from kobai.study.recommendation import Recommendation
from swept import HE, runs_of

STEPS, BATCH, SEED = 10, 8, 5
WIDTHS = (6, 5, 3)
WARM_UP = schedule("warm-up:3+cosine")

RULES = {
    "sgd": kobai.SGD(0.3),
    "momentum": kobai.Momentum(0.1, 0.8),
    "nesterov": kobai.Nesterov(0.1, 0.8),
    "nesterov_definition": kobai.NesterovDefinition(0.1, 0.8),
    "adagrad": kobai.AdaGrad(0.1),
    "adadelta": kobai.AdaDelta(2.0),
    "rmsprop": kobai.RMSProp(0.02, 0.8, 1e-4),
    "adam": kobai.Adam(0.02, 0.8, 0.99),
    "adamw": kobai.AdamW(0.02, 0.8, 0.99, weight_decay=0.5),
    "lion": kobai.Lion(0.01, 0.8, 0.95, weight_decay=0.5),
}
"""Every update rule, with numbers that are no framework's defaults."""

STRATEGIES = {
    "norm": Strategy(clip=kobai.clip_norm(0.2)),
    "value": Strategy(clip=kobai.clip_value(0.02)),
    "percentile": Strategy(clip=kobai.clip_percentile(30, 4)),
    "l1": Strategy(l1=l1(0.02)),
    "l2": Strategy(l2=l2(0.3, biases=True)),
    "both": Strategy(l1=l1(0.01), l2=l2(0.1)),
    "decay": Strategy(weight_decay=weight_decay(0.5)),
    "decay of all": Strategy(weight_decay=weight_decay(0.5, biases=True), schedule=WARM_UP),
    "step": Strategy(schedule=schedule("step:4:0.5")),
    "one-cycle": Strategy(schedule=schedule("one-cycle")),
    "cosine": Strategy(schedule=schedule("cosine:0.1")),
    "polyak": Strategy(averages=(polyak(3),)),
    "exponential": Strategy(averages=(exponential(0.7),)),
    "stopping": Strategy(early_stopping=early_stopping(2, 0.03)),
    "replacement": Strategy(replacement=True),
    "all": Strategy(
        clip=kobai.clip_norm(0.3),
        l2=l2(0.05),
        weight_decay=weight_decay(0.1),
        schedule=WARM_UP,
        averages=(polyak(2),),
        early_stopping=early_stopping(4),
    ),
}
"""Every part that may stand beside a rule, alone, and all together."""

WITH = ("sgd", "momentum", "adam")
"""The rules that are tried with them, in turn; all of them with all parts together."""

NOTHING = Strategy()

CASES = {(rule, "nothing"): (RULES[rule], NOTHING) for rule in RULES}
CASES |= {(rule, "schedule"): (RULES[rule], Strategy(schedule=WARM_UP)) for rule in RULES}
CASES |= {
    (rule, part): (RULES[rule], STRATEGIES[part])
    for i, part in enumerate(STRATEGIES)
    for rule in (WITH if part == "all" else WITH[i % 3 :: 3])
}

SINCE_ADAM = {
    ("sam", "norm"): (kobai.SAM(0.1, 0.8, 0.3), STRATEGIES["norm"]),
    ("sam", "both"): (kobai.SAM(0.1, 0.8, 0.3), STRATEGIES["both"]),
    ("sophia", "norm"): (kobai.Sophia(0.02, 0.8, 0.7, 0.5, weight_decay=0.1), STRATEGIES["norm"]),
    ("sophia", "both"): (kobai.Sophia(0.02, 0.8, 0.7, 0.5), STRATEGIES["both"]),
    ("muon", "schedule"): (kobai.Muon(0.05, 0.02, 0.8, 0.1), Strategy(schedule=WARM_UP)),
    ("muon", "decay"): (kobai.Muon(0.05, 0.02, 0.8, 0.1), STRATEGIES["decay"]),
    ("schedule_free_adamw", "schedule"): (kobai.ScheduleFreeAdamW(0.05), Strategy(schedule=WARM_UP)),
    ("schedule_free_adamw", "decay"): (kobai.ScheduleFreeAdamW(0.05, weight_decay=0.1), STRATEGIES["decay"]),
    ("lamb", "decay"): (kobai.LAMB(0.02, weight_decay=0.1), STRATEGIES["decay"]),
    ("prodigy", "schedule"): (kobai.Prodigy(2.0), Strategy(schedule=WARM_UP)),
    ("lamb", "norm"): (kobai.LAMB(0.02, weight_decay=0.1), STRATEGIES["norm"]),
}
"""Rules that ask for more than a gradient, with parts that change what they get."""

IN_OPTAX = {
    ("lamb", "schedule"): (kobai.LAMB(0.02, 0.8, 0.99, weight_decay=0.1), Strategy(schedule=WARM_UP)),
    ("lamb", "decay"): (kobai.LAMB(0.02, 0.8, 0.99, weight_decay=0.1), STRATEGIES["decay"]),
    ("schedule_free_sgd", "nothing"): (kobai.ScheduleFreeSGD(0.3, 0.8), NOTHING),
    ("schedule_free_adamw", "norm"): (kobai.ScheduleFreeAdamW(0.05, 0.8, 0.99), STRATEGIES["norm"]),
    ("nadamw", "nothing"): (kobai.NAdamW(0.02, 0.8, 0.99, weight_decay=0.5), NOTHING),
    ("prodigy", "schedule"): (kobai.Prodigy(100.0, 0.8, 0.99), Strategy(schedule=WARM_UP)),
    ("d_adaptation", "schedule"): (kobai.DAdaptation(100.0, 0.8, 0.99), Strategy(schedule=WARM_UP)),
}
"""Rules since Adam that optax has, with what is beside them and in them."""


def in_optax():
    """What the engine makes of these, one by one: those that find their rate refuse another's decay."""
    return {case: trained({case: own}, "float64")[case] for case, own in IN_OPTAX.items()}


AT_THETA = [case for case in CASES if case[0] != "nesterov_definition"]
"""The cases whose program trains what the engine evaluates: θ, and not Θ = θ + αv."""

LOOKAHEAD = [case for case in CASES if case[0] == "nesterov_definition"]


def data(dtype):
    """Points of three classes: (x, y) for training and for validation."""
    random = np.random.default_rng(3)
    x = random.standard_normal((60, WIDTHS[0])).astype(dtype)
    y = np.argmax(x[:, :3] + 0.5 * random.standard_normal((60, 3)), axis=1).astype(np.int32)
    return (x[:40], y[:40]), (x[40:], y[40:])


def task(dtype):
    """A network 6-5-3 with tanh, its weights [in, out], on these data."""
    train, validation = data(dtype)

    def loss(parameters, batch):
        x, y = batch
        first, last = parameters
        outputs = jnp.tanh(x @ first["weights"] + first["biases"]) @ last["weights"] + last["biases"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], axis=1))

    shapes = zip(WIDTHS, WIDTHS[1:], strict=False)
    parameters = [{"weights": np.zeros(s, dtype), "biases": np.zeros(s[1], dtype)} for s in shapes]
    return kobai.Task(
        parameters=parameters, loss=loss, train=train, validation=validation, target=0.1, batch_size=BATCH
    )


@functools.cache
def trainings(dtype):
    """What the engine makes of every case: {name: (losses on the validation data, the last arrays)}."""
    return trained(CASES, dtype)


def trained(cases, dtype, made=None):
    """What the engine makes of cases, on this task or another."""
    with jax.enable_x64(dtype == "float64"):
        sweep = Sweep(
            made or task(dtype),
            list({type(rule): rule for rule, _ in cases.values()}.values()),
            steps=STEPS,
            evaluate_every=1,
            strategies=[strategy for _, strategy in cases.values()],
            keep_model=True,
        )
        runs = runs_of(sweep, [Cell(rule, HE, SEED, strategy) for rule, strategy in cases.values()])
    return dict(zip(cases, runs, strict=True))


def start(dtype):
    """The arrays at the start: [(weights [in, out], biases)]."""
    made = task(dtype).filled(HE, stream(SEED, INITIAL))
    return [(layer["weights"], layer["biases"]) for layer in made]


def begin_torch(names):
    """kobai's start in PyTorch's layout, (out, in)."""
    import torch

    layers = [layer.double() for layer in names["model"] if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, (weights, biases) in zip(layers, start("float64"), strict=True):
            layer.weight.copy_(torch.as_tensor(weights.T))
            layer.bias.copy_(torch.as_tensor(biases))


def recommendation(rule, strategy=NOTHING, **changes):
    """The recommendation of a case, on data of the user's own."""
    values = {
        "task": "points",
        "optimizer": spell_method(rule),
        "initializer": "he",
        "strategy": spell_strategy(strategy),
        "own": {},
        "steps": STEPS,
        "evaluate_every": 1,
        "batch_size": BATCH,
        "examples": Examples((WIDTHS[0],), WIDTHS[-1], "classes"),
        "dense": Dense(WIDTHS, "tanh", "off"),
    }
    return Recommendation(**(values | changes))


def batches(strategy):
    """The batches of the engine."""
    return mini_batch(SEED, 0, STEPS, BATCH, 40, strategy.replacement)


def executed(said, framework, dtype, begin, strategy):
    """(names, losses): the program run from the engine's start on the engine's batches.

    `begin(names)` puts the start into the program's network after its initial values are drawn.
    """
    printed, names = [], {"__name__": "program", "print": lambda *values: printed.append(values)}
    train, validation = data(dtype)
    for section in programmed(said, framework).sections:
        exec(compile(section.text, section.name, "exec"), names)
        if section.name == "data":
            names |= dict(zip(("x", "y", "x_validation", "y_validation"), (*train, *validation), strict=True))
        if section.name == "initial":
            begin(names)
        if section.name == "batches":
            names["batches"] = lambda: iter(batches(strategy))
    return names, np.array([float(loss) for _, loss, *_ in printed])


def compare(run, strategy, losses, arrays, tolerance):
    """Hold the losses at every step and the last arrays of a program to those of the engine."""
    curve = run.averages[0].validation_loss if strategy.averages else run.validation_loss
    if strategy.early_stopping is not None:  # the engine's curve shows the restored weights from the stop on
        curve = curve[: run.stopped_at] if run.stopped_at else curve[:-1]
        losses = losses[: len(curve) - 1]
    np.testing.assert_allclose(losses, curve[1 : len(losses) + 1], rtol=tolerance)
    assert len(losses) >= 3
    compare_arrays(run, arrays, tolerance)


def compare_arrays(run, arrays, tolerance):
    for layer, (weights, biases) in zip(run.model.parameters, arrays, strict=True):
        scale = tolerance * np.abs(layer["weights"]).max()
        np.testing.assert_allclose(weights, layer["weights"], rtol=0, atol=scale)
        np.testing.assert_allclose(biases, layer["biases"], rtol=0, atol=scale)


def behind(arrays, v, rule):
    """θ = Θ − αv of arrays that were trained at Θ."""
    α = rule.momentum
    return [
        (weights - α * of_weights, biases - α * of_biases)
        for (weights, biases), (of_weights, of_biases) in zip(arrays, v, strict=True)
    ]
