"""What is kept in the folder of a study: found again for what it is, whole or not at all."""

import json
import os

import polars as pl
import pytest

from kobai.basics.errors import UsageError
from kobai.basics.files import LOCK, open_folder
from kobai.basics.notices import Notice
from kobai.study import store
from kobai.study.store import DAMAGED, FORMAT, KEPT, MARK, STORE, Store, is_store


def cells(*names, seconds=1.0):
    """A frame of cells as it is kept."""
    rows = [{"cell": name, "seed": i, "seconds": seconds} for i, name in enumerate(names)]
    rows = [{**row, "training_loss": [0.5, float("nan")], "test_loss": None} for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in KEPT} for row in rows], schema=KEPT)


FRAME, OTHERS = cells("a", "b", "c"), cells("d", "e")


def test_cells_are_found_again_for_what_they_are(tmp_path, everything_in):
    kept = Store(tmp_path)
    assert len(kept.get(["a"])) == 0
    assert everything_in(tmp_path) == set()
    kept.put(FRAME)
    kept.put(OTHERS)
    for each in (kept, Store(tmp_path)):
        assert each.get(["a", "b", "c"]).equals(FRAME)
        assert each.get(["e", "unknown", "b"])["cell"].sort().to_list() == ["b", "e"]
        assert each.every()["cell"].sort().to_list() == ["a", "b", "c", "d", "e"]


def test_without_a_folder_nothing_is_kept_but_what_is_in_memory():
    kept = Store()
    assert not kept
    kept.put(FRAME)
    assert len(kept.get(["a"])) == 0
    kept = Store(cells=FRAME)
    assert kept
    assert kept.get(["b"])["seed"].to_list() == [1]


def test_many_files_become_one_and_nothing_is_lost(tmp_path):
    kept = Store(tmp_path)
    every = [f"{i}" for i in range(store.MOST_FILES + 2)]
    for name in every:
        kept.put(cells(name))
    kept.compact()
    assert len(list((tmp_path / STORE).glob("cells-*"))) == 1
    for each in (kept, Store(tmp_path)):
        assert each.get(every)["cell"].to_list() == every


def test_of_several_processes_each_puts_its_own_files_together(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "MOST_FILES", 1)
    one, other = Store(tmp_path, joined=True), Store(tmp_path, joined=True)
    for name in "abc":
        one.put(cells(name))
    other.put(cells("d"))
    one.refresh()
    other.refresh()
    one.compact(own=True)
    assert sorted(map(len, map(pl.read_parquet, (tmp_path / STORE).glob("cells-*")))) == [1, 3]
    assert other.get(["a", "b", "c", "d"])["cell"].sort().to_list() == ["a", "b", "c", "d"]


def test_files_that_are_large_enough_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CELLS_OF_A_FILE", 5)
    kept = Store(tmp_path)
    every = [f"{i}" for i in range(23)]
    kept.put(cells(*every[:6]))
    [large] = (tmp_path / STORE).glob("cells-*")
    for name in every[6:]:
        kept.put(cells(name))
    kept.compact()
    paths = list((tmp_path / STORE).glob("cells-*"))
    assert large in paths
    assert sorted(len(pl.read_parquet(path)) for path in paths) == [2, 5, 5, 5, 6]
    for each in (kept, Store(tmp_path)):
        assert sorted(each.get(every)["cell"]) == sorted(every)


def test_whoever_is_killed_while_files_become_one_leaves_cells_twice_which_are_one(tmp_path):
    kept = Store(tmp_path)
    kept.put(FRAME)
    kept.put(pl.concat([FRAME.with_columns(seconds=2.0), OTHERS]))
    assert Store(tmp_path).get(["a", "b", "c", "d", "e"])["cell"].n_unique() == 5
    assert len(Store(tmp_path).get(["a", "b", "c", "d", "e"])) == 5


# The format.


def test_the_folder_of_a_study_is_taken_to_grow(tmp_path):
    Store(tmp_path).put(FRAME)
    with pytest.raises(UsageError, match="not empty"):
        open_folder(tmp_path)
    assert open_folder(tmp_path, known=is_store) == tmp_path
    assert json.loads((tmp_path / STORE / MARK).read_text())["format"] == FORMAT


def test_what_a_killed_process_left_is_no_content(tmp_path):
    for name in (LOCK, ".report.html.abc.kobai-part"):
        (tmp_path / name).write_text("")
    assert open_folder(tmp_path) == tmp_path


def test_a_study_of_the_first_format_is_told_from_its_files(tmp_path):
    """As kobai wrote them before studies grew: interrupted, and finished."""
    (tmp_path / "interrupted" / "chunks").mkdir(parents=True)
    (tmp_path / "finished").mkdir()
    for name in ("report.html", "results.parquet", "cells.parquet", "answer.json"):
        (tmp_path / "finished" / name).write_text("")
    for name in ("interrupted", "finished"):
        with pytest.raises(UsageError, match=rf"{name} was written by an earlier kobai.*format 1"):
            is_store(tmp_path / name)
    (tmp_path / "thesis").mkdir()
    assert not is_store(tmp_path / "thesis")


def test_a_study_of_a_later_format_names_the_version_that_reads_it(tmp_path):
    Store(tmp_path).put(FRAME)
    (tmp_path / STORE / MARK).write_text(json.dumps({"format": 7, "kobai": "9.1.0"}))
    with pytest.raises(UsageError, match=r"was written by kobai 9\.1\.0 in a format of its own \(7\)"):
        is_store(tmp_path)


# What does not verify.


def flip(place):
    """A function that flips one bit of a file, at this part of its length."""

    def damage(path, content):
        i = int(place * (len(content) - 1))
        path.write_bytes(content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :])

    return damage


def become(make):
    """A function that puts something else under the name of a file."""

    def damage(path, content):
        path.unlink()
        make(path)

    return damage


DAMAGES = {
    "empty": lambda path, content: path.write_bytes(b""),
    "cut": lambda path, content: path.write_bytes(content[:-1]),
    "longer": lambda path, content: path.write_bytes(content + b"\0"),
    "first": flip(0),
    "data": flip(0.05),
    "middle": flip(0.5),
    "last": flip(1),
    "text": lambda path, content: path.write_text("years of work"),
    "columns": lambda path, content: pl.DataFrame({"x": [1]}).write_parquet(path),
    "folder": become(lambda path: path.mkdir()),
    "fifo": become(os.mkfifo),
    "link": become(lambda path: path.symlink_to("nowhere")),
    "unnamed": lambda path, content: path.rename(path.with_name("old.parquet")),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_is_damaged_is_set_aside_and_computed_again(tmp_path, damage):
    before = Store(tmp_path)
    before.put(FRAME)
    path = before.places["a"]
    before.put(OTHERS)
    damage(path, path.read_bytes())
    with pytest.warns(Notice, match="are damaged: 1; the next kobai compare"):
        assert len(Store(tmp_path, reading=True).get(["a"])) == 0
    assert not (tmp_path / DAMAGED).exists()
    with pytest.warns(Notice, match=r"are damaged: 1; .* set aside in .*damaged") as said:
        kept = Store(tmp_path)
    assert len(said) == 1
    assert "\n" not in str(said[0].message)
    assert len(kept.get(["a", "b", "c"])) == 0
    assert kept.get(["d", "e"]).equals(OTHERS)
    assert len(list((tmp_path / DAMAGED).iterdir())) == 1
    kept.put(FRAME)
    assert Store(tmp_path).get(["a", "b", "c"]).equals(FRAME)  # without a word


def test_the_cells_of_another_study_are_nobodys_under_any_name(tmp_path):
    """They say themselves what they are: under a name of ours they are not ours."""
    ours = Store(tmp_path)
    ours.put(FRAME)
    ours.put(OTHERS)
    first, second = ours.places["a"], ours.places["d"]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())  # the checksum in the name is that of another content
    with pytest.warns(Notice, match="damaged: 1"):
        kept = Store(tmp_path)
    assert len(kept.get(["a", "b", "c"])) == 0
    first.write_bytes(content)
    assert Store(tmp_path).get(["a", "b", "c"]).equals(FRAME)


def test_a_frame_of_other_columns_is_not_believed_though_its_checksum_is_right(tmp_path):
    Store(tmp_path).put(FRAME)
    pl.DataFrame({"cell": ["a"]}).write_parquet(tmp_path / STORE / "x")
    content = (tmp_path / STORE / "x").read_bytes()
    (tmp_path / STORE / "x").rename(tmp_path / STORE / f"cells-{store.checksum(content)}.parquet")
    with pytest.warns(Notice, match="damaged: 1"):
        assert Store(tmp_path).get(["a"]).equals(FRAME[:1])


@pytest.mark.parametrize("name", [MARK, "question-0.json", "thesis.txt"])
def test_what_is_no_file_of_cells_is_verified_too(tmp_path, name):
    Store(tmp_path).put(FRAME)
    (tmp_path / STORE / name).write_text("years of work")
    with pytest.warns(Notice, match="damaged: 1"):
        Store(tmp_path)
    Store(tmp_path).put(OTHERS)
    assert Store(tmp_path).get(["a", "d"])["cell"].sort().to_list() == ["a", "d"]
    assert (tmp_path / STORE / MARK).exists()


def test_what_is_set_aside_replaces_nothing(tmp_path):
    for _ in range(3):
        Store(tmp_path).put(FRAME)
        [path] = tmp_path.glob(f"{STORE}/cells-*")
        path.write_bytes(b"")
        with pytest.warns(Notice):
            Store(tmp_path)
    assert len(list((tmp_path / DAMAGED).iterdir())) == 3


def test_what_another_process_is_writing_is_not_damaged(tmp_path):
    Store(tmp_path).put(FRAME)
    (tmp_path / STORE / ".cells-a.parquet.x.kobai-part").write_text("half")
    assert Store(tmp_path, reading=True).get(["a"]).equals(FRAME[:1])
    Store(tmp_path)  # nobody holds it: a killed process has left it
    assert not list((tmp_path / STORE).glob(".*"))
