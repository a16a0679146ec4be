"""The ground floor: what every other room stands on, and nothing that is kobai's own.

registry         every method by name: where it lives, who found it
errors, checks   a caller's mistake, and what an argument may be
notation         parts as a person writes them, "norm:1"
arrays           what formulas ask of an array, NumPy's or JAX's
hyperparameters  dataclasses whose fields a compiled program takes as arguments
machine          cores, threads, the cache of compiled programs
files, progress  writing whole files; how far a computation is
interruption     Ctrl-C and SIGTERM on the command line
console, notices the terminal; what is told beside a result
version          of kobai
"""
