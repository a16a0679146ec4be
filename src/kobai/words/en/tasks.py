"""The built-in tasks and their networks, maximum likelihood, transfer."""

WORDS = {
    # networks and tasks
    "kind.cell": "recurrent cell",
    "kind.model": "model",
    "kind.batch_norm": "place for batch normalization",
    "task.digits-cnn": "the same digits by convolution; accuracy",
    "task.mnist1d": "MNIST-1D, 10 classes of curves of 40 points; accuracy",
    "task.adding": "add two marked numbers of a long sequence, by a recurrent network; squared error",
    "task.copy": "say symbols again after a delay, by a recurrent network; accuracy",
    "error.task.settings": "task {task}: options in its name must look like {task}:name=value,name=value, got '{value}'",
    "error.recurrent.hidden": "a recurrent network has one hidden layer; "
    "hidden must be one whole number, got {value}",
    "error.recurrent.batch_norm": "batch_norm must be off for a recurrent network, got {value}; "
    "its statistics would differ from position to position",
    "error.mnist1d.logistic": "the logistic model has no hidden layer, got hidden {value}; "
    "leave it out or choose the model mlp",
    "error.adding.length": "adding: length must be a whole number of at least 2, got {value}",
    "error.copy.length": "copy: length must be a whole number of at least 0, got {value}",
    "error.copy.symbols": "copy: symbols must be a whole number of at least 2, got {value}",
    # long-term dependence
    "error.memory.radius": "memory: a spectral radius must be a finite number of at least 0, got {value}",
    "memory.title": "‖∂h_T/∂h_t‖ of {cell} ({activation}, {nodes} nodes) over {length} steps",
    "memory.steps_back": "steps back",
    "memory.note": "ρ: spectral radius; far below 1 the gradient vanishes, far above it explodes",
    # maximum likelihood and surrogates
    "error.likelihood.data": "data must be a list of finite numbers, got {value}",
    "error.likelihood.equal": "fit_normal needs two or more numbers that are not all equal, got {value}; "
    "the likelihood of equal ones grows without end as the variance shrinks",
    "error.likelihood.variance": "candidate {name}: the variance must be a finite number above 0, got {value}",
    "likelihood.title": "a normal distribution by maximum likelihood ({steps} steps)",
    "likelihood.column.way": "",
    "likelihood.column.mean": "mean",
    "likelihood.column.variance": "variance",
    "likelihood.column.log_likelihood": "log-likelihood",
    "likelihood.minimizer": "by a minimizer",
    "likelihood.closed": "closed form, Σ(x − μ)²/n",
    "likelihood.unbiased": "with n − 1 in place of n",
    "likelihood.note": "n − 1 makes the variance unbiased, which is another aim than the most likely one",
    "surrogate.title": "two objectives for one classifier: {points} points along a line, {steps} steps of descent",
    "surrogate.column.objective": "objective",
    "surrogate.column.values": "values",
    "surrogate.column.flat": "gradient 0",
    "surrogate.column.start": "errors before",
    "surrogate.column.end": "after",
    "surrogate.error_rate": "error rate",
    "surrogate.cross_entropy": "cross-entropy",
    "surrogate.note": "values: how many different ones along the line; gradient 0: at how many of its points",
    "surrogate.figure": "error rate and its surrogate along a line",
    "surrogate.position": "position",
}
