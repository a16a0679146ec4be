"""kobai: which optimizer, which learning rate, which initial weights for my network, and why?

    import kobai

    result = kobai.compare("digits")                     # tune, confirm, answer
    task = kobai.Task(parameters=…, loss=…, train=…, validation=…)      # a network of your own
    kobai.judge("runs.csv", metric="val_loss")           # is a run of anybody's really better?
    kobai.descend("bowl")                                # the paths of many methods over a landscape
    kobai.minimize(fun, x0)                              # a full objective, no learning rate
    kobai.Adam(learning_rate=0.01)                       # an update rule, in your own loop
    kobai.initializers.he().fill(parameters, 0)          # initial values for your own parameters
    kobai.probe(kobai.initializers.he(), activation="relu")             # what they do, layer by layer

Names are looked up when first used, so that importing kobai costs nothing.
"""

from importlib import import_module

from kobai.basics.version import __version__

_HOME = {
    "compare": "questions.comparison.ask",
    "Backend": "engine.backends.backend",
    "Result": "report.result",
    "ComparisonResult": "questions.comparison.result",
    "OverTasksResult": "questions.comparison.over_tasks.result",
    "open": "questions.comparison.opening",
    "descend": "questions.descent.ask",
    "DescentResult": "questions.descent.result",
    "Landscape": "landscapes.landscape",
    "Task": "tasks.task",
    "Role": "basics.leaf",
    "probe": "questions.probe",
    "long_term_dependence": "questions.long_term_dependence",
    "gradient_through_time": "questions.long_term_dependence",
    "transfer": "questions.transfer.ask",
    "TransferResult": "questions.transfer.result",
    "learning_rate_range": "questions.range.ask",
    "RangeResult": "questions.range.result",
    "diagnose": "questions.diagnosis.ask",
    "DiagnosisResult": "questions.diagnosis.result",
    "judge": "questions.judgement.ask",
    "JudgementResult": "questions.judgement.result",
    "confirm": "questions.judgement.confirm",
    "ConfirmationResult": "questions.judgement.confirm",
    "Pair": "tasks.pairs",
    "maximum_likelihood": "questions.likelihood",
    "log_likelihood": "questions.likelihood",
    "likelihoods": "questions.likelihood",
    "fit_normal": "questions.likelihood",
    "surrogate": "questions.surrogate",
    "Optimizer": "optimizers.base",
    "SGD": "optimizers.sgd",
    "Momentum": "optimizers.momentum",
    "Nesterov": "optimizers.nesterov",
    "NesterovDefinition": "optimizers.nesterov_definition",
    "AdaGrad": "optimizers.adagrad",
    "AdaDelta": "optimizers.adadelta",
    "RMSProp": "optimizers.rmsprop",
    "Adam": "optimizers.adam",
    "AdamW": "optimizers.adamw",
    "Lion": "optimizers.lion",
    "NAdamW": "optimizers.nadamw",
    "RAdam": "optimizers.radam",
    "AdaBelief": "optimizers.adabelief",
    "Adan": "optimizers.adan",
    "AdEMAMix": "optimizers.ademamix",
    "ADOPT": "optimizers.adopt",
    "LAMB": "optimizers.lamb",
    "Adafactor": "optimizers.adafactor",
    "ScheduleFreeSGD": "optimizers.schedule_free",
    "ScheduleFreeAdamW": "optimizers.schedule_free",
    "Prodigy": "optimizers.prodigy",
    "DAdaptation": "optimizers.d_adaptation",
    "Muon": "optimizers.muon",
    "SOAP": "optimizers.soap",
    "Shampoo": "optimizers.shampoo",
    "SAM": "optimizers.sam",
    "Sophia": "optimizers.sophia",
    "from_optax": "optimizers.from_optax",
    "minimize": "minimizers.solve",
    "minimize_many": "minimizers.many",
    "Solution": "minimizers.solve",
    "Minimizer": "minimizers.base",
    "Newton": "minimizers.newton",
    "NewtonCG": "minimizers.newton_cg",
    "ConjugateGradient": "minimizers.conjugate_gradient",
    "BFGS": "minimizers.bfgs",
    "LBFGS": "minimizers.lbfgs",
    "CoordinateDescent": "minimizers.coordinate_descent",
    "clip_value": "stabilizers.clipping",
    "clip_norm": "stabilizers.clipping",
    "clip_percentile": "stabilizers.clipping",
    "Initializer": "initializers",
    "UsageError": "basics.errors",
}
"""Where each public name lives."""

_MODULES = (
    "initializers",
    "landscapes",
    "minimizers",
    "networks",
    "optimizers",
    "schedules",
    "stabilizers",
    "tasks",
    "words",
)

__all__ = ["__version__", *_HOME, *_MODULES]  # noqa: PLE0604

TYPE_CHECKING = False  # as in typing, which takes longer to import than all that stands here
if TYPE_CHECKING:  # the same names for type checkers and editors; a test holds the two tables equal
    from kobai import initializers as initializers
    from kobai import landscapes as landscapes
    from kobai import minimizers as minimizers
    from kobai import networks as networks
    from kobai import optimizers as optimizers
    from kobai import schedules as schedules
    from kobai import stabilizers as stabilizers
    from kobai import tasks as tasks
    from kobai import words as words
    from kobai.basics.errors import UsageError as UsageError
    from kobai.basics.leaf import Role as Role
    from kobai.engine.backends.backend import Backend as Backend
    from kobai.initializers import Initializer as Initializer
    from kobai.landscapes.landscape import Landscape as Landscape
    from kobai.minimizers.base import Minimizer as Minimizer
    from kobai.minimizers.bfgs import BFGS as BFGS
    from kobai.minimizers.conjugate_gradient import ConjugateGradient as ConjugateGradient
    from kobai.minimizers.coordinate_descent import CoordinateDescent as CoordinateDescent
    from kobai.minimizers.lbfgs import LBFGS as LBFGS
    from kobai.minimizers.many import minimize_many as minimize_many
    from kobai.minimizers.newton import Newton as Newton
    from kobai.minimizers.newton_cg import NewtonCG as NewtonCG
    from kobai.minimizers.solve import Solution as Solution
    from kobai.minimizers.solve import minimize as minimize
    from kobai.optimizers.adabelief import AdaBelief as AdaBelief
    from kobai.optimizers.adadelta import AdaDelta as AdaDelta
    from kobai.optimizers.adafactor import Adafactor as Adafactor
    from kobai.optimizers.adagrad import AdaGrad as AdaGrad
    from kobai.optimizers.adam import Adam as Adam
    from kobai.optimizers.adamw import AdamW as AdamW
    from kobai.optimizers.adan import Adan as Adan
    from kobai.optimizers.ademamix import AdEMAMix as AdEMAMix
    from kobai.optimizers.adopt import ADOPT as ADOPT
    from kobai.optimizers.base import Optimizer as Optimizer
    from kobai.optimizers.d_adaptation import DAdaptation as DAdaptation
    from kobai.optimizers.from_optax import from_optax as from_optax
    from kobai.optimizers.lamb import LAMB as LAMB
    from kobai.optimizers.lion import Lion as Lion
    from kobai.optimizers.momentum import Momentum as Momentum
    from kobai.optimizers.muon import Muon as Muon
    from kobai.optimizers.nadamw import NAdamW as NAdamW
    from kobai.optimizers.nesterov import Nesterov as Nesterov
    from kobai.optimizers.nesterov_definition import NesterovDefinition as NesterovDefinition
    from kobai.optimizers.prodigy import Prodigy as Prodigy
    from kobai.optimizers.radam import RAdam as RAdam
    from kobai.optimizers.rmsprop import RMSProp as RMSProp
    from kobai.optimizers.sam import SAM as SAM
    from kobai.optimizers.schedule_free import ScheduleFreeAdamW as ScheduleFreeAdamW
    from kobai.optimizers.schedule_free import ScheduleFreeSGD as ScheduleFreeSGD
    from kobai.optimizers.sgd import SGD as SGD
    from kobai.optimizers.shampoo import Shampoo as Shampoo
    from kobai.optimizers.soap import SOAP as SOAP
    from kobai.optimizers.sophia import Sophia as Sophia
    from kobai.questions.comparison.ask import compare as compare
    from kobai.questions.comparison.opening import open as open
    from kobai.questions.comparison.over_tasks.result import OverTasksResult as OverTasksResult
    from kobai.questions.comparison.result import ComparisonResult as ComparisonResult
    from kobai.questions.descent.ask import descend as descend
    from kobai.questions.descent.result import DescentResult as DescentResult
    from kobai.questions.diagnosis.ask import diagnose as diagnose
    from kobai.questions.diagnosis.result import DiagnosisResult as DiagnosisResult
    from kobai.questions.judgement.ask import judge as judge
    from kobai.questions.judgement.confirm import ConfirmationResult as ConfirmationResult
    from kobai.questions.judgement.confirm import confirm as confirm
    from kobai.questions.judgement.result import JudgementResult as JudgementResult
    from kobai.questions.likelihood import fit_normal as fit_normal
    from kobai.questions.likelihood import likelihoods as likelihoods
    from kobai.questions.likelihood import log_likelihood as log_likelihood
    from kobai.questions.likelihood import maximum_likelihood as maximum_likelihood
    from kobai.questions.long_term_dependence import gradient_through_time as gradient_through_time
    from kobai.questions.long_term_dependence import long_term_dependence as long_term_dependence
    from kobai.questions.probe import probe as probe
    from kobai.questions.range.ask import learning_rate_range as learning_rate_range
    from kobai.questions.range.result import RangeResult as RangeResult
    from kobai.questions.surrogate import surrogate as surrogate
    from kobai.questions.transfer.ask import transfer as transfer
    from kobai.questions.transfer.result import TransferResult as TransferResult
    from kobai.report.result import Result as Result
    from kobai.stabilizers.clipping import clip_norm as clip_norm
    from kobai.stabilizers.clipping import clip_percentile as clip_percentile
    from kobai.stabilizers.clipping import clip_value as clip_value
    from kobai.tasks.pairs import Pair as Pair
    from kobai.tasks.task import Task as Task
else:

    def __getattr__(name: str) -> object:
        if name in _HOME:
            return getattr(import_module(f"kobai.{_HOME[name]}"), name)
        if name in _MODULES:
            return import_module(f"kobai.{name}")
        raise AttributeError(f"module 'kobai' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
