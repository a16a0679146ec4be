"""Datasets without numbers, and what a person is told while they are read."""

import itertools

import numpy as np
import pytest

import kobai
from kobai.basics.notices import Notice
from kobai.tasks.frameworks import loaders

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, Dataset, IterableDataset  # noqa: E402

X = np.arange(600, dtype=np.float32).reshape(300, 2)


class Stream(IterableDataset):
    def __iter__(self):
        return ((torch.from_numpy(row), i % 3) for i, row in enumerate(X))


@pytest.mark.parametrize("data", [Stream(), DataLoader(Stream(), batch_size=7)], ids=["items", "batches"])
def test_a_stream_is_read_in_its_order(data):
    x, y = loaders.read(data, "data")
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, np.arange(300) % 3)


def test_several_labels_stay_several():
    class Pairs(Dataset):
        def __len__(self):
            return len(X)

        def __getitem__(self, i):
            return (X[i], X[i] + 1), (i % 3, X[i, 0])

    (u, v), (c, r) = loaders.read(Pairs(), "data")
    np.testing.assert_array_equal(u + 1, v)
    np.testing.assert_array_equal(c, np.arange(300) % 3)
    np.testing.assert_array_equal(r, X[:, 0])


def test_workers_shuffling_and_a_collation_of_one_s_own():
    def collate(items):
        return torch.stack([x for x, _ in items]) * 2, [i for _, i in items]

    data = DataLoader([(torch.from_numpy(x), i % 3) for i, x in enumerate(X)], batch_size=16, shuffle=True,
                      num_workers=2, drop_last=True, collate_fn=collate)  # fmt: skip
    x, y = loaders.read(data, "data")
    np.testing.assert_array_equal(x, 2 * X)
    np.testing.assert_array_equal(y, np.arange(300) % 3)


class Sequences(Dataset):
    """The longest is the last, so that batches in order have several lengths."""

    lengths = [1 + i // 100 for i in range(300)]

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, i):
        return torch.full((self.lengths[i],), i + 1), i % 3


def test_batches_that_are_padded_each_to_its_longest_become_one():
    def padded(items):
        rows, y = zip(*items, strict=True)
        return {"ids": torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), "labels": list(y)}

    x, y = loaders.read(DataLoader(Sequences(), batch_size=8, collate_fn=padded), "data")
    by_hand = np.arange(1, 301)[:, None] * (np.arange(3) < np.array(Sequences.lengths)[:, None])
    np.testing.assert_array_equal(x["ids"], by_hand)
    np.testing.assert_array_equal(y, np.arange(300) % 3)


def test_sequences_that_nobody_pads_are_refused(monkeypatch):
    monkeypatch.setattr(loaders, "READ_TWICE", 200)
    with pytest.raises(kobai.UsageError, match=r"do not become one batch: .*equal size.*collate_fn"):
        loaders.read(Sequences(), "data")


def test_reading_that_takes_long_is_told_once(monkeypatch):
    monkeypatch.setattr(loaders, "PATIENCE", -1)
    with pytest.warns(
        Notice, match=r"data: 7 examples are read so far, .* a second; it says no length"
    ) as told:
        loaders.read(DataLoader(Stream(), batch_size=7), "data")
    assert len(told) == 1


def test_what_says_no_length_has_so_long_to_end(monkeypatch):
    monkeypatch.setattr(loaders, "MOST_SECONDS", -1)
    with pytest.raises(kobai.UsageError, match=r"has not ended after 7 examples .*islice\(loader, n\)"):
        loaders.read(DataLoader(Stream(), batch_size=7), "data")
    x, _ = loaders.read(itertools.islice(DataLoader(Stream(), batch_size=7), 3), "data")
    np.testing.assert_array_equal(x, X[:21])
    loaders.read(DataLoader([(row, 0) for row in X], batch_size=7), "data")


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (10**13, r"10000000000000 examples, about 1\.49e\+05 GiB"),
        (10**30, r"no length that a list can have \(.*int.*\); take a part"),
        (float("inf"), "no length that a list can have .*float"),
    ],
)
def test_a_length_that_cannot_be_is_refused_at_once(length, message):
    class Long(Dataset):
        def __len__(self):
            return length

        def __getitem__(self, i):
            assert i < 100
            return X[i], i % 3

    for data in (Long(), DataLoader(Long(), batch_size=4, sampler=[0])):
        with pytest.raises(kobai.UsageError, match=message):
            loaders.read(data, "data")


def test_a_loader_has_the_items_that_its_sampler_is_confined_to():
    rows = [(torch.from_numpy(x), i % 3) for i, x in enumerate(X)]
    sampler = torch.utils.data.SubsetRandomSampler([7, 2, 30])
    x, y = loaders.read(DataLoader(rows, batch_size=2, sampler=sampler), "data")
    np.testing.assert_array_equal(x, X[[2, 7, 30]])
    np.testing.assert_array_equal(y, [2, 1, 0])


def test_a_mapping_without_labels_is_no_data():
    with pytest.raises(kobai.UsageError, match="a dictionary with labels"):
        kobai.Task.of((lambda key: {}, lambda p, x: x), {"inputs": X})
