"""The recommended training for Keras 3, on any of its backends."""

from kobai.networks.network import OFF
from kobai.optimizers import translation
from kobai.questions.comparison.code import beside, common, convolutional, keras_classes, recurrent
from kobai.questions.comparison.code.optax import SCALES
from kobai.questions.comparison.code.plan import Plan
from kobai.questions.comparison.code.program import Code, Program, block, call, comment, missing, program
from kobai.words import say

OTHERS = keras_classes.OTHERS


def written(plan: Plan) -> Program:
    """The whole program."""
    sections = {
        "settings": common.settings(plan, "keras.utils.set_random_seed(0)", is_whole=_is_whole(plan)),
        "data": common.data(plan, framework="keras"),
        "network": _network(plan),
        "initial": _initial(plan),
        "width": _width(plan),
        "factor": common.factor(plan),
        "clip": keras_classes.clipped(plan),
        "shaped": keras_classes.classes(plan)[0],
        "optimizer": _optimizer(plan),
        "batches": common.batches(plan),
        "evaluation": _evaluation(plan),
        "training": _training(plan),
    }
    imports = ["import keras", "import numpy as np", *common.of_kobai(plan)]
    backend = ""
    if plan.task or any(plan.imported("keras")):
        kind = "own" if any(plan.imported("keras")) else "any"
        backend = block(comment(say(f"code.keras.backend.{kind}")), BACKEND)
    if line := plan.imported("keras")[0]:
        imports.append(line)
    return program(common.title(plan, "Keras 3"), imports, sections, backend)


BACKEND = 'os.environ.setdefault("KERAS_BACKEND", "jax")'

LOSSES = {
    "cross-entropy": "SparseCategoricalCrossentropy(from_logits=True)",
    "cross-entropy.probabilities": "SparseCategoricalCrossentropy()",
    "binary cross-entropy": "BinaryCrossentropy(from_logits=True)",
    "binary cross-entropy.probabilities": "BinaryCrossentropy()",
    "squared error": "MeanSquaredError()",
    "absolute error": "MeanAbsoluteError()",
    "huber": "Huber()",
}
"""The losses of a user's own network, as Keras has them."""


def _loss(plan: Plan) -> str:
    name = common.loss_name(plan, "keras")
    return f"loss_of = keras.losses.{LOSSES[name]}" if name in LOSSES else missing("loss", name)


def _network(plan: Plan) -> str:
    own = common.own_network(plan, "keras")
    if own:
        return f"{own}\n{_loss(plan)}"
    said = plan.said
    if said.recurrent:
        layers = recurrent.keras(plan, said.recurrent)
    else:
        layers = convolutional.keras(said.convolutional) if said.convolutional else _dense(plan)
    return block(
        recurrent.keras_class(plan),
        common.network_comment(plan, "keras"),
        "" if plan.batch_norm == OFF else comment(say("code.keras.batch_norm")),
        "model = keras.Sequential(",
        "    [",
        *(f"        {layer}," for layer in layers),
        "    ]",
        ")",
        _loss(plan),
    )


def _dense(plan: Plan) -> list[str]:
    dense = plan.dense
    shape = "".join(f"{size}, " for size in plan.examples.inputs).rstrip(" ")
    shape = shape.rstrip(",") + ("," if len(plan.examples.inputs) == 1 else "")
    layers = [f"keras.Input(({shape}))"]
    layers += ["keras.layers.Flatten()"] if len(plan.examples.inputs) != 1 else []
    norm = convolutional.KERAS_NORM
    for nodes in dense.widths[1:-1]:
        act = f'keras.layers.Activation("{dense.activation}")'
        layers += {
            "off": [f'keras.layers.Dense({nodes}, activation="{dense.activation}")'],
            "before": [f"keras.layers.Dense({nodes}, use_bias=False)", norm, act],
            "after": [f'keras.layers.Dense({nodes}, activation="{dense.activation}")', norm],
        }[dense.batch_norm]
    return [*layers, f"keras.layers.Dense({dense.widths[-1]})"]


def _initial(plan: Plan) -> str:
    text = block(
        comment(say("code.weights.keras")),
        f"weights = [array for array in model.trainable_variables if array.name not in {OTHERS}]",
    )
    if plan.initializer is None:
        return block(text, missing("initializer", plan.said.own["initializer"]))
    if plan.initializer.is_of_model:
        draws = WITHIN if plan.said.convolutional and plan.said.initializer == "own" else ()
        return block(text, common.initial_comment(plan), *draws)
    own = not plan.is_written
    sentences = (say("code.initial.keras"), say("code.initial.keras.own") if own else "")
    draw = block(text, common.initial_comment(plan, *sentences), f"initial = {_draw(plan)}")
    side_by_side = own or plan.said.recurrent
    return "\n".join([draw, *(_by_gates() if side_by_side and plan.draws_by_matrix else _each())])


WITHIN = (
    "for layer in model.layers:",
    "    for array in layer.trainable_variables:",
    '        if array.name in ("kernel", "bias"):',
    "            bound = math.prod(layer.kernel.shape[:-1]) ** -0.5",
    "            array.assign(rng.uniform(-bound, bound, array.shape))",
)
"""The values of a convolutional task's own, which those of PyTorch's layers are, and Keras's are not."""


def _each() -> list[str]:
    return ["for weight in weights:", "    weight.assign(initial(weight.shape))"]


def _by_gates() -> list[str]:
    """The kernels of the gates of a recurrent layer lie side by side, each as wide as the state."""
    return [
        "",
        "",
        "def layer_of(weight):",
        '    return weight.path.rpartition("/")[0]',
        "",
        "",
        comment(say("code.initial.gates")),
        'recurrent = [weight for weight in weights if weight.name == "recurrent_kernel"]',
        "widths = {layer_of(weight): weight.shape[-2] for weight in recurrent}",
        "for weight in weights:",
        "    *rows, columns = weight.shape",
        "    width = widths.get(layer_of(weight), columns)",
        "    gates = [initial((*rows, width)) for _ in range(columns // width)]",
        "    weight.assign(keras.ops.concatenate(gates, axis=-1))",
    ]


def _draw(plan: Plan) -> str:
    kind, _, _ = str(plan.said.initializer).partition(":")
    family, _, form = kind.partition("_")
    seed = {"seed": Code("keras.random.SeedGenerator(0)")}
    if family in SCALES:
        scale, mode = SCALES[family]
        distribution = form or "untruncated_normal"
        return call(
            "keras.initializers.VarianceScaling", f"{scale}", mode=mode, distribution=distribution, **seed
        )
    value, half = common.number_of(plan), common.half_width(plan)
    return {
        "normal": call("keras.initializers.RandomNormal", stddev=value, **seed),
        "uniform": call("keras.initializers.RandomUniform", f"{-half!r}", f"{half!r}", **seed),
        "constant": call("keras.initializers.Constant", f"{value!r}"),
        "orthogonal": call("keras.initializers.Orthogonal", gain=value, **seed),
    }[kind]


def _is_whole(plan: Plan) -> bool:
    """Whether batches that were accumulated are one: what looks at the gradient of a step would look at those
    of its batches, since Keras adds them up behind it."""
    return plan.clip is not None or plan.strategy.mask is not None


def _accumulates(plan: Plan) -> bool:
    return plan.said.accumulate > 1 and not _is_whole(plan)


def _width(plan: Plan) -> str:
    """What the initial values and the learning rates of the arrays are multiplied by."""
    return beside.grown(
        plan,
        beside.keras_names,
        "model.trainable_variables",
        "for array, deviation in zip(model.trainable_variables, DEVIATIONS):",
        "    array.assign(array * deviation)",
    )


def _optimizer(plan: Plan) -> str:
    rule = plan.rule_in(translation.KERAS)
    if rule is None or plan.from_optax:
        return common.own_optimizer(plan, "Keras")
    form = translation.keras(rule)
    decay = plan.decay
    arguments: dict[str, object] = {"learning_rate": Code("LEARNING_RATE"), **form.arguments}
    exclusion = ""
    if _accumulates(plan):
        arguments["gradient_accumulation_steps"] = Code("ACCUMULATE")
    if decay is not None and plan.strategy.mask is None:
        arguments["weight_decay"] = decay.rate
        if not decay.biases:
            exclusion = f"optimizer.exclude_from_weight_decay(var_names={OTHERS})"
    return block(
        comment(*map(str, form.differences)) if form.differences else "",
        f"optimizer = {call(keras_classes.classes(plan)[1], **arguments)}",
        comment(say("code.decay.mask")) if exclusion else "",
        exclusion,
        *_penalty(plan),
        "model.compile(optimizer=optimizer, loss=loss_of)",
    )


def _penalty(plan: Plan) -> list[str]:
    l1, l2 = plan.strategy.l1, plan.strategy.l2
    lines = []
    for penalty, numbers in ((l1, {"l1": l1.l1}), (l2, {"l2": l2.l2 / 2})):
        if penalty.l1 or penalty.l2:
            lines.append((penalty.biases, numbers))
    if not lines:
        return []
    if len(lines) == 2 and lines[0][0] == lines[1][0]:
        lines = [(lines[0][0], lines[0][1] | lines[1][1])]
    text = [comment(say("code.penalty.keras"))]
    for biases, numbers in lines:
        text += [
            f"for array in {'model.trainable_variables' if biases else 'weights'}:",
            f"    array.regularizer = {call('keras.regularizers.L1L2', **numbers)}",
        ]
    return text


def _evaluation(plan: Plan) -> str:
    accuracy = [
        "    accuracy = float(np.mean(np.argmax(outputs, axis=-1) == y_validation))",
        "    return float(loss_of(y_validation, outputs)), accuracy",
    ]
    return block(
        "def evaluate():",
        f'    """{say("code.evaluation.classes" if plan.classifies else "code.evaluation.numbers")}"""',
        "    outputs = model.predict_on_batch(x_validation)",
        *(accuracy if plan.classifies else ["    return (float(loss_of(y_validation, outputs)),)"]),
    )


def _training(plan: Plan) -> str:
    stopping, average = plan.strategy.early_stopping, plan.average
    before, after, within, moving = [], [], [], []
    shown = ["print(step + 1, *evaluate())"]
    if average:
        before += [
            comment(say("code.average")),
            "averaged = [array.numpy() for array in model.trainable_variables]",
        ]
        moving = [
            f"weight = {common.average_weight(plan)}",
            "now = [keras.ops.convert_to_numpy(array.value) for array in model.trainable_variables]",
            "averaged = [mean + weight * (new - mean) for mean, new in zip(averaged, now)]",
        ]
        before[-1] = before[-1].replace("array.numpy()", "keras.ops.convert_to_numpy(array.value)")
        swap = "for array, value in zip(model.trainable_variables, {}):"
        shown = [
            swap.format("averaged"),
            "    array.assign(value)",
            "print(step + 1, *evaluate())",
            swap.format("now"),
            "    array.assign(value)",
        ]
    if stopping:
        before += [
            comment(say("code.stopping")),
            f"PATIENCE, MINIMUM_CHANGE = {int(stopping.patience)}, {float(stopping.minimum_change)!r}",
            "best_loss, waited, best = evaluate()[0], 0, model.get_weights()",
        ]
        within = [
            "loss = evaluate()[0]",
            "waited += 1",
            "if loss < best_loss - MINIMUM_CHANGE:",
            "    best_loss, waited, best = loss, 0, model.get_weights()",
            "if waited == PATIENCE:",
            "    break",
        ]
        after = ["model.set_weights(best)"]
    schedule = ["optimizer.learning_rate = LEARNING_RATE * factor(step)"] if plan.schedule else []
    return block(
        *before,
        "for step, batch in zip(range(STEPS), batches()):",
        *(f"    {line}" for line in schedule),
        "    for part in np.split(batch, ACCUMULATE):" if _accumulates(plan) else "",
        "        model.train_on_batch(x[part], y[part])"
        if _accumulates(plan)
        else "    model.train_on_batch(x[batch], y[batch])",
        *(f"    {line}" for line in moving),
        "    if (step + 1) % EVALUATE_EVERY == 0 or step + 1 == STEPS:",
        *(f"        {line}" for line in shown),
        *(f"        {line}" for line in within),
        *after,
    )
