import pytest

import kobai
from kobai.basics import registry


@pytest.fixture(scope="session")
def bowl():
    """Every update rule and BFGS over the lecture's bowl, with the rates that it names."""
    return kobai.descend(
        "bowl", [*registry.OPTIMIZERS, "bfgs"], hyperparameters={"momentum.momentum": [0.9, 0.5]}
    )
