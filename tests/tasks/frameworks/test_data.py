"""Data in any form are the same examples; a cut by a seed has each class in proportion."""

import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.tasks.frameworks import data as of_data
from kobai.tasks.frameworks import loaders

X = np.random.default_rng(0).standard_normal((50, 3)).astype(np.float32)
Y = np.arange(50) % 5


def torch():
    return pytest.importorskip("torch")


def pandas():
    return pytest.importorskip("pandas")


FORMS = {
    "numpy": lambda: (X, Y),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "jax": lambda: (jnp.asarray(X), jnp.asarray(Y)),
    "polars": lambda: (pl.DataFrame(X, schema=["a", "b", "c"]), pl.Series("y", Y)),
    "pandas": lambda: (pandas().DataFrame(X, columns=["a", "b", "c"]), pandas().Series(Y)),
    "torch": lambda: (torch().from_numpy(X), torch().from_numpy(Y)),
    "dataset": lambda: torch().utils.data.TensorDataset(torch().from_numpy(X), torch().from_numpy(Y)),
    "loader": lambda: torch().utils.data.DataLoader(FORMS["dataset"](), batch_size=7, shuffle=True),
    "iterator": lambda: iter([(X[:20], Y[:20]), (X[20:], Y[20:])]),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same_examples_in_their_order(form):
    x, y = of_data.examples(FORMS[form](), "data")
    assert isinstance(x, np.ndarray)
    np.testing.assert_allclose(x, X, rtol=1e-6)
    np.testing.assert_array_equal(y, Y)


def test_several_inputs_stay_several():
    by_position = of_data.examples(((X, Y), Y), "data")[0]
    by_name = of_data.examples(({"a": X, "b": Y}, Y), "data")[0]
    assert isinstance(by_position, tuple)
    assert set(by_name) == {"a", "b"}


def test_a_dictionary_of_a_loader_says_which_are_its_labels():
    x, y = of_data.examples(iter([{"ids": X, "mask": Y, "labels": Y}]), "data")
    assert set(x) == {"ids", "mask"}
    np.testing.assert_array_equal(y, Y)


def test_a_cut_has_every_example_once_and_every_class_in_proportion():
    parts = of_data.parts((X, Y), 0.2, 0.2, 3)
    assert parts.sizes == (30, 10, 10)
    rows = np.concatenate([part[0] for part in (parts.train, parts.validation, parts.test)])
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in X}
    for part, count in zip((parts.train, parts.validation, parts.test), (6, 2, 2), strict=True):
        assert np.bincount(part[1]).tolist() == [count] * 5


def test_a_class_that_is_rare_is_in_the_training_data():
    y = np.zeros(50, int)
    y[7] = 1
    assert of_data.parts((X, y), 0.2, 0.2, 0).train[1].sum() == 1


def test_the_seed_makes_the_cut_and_numbers_are_cut_at_random():
    first, again, other = (of_data.parts((X, X[:, 0]), 0.2, 0.2, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.train[0], again.train[0])
    assert not np.array_equal(first.train[0], other.train[0])
    in_order = of_data.split((np.arange(50.0), np.arange(50.0)), 0.2, 0.2, 0)
    assert not np.array_equal(in_order.validation[0], np.arange(10, 20))


def test_no_test_at_all():
    parts = of_data.parts((X, Y), 0.2, 0, 0)
    assert parts.test is None
    assert parts.sizes == (40, 10, 0)


def test_parts_that_are_given_stay_as_they_are():
    parts = of_data.parts(((X[:30], Y[:30]), (X[30:], Y[30:]), None), 0.2, 0.2, 0)
    assert parts.sizes == (30, 20, 0)
    assert not parts.is_split


SEVERAL = {
    "two loaders": lambda part: (part(0), part(1)),
    "by name": lambda part: {"train": part(0), "validation": part(1)},
    "by short names": lambda part: {"val": part(1), "train": part(0), "test": part(2)},
    "three": lambda part: (part(0), part(1), part(2)),
}


@pytest.mark.parametrize("form", SEVERAL)
def test_parts_are_told_from_inputs_and_labels(form):
    """A pair of loaders was once an x and a y."""

    def part(k):
        pair = torch().from_numpy(X[k::3]), torch().from_numpy(Y[k::3])
        return torch().utils.data.DataLoader(torch().utils.data.TensorDataset(*pair), batch_size=4)

    data = SEVERAL[form](part)
    parts = of_data.parts(data, 0.2, 0.2, 0)
    np.testing.assert_array_equal(parts.train[0], X[::3])
    np.testing.assert_array_equal(parts.validation[1], Y[1::3])
    assert parts.sizes == (17, 17, 16 if len(data) == 3 else 0)
    assert not parts.is_split


def test_a_dictionary_with_labels_is_no_dictionary_of_parts():
    x = of_data.parts({"train": X, "test": X, "labels": Y}, 0.2, 0.2, 0).train[0]
    assert set(x) == {"train", "test"}
    with pytest.raises(UsageError, match="a dictionary with labels"):
        of_data.parts({"train": (X, Y), "validation": (X, Y), "extra": (X, Y)}, 0.2, 0.2, 0)


def test_a_dataset_that_draws_anew_is_refused():
    class Augmented(torch().utils.data.Dataset):
        def __init__(self):
            self.random = np.random.default_rng(0)

        def __len__(self):
            return 50

        def __getitem__(self, i):
            return X[i] * self.random.choice([-1, 1]), Y[i]

    with pytest.raises(UsageError, match="same items differ when they are read twice"):
        of_data.examples(Augmented(), "data")


def test_a_loader_that_never_ends_is_refused(monkeypatch):
    monkeypatch.setattr(loaders, "MOST_BYTES", 100_000)

    def endless():
        while True:
            yield X, Y

    with pytest.raises(UsageError, match=r"has not ended after \d+ examples .*itertools.islice"):
        of_data.examples(endless(), "data")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (X, r"data must be \(x, y\)"),
        ((X, Y[:-1]), r"one length of at least 1, got \[49, 50\]"),
        ((X, object()), "y of data must be an array of numbers"),
        ((pl.DataFrame({"a": [1.0], "b": ["red"]}), [1]), "columns that are no numbers: b"),
        (iter([]), "has no batches"),
        (([[1, 2], [3]], [0, 1]), "x of data is a list whose items are no numbers, or differ in length"),
        ((["cold", "warm"], [0, 1]), "the inputs of data are text"),
        (iter([(X, Y), (X[:, :2], Y)]), "examples of several shapes.*pad or crop"),
        (iter([X]), r"a batch of data must be \(x, y\)"),
    ],
)
def test_what_is_no_data_is_refused(data, message):
    with pytest.raises(UsageError, match=message):
        of_data.parts(data, 0.2, 0.2, 0)


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [(0, 0.2, "validation must be a part"), (0.2, 1.5, "test must be a part"), (0.6, 0.4, "leave something")],
)
def test_a_cut_that_leaves_nothing_is_refused(validation, test, message):
    with pytest.raises(UsageError, match=message):
        of_data.parts((X, Y), validation, test, 0)


@pytest.mark.parametrize("count", [2, 3, 40])
def test_a_list_of_single_examples_is_refused_with_what_makes_arrays_of_it(count):
    items = [(np.full(3, i, np.float32), i % 2) for i in range(count)]
    with pytest.raises(UsageError, match=rf"data is a list of {count} pairs \(x, y\).*DataLoader\(data"):
        of_data.parts(items, 0.2, 0.2, 0)
    x, y = map(np.array, zip(*items, strict=True))  # as the sentence says
    assert (x.shape, y.shape) == ((count, 3), (count,))


def test_a_list_of_parts_is_no_list_of_examples():
    x, y = np.zeros((8, 3), np.float32), np.arange(8) % 2
    assert of_data.parts([(x, y), (x, y), (x, y)], 0.2, 0.2, 0).sizes == (8, 8, 8)
