"""A table as a task: what the network sees, by hand; that no row for the test decides any of it; mistakes."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge

import kobai
from kobai import words
from kobai.basics.errors import UsageError
from kobai.engine.sweep import Sweep
from kobai.initializers import he
from kobai.tasks.check import check_start, check_task
from kobai.tasks.table import prepare
from kobai.tasks.table import task as of_table
from kobai.tasks.table.split import split
from terminal import says_in_each_language

ROWS = 60


def frame(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    return pl.DataFrame(
        {
            "id": np.arange(rows) + 1,
            "x": x,
            "age": [None if i % 7 == 0 else float(i) + 0.5 for i in range(rows)],
            "city": [["Kyoto", "Osaka", "Nara"][i % 3] for i in range(rows)],
            "always": ["yes"] * rows,
            "species": np.where(x + 0.1 * random.normal(size=rows) > 0, "cat", "dog"),
            "price": 100 + 10 * x + random.normal(size=rows),
        }
    )


def said(notes):
    return " ".join(map(str, notes))


def test_the_inputs_by_hand():
    table = frame()
    task = kobai.tasks.table(table, label="species", leave_out="price", split_seed=3)
    parts = split((table["species"] == "dog").to_numpy().astype(int), 0.2, 0.2, 3)
    x = table["x"].to_numpy()
    age = table["age"].to_numpy()
    for part, (inputs, y) in zip(parts, (task.train, task.validation, task.test), strict=True):
        known = age[parts.train][~np.isnan(age[parts.train])]
        expected = np.stack(
            [
                (x[part] - x[parts.train].mean()) / x[parts.train].std(),
                np.nan_to_num((age[part] - known.mean()) / known.std()),
                np.isnan(age[part]),
                *(table["city"].to_numpy()[part] == name for name in ("Kyoto", "Nara", "Osaka")),
            ],
            axis=1,
        )
        np.testing.assert_allclose(inputs, expected, atol=1e-6)
        assert inputs.dtype == np.float32
        np.testing.assert_array_equal(y, (table["species"].to_numpy() == "dog")[part])
    assert task.metric_label == "accuracy"


def test_the_paragraph_says_what_became_of_each_column():
    prepared = prepare(frame(), label="species", leave_out=["price"])
    assert said(prepared.preparation) == (
        "60 rows: 36 for training, 12 for validation, 12 for the test (split seed 0), each with its share of "
        "every class. species is one of 2 classes: cat, dog. Standardised by the training rows: x, age. A "
        "column for each text: city (3). Missing in some rows, where a number is the mean and a column says "
        "so: age (9). Left out: id (names each row), always (the same everywhere), price (as asked). 6 "
        "inputs in all."
    )
    with words.language("ja"):
        assert said(prepared.preparation) == (
            "全60行のうち訓練36行、検証12行、テスト12行（分割のシード0）。どのクラスも同じ割合で分けました。 "
            "speciesは2クラス: cat、dog。 訓練データの行で標準化した列: x、age。 "
            "文字列ごとに1列としたもの: city (3)。 "
            "欠損を示す列を加え、数には平均を入れた列: age (9)。 "
            "使わない列: id（行の識別子）、always（どの行も同じ）、price（指定による）。 入力は合計6個。"
        )
    assert prepared.cautions == ()


def test_what_may_mislead_is_said():
    table = frame(100)
    rare = ["common"] * 95 + ["rare"] * 4 + ["single"]
    city = ["Kyoto"] * 98 + ["Nara", "Kobe"]
    x = table["x"].to_list()
    x[5] = float("inf")
    table = table.with_columns(species=pl.Series(rare), city=pl.Series(city), x=pl.Series(x))
    table = pl.concat([table.drop("id"), table.drop("id")[:30]])
    cautions = said(prepare(table, label="species").cautions)
    assert "rows for validation and test stand among the training rows too" in cautions
    assert "common has 96% of the rows, the smallest class 1 row." in cautions
    assert "too few rows to be in every part: single" in cautions
    assert "infinite values are taken as missing: x (2)" in cautions


def test_texts_that_training_does_not_know_are_said():
    table = frame()
    parts = split((table["species"] == "dog").to_numpy().astype(int), 0.2, 0.2, 0)
    city = table["city"].to_numpy().astype(object)
    city[parts.test[:2]] = "Paris"
    cautions = said(prepare(table.with_columns(city=pl.Series(city)), label="species").cautions)
    assert "no training row has count as none, in so many rows: city (2)" in cautions


def test_what_was_understood_of_a_file_is_said(tmp_path):
    """Shift_JIS, a word beside numbers, dates that may be confused, texts that hardly repeat."""
    rows = [
        f"{i % 12 + 1}/{i % 28 + 1}/2024,{'不明' if i == 9 else i},備考{i},{'合否'[i % 2]}" for i in range(40)
    ]
    path = tmp_path / "data.csv"
    path.write_text("日付,点数,備考,結果\n" + "\n".join(rows), encoding="cp932")
    prepared = prepare(path, label="結果")
    preparation = said(prepared.preparation)
    assert "The file is in Shift_JIS. 結果 is one of 2 classes: 合, 否." in preparation
    assert "One word beside numbers, which counts as missing: 点数 (不明)." in preparation
    assert "備考 (different in nearly every row)" in preparation
    assert "day from month are taken as texts: 日付. Write the year first" in said(prepared.cautions)
    with words.language("ja"):
        assert "ファイルの文字コードはShift_JISです。" in said(prepared.preparation)
        assert "数の中に1つだけある言葉を欠損と見なした列: 点数 (不明)。" in said(prepared.preparation)


def test_repeated_rows_are_counted():
    """Every row of the test data once more among those for training: all of them are repeated."""
    table = frame().drop("id")
    repeated = prepare(pl.concat([table] * 6), label="species")
    [note] = [note for note in repeated.cautions if note.key == "note.table.repeated"]
    assert note.values["rows"] == 144
    assert note.values["count"] > 140
    assert not prepare(table, label="species").cautions
    near = pl.concat([table, table.with_columns(pl.col("x") + 1)])
    assert not prepare(near, label="species").cautions


def test_rows_without_a_label_are_left_out_and_said():
    table = frame()
    species = [None if i in (3, 11) else value for i, value in enumerate(table["species"])]
    prepared = prepare(table.with_columns(species=pl.Series(species)), label="species")
    assert "Left out: 2 rows without species." in said(prepared.preparation)
    rest = table.filter(pl.Series([i not in (3, 11) for i in range(ROWS)]))
    for one, other in zip(prepared.train, prepare(rest, label="species").train, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_number_is_learned_standardised_and_told_in_its_own_units():
    table = frame()
    task = kobai.tasks.table(table, label="price", leave_out="species")
    parts = split(np.zeros(ROWS, int), 0.2, 0.2, 0)
    price = table["price"].to_numpy()
    mean, deviation = price[parts.train].mean(), price[parts.train].std()
    np.testing.assert_allclose(task.train[1], (price[parts.train] - mean) / deviation, rtol=1e-5)
    parameters = he().fill(task.parameters, 0, layout=task.layout)
    outputs = parameters[-1]["weights"]  # a network by hand: the squared error and R² of what it predicts
    assert outputs.shape == (1, 64)
    predicted = predictions(parameters, task.test[0]) * deviation + mean
    error = price[parts.test] - predicted
    determination = 1 - (error**2).sum() / ((price[parts.test] - price[parts.test].mean()) ** 2).sum()
    assert float(task.metric(parameters, task.test)) == pytest.approx(determination, rel=1e-4)
    loss = np.mean((predictions(parameters, task.test[0]) - task.test[1]) ** 2)
    assert float(task.loss(parameters, task.test)) == pytest.approx(loss, rel=1e-4)
    assert (task.metric_label, task.maximize, task.metric_range) == ("R²", True, (-np.inf, 1))
    rmse = np.sqrt((error**2).mean())
    assert str(task.meaning(determination)) == f"an error of {rmse:.3g} in units of price (RMSE)"


def predictions(parameters, x):
    for layer in parameters[:-1]:
        x = np.maximum(x @ layer["weights"].T + layer["biases"], 0)
    return (x @ parameters[-1]["weights"].T + parameters[-1]["biases"])[:, 0]


def test_the_task_passes_its_own_check_with_every_network():
    prepared = prepare(frame(), label="species")
    for options in ({}, {"hidden": 5, "activation": "tanh"}, {"batch_norm": True, "hidden": [8, 4]}):
        task = prepared.task(**options)
        check_task(task)
        check_start(task, he().fill(task.parameters, 0, layout=task.layout))
        assert task.train[0] is prepared.train[0]  # it was read once


def test_all_comparisons_on_a_table_hold_its_inputs_together():
    prepared = prepare(frame(), label="species")
    sweeps = [
        Sweep(prepared.task(hidden=n), [kobai.SGD()], steps=1, evaluate_every=1, threads=1) for n in (3, 5)
    ]
    for part in ("train", "validation", "test"):
        arrays = [getattr(sweep.data, part)[0] for sweep in sweeps]
        assert all(array is getattr(prepared, part)[0] for array in arrays)


@pytest.mark.parametrize(
    ("rows", "size"), [(20, 8), (255, 8), (256, 16), (511, 16), (512, 32), (2048, 128), (10**6, 128)]
)
def test_a_batch_is_a_power_of_two_with_sixteen_of_them_in_an_epoch(rows, size):
    assert of_table._batch_size(rows) == size


# No leak


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_other_values_in_the_test_rows_change_nothing_of_training_and_validation(data):
    table = frame()
    parts = split((table["species"] == "dog").to_numpy().astype(int), 0.2, 0.2, 0)
    numbers = st.none() | st.floats(-1e6, 1e6).map(lambda x: x + 0.5)
    x, age, city = (table[name].to_list() for name in ("x", "age", "city"))
    for row in parts.test.tolist():
        x[row], age[row] = data.draw(numbers), data.draw(numbers)
        city[row] = data.draw(st.none() | st.sampled_from(["Kyoto", "Paris"]))
    changed = table.with_columns(pl.Series("x", x), pl.Series("age", age), pl.Series("city", city))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_table, "baselines", lambda *of, **more: {})  # for speed
        one, other = (prepare(each, label="species", leave_out="price") for each in (table, changed))
    for part in ("train", "validation"):
        for before, after in zip(getattr(one, part), getattr(other, part), strict=True):
            np.testing.assert_array_equal(before, after)


def test_standardising_by_all_rows_would_be_seen():
    """The wrong variant: the mean of all rows moves when the test rows do."""
    table = frame()
    parts = split((table["species"] == "dog").to_numpy().astype(int), 0.2, 0.2, 0)
    x = table["x"].to_numpy().copy()
    leaky = (x[parts.train] - x.mean()) / x.std()
    right = prepare(table, label="species", leave_out="price").train[0][:, 0]
    assert np.abs(leaky - right).max() > 1e-3


# Baselines


def test_baselines_are_scikit_learns_with_the_penalty_that_validation_chooses():
    prepared = prepare(frame(200, seed=5), label="species", leave_out="price")
    (x, y), (check, check_y), (final, final_y) = prepared.train, prepared.validation, prepared.test
    majority = np.mean(final_y == np.bincount(y).argmax())
    assert prepared.baselines["majority class"] == pytest.approx(majority)
    fitted = [LogisticRegression(C=1 / p, max_iter=200).fit(x, y) for p in (1e-3, 1e-2, 0.1, 1, 10, 100)]
    best = max(fitted, key=lambda model: model.score(check, check_y))
    assert prepared.baselines["logistic regression"] == pytest.approx(best.score(final, final_y))


def test_the_baselines_of_numbers_are_the_mean_and_ridge_regression():
    prepared = prepare(frame(200, seed=5), label="price", leave_out="species")
    (x, y), (check, check_y), (final, final_y) = prepared.train, prepared.validation, prepared.test
    fitted = [Ridge(alpha=p).fit(x, y) for p in (1e-3, 1e-2, 0.1, 1, 10, 100)]
    best = max(fitted, key=lambda model: model.score(check, check_y))
    assert prepared.baselines["ridge regression"] == pytest.approx(best.score(final, final_y), rel=1e-4)
    mean = 1 - np.mean((final_y - y.mean()) ** 2) / final_y.var()
    assert prepared.baselines["mean"] == pytest.approx(mean, abs=1e-6)


def test_three_classes_of_which_a_baseline_knows_each():
    table = frame(150).with_columns(species=pl.col("city"))
    prepared = prepare(table, label="species")
    assert prepared.baselines["logistic regression"] == 1  # city says it
    assert prepared.baselines["majority class"] == pytest.approx(1 / 3)


def test_without_scikit_learn_there_is_no_linear_model(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert set(prepare(frame(), label="species").baselines) == {"majority class"}


# Mistakes


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({}, ["label is missing", "id, x, age, city, always, species, price", "(--label)"]),
        ({"label": "specie"}, ["no column 'specie'", "did you mean 'species'?"]),
        ({"label": "species", "leave_out": "prise"}, ["no column 'prise'", "'price'"]),
        ({"label": "species", "leave_out": "species"}, ["'species' stands in leave_out too"]),
        ({"label": "always"}, ["label 'always' is yes in every row"]),
        (
            {"label": "species", "leave_out": ["x", "age", "city", "price"]},
            ["no column is left", "id ("],
        ),
        ({"label": "species", "validation": 0}, ["validation must be a share", "got 0"]),
        ({"label": "species", "test": "half"}, ["test must be a share", "got 'half'"]),
        (
            {"label": "species", "validation": 0.5, "test": 0.5},
            ["must leave rows", "0.5 and 0.5"],
        ),
        ({"label": "species", "split_seed": -1}, ["split_seed", "-1"]),
        ({"label": "species", "kind": "classes"}, ["kind of label 'classes'"]),
        ({"label": "species", "hidden": 0}, ["hidden must be a whole number of at least 1"]),
    ],
)
def test_a_mistake_is_told(options, parts):
    with pytest.raises(UsageError) as caught:
        kobai.tasks.table(frame(), **options)
    assert says_in_each_language(caught.value, parts)


def test_too_few_rows_are_told():
    with pytest.raises(UsageError) as caught:
        kobai.tasks.table(frame(19), label="species")
    assert says_in_each_language(caught.value, ["is known in 19 rows", "need 20 at least"])


def test_a_label_that_is_the_same_in_a_whole_part_is_told():
    price = np.full(ROWS, 3.5)
    price[split(np.zeros(ROWS, int), 0.2, 0.2, 0).train] = np.linspace(0, 1, 36)
    with pytest.raises(UsageError) as caught:
        kobai.tasks.table(frame().with_columns(price=pl.Series(price)), label="price")
    assert says_in_each_language(caught.value, ["is the same in all 12 rows of validation", "split_seed"])


# The comparison


@pytest.fixture(scope="module")
def _quick(quick_engine):
    """Compile with little optimization."""


SMALL = {"optimizers": "adam", "initializers": "he", "learning_rates": [0.03], "steps": 40, "seeds": 3}
SMALL |= {"tuning_seeds": 1, "progress": False}


@pytest.mark.usefixtures("_quick")
def test_a_table_is_compared_with_one_call(tmp_path):
    path = tmp_path / "animals.csv"
    frame().write_csv(path)
    result = kobai.compare(str(path), label="species", leave_out="price", hidden=8, **SMALL)
    assert result.answer.task == "animals"
    assert "60 rows: 36 for training" in " ".join(repr(result).split())
    assert "logistic regression" in repr(result)
    assert [b.name for b in result.answer.baselines][-1] == "majority class"
    assert result.command.startswith(f"kobai.compare('{path}', optimizers='adam'")
    assert "label='species', leave_out='price'" in result.command
    pandas = pd.DataFrame(frame().to_dict(as_series=False))
    again = kobai.compare(pandas, label="species", leave_out="price", hidden=8, **SMALL)
    columns = [name for name in result.cells.columns if name != "seconds"]
    assert again.cells.select(columns).equals(result.cells.select(columns))
    assert again.command.startswith("kobai.compare(task,")


@pytest.mark.usefixtures("_quick")
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_trained_network_of_a_comparison_predicts_new_rows(batch_norm):
    """Its R² on the test rows, from predictions in the label's units, is the one of the answer."""
    table = frame()
    result = kobai.compare(
        table, label="price", leave_out="species", hidden=4, batch_norm=batch_norm, **SMALL
    )
    trained = result.model()
    predictions = trained.predict(table.drop("price")).to_numpy()
    parts, price = split(np.zeros(ROWS, int), 0.2, 0.2, 0), table["price"].to_numpy()
    errors = (predictions - price)[parts.test]
    seed = result.answer.seeds[0]
    cells = result.outcome.cells_of(result.outcome.recommended, "confirmation")
    [row] = cells.filter(pl.col("seed") == seed).to_dicts()
    assert 1 - (errors**2).mean() / price[parts.test].var() == pytest.approx(row["test_metric"], rel=1e-4)


@pytest.mark.usefixtures("_quick")
def test_the_axes_of_a_table_make_other_networks_of_the_same_data(monkeypatch):
    reads = []
    monkeypatch.setattr(of_table, "read", lambda *of, **more: reads.append(of) or READ(*of, **more))
    result = kobai.compare(
        frame(), label="price", activation=["relu", "tanh"], batch_norm=[False, True], hidden=4, **SMALL
    )
    assert set(result.answer.axes) == {"activation", "batch_norm"}
    assert len(reads) == 1
    assert "in units of price (RMSE)" in " ".join(repr(result).split())
    assert "in units of price (RMSE)" in result.html()


READ = of_table.read


def test_what_belongs_to_a_table_is_refused_of_anything_else():
    with pytest.raises(UsageError) as caught:
        kobai.compare("digits", label="x", split_seed=1)
    assert says_in_each_language(caught.value, ["label, split_seed: belongs to a table", "'digits' is none"])
    with pytest.raises(UsageError, match="no table that kobai reads"):
        kobai.compare("data.xlsx", label="x")
