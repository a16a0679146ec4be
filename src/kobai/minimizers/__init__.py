"""Minimizers of a full objective: no learning rate to choose. One file each, formula and code on one screen.

The contract is `base.Minimizer`; `solve.minimize` drives one to its end; the table of names is
`kobai.methods.MINIMIZERS`.
"""
