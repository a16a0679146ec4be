import pytest

import kobai


@pytest.fixture(scope="session")
def task():
    """A small classification."""
    return kobai.tasks.digits(hidden=8, batch_size=16)
