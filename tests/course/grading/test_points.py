"""The file of points: what exercises are worth, partial points, the deadline; and every mistake in it."""

import datetime
import re
from pathlib import Path

import pytest

from kobai.basics.errors import UsageError
from kobai.course.grading.marks import Mark
from kobai.course.grading.points import Points, read


def mark(exercise, status="passed", mistake=""):
    return Mark(exercise, status, "course.verdict.passed", mistake=mistake)


@pytest.fixture
def points(tmp_path):
    """points(text): what the file with this text says."""

    def points(text):
        file = tmp_path / "points.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(file)

    return points


def test_without_a_file_each_right_answer_is_a_point():
    assert Points().earned(mark("3_1.adam")) == 1
    assert Points().earned(mark("3_1.adam", "wrong", "adam_no_correction")) == 0
    assert not Points().is_late(10.0**9)


def test_an_exercise_counts_before_its_lesson_and_a_mistake_before_its_exercise(points):
    worth = points(
        '[points]\n"3_1" = 2\n"3_1.adam" = 5\n"3_2.softmax_loss" = 0\n'
        '[partial]\nadam_no_correction = 0.5\n"3_1.adam" = 0.2\n"3_1.sgd" = 1\n'
    )
    assert [worth.of(name) for name in ("3_1.sgd", "3_1.adam", "3_2.softmax_loss", "3_2.train")] == [
        2,
        5,
        0,
        1,
    ]
    assert worth.earned(mark("3_1.adam")) == 5
    assert worth.earned(mark("3_1.adam", "wrong", "adam_no_correction")) == 2.5
    assert worth.earned(mark("3_1.adam", "wrong", "rebound")) == 1
    assert worth.earned(mark("3_1.sgd", "wrong")) == 2
    for status in ("unwritten", "failed", "stopped", "crashed", "unreadable"):
        assert worth.earned(mark("3_1.sgd", status)) == 0


def test_names_without_quotation_marks_mean_the_same(points):
    assert points("[points]\n3_1.adam = 5\n").of("3_1.adam") == 5


def test_a_deadline_may_have_a_zone_a_time_or_only_a_day(points):
    zone = datetime.timezone(datetime.timedelta(hours=9))
    noon = datetime.datetime(2026, 12, 1, 12, tzinfo=zone).timestamp()
    with_zone = points("deadline = 2026-12-01T12:00:00+09:00")
    assert (with_zone.is_late(noon), with_zone.is_late(noon + 1), with_zone.is_late(None)) == (
        False,
        True,
        False,
    )
    here = datetime.datetime(2026, 12, 1, 12).timestamp()
    assert points("deadline = 2026-12-01T12:00:00").is_late(here + 1)
    assert not points("deadline = 2026-12-01").is_late(here)
    assert points("deadline = 2026-12-01").is_late(here + 12 * 3600 + 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("deadline", "cannot be read"),
        (b"\xff", "cannot be read"),
        ("deadline = 3", "deadline must be a date with a time"),
        ("deadline = 12:00:00", "deadline must be a date with a time"),
        ("dead_line = 3", "did you mean 'deadline'"),
        ('[points]\n"3_1.adm" = 3', "did you mean '3_1.adam'"),
        ("[partial]\nadam_no_corection = 0.5", "did you mean 'adam_no_correction'"),
        ('[points]\n"3_1" = -1', "must be a number from 0 on, but got -1"),
        ('[points]\n"3_1" = nan', "must be a number from 0 on, but got nan"),
        ('[points]\n"3_1" = true', "must be a number from 0 on, but got True"),
        ('[points]\n"3_1" = "2"', "must be a number from 0 on, but got '2'"),
        ('[partial]\n"3_1.adam" = 2', "must be a number between 0 and 1, but got 2"),
        ("points = 3", "exercise, lesson or mistake"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(points, text, sentence):
    with pytest.raises(UsageError, match=".") as raised:
        points(text)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="nothing.toml cannot be read"):
        read(tmp_path / "nothing.toml")


def test_the_example_in_the_documentation_is_read(points):
    [page] = Path(__file__).parents[3].glob("docs/**/teaching.md")
    [example] = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    worth = points(example)
    assert (worth.of("3_1.sgd"), worth.of("3_1.adam"), worth.deadline is not None) == (2, 5, True)
