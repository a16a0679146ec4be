"""Which part of the name of a run is its seed."""

from kobai.questions.judgement.readers.names import split


def test_names():
    names = ["main/0", "main/1", "new-seed3", "new-seed4", "a/version_0", "a/version_1", "alone_7"]
    told = [
        ("main", "0"),
        ("main", "1"),
        ("new", "3"),
        ("new", "4"),
        ("a", "0"),
        ("a", "1"),
        ("alone_7", None),
    ]
    assert [*split(names).values()] == told


def test_what_is_no_seed():
    names = ["resnet50", "resnet18", "adam-1e-3", "adam-1e-4", "lr_0.1", "lr_0.3"]
    assert [*split(names).values()] == [(name, None) for name in names]
