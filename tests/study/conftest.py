import pytest

import studies
import studies_of_axes


@pytest.fixture
def outcome(monkeypatch):
    return studies.known(monkeypatch)


@pytest.fixture
def engine(monkeypatch):
    return studies_of_axes.installed(monkeypatch)
