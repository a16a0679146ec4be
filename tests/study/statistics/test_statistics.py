"""What holds for all of the statistics: mistakes are named, and nothing heavy is imported."""

import subprocess
import sys

import numpy as np
import pytest

from kobai import words
from kobai.basics.errors import UsageError
from kobai.study import statistics as s
from simulated import BUDGET


@pytest.mark.parametrize("language", ["en", "ja"])
def test_mistakes_are_named(language):
    with words.language(language):
        with pytest.raises(UsageError, match="9.*10"):
            s.compare({"a": np.ones(10), "b": np.ones(9)}, "a", BUDGET)
        with pytest.raises(UsageError, match="1.*10"):
            s.paired_ratio([1], np.ones(10), BUDGET)  # would broadcast
        with pytest.raises(UsageError, match="restricted"):
            s.sign_flip_p([1, np.inf], [2, 2])
        with pytest.raises(UsageError, match="'adam'"):
            s.compare({"adam": [1, 2], "sgd": [1, 2]}, "adm", BUDGET)


def test_importing_statistics_does_not_import_scipy():
    code = "import sys, kobai.study.statistics; sys.exit('scipy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
