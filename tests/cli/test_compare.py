"""`kobai compare data.csv --label y`: the answer, its files, and one line for each mistake."""

import json

import numpy as np
import pytest

from terminal import WIDTH, refused_in_one_line, widest

pytestmark = pytest.mark.usefixtures("quick_engine")

FAST = [
    "--quick",
    "--optimizers",
    "adam",
    "--learning-rates",
    "0.03",
    "--initializers",
    "he",
    "--steps",
    "40",
]


@pytest.fixture
def here(place):
    """A folder with tables, sound and unsound."""
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 2))
    names = np.where(x.sum(axis=1) > 0, "cat", "dog")
    rows = "".join(f"{i},{a},{b},{name}\n" for i, ((a, b), name) in enumerate(zip(x, names, strict=True)))
    (place / "animals.csv").write_text("id,x,y,species\n" + rows, "utf-8")
    (place / "empty.csv").write_bytes(b"")
    (place / "latin.csv").write_bytes("prénom,âge\nZoé,1\n".encode("latin-1"))
    (place / "twice.csv").write_text("a,b,a\n1,2,3\n", "utf-8")
    (place / "one.csv").write_text("a,b\n" + "1.5,x\n2.5,x\n" * 20, "utf-8")
    (place / "few.csv").write_text("a,b\n" + "1.5,x\n2.5,y\n" * 5, "utf-8")
    (place / "broken.parquet").write_bytes(b"PAR1")
    (place / "book.xlsx").write_bytes(b"PK")
    return place


MISTAKES = [
    (["nope.csv", "--label", "y"], "no file nope.csv"),
    (["animals.csv"], "label is missing", "id, x, y, species", "--label"),
    (["animals.csv", "--label", "specis"], "column 'specis'", "did you mean 'species'?"),
    (["animals.csv", "--label", "zzz"], "column 'zzz'", "choose one of: id, species, x, y"),
    (["animals.csv", "--label", "species", "--leave-out", "z"], "column 'z'"),
    (["animals.csv", "--label", "species", "--kind", "regression"], "must hold numbers", "'dog'"),
    (["animals.csv", "--label", "species", "--test", "1.5"], "test must be a share", "1.5"),
    (["animals.csv", "--label", "species", "--test", "x"], "--test must be a number", "'x'"),
    (["animals.csv", "--label", "species", "--split-seed", "x"], "--split-seed must be a whole number"),
    (["animals.csv", "--label", "species", "--target", "2"], "target", "between 0 and 1", "2.0"),
    (["empty.csv", "--label", "y"], "empty.csv is empty"),
    (["latin.csv", "--label", "y"], "not in UTF-8", "save the file as UTF-8"),
    (["twice.csv", "--label", "b"], "several columns of one name: a"),
    (["one.csv", "--label", "b"], "label 'b' is x in every row"),
    (["few.csv", "--label", "b"], "known in 10 rows", "20 at least"),
    (["broken.parquet", "--label", "b"], "cannot be read as a table"),
    (["book.xlsx", "--label", "b"], "no table that kobai reads", ".csv"),
    (["digits", "--label", "b"], "label: belongs to a table", "'digits' is none"),
]


@pytest.mark.parametrize(("arguments", "parts"), [(line[0], line[1:]) for line in MISTAKES])
def test_a_mistake_is_one_line(kobai_here, here, arguments, parts):
    assert refused_in_one_line(kobai_here, ["compare", *arguments], parts)
    assert not (here / "kobai-runs").exists()


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_table_is_compared(kobai_here, here, language):
    line = ["compare", "animals.csv", "--label", "species", "--hidden", "8,8", *FAST]
    ran = kobai_here(*line, "--output", "out", "--language", language)
    assert (ran.code, ran.err) == (0, "")
    assert widest(ran.out) <= WIDTH
    paragraph, baseline = {
        "en": ("80 rows: 48 for training", "majority class"),
        "ja": ("全80行のうち訓練48行", "最多クラス"),
    }[language]
    page = (here / "out" / "report.html").read_text("utf-8")
    answer = json.loads((here / "out" / "answer.json").read_text("utf-8"))
    for text in (ran.out, page, " ".join(answer["preparation"])):
        assert paragraph in text
    assert baseline in ran.out
    assert baseline in page
    assert {each["name"] for each in answer["baselines"]} == {"majority class", "logistic regression"}
    assert all(0 <= each["test_metric"] <= 1 for each in answer["baselines"])
    assert "kobai compare animals.csv --label species --hidden 8,8" in page
