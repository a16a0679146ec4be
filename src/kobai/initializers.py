"""Initial values of the weights: one family, σ(n₁, n₂) · form(z).

z is one standard-normal array of the weights' shape, n₁ the nodes before it (fan in) and n₂ those after it
(fan out). ``form`` gives z another shape of unit scale (itself, uniform, orthogonal, constant), σ is a scale
times a spread that depends on the fans alone. Because an initializer draws nothing itself, two of them can be
compared on the same z::

    he().weights(z, 100, 50)                  # the formula, on a NumPy or JAX array
    he().fill(parameters, 0)                  # every weight array of a pytree, drawn from seed 0
    nn.Dense(10, kernel_init=he())            # JAX and Flax: (key, shape, dtype) -> array

Their names are in `kobai.basics.registry`; `parse` reads "he" or "normal:0.1". Importing this module needs
neither jax nor scipy.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kobai.basics import registry
from kobai.basics.checks import check_arguments, check_number, is_number, is_whole
from kobai.basics.errors import UsageError, quoted, said, unknown
from kobai.basics.layouts import LAYOUTS
from kobai.basics.own_code import told

if TYPE_CHECKING:
    import numpy as np
    from jax.typing import DTypeLike
    from jaxtyping import PyTree

    from kobai.basics.arrays import Array, Parameters
    from kobai.basics.leaf import Role
    from kobai.basics.roles import Roles

Layout = str | Callable[[tuple[int, ...]], tuple[int, int]]


@dataclass(frozen=True)
class Initializer:
    """A deterministic function of a standard-normal array and the two fans: scale · spread(n₁, n₂) · form(z).

    Fields:
      name: how tables and `parse` call it: "he", "normal:0.01".
      form: ``form(z, output_axis)``, an array of z's shape and of unit scale; `output_axis` is the axis of z
        that counts the outputs, or None where it is not known.
      spread: ``spread(n₁, n₂)``, the standard deviation that the fans ask for.
      scale: a factor.
    """

    name: str
    form: Callable[[Array, int | None], Array] = field(repr=False)
    spread: Callable[[float, float], float] = field(repr=False)
    scale: float = field(default=1.0, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_of_model(self) -> bool:
        """Whether the values are a model's, "own" or "given", and no function of an array and its fans."""
        return self.form is _of_model

    def weights(
        self, normal: Array, fan_in: float, fan_out: float, *, output_axis: int | None = None
    ) -> Array:
        """The weights made of the standard-normal array `normal`: same shape, same dtype, same library.

        Only `orthogonal` on arrays of more than two dimensions asks which axis counts the outputs. Without
        `output_axis` it is read off the fans; where both ends of the shape fit them, it is the last.
        """
        from kobai.basics.arrays import is_float

        if not is_float(normal):
            raise UsageError("error.weights.normal", value=quoted(normal))
        if normal.size == 0:
            return normal
        for name, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
            check_number("weights", name, fan, "rule.positive", lambda fan: 0 < fan < math.inf)
        # Half precision has no QR and no distribution function, neither in NumPy nor in JAX.
        z = normal.astype("float32") if normal.dtype.itemsize < 4 else normal
        if output_axis is None:
            output_axis = _output_axis(z.shape, (fan_in, fan_out))
        # A Python number: a NumPy scalar would widen a float32 array.
        deviation = float(self.scale * self.spread(fan_in, fan_out))
        return (deviation * self.form(z, output_axis)).astype(normal.dtype)

    def __call__(
        self, key: Array, shape: tuple[int, ...], dtype: DTypeLike = "float32", *, layout: Layout = "in_out"
    ) -> Array:
        """A JAX array of weights; `key` (a JAX random key) makes z and nothing else.

        This is the signature of `jax.nn.initializers`, so that an initializer can be a Flax `kernel_init`.
        """
        import jax

        z = jax.random.normal(key, shape, dtype)
        return self.weights(z, *fans(shape, layout), output_axis=_output_axis_of(layout))

    def fill(
        self,
        parameters: Parameters,
        generator: int | np.random.Generator,
        *,
        layout: Layout | None = None,
        roles: Roles | None = None,
    ) -> Parameters:
        """The pytree `parameters` with new weights, as NumPy arrays.

        Every weight is replaced. Its z is drawn in float64, array after array in the order of the tree, by
        every initializer alike: the same seed is the same z. Other arrays (biases, scales, what is frozen)
        keep their values; leaves that are no arrays are left as they are.

        Args:
          parameters: any pytree: a dict of arrays, an Equinox module, a Flax parameter tree.
          generator: a `numpy.random.Generator`, which is advanced, or a seed.
          layout: where the fans are in a shape: see `fans`. Default: as the framework has it.
          roles: what each leaf is, as in `kobai.Task`. What is left out is told from the tree; of an array
            that cannot be told the number of dimensions decides: two or more are a weight.

        Raises:
          UsageError: for a generator, a layout or roles that are none, and for complex weights; and of
            "own" and "given", which belong to a task.
        """
        import jax
        import numpy as np

        from kobai.basics.guard import TREE
        from kobai.basics.roles import guessed

        if self.is_of_model:
            raise UsageError("error.initializer.model", name=self.name)
        generator = generator_of(generator)

        def filled(leaf: PyTree, role: Role) -> PyTree:
            if not isinstance(leaf, np.ndarray | jax.Array) or jax.dtypes.issubdtype(
                leaf.dtype, jax.dtypes.extended
            ):
                return leaf
            if not role.is_weight:
                return np.array(leaf)
            if jax.dtypes.issubdtype(leaf.dtype, np.complexfloating):
                raise UsageError("error.fill.complex", shape=leaf.shape, value=leaf.dtype)
            return self._drawn(generator.standard_normal(leaf.shape), role).astype(leaf.dtype)

        check_arguments("fill", {"parameters": parameters}, {"parameters": TREE})
        leaves, tree = jax.tree.flatten(parameters)
        if not any(isinstance(leaf, np.ndarray | np.generic | jax.Array) for leaf in leaves):
            raise UsageError("error.fill.nothing", value=quoted(parameters))
        every_role = guessed(parameters, roles, layout)
        return jax.tree.unflatten(
            tree, [filled(leaf, role) for leaf, role in zip(leaves, every_role, strict=True)]
        )

    def _drawn(self, z: np.ndarray, role: Role) -> Array:
        """Weights of the shape of z; fans that are said make a matrix of it, where its axes allow.

        With a layout beside them z may hold several matrices, each of which is drawn by itself: the gates of
        a recurrent layer, the groups of a convolution.
        """
        import numpy as np

        if role.copies:
            one = replace(role, copies=0)
            each = [self._drawn(copy, one) for copy in z.reshape(-1, *z.shape[role.copies :])]
            return np.stack(each).reshape(z.shape)
        if role.fans is None:
            layout = role.layout or "in_out"
            return self.weights(z, *fans(z.shape, layout), output_axis=_output_axis_of(layout))
        if isinstance(role.layout, str):
            return self._in_blocks(z, role.fans, *LAYOUTS[role.layout])
        products = [math.prod(z.shape[:i]) for i in range(z.ndim + 1)]
        for axis, (rows, columns) in ((-1, role.fans), (0, role.fans[::-1])):
            if rows * columns == z.size and rows in products:
                matrix = z.reshape(int(rows), int(columns))
                return self.weights(matrix, *role.fans, output_axis=axis).reshape(z.shape)
        return self.weights(z, *role.fans)

    def _in_blocks(self, z: np.ndarray, fans: tuple[float, float], inputs: int, outputs: int) -> Array:
        """Weights of matrices with these fans, which lie along the axes that count inputs and outputs."""
        import numpy as np

        positions = z.size / (z.shape[inputs] * z.shape[outputs])
        for axis, fan in zip((inputs, outputs), fans, strict=True):
            count = round(z.shape[axis] * positions / fan)
            if count > 1:
                every = [self._in_blocks(part, fans, inputs, outputs) for part in np.split(z, count, axis)]
                return np.concatenate(every, axis)
        return self.weights(z, *fans, output_axis=outputs)


# Forms: z -> an array of its shape and of unit scale.


def _normal(z: Array, output_axis: int | None) -> Array:  # noqa: ARG001
    return z


def _uniform(z: Array, output_axis: int | None) -> Array:  # noqa: ARG001
    """Uniform on (−√3, √3), whose variance is 1: Φ, the normal's distribution function, makes z uniform."""
    if z.__array_namespace__().__name__ == "numpy":
        from scipy.special import ndtr as Φ
    else:
        from jax.scipy.special import ndtr as Φ
    return math.sqrt(3) * (2 * Φ(z) - 1)


def _constant(z: Array, output_axis: int | None) -> Array:  # noqa: ARG001
    return z.__array_namespace__().ones_like(z)


def _orthogonal(z: Array, output_axis: int | None) -> Array:
    """The weights into each output as one column of a matrix, made orthonormal (the rows, if they are fewer).

    Saxe, McClelland, Ganguli (2014), arXiv 1312.6120. QR leaves the sign of each column open; with R's
    diagonal positive, Q is unique and uniformly distributed (Mezzadri 2007, arXiv math-ph/0609050).
    """
    if output_axis is None:
        raise UsageError("error.orthogonal.axis", shape=z.shape)
    xp = z.__array_namespace__()
    by_output = xp.moveaxis(z, output_axis, -1)
    matrix = by_output.reshape(-1, by_output.shape[-1])
    wide = matrix.shape[0] < matrix.shape[1]
    q, r = xp.linalg.qr(matrix.T if wide else matrix)
    q = q * xp.copysign(1.0, xp.diagonal(r))
    return xp.moveaxis((q.T if wide else q).reshape(by_output.shape), -1, output_axis)


def _of_model(z: Array, output_axis: int | None) -> Array:  # noqa: ARG001
    raise UsageError("error.initializer.model", name="own, given")


# Spreads: fans -> standard deviation.


def _unit(n1: float, n2: float) -> float:  # noqa: ARG001
    return 1.0


def _xavier(n1: float, n2: float) -> float:
    return math.sqrt(2 / (n1 + n2))


def _he(n1: float, n2: float) -> float:  # noqa: ARG001
    return math.sqrt(2 / n1)


def _lecun(n1: float, n2: float) -> float:  # noqa: ARG001
    return math.sqrt(1 / n1)


# The initializers.


def constant(value: float = 0.5) -> Initializer:
    """Every weight the same: the nodes of a layer stay copies of one another for ever."""
    return Initializer(_named("constant", value=value), _constant, _unit, value)


def normal(deviation: float = 0.01) -> Initializer:
    """Normal with the given standard deviation, not truncated."""
    return Initializer(_named("normal", deviation=deviation), _normal, _unit, deviation)


def uniform(deviation: float = 0.01) -> Initializer:
    """Uniform with the given standard deviation, thus between ±√3 of it."""
    return Initializer(_named("uniform", deviation=deviation), _uniform, _unit, deviation)


def xavier() -> Initializer:
    """σ = √(2/(n₁+n₂)), for sigmoid and tanh. Glorot and Bengio (2010), equation 12."""
    return Initializer("xavier", _normal, _xavier)


def xavier_uniform() -> Initializer:
    """`xavier` in the uniform form of the same variance: ±√(6/(n₁+n₂)). As above, equation 16."""
    return Initializer("xavier_uniform", _uniform, _xavier)


def he() -> Initializer:
    """σ = √(2/n₁), for ReLU. He, Zhang, Ren, Sun (2015), arXiv 1502.01852, equation 10."""
    return Initializer("he", _normal, _he)


def he_uniform() -> Initializer:
    """`he` in the uniform form of the same variance: ±√(6/n₁)."""
    return Initializer("he_uniform", _uniform, _he)


def lecun() -> Initializer:
    """σ = √(1/n₁): a linear layer keeps the variance. LeCun, Bottou, Orr, Müller (1998), section 4.6."""
    return Initializer("lecun", _normal, _lecun)


def lecun_uniform() -> Initializer:
    """`lecun` in the uniform form of the same variance: ±√(3/n₁)."""
    return Initializer("lecun_uniform", _uniform, _lecun)


def orthogonal(gain: float = 1.0) -> Initializer:
    """`gain` times orthonormal columns: every length changes by `gain`. Saxe and others, arXiv 1312.6120."""
    name = _named("orthogonal", gain=gain)
    return Initializer("orthogonal" if gain == 1 else name, _orthogonal, _unit, gain)


def own() -> Initializer:
    """All that a model is made with, drawn anew for each seed as its framework draws it: of a task alone."""
    return Initializer("own", _of_model, _unit)


def given() -> Initializer:
    """What the parameters of a task are, those of a pretrained model, for every seed: of a task alone."""
    return Initializer("given", _of_model, _unit)


OTHER_NAMES = {
    "henormal": "he",
    "kaimingnormal": "he",
    "kaiminguniform": "he_uniform",
    "glorotnormal": "xavier",
    "glorotuniform": "xavier_uniform",
    "xaviernormal": "xavier",
    "lecunnormal": "lecun",
    "heuniform": "he_uniform",
    "xavieruniform": "xavier_uniform",
    "lecununiform": "lecun_uniform",
    "zeros": "constant:0",
    "ones": "constant:1",
}
"""What JAX, Keras, Flax and PyTorch call them, without underscores: the same variance, never truncated."""

NEAR_NAMES = {
    "kaiming": "he",
    "glorot": "xavier",
    "variancescaling": "lecun",
    "randomnormal": "normal",
    "truncatednormal": "normal",
    "randomuniform": "uniform",
}
"""What they call others that mean about the same, or the same with other numbers: only suggested."""


def parse(text: str | Initializer) -> Initializer:
    """The initializer called "he", "normal:0.1", "constant:0", …; an `Initializer` passes unchanged.

    The names of other frameworks are known where they mean the same: "glorot_uniform", "HeNormal", "zeros".
    Raises `UsageError` for a name that does not exist (with the nearest that does) and for a bad value.
    """
    if isinstance(text, Initializer):
        return text
    name, colon, value = (text if isinstance(text, str) else quoted(text)).strip().lower().partition(":")
    if name not in registry.INITIALIZERS and not colon:
        name, colon, value = OTHER_NAMES.get(name.replace("_", ""), name).partition(":")
    tables = (registry.INITIALIZERS, registry.MODEL_VALUES)
    near = NEAR_NAMES.get(name.replace("_", ""))
    if near:
        raise UsageError("error.unknown.near", kind=said("kind.initializer"), value=name, near=near)
    constructor = registry.find("kind.initializer", name, *tables).load()
    if not colon:
        return constructor()
    if not inspect.signature(constructor).parameters:
        raise UsageError("error.initializer.value", name=name, value=value)
    return constructor(_number(value))


def fans(shape: tuple[int, ...], layout: Layout = "in_out") -> tuple[int, int]:
    """(fan in, fan out) of a weight array: numbers that enter an output, outputs that an input enters.

    Args:
      shape: two or more sizes.
      layout: "in_out" for (*kernel, in, out) as in Flax, Keras and plain ``x @ w``; "out_in" for
        (out, in, *kernel) as in Equinox and PyTorch; "in_out_kernel" and "kernel_out_in" for the transposed
        convolutions of PyTorch and Keras; or a function ``shape -> (fan_in, fan_out)``.

    Raises:
      UsageError: for fewer than two sizes, a layout that does not exist, or a function that gives no fans.
    """
    if callable(layout):
        with told("error.layout.raises", every=True):
            pair = layout(tuple(shape))
        if not (isinstance(pair, tuple) and len(pair) == 2 and all(fan > 0 for fan in pair)):
            raise UsageError("error.layout", shape=tuple(shape), value=pair)
        return pair
    if not isinstance(layout, str) or layout not in LAYOUTS:
        raise unknown("kind.layout", layout, LAYOUTS)
    if not isinstance(shape, tuple | list) or len(shape) < 2 or not all(map(is_whole, shape)):
        raise UsageError("error.fans", shape=shape)
    inputs, outputs = (shape[axis] for axis in LAYOUTS[layout])
    positions = math.prod(shape) // max(inputs * outputs, 1)
    return inputs * positions, outputs * positions


def generator_of(seed: int | np.random.Generator) -> np.random.Generator:
    """The random generator of a seed; a generator passes unchanged. Raises `UsageError` for anything else."""
    import numpy as np

    if isinstance(seed, np.random.Generator) or (is_whole(seed) and seed >= 0):
        return np.random.default_rng(seed)
    raise UsageError("error.seed", value=seed)


def _output_axis_of(layout: Layout) -> int | None:
    """The axis that counts the outputs; None where a function says the fans alone."""
    return LAYOUTS[layout][1] if isinstance(layout, str) else None


def _output_axis(shape: tuple[int, ...], known: tuple[float, float]) -> int | None:
    """The axis that counts the outputs, read off the fans; None where they do not tell."""
    if len(shape) < 2:
        return None
    for layout in ("in_out", "out_in"):
        if fans(shape, layout) == known:
            return _output_axis_of(layout)
    # Of a matrix, the shorter side becomes orthonormal whichever it is.
    return -1 if len(shape) == 2 else None


def _number(text: str) -> float | str:
    """The number written in `text`; what is none stays, for the constructor to refuse by name."""
    try:
        return float(text)
    except ValueError:
        return text


def _named(owner: str, **hyperparameter: float) -> str:
    """The canonical name with its one hyperparameter, which is checked: "normal:0.01"."""
    [(name, value)] = hyperparameter.items()
    lowest = -math.inf if name == "value" else 0.0
    if not is_number(value) or not math.isfinite(value) or value < lowest:
        rule = "rule.finite" if name == "value" else "rule.rate"
        text = value if is_number(value) else quoted(value)
        raise UsageError("error.range", owner=owner, name=name, rule=said(rule), value=text)
    return f"{owner}:{float(value)!r}".removesuffix(".0")
