"""The table of methods: name -> where its class lives. Needs no jax, so that it answers at once.

Common tests, the command line and the documentation all iterate this table. The one-line description of
`name` is `words.say("optimizer." + name)`; `SOURCES` has who found it,
`USES` how a kind is used.
"""

from importlib import import_module

OPTIMIZERS = {
    "sgd": "SGD",
    "momentum": "Momentum",
    "nesterov": "Nesterov",
    "nesterov_definition": "NesterovDefinition",
    "adagrad": "AdaGrad",
    "adadelta": "AdaDelta",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
    "lion": "Lion",
}
"""Each class lives in ``kobai.optimizers.<name>``."""

DEFAULT_OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam")
"""What is compared when nobody says otherwise: both Nesterov forms follow one path, one is enough."""

MINIMIZERS = {
    "newton": "Newton",
    "newton_cg": "NewtonCG",
    "conjugate_gradient": "ConjugateGradient",
    "bfgs": "BFGS",
    "lbfgs": "LBFGS",
    "coordinate_descent": "CoordinateDescent",
}
"""Each class lives in ``kobai.minimizers.<name>``."""

STABILIZERS = {
    "clip_value": "stabilizers.clipping",
    "clip_norm": "stabilizers.clipping",
    "clip_percentile": "stabilizers.clipping",
    "polyak": "stabilizers.averaging",
    "exponential": "stabilizers.averaging",
    "l1": "stabilizers.regularization",
    "l2": "stabilizers.regularization",
    "weight_decay": "stabilizers.regularization",
    "early_stopping": "stabilizers.early_stopping",
    "batch_norm": "networks.layers",
}
"""Each is a function in the module of kobai that stands beside it."""

SCHEDULES = ("constant", "step", "cosine", "warm_up", "one_cycle")
"""Each is a function in ``kobai.schedules``."""

BATCHES = ("mini_batch", "full_batch", "without", "with")
"""What a gradient is computed from: ``--batch-size`` and ``--sampling`` of a comparison."""

CELLS = ("elman", "lstm", "gru")
"""Each is a function in ``kobai.networks.recurrent``."""

PROTOCOLS = ("pretraining", "fine-tuning", "transfer")
"""What `kobai.transfer` compares with training from scratch."""

PAIRS = ("halves", "moved", "unrelated")
"""Each is a function in ``kobai.tasks.pairs``."""

PRINCIPLES = {
    "maximum_likelihood": "questions.likelihood",
    "log_likelihood": "questions.likelihood",
    "likelihoods": "questions.likelihood",
    "fit_normal": "questions.likelihood",
    "surrogate": "questions.likelihood",
}
"""What is minimized, and why: each is a function in the module of kobai that stands beside it."""

MEASUREMENTS = {
    "probe": "questions.probe",
    "memory": "questions.memory",
    "gradient_through_time": "questions.memory",
    "descend": "questions.descent.ask",
    "minimize_many": "minimizers.many",
}
"""What shows a difficulty: each is a function in the module of kobai that stands beside it."""

TASKS = ("digits", "digits-cnn", "mnist1d", "sine", "adding", "copy")
"""Each is a function in ``kobai.tasks.<name>``, with underscores for dashes."""

LANDSCAPES = {
    "bowl": "classic",
    "rosenbrock": "classic",
    "beale": "classic",
    "himmelblau": "classic",
    "booth": "classic",
    "matyas": "classic",
    "rastrigin": "classic",
    "ackley": "classic",
    "styblinski_tang": "classic",
    "saddle": "difficulties",
    "monkey_saddle": "difficulties",
    "plateau": "difficulties",
    "cliff": "difficulties",
    "two_level": "difficulties",
    "noisy": "difficulties",
    "discontinuous": "difficulties",
    "ill_conditioned": "difficulties",
    "resource_allocation": "resource_allocation",
    "least_resistance": "least_resistance",
    "shortest_path": "shortest_path",
}
"""Each is a function of its name in the module of ``kobai.landscapes`` that stands beside it."""

BOOK = "Goodfellow et al. 2016"

SOURCES = {
    "optimizer.sgd": "Robbins, Monro 1951",
    "optimizer.momentum": "Polyak 1964",
    "optimizer.nesterov": "Bengio et al. 2012, arXiv 1212.0901, 3.5",
    "optimizer.nesterov_definition": "Nesterov 1983; Sutskever et al. 2013",
    "optimizer.adagrad": "Duchi, Hazan, Singer 2011",
    "optimizer.adadelta": "Zeiler 2012, arXiv 1212.5701",
    "optimizer.rmsprop": "Tieleman, Hinton 2012, lecture 6.5",
    "optimizer.adam": "Kingma, Ba 2015, arXiv 1412.6980",
    "optimizer.adamw": "Loshchilov, Hutter 2019, arXiv 1711.05101",
    "optimizer.lion": "Chen et al. 2023, arXiv 2302.06675",
    "minimizer.newton": "Conn, Gould, Toint 2000",
    "minimizer.newton_cg": "Steihaug 1983",
    "minimizer.conjugate_gradient": "Nocedal, Wright 2006, 5.2",
    "minimizer.bfgs": "Nocedal, Wright 2006, 6.1",
    "minimizer.lbfgs": "Nocedal, Wright 2006, 7.2",
    "minimizer.coordinate_descent": "Wright 2015",
    "initializer.constant": f"{BOOK}, 8.4",
    "initializer.xavier": "Glorot, Bengio 2010",
    "initializer.he": "He et al. 2015, arXiv 1502.01852",
    "initializer.lecun": "LeCun et al. 1998, 4.6",
    "initializer.orthogonal": "Saxe et al. 2014, arXiv 1312.6120",
    "batch.mini_batch": f"{BOOK}, 8.1.3",
    "schedule.step": "He et al. 2016, arXiv 1512.03385",
    "schedule.cosine": "Loshchilov, Hutter 2017, arXiv 1608.03983",
    "schedule.warm_up": "Goyal et al. 2017, arXiv 1706.02677",
    "schedule.one_cycle": "Smith, Topin 2017, arXiv 1708.07120",
    "stabilizer.clip_value": f"{BOOK}, 10.11.1",
    "stabilizer.clip_norm": "Pascanu et al. 2013, arXiv 1211.5063",
    "stabilizer.clip_percentile": "Pascanu et al. 2013, arXiv 1211.5063",
    "stabilizer.polyak": "Polyak, Juditsky 1992; Ruppert 1988",
    "stabilizer.exponential": f"{BOOK}, 8.7.3",
    "stabilizer.l1": f"{BOOK}, 7.1.2",
    "stabilizer.l2": f"{BOOK}, 7.1.1",
    "stabilizer.weight_decay": "Loshchilov, Hutter 2019, arXiv 1711.05101",
    "stabilizer.early_stopping": "Prechelt 1998",
    "stabilizer.batch_norm": "Ioffe, Szegedy 2015, arXiv 1502.03167",
    "protocol.pretraining": f"{BOOK}, 8.7.4",
    "protocol.fine-tuning": "Yosinski et al. 2014, arXiv 1411.1792",
    "protocol.transfer": "Yosinski et al. 2014, arXiv 1411.1792",
    "cell.elman": "Elman 1990",
    "cell.lstm": "Hochreiter, Schmidhuber 1997; Gers et al. 2000",
    "cell.gru": "Cho et al. 2014, arXiv 1406.1078",
    "principle.maximum_likelihood": f"{BOOK}, 5.5",
    "principle.log_likelihood": f"{BOOK}, 5.5",
    "principle.surrogate": f"{BOOK}, 8.1.2",
    "measurement.probe": "Glorot, Bengio 2010",
    "measurement.memory": "Pascanu et al. 2013, arXiv 1211.5063",
    "measurement.gradient_through_time": "Bengio, Simard, Frasconi 1994",
}
"""Who found it, or where it is explained: by the key of its description, the same in every language."""

USES = {
    "optimizer": "kobai compare digits --optimizers sgd,adam; kobai.Adam(0.01)",
    "minimizer": 'kobai compare digits --optimizers bfgs; kobai.minimize(f, x, method="bfgs")',
    "initializer": "kobai compare digits --initializers he,normal:0.1; kobai.initializers.he()",
    "batch": "kobai compare digits --batch-size 16,64,full --sampling without,with",
    "schedule": "kobai compare digits --schedule constant,cosine; kobai.schedules.cosine()",
    "stabilizer": "kobai compare digits --clip none,norm:1; kobai.stabilizers, kobai.networks.layers",
    "protocol": 'kobai transfer moved --protocol transfer; kobai.transfer("moved")',
    "cell": "kobai compare adding:cell=gru; kobai.networks.recurrent",
}
"""A command and a Python name of each kind."""


def optimizer_class(name: str) -> type:
    """The class registered as `name`."""
    return getattr(import_module(f"kobai.optimizers.{name}"), OPTIMIZERS[name])


def minimizer_class(name: str) -> type:
    """The class registered as `name`."""
    return getattr(import_module(f"kobai.minimizers.{name}"), MINIMIZERS[name])
