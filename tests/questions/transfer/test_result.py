"""What a result says, in a terminal, as JSON and as a page."""

import dataclasses
import json

import polars as pl
from rich.cells import cell_len

import kobai
from kobai import words
from kobai.questions.transfer.rows import Setup
from kobai.report.result import call
from kobai.tasks.pairs import halves
from transferred import TINY, result_of, verdicts


def test_the_answer_says_what_helps_and_what_does_not():
    frame = verdicts(
        ("transfer", 20, 0.1, -1),
        ("transfer", 400, -0.1, 1),
        ("fine-tuning", 20, 0.0, -1),
        ("fine-tuning", 400, 0, 1),
    )
    assert frame["verdict"].to_list() == ["helps", "harms", "helps", "open"]
    found = result_of(frame, "digits", "moved digits", "accuracy")
    lines = str(found).splitlines()
    assert lines[:2] == [
        "digits → moved digits: does it help to reuse weights?",
        "accuracy; adam, 300 steps after 500 on the source; 10 fresh seeds",
    ]
    assert lines[3] == "transfer: better with 20 examples; worse with 400 examples."
    assert lines[4] == "fine tuning: fewer steps with 20 examples; no difference established with 400."
    assert all(cell_len(line) <= 80 for line in lines)
    with words.language("ja"):
        assert all(cell_len(line) <= 80 for line in str(found).splitlines())
        assert "転移学習" in str(found)


def test_where_it_fails_the_answer_says_so():
    frame = verdicts(("transfer", 20, -0.1, 1), ("transfer", 100, -0.1, 1), ("transfer", 400, 0.0, 1))
    lines = str(result_of(frame, "noise", "digits", "accuracy")).splitlines()
    assert lines[3] == "transfer:"  # too long for one line
    assert lines[4:7] == [
        "  DOES NOT HELP",
        "  worse with 20, 100 examples",
        "  no difference established with 400",
    ]


def test_too_few_seeds_decide_nothing():
    """Nothing found is no failure: two seeds could not have found anything, ten did not. Harm is one."""
    frame = verdicts(("transfer", 20, 0.0, 1))
    assert frame["verdict"].to_list() == ["open"]
    few, many = (
        str(result_of(frame, "noise", "digits", "accuracy", Setup(seeds=seeds))) for seeds in (2, 10)
    )
    assert "transfer: undecided with these seeds; no difference established with 20." in few
    assert "transfer: no help shown; no difference established with 20." in many
    assert "DOES NOT HELP" not in few + many
    harms = verdicts(("transfer", 20, -0.1, 1))
    assert "DOES NOT HELP" in str(result_of(harms, "noise", "digits", "accuracy", Setup(seeds=2)))


def test_a_result_speaks_the_language_of_its_call():
    """Also after the call has ended, in text and figure; without one, the language in use."""
    twice = {"protocol": ["transfer"] * 2} | TINY | {"amounts": [20, 20]}  # said twice, measured once
    found = kobai.transfer(halves(hidden=8), language="ja", **twice)
    assert found.table.height == 1
    assert "転移学習: このシード数では判断できません" in str(found)
    assert found.figures["reuse"].data[0].name == "転移学習"
    assert words.current() == "en"
    english = dataclasses.replace(found, language="en")
    with words.language("ja"):
        assert "transfer: undecided" in str(english)


def test_the_call_is_said():
    def said(pair, **more):
        return call(kobai.transfer, {"pair": pair, **more}, {"pair": "pair"})

    assert said("moved", seeds=10, steps=40, slow=0.0) == "kobai.transfer('moved', steps=40)"
    assert said(halves(), seeds=3) == "kobai.transfer(pair, seeds=3)"
    assert said(("sine", "sine")) == "kobai.transfer(('sine', 'sine'))"


def test_json_and_page(tmp_path):
    frame = verdicts(("transfer", 20, 0.1, -1)).with_columns(ratio_low=pl.lit(None, pl.Float64))
    found = result_of(frame, "digits", "<b>", "accuracy", Setup(learning_rates=(0.01,)), command="a & b")
    found.save(tmp_path)
    kept = json.loads((tmp_path / "transfer.json").read_text("utf-8"))
    assert (kept["target"], kept["seeds"], kept["rows"][0]["ratio_low"]) == ("<b>", 10, None)
    page = (tmp_path / "transfer.html").read_text("utf-8")
    assert page == found.html()
    assert "<b>:" not in page
    assert "&lt;b&gt;" in page
    assert "<code>a &amp; b</code>" in page
    assert "<table" in found._repr_html_()
    assert "<script" not in found._repr_html_()
    assert pl.read_parquet(tmp_path / "table.parquet").equals(frame)


def test_of_very_many_amounts_some_are_shown_with_a_word_about_the_rest():
    amounts = range(10, 1010)
    frame = verdicts(("transfer", 20, 0.1, -1), ("pretraining", 20, 0.1, -1), ("fine-tuning", 20, 0.0, -1))
    many = pl.concat(frame.with_columns(pl.lit(amount).alias("amount")) for amount in amounts)
    result = result_of(many, "noise", "digits", "accuracy", Setup(learning_rates=(0.1,) * 10_000))
    text = str(result)
    assert len(text.splitlines()) < 70
    assert "39 of 3000 rows are shown" in text
    assert "1009" in text
    assert max(map(len, text.splitlines())) < 700
    assert len(result.html()) < 8e6
    assert len(result.figures["reuse"].data[0].x) == 13
    assert len(result.table) == 3000


def test_json_holds_as_many_rows_as_a_person_reads(monkeypatch):
    monkeypatch.setattr("kobai.report.cut.POINTS", 3)
    frame = verdicts(*(("transfer", 20 * i, 0.1, -1) for i in range(1, 9)))
    setup = Setup(learning_rates=[0.1 / i for i in range(1, 9)])
    content = json.loads(result_of(frame, "digits", "moved digits", "accuracy", setup).to_json())
    assert [row["amount"] for row in content["rows"]][:1] == [20]
    assert (len(content["rows"]), len(content["learning_rates"])) == (3, 3)
    assert content["notes"] == [
        "3 of 8 rows are shown, evenly from the first to the last; table.parquet holds all of them"
    ]
