"""The functions on which every new method is tried. Each is written once, for NumPy and JAX arrays alike."""

import math

from kobai.basics.arrays import Scalar, Vector, namespace
from kobai.landscapes.landscape import Landscape, check_dimension


def bowl() -> Landscape:
    """f = x²/20 + y²: the lecture's, twenty times steeper across than along."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return x**2 / 20 + y**2

    return Landscape(
        name="bowl",
        objective=objective,
        start=(-7.0, 2.0),
        box=((-10.0, 10.0), (-5.0, 5.0)),
        minima=((0.0, 0.0),),
        least=0.0,
        source="the lecture's exercise 3_1; Saito 2016, Deep Learning from Scratch, section 6.1",
        learning_rates={
            "sgd": 0.95,
            "momentum": 0.1,
            "nesterov": 0.1,
            "nesterov_definition": 0.1,
            "adagrad": 1.5,
            "adadelta": 1.0,
            "rmsprop": 0.3,
            "adam": 0.3,
        },
    )


def rosenbrock(dimension: int = 2) -> Landscape:
    """f = Σ 100 (xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²: a flat valley that bends."""
    check_dimension(dimension)

    def objective(x: Vector) -> Scalar:
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    return Landscape(
        name="rosenbrock",
        objective=objective,
        start=tuple((-1.2, 1.0)[i % 2] for i in range(dimension)),
        box=((-2.0, 2.0), (-1.0, 3.0)),
        minima=((1.0,) * dimension,),
        least=0.0,
        source="Rosenbrock 1960, Computer Journal 3, 175–184",
    )


def beale() -> Landscape:
    """f = (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²: flat arms and steep corners."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2

    return Landscape(
        name="beale",
        objective=objective,
        start=(1.0, 1.0),
        box=((-1.0, 4.5), (-2.0, 2.0)),
        minima=((3.0, 0.5),),
        least=0.0,
        source="Beale 1958; number 5 in Moré, Garbow and Hillstrom 1981",
    )


def himmelblau() -> Landscape:
    """f = (x² + y − 11)² + (x + y² − 7)²: four valleys, equally deep."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    return Landscape(
        name="himmelblau",
        objective=objective,
        start=(0.0, 0.0),
        box=((-6.0, 6.0), (-6.0, 6.0)),
        minima=(
            (3.0, 2.0),
            (-2.8051180869527448, 3.1313125182505729),
            (-3.7793102533777469, -3.2831859912861695),
            (3.5844283403304918, -1.8481265269644034),
        ),
        least=0.0,
        source="Himmelblau 1972, Applied Nonlinear Programming",
    )


def booth() -> Landscape:
    """f = (x + 2y − 7)² + (2x + y − 5)²: a bowl that stands askew."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2

    return Landscape(
        name="booth",
        objective=objective,
        start=(-5.0, -5.0),
        box=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((1.0, 3.0),),
        least=0.0,
        source="Booth; in Jamil and Yang 2013, arXiv 1308.4008, number 17",
    )


def matyas() -> Landscape:
    """f = 0.26 (x² + y²) − 0.48 xy: a valley along the diagonal, nearly flat."""

    def objective(p: Vector) -> Scalar:
        x, y = p
        return 0.26 * (x**2 + y**2) - 0.48 * x * y

    return Landscape(
        name="matyas",
        objective=objective,
        start=(-8.0, 6.0),
        box=((-10.0, 10.0), (-10.0, 10.0)),
        minima=((0.0, 0.0),),
        least=0.0,
        source="Matyas 1965; in Jamil and Yang 2013, arXiv 1308.4008, number 71",
    )


def rastrigin(dimension: int = 2) -> Landscape:
    """f = 10 n + Σ xᵢ² − 10 cos 2πxᵢ: a hollow at every whole number."""
    check_dimension(dimension)

    def objective(x: Vector) -> Scalar:
        return (10 + x**2 - 10 * namespace(x).cos(2 * math.pi * x)).sum()

    return Landscape(
        name="rastrigin",
        objective=objective,
        start=tuple((2.2, -1.8)[i % 2] for i in range(dimension)),
        box=((-4.0, 4.0), (-4.0, 4.0)),
        minima=((0.0,) * dimension,),
        least=0.0,
        source="Rastrigin 1974; in n dimensions Mühlenbein, Schomisch and Born 1991",
    )


def ackley(dimension: int = 2) -> Landscape:
    """f = 20 + e − 20 exp(−0.2 √(mean xᵢ²)) − exp(mean cos 2πxᵢ): a funnel in a pitted plain."""
    check_dimension(dimension)

    def objective(x: Vector) -> Scalar:
        xp = namespace(x)
        square = (x**2).mean()
        # At the tip, where the root has no derivative, the gradient is 0 by this detour, and not NaN.
        radius = xp.where(square > 0, xp.sqrt(xp.where(square > 0, square, 1.0)), 0.0)
        ripples = xp.exp(xp.cos(2 * math.pi * x).mean())
        return (math.e - ripples) - 20 * xp.expm1(-0.2 * radius)

    return Landscape(
        name="ackley",
        objective=objective,
        start=tuple((2.5, -1.6)[i % 2] for i in range(dimension)),
        box=((-4.0, 4.0), (-4.0, 4.0)),
        minima=((0.0,) * dimension,),
        least=0.0,
        source="Ackley 1987, A Connectionist Machine for Genetic Hillclimbing",
    )


def styblinski_tang(dimension: int = 2) -> Landscape:
    """f = ½ Σ xᵢ⁴ − 16 xᵢ² + 5 xᵢ: two valleys in each coordinate, one of them deeper."""
    check_dimension(dimension)

    def objective(x: Vector) -> Scalar:
        return (x**4 - 16 * x**2 + 5 * x).sum() / 2

    return Landscape(
        name="styblinski_tang",
        objective=objective,
        start=tuple((1.0, -1.0)[i % 2] for i in range(dimension)),
        box=((-5.0, 5.0), (-5.0, 5.0)),
        minima=((-2.9035340277711771,) * dimension,),
        least=-39.166165703771415 * dimension,
        source="Styblinski and Tang 1990, Neural Networks 3, 467–483",
    )
