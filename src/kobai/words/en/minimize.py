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
    "status.small_step": "rounding, or noise in the function, hides any further progress; the largest entry of the "
    "gradient is still {norm}: loosen gtol, work in float64, scale the variables to similar sizes, and check for kinks",
    "status.iteration_limit": "stopped by max_steps or max_evaluations after {steps} steps, with {norm} the "
    "largest entry of the gradient: allow more, or start again from here",
    "status.line_search_failed": "no step along a direction of descent was low enough; the largest entry of the "
    "gradient is {norm}: check that the function has no jumps or kinks and that its gradient is right",
    "status.nonfinite_start": "the function or its gradient is not finite at x0: start elsewhere",
    "status.unbounded": "the function falls without end: give it a lower bound (a penalty, a constraint), "
    "or check its sign",
    "caution.downhill": "; but the function curves down from here, so that this is a maximum or a saddle and no minimum: start elsewhere",
    "caution.flat": "; but beside the curvature the gradient is not small, since the function levels off here: its minimum may be far away, or "
    "at infinity, as for data that can be separated perfectly: give a smaller gtol, or add a penalty",
    "caution.stand_in": "; L-BFGS took the place of BFGS, the default, whose matrix would be too large for so many variables",
    # mistakes
    "error.minimize.gtol": "minimize: gtol must be a finite number of at least 0, got {value}",
    "error.minimize.fun": "minimize: fun must be a function, got {value}",
    "error.minimize.method": "minimize: method must be a minimizer such as kobai.BFGS(), or its name, got {value}",
    "error.minimize.memory": "{name} would have to remember {numbers} numbers for {size} variables, too many; "
    "use kobai.LBFGS() or kobai.NewtonCG(), which need no matrix, or fewer starts side by side (chunk)",
    "error.minimize.path": "minimize: keep_path would keep {rows} iterates of {size} numbers, too many; lower max_steps, "
    "or do without the path",
    "error.minimize.dtype": "{name} must hold float32 or float64 numbers only, got {value}; "
    "convert it, or leave it to the function as an argument (args)",
    "error.minimize.args": "args must hold arrays and numbers only, got {value}; put anything else into the function itself",
    "error.minimize.empty": "{name} holds no numbers, so that there is nothing to vary",
    "error.minimize.traced": "{name} is traced by JAX; inside jit or vmap use kobai.minimizers.solve.solve",
    "error.minimize.traced_closure": "fun uses a value that is traced by JAX from outside; give it to fun as an "
    "argument (args) outside jit and vmap, or inside use kobai.minimizers.solve.solve",
    "error.minimize.scalar": "fun must give one real number (a JAX scalar of floating dtype), got {value}; "
    "sum or average what it gives",
    "error.minimize.traceable": "fun cannot be traced by JAX ({value}); write it with jax.numpy, "
    "without NumPy calls and without 'if' on values",
    "error.minimize.descent": "{owner}: decrease and curvature must satisfy 0 < decrease < curvature < 1 "
    "with decrease below 1/2, got {decrease} and {curvature}",
    "kind.formula": "formula",
    # maximum likelihood
    "error.likelihood.range": "fit_normal: the variance of such data is too large or too small for a number, got {value}; "
    "measure them in another unit",
    "error.likelihood.scale": "maximum_likelihood: scale must hold finite numbers above 0, got {value}",
    "error.likelihood.scale.shape": "maximum_likelihood: scale must be a tree of numbers like start, got {value}",
    # Newton's methods, coordinate descent, minimize_many
    "error.minimize.starts": "minimize_many: the leaves of starts must have one common leading axis, a start each, got the shapes {value}",
    "error.minimize.same": "minimize_many: same must be a number of at least 0, got {value}",
    "error.minimize.best": "Solutions.best: the function is finite at none of the starts; choose others",
    "error.newton.keep": "Newton: keep must be a number of at least 0 and below 1, got {value}",
    "error.newton.largest": "Newton needs a Hessian of {size} × {size} numbers, and refuses more than {largest} variables; use newton_cg (kobai.NewtonCG), which needs no matrix, or raise newton.largest",
    "error.linear.product": "linear_conjugate_gradient: the product with A, or b, gives something that is no finite "
    "number (after {steps} steps); check both, and that A is positive definite",
    "error.seed.range": "{name} must be a whole number from 0 to {most}, got {value}",
    "kind.order": "order",
}
