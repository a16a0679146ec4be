"""Every method by name: where it lives, who found it, which learning rates suit it. Imports none of them.

A table for each kind of method, name -> `Entry`. The command line lists them without JAX; common tests and
the documentation iterate them. What a method is, in a sentence, stands in `words` under the `key` of its
entry. CONTRIBUTING says what else there is to write for a new one.
"""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from kobai.basics.errors import unknown

BOOK = "Goodfellow et al. 2016"
RATES = 8
"""Learning rates in a default grid, half a decade apart."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A method by name.

    Fields:
      name: how a person calls it: "lion".
      home: the module of kobai and the name in it: "optimizers.lion:Lion".
      source: who found it, or where it is explained; the same in every language.
      learning_rates: the default grid of an update rule, ascending.
      kind: what it is: "optimizer". Filled in by its table.
    """

    name: str
    home: str
    source: str = ""
    learning_rates: tuple[float, ...] = ()
    kind: str = ""

    @property
    def key(self) -> str:
        """The key of its sentence in `words`: "optimizer.lion"."""
        return f"{self.kind}.{self.name}"

    @property
    def attribute(self) -> str:
        """What its class or function is called in its module: "Lion"."""
        return self.home.partition(":")[2]

    def load(self) -> Any:
        """Its class or function, imported now."""
        return getattr(import_module(f"kobai.{self.home.partition(':')[0]}"), self.attribute)


def find(kind: str, name: str, *tables: Mapping[str, Entry]) -> Entry:
    """The entry called `name` in one of the tables.

    `kind` is the key in `words` of what was asked for ("kind.optimizer"). Raises `UsageError` for a name that
    stands in none of them, with the nearest that does.
    """
    for table in tables:
        if name in table:
            return table[name]
    raise unknown(kind, name, [known for table in tables for known in table])


def entry_of(kind: str, item: object, *tables: Mapping[str, Entry]) -> Entry | None:
    """The entry that is meant by a name, as `find` has it, or by a class; None for anything else."""
    if isinstance(item, str):
        return find(kind, item, *tables)
    return home_of(item, *tables) if isinstance(item, type) else None


def home_of(value: type, *tables: Mapping[str, Entry]) -> Entry | None:
    """The entry of this class in one of the tables, or None."""
    home = f"{value.__module__}:{value.__qualname__}"
    entries = (entry for table in tables for entry in table.values())
    return next((entry for entry in entries if home == f"kobai.{entry.home}"), None)


def member(module: str, name: str, table: Mapping[str, Entry]) -> Any:
    """The class called `name` of a module that has all classes of a table, imported when it is asked for."""
    for entry in table.values():
        if entry.attribute == name:
            return entry.load()
    raise AttributeError(f"module '{module}' has no attribute '{name}'")


def rates_from(exponent: float) -> tuple[float, ...]:
    """`RATES` learning rates from ten to this power on, half a decade apart, to three figures."""
    return tuple(float(f"{10 ** (exponent + k / 2):.3g}") for k in range(RATES))


def _table(kind: str, *entries: Entry) -> dict[str, Entry]:
    return {entry.name: dataclasses.replace(entry, kind=kind) for entry in entries}


def _functions(module: str, *names: str) -> tuple[Entry, ...]:
    """Functions of one module, each called as its method is."""
    return tuple(Entry(name, f"{module}:{name}") for name in names)


# The best rate of a rule on the built-in tasks, and the rates in textbooks, lie well inside its default grid.
OPTIMIZERS = _table(
    "optimizer",
    Entry("sgd", "optimizers.sgd:SGD", "Robbins, Monro 1951", rates_from(-2.5)),
    Entry("momentum", "optimizers.momentum:Momentum", "Polyak 1964", rates_from(-3.5)),
    Entry(
        "nesterov",
        "optimizers.nesterov:Nesterov",
        "Bengio et al. 2012, arXiv 1212.0901, 3.5",
        rates_from(-3.5),
    ),
    Entry(
        "nesterov_definition",
        "optimizers.nesterov_definition:NesterovDefinition",
        "Nesterov 1983; Sutskever et al. 2013",
        rates_from(-3.5),
    ),
    Entry("adagrad", "optimizers.adagrad:AdaGrad", "Duchi, Hazan, Singer 2011", rates_from(-3.0)),
    Entry("adadelta", "optimizers.adadelta:AdaDelta", "Zeiler 2012, arXiv 1212.5701", rates_from(-1.5)),
    Entry("rmsprop", "optimizers.rmsprop:RMSProp", "Tieleman, Hinton 2012, lecture 6.5", rates_from(-4.5)),
    Entry("adam", "optimizers.adam:Adam", "Kingma, Ba 2015, arXiv 1412.6980", rates_from(-4.0)),
    Entry("adamw", "optimizers.adamw:AdamW", "Loshchilov, Hutter 2019, arXiv 1711.05101", rates_from(-4.0)),
    Entry("lion", "optimizers.lion:Lion", "Chen et al. 2023, arXiv 2302.06675", rates_from(-5.0)),
    Entry("nadamw", "optimizers.nadamw:NAdamW", "Dozat 2016", rates_from(-4.0)),
    Entry("radam", "optimizers.radam:RAdam", "Liu et al. 2020, arXiv 1908.03265", rates_from(-4.0)),
    Entry(
        "adabelief",
        "optimizers.adabelief:AdaBelief",
        "Zhuang et al. 2020, arXiv 2010.07468",
        rates_from(-4.0),
    ),
    Entry("adan", "optimizers.adan:Adan", "Xie et al. 2022, arXiv 2208.06677", rates_from(-4.0)),
    Entry(
        "ademamix",
        "optimizers.ademamix:AdEMAMix",
        "Pagliardini et al. 2024, arXiv 2409.03137",
        rates_from(-4.0),
    ),
    Entry("adopt", "optimizers.adopt:ADOPT", "Taniguchi et al. 2024, arXiv 2411.02853", rates_from(-4.0)),
    Entry("lamb", "optimizers.lamb:LAMB", "You et al. 2020, arXiv 1904.00962", rates_from(-3.5)),
    Entry(
        "adafactor",
        "optimizers.adafactor:Adafactor",
        "Shazeer, Stern 2018, arXiv 1804.04235",
        rates_from(-3.5),
    ),
    Entry(
        "schedule_free_sgd",
        "optimizers.schedule_free:ScheduleFreeSGD",
        "Defazio et al. 2024, arXiv 2405.15682",
        rates_from(-2.5),
    ),
    Entry(
        "schedule_free_adamw",
        "optimizers.schedule_free:ScheduleFreeAdamW",
        "Defazio et al. 2024, arXiv 2405.15682",
        rates_from(-4.0),
    ),
    Entry(
        "prodigy",
        "optimizers.prodigy:Prodigy",
        "Mishchenko, Defazio 2023, arXiv 2306.06101",
        rates_from(-2.0),
    ),
    Entry(
        "d_adaptation",
        "optimizers.d_adaptation:DAdaptation",
        "Defazio, Mishchenko 2023, arXiv 2301.07733",
        rates_from(-2.0),
    ),
    Entry("muon", "optimizers.muon:Muon", "Jordan et al. 2024; arXiv 2502.16982", rates_from(-4.0)),
    Entry("soap", "optimizers.soap:SOAP", "Vyas et al. 2024, arXiv 2409.11321", rates_from(-4.0)),
    Entry("shampoo", "optimizers.shampoo:Shampoo", "Gupta et al. 2018, arXiv 1802.09568", rates_from(-3.0)),
    Entry("sam", "optimizers.sam:SAM", "Foret et al. 2021, arXiv 2010.01412", rates_from(-3.5)),
    Entry("sophia", "optimizers.sophia:Sophia", "Liu et al. 2023, arXiv 2305.14342", rates_from(-4.5)),
)

DEFAULT_OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam")
"""What is compared when nobody says otherwise: both Nesterov forms follow one path, one is enough."""

MINIMIZERS = _table(
    "minimizer",
    Entry("newton", "minimizers.newton:Newton", "Conn, Gould, Toint 2000"),
    Entry("newton_cg", "minimizers.newton_cg:NewtonCG", "Steihaug 1983"),
    Entry(
        "conjugate_gradient", "minimizers.conjugate_gradient:ConjugateGradient", "Nocedal, Wright 2006, 5.2"
    ),
    Entry("bfgs", "minimizers.bfgs:BFGS", "Nocedal, Wright 2006, 6.1"),
    Entry("lbfgs", "minimizers.lbfgs:LBFGS", "Nocedal, Wright 2006, 7.2"),
    Entry("coordinate_descent", "minimizers.coordinate_descent:CoordinateDescent", "Wright 2015"),
)

INITIALIZERS = _table(
    "initializer",
    Entry("constant", "initializers:constant", f"{BOOK}, 8.4"),
    Entry("normal", "initializers:normal"),
    Entry("uniform", "initializers:uniform"),
    Entry("xavier", "initializers:xavier", "Glorot, Bengio 2010"),
    Entry("xavier_uniform", "initializers:xavier_uniform"),
    Entry("he", "initializers:he", "He et al. 2015, arXiv 1502.01852"),
    Entry("he_uniform", "initializers:he_uniform"),
    Entry("lecun", "initializers:lecun", "LeCun et al. 1998, 4.6"),
    Entry("lecun_uniform", "initializers:lecun_uniform"),
    Entry("orthogonal", "initializers:orthogonal", "Saxe et al. 2014, arXiv 1312.6120"),
)

MODEL_VALUES = _table(
    "model_value",
    Entry("own", "initializers:own"),
    Entry("given", "initializers:given"),
)
"""Initial values that a task's model brings with it, where those of `INITIALIZERS` fit any array."""

BATCHES = _table(
    "batch",
    Entry("mini_batch", "engine.draws:mini_batch", f"{BOOK}, 8.1.3"),
    Entry("full_batch", "study.axes:full_batch"),
    Entry("accumulation", "engine.accumulation:accumulation", "Smith et al. 2018, arXiv 1711.00489"),
    Entry("without_replacement", "engine.draws:without_replacement"),
    Entry("with_replacement", "engine.draws:with_replacement"),
)
"""What a gradient is computed from: ``--batch-size`` and ``--sampling`` of a comparison."""

SCHEDULES = _table(
    "schedule",
    Entry("constant", "schedules:constant"),
    Entry("step", "schedules:step", "He et al. 2016, arXiv 1512.03385"),
    Entry("cosine", "schedules:cosine", "Loshchilov, Hutter 2017, arXiv 1608.03983"),
    Entry("warm_up", "schedules:warm_up", "Goyal et al. 2017, arXiv 1706.02677"),
    Entry("one_cycle", "schedules:one_cycle", "Smith, Topin 2017, arXiv 1708.07120"),
    Entry("wsd", "schedules:wsd", "Hu et al. 2024, arXiv 2404.06395"),
)

STABILIZERS = _table(
    "stabilizer",
    Entry("clip_value", "stabilizers.clipping:clip_value", f"{BOOK}, 10.11.1"),
    Entry("clip_norm", "stabilizers.clipping:clip_norm", "Pascanu et al. 2013, arXiv 1211.5063"),
    Entry("clip_percentile", "stabilizers.clipping:clip_percentile", "Pascanu et al. 2013, arXiv 1211.5063"),
    Entry("polyak", "stabilizers.averaging:polyak", "Polyak, Juditsky 1992; Ruppert 1988"),
    Entry("exponential", "stabilizers.averaging:exponential", f"{BOOK}, 8.7.3"),
    Entry("l1", "stabilizers.regularization:l1", f"{BOOK}, 7.1.2"),
    Entry("l2", "stabilizers.regularization:l2", f"{BOOK}, 7.1.1"),
    Entry(
        "weight_decay",
        "stabilizers.regularization:weight_decay",
        "Loshchilov, Hutter 2019, arXiv 1711.05101",
    ),
    Entry("cautious", "stabilizers.masking:cautious", "Liang et al. 2024, arXiv 2411.16085"),
    Entry("early_stopping", "stabilizers.early_stopping:early_stopping", "Prechelt 1998"),
    Entry("batch_norm", "networks.layers:batch_norm", "Ioffe, Szegedy 2015, arXiv 1502.03167"),
)

PROTOCOLS = _table(
    "protocol",
    Entry("pretraining", "questions.transfer.arms:pretraining", f"{BOOK}, 8.7.4"),
    Entry("fine-tuning", "questions.transfer.arms:fine_tuning", "Yosinski et al. 2014, arXiv 1411.1792"),
    Entry("transfer", "questions.transfer.arms:transfer", "Yosinski et al. 2014, arXiv 1411.1792"),
)
"""What `kobai.transfer` compares with training from scratch."""

CELLS = _table(
    "cell",
    Entry("elman", "networks.recurrent:elman", "Elman 1990"),
    Entry("lstm", "networks.recurrent:lstm", "Hochreiter, Schmidhuber 1997; Gers et al. 2000"),
    Entry("gru", "networks.recurrent:gru", "Cho et al. 2014, arXiv 1406.1078"),
)

PRINCIPLES = _table(
    "principle",
    Entry("maximum_likelihood", "questions.likelihood:maximum_likelihood", f"{BOOK}, 5.5"),
    Entry("log_likelihood", "questions.likelihood:log_likelihood", f"{BOOK}, 5.5"),
    Entry("likelihoods", "questions.likelihood:likelihoods"),
    Entry("fit_normal", "questions.likelihood:fit_normal"),
    Entry("surrogate", "questions.surrogate:surrogate", f"{BOOK}, 8.1.2"),
)
"""What is minimized, and why."""

MEASUREMENTS = _table(
    "measurement",
    Entry("probe", "questions.probe:probe", "Glorot, Bengio 2010"),
    Entry(
        "long_term_dependence",
        "questions.long_term_dependence:long_term_dependence",
        "Pascanu et al. 2013, arXiv 1211.5063",
    ),
    Entry(
        "gradient_through_time",
        "questions.long_term_dependence:gradient_through_time",
        "Bengio, Simard, Frasconi 1994",
    ),
    Entry("descend", "questions.descent.ask:descend"),
    Entry("minimize_many", "minimizers.many:minimize_many"),
)
"""What shows a difficulty."""

PAIRS = _table("pair", *_functions("tasks.pairs", "halves", "moved", "unrelated"))
"""The pairs of tasks for `kobai.transfer`."""

TASKS = _table(
    "task",
    Entry("digits", "tasks.digits:digits"),
    Entry("digits-cnn", "tasks.digits_cnn:digits_cnn"),
    Entry("mnist1d", "tasks.mnist1d:mnist1d"),
    Entry("sine", "tasks.sine:sine"),
    Entry("adding", "tasks.adding:adding"),
    Entry("copy", "tasks.copy:copy"),
)

LANDSCAPES = _table(
    "landscape",
    *_functions("landscapes.classic", "bowl", "rosenbrock", "beale", "himmelblau", "booth", "matyas"),
    *_functions("landscapes.classic", "rastrigin", "ackley", "styblinski_tang"),
    *_functions("landscapes.difficulties", "saddle", "monkey_saddle", "plateau", "cliff", "two_level"),
    *_functions("landscapes.difficulties", "noisy", "discontinuous", "ill_conditioned"),
    *_functions("landscapes.resource_allocation", "resource_allocation"),
    *_functions("landscapes.least_resistance", "least_resistance"),
    *_functions("landscapes.shortest_path", "shortest_path"),
)

TASK_OF_MODEL = Entry("of", "tasks.frameworks.of:task", kind="task")
"""What makes a task of a model of another framework."""

METHODS = {
    "optimizer": OPTIMIZERS,
    "minimizer": MINIMIZERS,
    "initializer": INITIALIZERS,
    "model_value": MODEL_VALUES,
    "batch": BATCHES,
    "schedule": SCHEDULES,
    "stabilizer": STABILIZERS,
    "protocol": PROTOCOLS,
    "cell": CELLS,
    "principle": PRINCIPLES,
    "measurement": MEASUREMENTS,
}
"""What ``kobai methods`` lists, in its order."""

USES = {
    "optimizer": "kobai compare digits --optimizers sgd,adam; kobai.Adam(0.01)",
    "minimizer": 'kobai compare digits --optimizers bfgs; kobai.minimize(f, x, method="bfgs")',
    "initializer": "kobai compare digits --initializers he,normal:0.1; kobai.initializers.he()",
    "model_value": "kobai compare my_model.py --initializers own,he; kobai.initializers.own()",
    "batch": "kobai compare digits --batch-size 16,64,full --sampling without,with",
    "schedule": "kobai compare digits --schedule constant,cosine; kobai.schedules.cosine()",
    "stabilizer": "kobai compare digits --clip none,norm:1; kobai.stabilizers, kobai.networks.layers",
    "protocol": 'kobai transfer moved --protocol transfer; kobai.transfer("moved")',
    "cell": "kobai compare adding:cell=gru; kobai.networks.recurrent",
}
"""A command and a Python name of each kind of method."""
