import pytest

import kobai
import studies
import studies_of_axes
from compared import points, studied
from kobai.candidates.grid import candidates


@pytest.fixture(scope="session")
def outcome():
    return studied(points(), candidates([kobai.SGD([0.1, 1.0, 1e30]), kobai.Adam([0.01, 0.1])]))


@pytest.fixture
def known(monkeypatch):
    return studies.known(monkeypatch)


@pytest.fixture
def engine(monkeypatch):
    return studies_of_axes.installed(monkeypatch)
