"""kobai's rules as other frameworks have them: which call makes each, and what is not the same.

One table a framework: a rule -> a `Call`. Where a framework has a rule in another form (its ε at another
place, its learning rate outside of the momentum), the call is the nearest that is equal, and `difference`
says what there is to know; a rule that is not written for a framework has no row, or None for its numbers.
Whether the learning rate is scheduled matters to momentum, and to Schedule-Free: with η inside, a rate that
changes changes only the new part of v. Weight decay beside the step is no part of a call: each framework has
its own way to leave biases alone.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

from kobai.optimizers.adabelief import AdaBelief
from kobai.optimizers.adadelta import AdaDelta
from kobai.optimizers.adafactor import Adafactor
from kobai.optimizers.adagrad import AdaGrad
from kobai.optimizers.adam import Adam
from kobai.optimizers.adamw import AdamW
from kobai.optimizers.ademamix import AdEMAMix
from kobai.optimizers.adopt import ADOPT
from kobai.optimizers.base import Optimizer
from kobai.optimizers.d_adaptation import DAdaptation
from kobai.optimizers.lamb import LAMB
from kobai.optimizers.lion import Lion
from kobai.optimizers.momentum import Momentum
from kobai.optimizers.nadamw import NAdamW
from kobai.optimizers.nesterov import Nesterov
from kobai.optimizers.nesterov_definition import NesterovDefinition
from kobai.optimizers.prodigy import Prodigy
from kobai.optimizers.radam import RAdam
from kobai.optimizers.rmsprop import RMSProp
from kobai.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from kobai.optimizers.sgd import SGD
from kobai.words import Note

Number: TypeAlias = float | tuple[float, float] | bool

AdamLike: TypeAlias = (
    Adam
    | AdamW
    | NAdamW
    | RAdam
    | AdaBelief
    | AdEMAMix
    | ADOPT
    | LAMB
    | Prodigy
    | DAdaptation
    | ScheduleFreeAdamW
)
"""The rules that have Adam's numbers."""


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that makes an optimizer in another framework.

    Fields:
      function: "torch.optim.Adam"; without a dot, a class of `kobai.optimizers.torch_rules`.
      arguments: all but the learning rate, which every function takes.
      differences: what is to be known of it, sentence by sentence.
    """

    function: str
    arguments: Mapping[str, Number] = dataclasses.field(default_factory=dict)
    differences: tuple[Note, ...] = ()


Table: TypeAlias = Mapping[type[Optimizer], Callable[..., Call | None]]
"""Of each rule a function of (rule, whether its rate is scheduled), None where no call is equal."""


def torch(rule: Optimizer, scheduled: bool = False) -> Call:
    """The rule in PyTorch."""
    return _call(TORCH, rule, scheduled)


def optax(rule: Optimizer, scheduled: bool = False) -> Call:
    """The rule in optax; `optax.trace` is to follow the learning rate."""
    return _call(OPTAX, rule, scheduled)


def keras(rule: Optimizer, scheduled: bool = False) -> Call:
    """The rule in Keras."""
    return _call(KERAS, rule, scheduled)


def has(table: Table, rule: Optimizer | None, scheduled: bool = False) -> bool:
    """Whether a framework has a call that is equal to a rule with its numbers."""
    return type(rule) in table and table[type(rule)](rule, scheduled) is not None  # type: ignore[index]


def _call(table: Table, rule: Optimizer, scheduled: bool) -> Call:
    call = table[type(rule)](rule, scheduled)
    assert call is not None  # which `has` tells
    looks_ahead = [Note("code.lookahead", {})] if isinstance(rule, NesterovDefinition) else []
    return dataclasses.replace(call, differences=(*looks_ahead, *call.differences))


INSIDE = Note("code.momentum.inside", {})
CONSTANT = Note("code.momentum.constant", {})


def _torch_momentum(rule: Momentum, scheduled: bool) -> Call:
    if scheduled:
        return Call("Momentum", {"momentum": rule.momentum}, (INSIDE,))
    return Call("torch.optim.SGD", {"momentum": rule.momentum}, (CONSTANT,))


def _torch_nesterov(rule: Nesterov | NesterovDefinition, scheduled: bool) -> Call:
    if rule.momentum == 0:  # which PyTorch refuses for it
        return Call("torch.optim.SGD")
    if scheduled:
        return Call("Nesterov", {"momentum": rule.momentum}, (INSIDE,))
    return Call("torch.optim.SGD", {"momentum": rule.momentum, "nesterov": True}, (CONSTANT,))


TORCH: Table = {
    SGD: lambda *_: Call("torch.optim.SGD"),
    Momentum: _torch_momentum,
    Nesterov: _torch_nesterov,
    NesterovDefinition: _torch_nesterov,
    AdaGrad: lambda rule, _: Call("torch.optim.Adagrad", {"eps": rule.epsilon}),
    AdaDelta: lambda rule, _: Call("torch.optim.Adadelta", {"rho": rule.decay, "eps": rule.epsilon}),
    RMSProp: lambda rule, _: Call(
        "RMSProp",
        {"decay": rule.decay, "eps": rule.epsilon},
        (Note("code.torch.rmsprop", {"ratio": _ratio(rule.epsilon**0.5)}),),
    ),
    Adam: lambda rule, _: Call("torch.optim.Adam", _adam(rule, "betas", "eps")),
    AdamW: lambda rule, _: Call("torch.optim.Adam", _adam(rule, "betas", "eps")),
    # Its momentum warms up by 1 − 0.96^(step · momentum_decay)/2, which is then 1 in every digit.
    NAdamW: lambda rule, _: Call(
        "torch.optim.NAdam",
        {**_adam(rule, "betas", "eps"), "momentum_decay": 1e4},
        (Note("code.torch.nadam", {}),),
    ),
    Lion: lambda rule, _: Call(
        "Lion", {"betas": (rule.decay_1, rule.decay_2)}, (Note("code.torch.lion", {}),)
    ),
}


def _optax_momentum(rule: Momentum | Nesterov | NesterovDefinition, scheduled: bool) -> Call:
    nesterov = {} if isinstance(rule, Momentum) else {"nesterov": True}
    if scheduled:
        return Call("optax.trace", {"decay": rule.momentum, **nesterov}, (INSIDE,))
    return Call("optax.sgd", {"momentum": rule.momentum, **nesterov}, (CONSTANT,))


def _optax_of_no_decay(
    rule: Prodigy | DAdaptation | ScheduleFreeSGD | ScheduleFreeAdamW, scheduled: bool
) -> Call | None:
    """Those whose decay optax gives to biases, too; Schedule-Free weighs another step where rates change."""
    if rule.weight_decay or (scheduled and not rule.rate_is_factor):
        return None
    if isinstance(rule, ScheduleFreeSGD):
        return Call("optax.contrib.schedule_free_sgd", {"b1": rule.decay_1})
    if isinstance(rule, ScheduleFreeAdamW):
        return Call("optax.contrib.schedule_free_adamw", _adam(rule, ("b1", "b2"), "eps"))
    name = "prodigy" if isinstance(rule, Prodigy) else "dadapt_adamw"
    return Call(f"optax.contrib.{name}", _adam(rule, "betas", "eps"))


OPTAX: Table = {
    SGD: lambda *_: Call("optax.sgd"),
    Momentum: _optax_momentum,
    Nesterov: _optax_momentum,
    NesterovDefinition: _optax_momentum,
    AdaGrad: lambda rule, _: Call(
        "optax.adagrad",
        {"initial_accumulator_value": 0.0, "eps": rule.epsilon**2},
        (Note("code.adagrad", {"epsilon": rule.epsilon}),),
    ),
    AdaDelta: lambda rule, _: Call("optax.adadelta", {"rho": rule.decay, "eps": rule.epsilon}),
    RMSProp: lambda rule, _: Call("optax.rmsprop", {"decay": rule.decay, "eps": rule.epsilon}),
    Adam: lambda rule, _: Call("optax.adam", _adam(rule, ("b1", "b2"), "eps")),
    AdamW: lambda rule, _: Call("optax.adam", _adam(rule, ("b1", "b2"), "eps")),
    NAdamW: lambda rule, _: Call("optax.nadamw", {**_adam(rule, ("b1", "b2"), "eps"), "weight_decay": 0.0}),
    RAdam: lambda rule, _: Call("optax.radam", _adam(rule, ("b1", "b2"), "eps")),
    AdaBelief: lambda rule, _: Call(
        "optax.adabelief", {**_adam(rule, ("b1", "b2"), "eps"), "eps_root": rule.epsilon}
    ),
    AdEMAMix: lambda rule, _: Call(
        "optax.contrib.ademamix",
        {**_adam(rule, ("b1", "b2"), "eps"), "b3": rule.decay_3, "alpha": rule.mixture},
    ),
    ADOPT: lambda rule, _: Call("optax.contrib.adopt", _adam(rule, ("b1", "b2"), "eps")),
    LAMB: lambda rule, _: Call(
        "optax.lamb", {**_adam(rule, ("b1", "b2"), "eps"), "weight_decay": rule.weight_decay}
    ),
    Prodigy: _optax_of_no_decay,
    DAdaptation: _optax_of_no_decay,
    ScheduleFreeSGD: _optax_of_no_decay,
    ScheduleFreeAdamW: _optax_of_no_decay,
    Adafactor: lambda rule, _: Call(
        "optax.adafactor", {"min_dim_size_to_factor": 2, "decay_rate": rule.exponent}
    ),
    Lion: lambda rule, _: Call(
        "optax.lion",
        {"b1": rule.decay_1, "b2": rule.decay_2, "weight_decay": 0.0},
        (Note("code.optax.lion", {}),),
    ),
}


def _keras_nesterov(rule: Nesterov | NesterovDefinition, _: bool) -> Call:
    return Call("keras.optimizers.SGD", {"momentum": rule.momentum, "nesterov": True})


KERAS: Table = {
    SGD: lambda *_: Call("keras.optimizers.SGD"),
    Momentum: lambda rule, _: Call("keras.optimizers.SGD", {"momentum": rule.momentum}),
    Nesterov: _keras_nesterov,
    NesterovDefinition: _keras_nesterov,
    AdaGrad: lambda rule, _: Call(
        "keras.optimizers.Adagrad",
        {"initial_accumulator_value": 0.0, "epsilon": rule.epsilon**2},
        (Note("code.adagrad", {"epsilon": rule.epsilon}),),
    ),
    AdaDelta: lambda rule, _: Call("keras.optimizers.Adadelta", {"rho": rule.decay, "epsilon": rule.epsilon}),
    RMSProp: lambda rule, _: Call("keras.optimizers.RMSprop", {"rho": rule.decay, "epsilon": rule.epsilon}),
    Adam: lambda rule, _: Call(
        "keras.optimizers.Adam", _adam(rule, ("beta_1", "beta_2"), "epsilon"), (_keras_adam(rule),)
    ),
    AdamW: lambda rule, _: Call(
        "keras.optimizers.Adam", _adam(rule, ("beta_1", "beta_2"), "epsilon"), (_keras_adam(rule),)
    ),
    Lion: lambda rule, _: Call("keras.optimizers.Lion", {"beta_1": rule.decay_1, "beta_2": rule.decay_2}),
}


def _keras_adam(rule: Adam | AdamW) -> Note:
    return Note("code.keras.adam", {"ratio": _ratio((1 - rule.decay_2) ** 0.5), "epsilon": rule.epsilon})


def _ratio(divisor: float) -> str:
    """1 ÷ divisor to two figures."""
    return f"{1 / divisor:.2g}" if divisor else "∞"


def _adam(rule: AdamLike, betas: str | tuple[str, str], epsilon: str) -> dict[str, Number]:
    """Adam's numbers under a framework's names: of both decays together, or of each."""
    if isinstance(betas, str):
        return {betas: (rule.decay_1, rule.decay_2), epsilon: rule.epsilon}
    return {betas[0]: rule.decay_1, betas[1]: rule.decay_2, epsilon: rule.epsilon}
