"""`fit_normal` and `surrogate`: maximum likelihood, and what stands for what is meant."""

WORDS: dict[str, str] = {
    # maximum likelihood
    "error.likelihood.data": "data must be a list of finite numbers, got {value}",
    "error.likelihood.range": "fit_normal: the variance of such data is too large or too small for a number, got {value}; "
    "measure them in another unit",
    "error.likelihood.scale": "maximum_likelihood: scale must hold finite numbers above 0, got {value}",
    "error.likelihood.scale.shape": "maximum_likelihood: scale must be a tree of numbers like start, got {value}",
    "error.likelihood.equal": "fit_normal needs two or more numbers that are not all equal, got {value}; "
    "the likelihood of equal ones grows without end as the variance shrinks",
    "error.likelihood.mean": "candidate {name}: the mean must be a finite number, got {value}",
    "error.likelihood.candidates": "candidates must be a dict of (mean, variance) by name, got {value}",
    "error.likelihood.candidate": "candidate {name} must be two numbers, (mean, variance), got {value}",
    "error.likelihood.variance": "candidate {name}: the variance must be a finite number above 0, got {value}",
    "likelihood.title": "a normal distribution by maximum likelihood ({steps:step|steps})",
    "likelihood.column.way": "",
    "likelihood.column.mean": "mean",
    "likelihood.column.variance": "variance",
    "likelihood.column.log_likelihood": "log-likelihood",
    "likelihood.minimizer": "by a minimizer",
    "likelihood.closed": "closed form, Σ(x − μ)²/n",
    "likelihood.unbiased": "with n − 1 in place of n",
    "likelihood.note": "n − 1 makes the variance unbiased, which is another aim than the most likely one",
    "report.densities.title": "The fitted distributions",
    "report.densities.caption": "The density of each row of the table.",
    # surrogates
    "surrogate.title": "two objectives for one classifier: {points:point|points} along a line, {steps:step|steps} of descent",
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
    "report.objectives.title": "Both objectives along a line",
    "report.objectives.caption": "Error rate and cross-entropy along one straight line through weight space.",
}
