"""What the programs draw is what kobai draws: spread, distribution and layout, matrix by matrix."""

import functools
import math

import jax.numpy as jnp
import numpy as np
import pytest

from framework_loop import framework
from kobai.basics.registry import INITIALIZERS
from kobai.questions.comparison.code.write import FRAMEWORKS, programmed
from programs import RULES, recommendation

FANS = {
    "dense": (300, 200),
    "convolution": (9 * 40, 9 * 50),
    "inputs": (100, 80),  # of each of an LSTM's four gates
    "recurrent": (80, 80),
}
"""(fan in, fan out) of the matrices of each layer."""

NAMES = (
    *("constant:0.3", "normal:0.02", "uniform:0.02", "orthogonal", "orthogonal:2"),
    *("he", "he_uniform", "xavier", "xavier_uniform", "lecun", "lecun_uniform"),
)

SPREADS = {
    "normal": lambda *_: 0.02,
    "uniform": lambda *_: 0.02,
    "he": lambda n1, _: math.sqrt(2 / n1),
    "xavier": lambda n1, n2: math.sqrt(2 / (n1 + n2)),
    "lecun": lambda n1, _: math.sqrt(1 / n1),
}

NORMAL, UNIFORM = 3.0, 1.8
"""E z⁴ / (E z²)²; of a normal that is cut off at 2σ it is 2.4."""


def in_torch():
    torch = framework("torch")
    layers = [torch.nn.Linear(300, 200), torch.nn.Conv2d(40, 50, 3), torch.nn.LSTM(100, 80)]
    return torch.nn.ModuleList(layers)


def of_torch(model):
    dense, convolution, lstm = model
    gates = [np.split(array.detach().numpy(), 4) for array in (lstm.weight_ih_l0, lstm.weight_hh_l0)]
    kernels = convolution.weight.detach().numpy().reshape(50, -1)
    every = ([dense.weight.detach().numpy()], [kernels], *gates)
    return dict(zip(FANS, [[matrix.T for matrix in matrices] for matrices in every], strict=True))


@functools.cache
def in_keras():
    keras = framework("keras")
    inputs = [keras.Input(shape) for shape in ((300,), (8, 8, 40), (5, 100))]
    layers = [keras.layers.Dense(200), keras.layers.Conv2D(50, 3), keras.layers.LSTM(80)]
    return keras.Model(inputs, [layer(x) for layer, x in zip(layers, inputs, strict=True)])


def of_keras(model):
    kernels = {weight.shape: np.asarray(weight.value) for weight in model.trainable_variables}
    gates = [np.split(kernels[shape], 4, axis=1) for shape in ((100, 320), (80, 320))]
    every = ([kernels[300, 200]], [kernels[3, 3, 40, 50].reshape(-1, 50)], *gates)
    return dict(zip(FANS, every, strict=True))


def in_jax():
    shapes = {"dense": [(300, 200)], "convolution": [(3, 3, 40, 50)], "inputs": [(100, 80)] * 4}
    shapes["recurrent"] = [(80, 80)] * 4
    return {
        name: [{"weights": jnp.zeros(shape), "biases": jnp.zeros(shape[-1])} for shape in every]
        for name, every in shapes.items()
    }


def of_jax(params):
    return {
        name: [np.asarray(layer["weights"]).reshape(-1, layer["weights"].shape[-1]) for layer in layers]
        for name, layers in params.items()
    }


NETWORKS = {
    "torch": ("model", in_torch, of_torch),
    "keras": ("model", in_keras, of_keras),
    "optax": ("params", in_jax, of_jax),
    "kobai": ("params", in_jax, of_jax),
}


def drawn(name, library, change=lambda text: text):
    """{layer: its matrices [in, out]} as the program for a library draws them; `change` plants a slip."""
    if library in ("torch", "keras"):
        framework(library)
    called, network, matrices = NETWORKS[library]
    names = {"__name__": "program"}
    program = programmed(recommendation(RULES["sgd"], initializer=name, dense=None), library)
    for section in program.sections:
        if section.name == "initial":
            names[called] = network()
            exec(change(section.text), names)
            break
        exec(section.text, names)
    return matrices(names[called])


def check(name, matrices):
    """Hold the matrices of every layer to the initializer, within five standard errors."""
    kind, _, number = name.partition(":")
    family, _, form = kind.partition("_")
    for layer, (n1, n2) in FANS.items():
        every = np.stack(matrices[layer]).astype(np.float64)
        assert every.shape[1:] == (n1, n2) or layer == "convolution"
        if family == "constant":
            assert (every == np.float32(number)).all()
        elif family == "orthogonal":
            for matrix in every:
                short = matrix.T @ matrix if len(matrix) >= matrix.shape[1] else matrix @ matrix.T
                np.testing.assert_allclose(short, float(number or 1) ** 2 * np.eye(len(short)), atol=1e-4)
        else:
            errors = 5 / math.sqrt(every.size)
            σ = SPREADS[family](n1, n2)
            assert every.std() == pytest.approx(σ, rel=errors / math.sqrt(2))
            assert abs(every.mean()) < σ * errors
            moment = np.mean(every**4) / np.mean(every**2) ** 2
            is_uniform = "uniform" in (family, form)
            assert moment == pytest.approx(UNIFORM if is_uniform else NORMAL, abs=errors * math.sqrt(24))


def test_every_initializer_is_held():
    assert {name.partition(":")[0] for name in NAMES} == set(INITIALIZERS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("library", FRAMEWORKS)
def test_a_program_draws_what_the_initializer_says(name, library):
    check(name, drawn(name, library))


SLIPS = {
    "fan out for fan in": ("torch", "he", "fan_in", "fan_out"),
    "the layout of Keras in PyTorch": ("torch", "lecun", "(weight,", "(weight.detach().transpose(0, 1),"),
    "the gates of PyTorch as one matrix": ("torch", "xavier", "in matrices()", "in weights"),
    "orthogonal gates of PyTorch as one matrix": ("torch", "orthogonal", "in matrices()", "in weights"),
    "the uniform form in PyTorch": ("torch", "he", "kaiming_normal_", "kaiming_uniform_"),
    "the gain of a linear layer": ("torch", "he", '"relu"', '"linear"'),
    "the gates of Keras as one matrix": (
        "keras",
        "xavier",
        "widths.get(layer_of(weight), columns)",
        "columns",
    ),
    "a truncated normal in Keras": ("keras", "he", "untruncated_normal", "truncated_normal"),
    "fan out for fan in in Keras": ("keras", "lecun", "fan_in", "fan_out"),
    "a truncated normal in JAX": ("optax", "he", '"normal"', '"truncated_normal"'),
    "the layout of PyTorch in JAX": ("optax", "he", '"normal")', '"normal", -1, -2)'),
    "a spread for a half width": ("optax", "uniform:0.02", f"{math.sqrt(3) * 0.02!r}", "0.02"),
    "half of the scale": ("keras", "xavier_uniform", "1.0", "0.5"),
}
"""Wrong variants: (framework, initializer, what a program says, what it must not say)."""


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_the_drawing_is_seen(slip):
    library, name, right, wrong = SLIPS[slip]

    def change(text):
        assert right in text
        return text.replace(right, wrong)

    with pytest.raises(AssertionError):
        check(name, drawn(name, library, change))
