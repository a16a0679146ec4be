"""New rows through the transformation of a table: by hand, as training had them, and every mistake."""

import dataclasses
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import kobai
from kobai.basics.errors import UsageError
from kobai.initializers import he
from kobai.tasks.table import TrainedTable, prepare
from kobai.tasks.table import task as of_table
from terminal import says_in_each_language

ROWS = 40


@pytest.fixture(autouse=True)
def _no_baselines(monkeypatch):
    monkeypatch.setattr(of_table, "baselines", lambda *of, **more: {})  # for speed


def frame():
    """x is −1 and 1 in turn: mean 0 and deviation 1 in every part that is balanced; by class it is."""
    x = np.where(np.arange(ROWS) % 2 == 0, 1.0, 3.0)
    return pl.DataFrame(
        {
            "no": np.arange(ROWS) + 1,
            "x": [None if i == 3 else value for i, value in enumerate(x)],
            "place": ["field" if i % 4 < 2 else "wood" for i in range(ROWS)],
            "code": ["007" if i % 2 else "7a" for i in range(ROWS)],
            "when": pl.Series([f"2024-01-{i % 28 + 1:02d}" for i in range(ROWS)]).str.to_date(),
            "stars": [1 + i % 2 for i in range(ROWS)],
            "price": 1000.0 + 10 * np.arange(ROWS),
        }
    )


def table(label="stars", **options):
    unused = {"stars": ["price"], "price": ["stars"]}[label]
    return kobai.tasks.table(frame(), label=label, leave_out=unused, **options).table


def rows(**columns):
    """One new row, in which what is not said is as usual."""
    usual = {"x": 2.0, "place": "wood", "code": "7a", "when": "2024-01-15"}
    return pl.DataFrame({name: [value] for name, value in (usual | columns).items()}).with_columns(
        pl.col("when").cast(pl.String).str.to_date()
    )


def inputs(**columns):
    """The inputs of one new row by what they are."""
    names = ["x", "x missing", "field", "wood", "007", "7a", "days", "day", "weekday"]
    return dict(zip(names, table().inputs(rows(**columns))[0], strict=True))


def test_new_rows_by_hand():
    prepared = prepare(frame(), label="stars", leave_out="price")
    parts = of_table.split(np.arange(ROWS) % 2, 0.2, 0.2, 0)
    x = np.array([np.nan if v is None else v for v in frame()["x"]])[parts.train]
    row = inputs(x=5.0)
    assert row["x"] == pytest.approx((5 - np.nanmean(x)) / np.nanstd(x), rel=1e-6)
    days = np.array([(19723 + i % 28) for i in range(ROWS)])[parts.train]
    assert row["days"] == pytest.approx((19723 + 14 - days.mean()) / days.std(), rel=1e-6)
    assert (row["field"], row["wood"], row["007"], row["7a"], row["x missing"]) == (0, 1, 0, 1, 0)
    assert len(row) == prepared.train[0].shape[1]


def test_a_level_that_training_did_not_know_is_none_and_a_missing_number_the_mean():
    row = inputs(place="moon", x=None)
    assert (row["field"], row["wood"]) == (0, 0)
    assert (row["x"], row["x missing"]) == (0, 1)
    assert inputs(x=float("inf"))["x missing"] == 1
    assert inputs(when=None)["days"] == 0
    assert inputs(place=None)["wood"] == 0


@pytest.mark.parametrize("kind", ["csv", "polars", "pandas", "lazy"])
def test_the_rows_of_the_table_are_what_training_had(tmp_path, kind):
    frame().write_csv(tmp_path / "data.csv")
    source = {
        "csv": tmp_path / "data.csv",
        "polars": frame(),
        "pandas": pd.DataFrame(frame().to_dict(as_series=False)).assign(
            when=lambda f: pd.to_datetime(f.when)
        ),
        "lazy": frame().lazy(),
    }[kind]
    prepared = prepare(source, label="stars", leave_out="price")
    parts = of_table.split(np.arange(ROWS) % 2, 0.2, 0.2, 0)
    every = prepared.transformation.inputs(source)
    for part, (x, _) in zip(parts, (prepared.train, prepared.validation, prepared.test), strict=True):
        np.testing.assert_array_equal(every[part], x)


def test_the_order_of_columns_and_what_is_not_used_is_no_matter():
    transformation = table()
    new = rows().with_columns(no=pl.lit(99), price=pl.lit(1.0))
    np.testing.assert_array_equal(
        transformation.inputs(new.select(sorted(new.columns))), transformation.inputs(rows())
    )


def test_a_text_of_a_file_stays_one_though_it_looks_like_a_number(tmp_path):
    """Where every new row has 007 the file seems to hold numbers: 7, which is no level."""
    (tmp_path / "new.csv").write_text("x,place,code,when\n2,wood,007,2024-01-15\n")
    np.testing.assert_array_equal(table().inputs(tmp_path / "new.csv"), table().inputs(rows(code="007")))


def test_the_word_for_a_missing_number_is_known_of_new_rows(tmp_path):
    texts = "\n".join(f"{'unknown' if i == 3 else i},{'ab'[i % 2]}" for i in range(40))
    (tmp_path / "data.csv").write_text("x,y\n" + texts)
    (tmp_path / "new.csv").write_text("x\nunknown\n5\n")
    prepared = prepare(tmp_path / "data.csv", label="y")
    x = prepared.transformation.inputs(tmp_path / "new.csv")
    assert x[:, 1].tolist() == [1, 0]
    assert "One word beside numbers, which counts as missing: x (unknown)." in " ".join(
        map(str, prepared.preparation)
    )


def test_answers_are_the_label_as_the_table_has_it():
    outputs = np.array([[0.0, 1.0], [2.0, 1.0]])
    answers = table().answers(outputs)
    assert (answers.name, answers.to_list(), answers.dtype) == ("stars", [2, 1], pl.Int64)
    shares = table().probabilities(outputs)
    assert shares.columns == ["1", "2"]
    np.testing.assert_allclose(shares.to_numpy()[0], [1 / (1 + np.e), np.e / (1 + np.e)])


def test_numbers_are_answered_in_the_units_of_the_label():
    parts = of_table.split(np.zeros(ROWS, int), 0.2, 0.2, 0)
    price = frame()["price"].to_numpy()[parts.train]
    answers = table("price").answers(np.array([[0.0], [1.0]]))
    np.testing.assert_allclose(answers, [price.mean(), price.mean() + price.std()])
    with pytest.raises(UsageError) as caught:
        table("price").probabilities(np.zeros((1, 1)))
    assert says_in_each_language(caught.value, ["'price' is a number", "no probabilities"])


def test_numbers_beyond_the_squares_that_can_be_held_have_units_too():
    huge = frame().with_columns(pl.col("price") * 1e300)
    transformation = kobai.tasks.table(huge, label="price").table
    assert transformation.answers(np.zeros((1, 1)))[0] == pytest.approx(1.2e303, rel=0.2)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_trained_network_predicts_new_rows(batch_norm):
    task = kobai.tasks.table(frame(), label="price", leave_out="stars", hidden=5, batch_norm=batch_norm)
    parameters = he().fill(task.parameters, 0, layout=task.layout)
    trained = TrainedTable(task.table, task.dense, parameters, task.state)
    trained = pickle.loads(pickle.dumps(trained))
    predictions = trained.predict(frame()).to_numpy()
    parts = of_table.split(np.zeros(ROWS, int), 0.2, 0.2, 0)
    price = frame()["price"].to_numpy()
    error = ((predictions - price)[parts.test] ** 2).mean() / price[parts.test].var()
    more = {} if task.state is None else {"state": task.state}
    assert 1 - error == pytest.approx(float(task.metric(parameters, task.test, **more)), rel=1e-4)
    assert trained.predict(frame()[:0]).to_list() == []


def test_a_trained_network_gives_probabilities():
    task = kobai.tasks.table(frame(), label="stars", leave_out="price", hidden=5)
    parameters = he().fill(task.parameters, 0, layout=task.layout)
    trained = TrainedTable(task.table, task.dense, parameters)
    shares = trained.probabilities(frame())
    assert shares.columns == ["1", "2"]
    np.testing.assert_allclose(shares.sum_horizontal(), 1)
    largest = [int(shares.columns[i]) for i in shares.to_numpy().argmax(axis=1)]
    assert trained.predict(frame()).to_list() == largest


@pytest.mark.parametrize(
    ("new", "parts"),
    [
        (rows().drop("x", "when"), ["no column x, when", "from which stars is predicted", "add it"]),
        (rows().with_columns(size=pl.lit(1)), ["did not have: size", "remove or rename"]),
        (rows().with_columns(x=pl.lit("two")), ["'x' must hold numbers", "got 'two'", "empty"]),
        (rows().with_columns(x=pl.col("when")), ["'x' must hold numbers", "got '2024-01-15'"]),
        (
            rows().with_columns(when=pl.lit("Monday")),
            ["'when' must hold dates", "got 'Monday'", "2024-01-31"],
        ),
        (rows().with_columns(when=pl.lit(5)), ["'when' must hold dates", "got '5'"]),
    ],
    ids=["missing", "extra", "text", "date", "no date", "number"],
)
def test_rows_that_do_not_fit_are_refused_by_name(new, parts):
    with pytest.raises(UsageError) as caught:
        table().inputs(new)
    assert says_in_each_language(caught.value, parts)


def test_what_is_empty_everywhere_is_missing_everywhere():
    empty = pl.DataFrame({name: [None] for name in ("x", "place", "code", "when")})
    row = table().inputs(empty)[0]
    assert row.tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0]


def test_a_text_taken_by_its_number_would_be_seen():
    """The wrong variant: another mean of x moves every row."""
    transformation = table()
    [x, *others] = transformation.columns[1:]
    moved = dataclasses.replace(x, encoder=dataclasses.replace(x.encoder, mean=0.0))
    wrong = dataclasses.replace(transformation, columns=(moved, *others))
    assert np.abs(wrong.inputs(rows()) - transformation.inputs(rows())).max() > 0.1
