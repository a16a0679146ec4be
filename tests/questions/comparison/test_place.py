"""Where a comparison is computed: alone in its folder, or beside others."""

import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.basics.files import CLAIMS
from kobai.study.lock import joined
from linear import line

ASK = {"optimizers": [kobai.SGD([0.05, 0.1])], "initializers": ["he"], "steps": 20, "evaluate_every": 5}
ASK |= {"seeds": 3, "tuning_seeds": 1, "progress": False}

pytestmark = pytest.mark.usefixtures("quick_engine")


def test_whoever_joins_names_a_folder_and_no_backend(tmp_path):
    with pytest.raises(UsageError, match="need a folder; name it with --output"):
        kobai.compare(line(), **ASK, join=True)
    with pytest.raises(UsageError, match="join and backend do not go together"):
        kobai.compare(line(), **ASK, join=True, output=tmp_path / "out", backend=object())
    with pytest.raises(UsageError, match="backend"):
        kobai.compare(line(), **ASK, backend="nowhere")


def test_whoever_has_joined_gives_the_answer_of_one_alone_and_one_writes_the_report(tmp_path, monkeypatch):
    alone = kobai.compare(line(), **ASK)
    writers = []
    save = kobai.ComparisonResult.save
    monkeypatch.setattr(kobai.ComparisonResult, "save", lambda *a: (writers.append(a), save(*a)))
    folder = tmp_path / "out"
    folder.mkdir()
    with joined(folder):  # another is there from the first to the last, and works no longer
        results = [kobai.compare(line(), **ASK, join=True, output=folder) for _ in range(2)]
        with pytest.raises(UsageError, match="take part with --join"):
            kobai.compare(line(), **ASK, output=folder)
    assert len(writers) == 1
    for each in results:
        assert each.cells.drop("seconds").equals(alone.cells.drop("seconds"), null_equal=True)
    assert [each.outcome.trained for each in results] == [alone.outcome.trained, 0]
    again = kobai.compare(line(), **ASK, output=folder)  # alone, in what those have left
    assert again.outcome.trained == 0
    assert not (folder / CLAIMS).exists()
