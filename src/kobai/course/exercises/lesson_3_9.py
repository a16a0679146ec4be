"""The exercises of lesson 3_9: Newton's step, conjugate gradients, the updates of BFGS and L-BFGS."""

import itertools
from functools import partial

import numpy as np

from kobai.course.cases import refreshed
from kobai.course.exercise import Exercise, function
from kobai.course.families import one_of

random = np.random.default_rng(39)
A2, A3 = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([[3.0, 0.5, -1.0], [0.5, 2.0, 0.3], [-1.0, 0.3, 1.5]])
SADDLE = np.array([[1.0, 0.5], [0.5, -2.0]])
G2, G3 = np.array([1.5, -0.7]), np.array([0.4, 2.0, -1.1])


def positive(H):
    """H with the absolute values of its eigenvalues."""
    values, vectors = np.linalg.eigh(H)
    return vectors * np.abs(values) @ vectors.T


# Conjugate gradients


def cg_step(
    A,
    x,
    g,
    d,
    *,
    length=lambda A, g, d: g @ g / (d @ A @ d),
    β=lambda new, g: new @ new / (g @ g),
    sign=(-1.0, 1.0),
    turned=True,
):
    α = length(A, g, d)
    new = g + α * (A @ d)
    return x + α * d, new, sign[0] * (new if turned else g) + sign[1] * β(new, g) * d


def gradient_without_length(A, x, g, d):
    α = g @ g / (d @ A @ d)
    new = g + A @ d
    return x + α * d, new, -new + new @ new / (g @ g) * d


def cg_order(A, x, g, d):
    x, g, d = cg_step(A, x, g, d)
    return x, d, g


# In the first step d = −g, and slips about which of them stands where do not show: so a second step, too.
FIRST = np.array([0.5, -1.0, 2.0]), G3, -G3
CG_CASES = [(A2, np.array([1.0, -2.0]), G2, -G2), (A3, *FIRST), (A3, *cg_step(A3, *FIRST))]


def fresh_cg_cases(cases, seed):
    """With other numbers, and still two steps of one path: g and d belong together, as formulas of α use."""
    plane, first, _ = refreshed(cases, seed)
    return [plane, first, (first[0], *cg_step(*first))]


# BFGS


def bfgs_update(
    H,
    s,
    y,
    *,
    guard=True,
    refused=lambda H: H,
    sign=-1.0,
    last=True,
    scaled=True,
    swapped=False,
):
    if guard and y @ s <= 0:
        return refused(H)
    ρ = 1 / (y @ s) if scaled else 1.0
    left = np.eye(len(s)) + sign * ρ * np.outer(s, y)
    left = left.T if swapped else left
    return left @ H @ left.T + last * ρ * np.outer(s, s)


def always_refused(H, s, y):
    return H.copy()


def in_factors(H, s, y, *, products, guard=True):
    """(I − ρsyᵀ) H (I − ρysᵀ) + ρssᵀ with these three products in place of the outer ones."""
    if guard and y @ s <= 0:
        return H
    left, right, last = products
    ρ, unit = 1 / (y @ s), np.eye(len(s))
    return (unit - ρ * left(s, y)) @ H @ (unit - ρ * right(y, s)) + ρ * last(s, s)


def in_terms(H, s, y, *, products, guard=True):
    """H − ρ(syᵀH + Hysᵀ) + ρ(1 + ρyᵀHy)ssᵀ with others in place of syᵀH, Hysᵀ and ssᵀ."""
    if guard and y @ s <= 0:
        return H
    left, right, last = products
    ρ = 1 / (y @ s)
    return H - ρ * (left(s, y, H) + right(H, y, s)) + ρ * (1 + ρ * y @ H @ y) * last(s, s)


def standing(u, v):
    """u * v as a column: what u * v is in a matrix that is transposed."""
    return (u * v)[:, None]


LEFT_TERMS = {
    lambda s, y, H: np.outer(s, y) @ H: "outer",
    lambda s, y, H: (s * y) @ H: "elementwise",
    lambda s, y, H: s * (y @ H): "elementwise",
    lambda s, y, H: (s @ y) * H: "inner",
}
RIGHT_TERMS = {
    lambda H, y, s: H @ np.outer(y, s): "outer",
    lambda H, y, s: H @ y * s: "elementwise",
    lambda H, y, s: H @ (y * s): "elementwise",
    lambda H, y, s: H * (y @ s): "inner",
}
PRODUCTS = {np.outer: "outer", np.multiply: "elementwise", np.dot: "inner"}
SPELLINGS = {
    in_factors: (PRODUCTS, PRODUCTS | {standing: "elementwise"}, PRODUCTS),
    in_terms: (LEFT_TERMS, RIGHT_TERMS, PRODUCTS),
}
"""Each way to write the update: what may stand, rightly or wrongly, for its three outer products."""


def with_product(kind):
    """The update in all spellings in which at least one product is of that kind, and none of a worse one."""
    others = ("outer", "elementwise", "inner")[: ("elementwise", "inner").index(kind) + 2]
    for written, places in SPELLINGS.items():
        for products in itertools.product(*places):
            kinds = {place[product] for place, product in zip(places, products, strict=True)}
            if kind in kinds and kinds <= set(others):
                for guard in (True, False):
                    yield partial(written, products=products, guard=guard)


H2, H3 = np.array([[1.0, 0.2], [0.2, 0.5]]), np.array([[1.0, 0.1, 0.0], [0.1, 2.0, -0.4], [0.0, -0.4, 0.7]])
S2, S3 = np.array([0.5, -1.0]), np.array([1.0, 0.5, -0.3])
BFGS_CASES = [
    (H2, S2, A2 @ S2),
    (H3, S3, A3 @ S3),
    (H2, np.array([0.3, 0.2]), np.array([0.5, 0.4])),
    (H2, np.array([0.3, 1.0]), np.array([0.5, -2.0])),  # yᵀs < 0: to be left out
    (H2, np.array([0.3, 1.0]), np.array([0.5, -0.4])),
    (H2, np.array([0.5, 0.0]), np.array([0.0, 2.0])),  # yᵀs = 0: to be left out
]

# L-BFGS


def two_loops(g, S, Y, *, γ=lambda s, y: s @ y / (y @ y), newest=-1, back=True, forth=True, sign=1.0):
    ρ = [1 / (s @ y) for s, y in zip(S, Y, strict=True)]
    pairs = range(len(S))
    q, a = g.copy(), np.zeros(len(S))
    for i in reversed(pairs) if back else pairs:
        a[i] = ρ[i] * S[i] @ q
        q = q - a[i] * Y[i]
    q = γ(S[newest], Y[newest]) * q
    for i in pairs if forth else reversed(pairs):
        q = q + sign * (a[i] - sign * ρ[i] * Y[i] @ q) * S[i]
    return q


STEPS2, STEPS3 = random.normal(size=(3, 2)), random.normal(size=(2, 3))

EXERCISES: dict[str, Exercise] = {
    "newton_step": function(
        "newton_step",
        lambda g, H: -np.linalg.solve(H, g),
        [(G2, A2), (G3, A3), (G2, SADDLE)],
        uphill=lambda g, H: np.linalg.solve(H, g),
        multiplied=lambda g, H: -H @ g,
        diagonal=lambda g, H: -g / np.diag(H),
        elementwise=lambda g, H: -g / H,
        inverse_elementwise=lambda g, H: -(1 / H) @ g,
        no_hessian=lambda g, H: -g,
        absolute=lambda g, H: -np.linalg.solve(positive(H), g),
    ),
    "cg_step": function(
        "cg_step",
        cg_step,
        CG_CASES,
        fresh=fresh_cg_cases,
        inseparable=("g", "d"),
        no_beta=partial(cg_step, sign=(-1.0, 0.0)),
        overwritten=partial(cg_step, β=lambda new, g: 1.0),
        beta_inverted=partial(cg_step, β=lambda new, g: g @ g / (new @ new)),
        beta_root=partial(cg_step, β=lambda new, g: np.sqrt(new @ new / (g @ g))),
        beta_sign=partial(cg_step, sign=(-1.0, -1.0)),
        uphill=partial(cg_step, sign=(1.0, 1.0)),
        old_gradient=partial(cg_step, turned=False),
        length_no_matrix=partial(cg_step, length=lambda A, g, d: g @ g / (d @ d)),
        length_gradient=partial(cg_step, length=lambda A, g, d: g @ g / (g @ A @ g)),
        length_inverted=partial(cg_step, length=lambda A, g, d: d @ A @ d / (g @ g)),
        gradient_without_length=gradient_without_length,
        order=cg_order,
    ),
    "bfgs_update": function(
        "bfgs_update",
        bfgs_update,
        BFGS_CASES,
        no_guard=partial(bfgs_update, guard=False),
        identity=partial(bfgs_update, refused=lambda H: np.eye(len(H))),
        exchanged=lambda H, s, y: bfgs_update(H, y, s),
        transposed=partial(bfgs_update, swapped=True),
        sign=partial(bfgs_update, sign=1.0),
        no_last=partial(bfgs_update, last=False),
        no_rho=partial(bfgs_update, scaled=False),
        never=always_refused,
        elementwise=partial(in_factors, products=(np.multiply,) * 3),
        inner=partial(in_factors, products=(np.dot,) * 3),
        recognise=one_of(
            {
                "bfgs_update.elementwise": [*with_product("elementwise")],
                "bfgs_update.inner": [*with_product("inner")],
            }
        ),
    ),
    "two_loops": function(
        "two_loops",
        two_loops,
        [(G2, STEPS2, STEPS2 @ A2), (G3, STEPS3, STEPS3 @ A3)],
        first_forwards=partial(two_loops, back=False),
        second_backwards=partial(two_loops, forth=False),
        no_gamma=partial(two_loops, γ=lambda s, y: 1.0),
        gamma_oldest=partial(two_loops, newest=0),
        gamma_inverted=partial(two_loops, γ=lambda s, y: y @ y / (s @ y)),
        second_sign=partial(two_loops, sign=-1.0),
        direction=lambda g, S, Y: -two_loops(g, S, Y),
    ),
}
