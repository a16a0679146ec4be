import pytest

import kobai
from descended import SHOWN


@pytest.fixture(scope="session")
def bowl():
    """The lecture's rules, their kin and BFGS over its bowl, with the rates that it names."""
    return kobai.descend("bowl", [*SHOWN, "bfgs"], hyperparameters={"momentum.momentum": [0.9, 0.5]})
