"""Minimizers: names, ends with their remedies, mistakes."""

WORDS: dict[str, str] = {
    "kind.minimizer": "minimizer",
    "minimizer.newton": "solve with the exact Hessian: very few steps, n² numbers",
    "minimizer.newton_cg": "Newton without the matrix: Hessian-vector products only",
    "minimizer.conjugate_gradient": "remember the last direction: a few vectors, for very many variables",
    "minimizer.bfgs": "learn the inverse Hessian on the way: the default, n² numbers",
    "minimizer.lbfgs": "BFGS from the last ten steps: for many variables",
    "minimizer.coordinate_descent": "one coordinate (or block) at a time",
    # ends
    "status.converged": "converged: every entry of the gradient is at most {norm}",
    "status.small_step": "no number lies between this point and the next trial; the largest entry of the "
    "gradient is still {norm}: loosen gtol, work in float64, or scale the variables to similar sizes",
    "status.iteration_limit": "stopped by max_steps or max_evaluations after {steps} steps, with {norm} the "
    "largest entry of the gradient: allow more, or start again from here",
    "status.line_search_failed": "no step along a direction of descent was low enough; the largest entry of the "
    "gradient is {norm}: check that the function has no jumps or kinks and that its gradient is right",
    "status.nonfinite_start": "the function or its gradient is not finite at x0: start elsewhere",
    "status.unbounded": "the function falls without end: give it a lower bound (a penalty, a constraint), "
    "or check its sign",
    # mistakes
    "error.minimize.gtol": "minimize: gtol must be a finite number of at least 0, got {value}",
}
