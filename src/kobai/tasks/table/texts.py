"""Texts of a file as the numbers, truths or dates that all of them are.

::

    1,234.50   ¥1,234   50%   １２      numbers, in the unit that all have
    1.234,50                           the same, where a comma stands for the point
    3  5  unknown  8                   numbers, and one word that says that there is none
    2024-01-31  2024/1/31 12:00  2024年1月31日    dates: the year first, so that day is not month
    2024-01-31T12:00:00+09:00          times of a zone, in UTC
"""

import re
from typing import NamedTuple

import polars as pl

MISSING = ("", "NA", "N/A", "#N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?")
"""Texts of a file that say that there is no value."""

UNITS = "[$€£¥%円]"
"""What may stand before or behind a number, if it is the same for all."""

MOSTLY = 0.9
"""Where so many of the texts are numbers, and the others are one word, that word says that there is none."""

DATE = re.compile(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]|$)")
"""How a date begins."""

CONFUSED = re.compile(r"^\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})\b")
"""How a date begins of which nobody can tell the day from the month."""


class Understood(NamedTuple):
    """A column, null where a value is missing; and the word of a column of numbers that says so, else ""."""

    series: pl.Series
    word: str = ""


def understood(texts: pl.Series, decimal_comma: bool = False, one_word: bool = True) -> Understood:
    """Texts of a file as the numbers, truths or dates that all are; else as they are.

    Args:
      texts: a column of a file, as `stripped` gives it.
      decimal_comma: whether a comma stands in numbers for the point.
      one_word: whether one word may stand where a number is missing.
    """
    present = texts.drop_nulls()
    if present.is_empty():
        return Understood(texts)
    numbers = _numbers(texts, decimal_comma)
    if numbers is not None:
        words = texts.filter(numbers.is_null()).drop_nulls()
        if words.is_empty():
            return Understood(numbers)
        is_one = words.n_unique() == 1 and not re.search(r"\d", words[0])
        if one_word and is_one and len(present) - len(words) >= MOSTLY * len(present):
            return Understood(numbers, words[0])
    if present.str.to_lowercase().is_in(("true", "false")).all():
        return Understood(texts.str.to_lowercase() == "true")
    return Understood(_dates(texts))


def stripped(texts: pl.Series, word: str = "") -> pl.Series:
    """Texts without the blanks around them, null where they, or this word, say that there is none."""
    texts = texts.str.strip_chars()
    return texts.set(texts.is_in((*MISSING, word)), None)


def _numbers(texts: pl.Series, decimal_comma: bool) -> pl.Series | None:
    """The numbers that texts are, null where they are none; None where hardly one can be."""
    if not texts.drop_nulls().head(1000).str.contains(r"\d|(?i:inf)").mean() > 0.5:  # type: ignore[operator]
        return None
    plain = texts.str.normalize("NFKC")
    units = plain.filter(plain.str.contains(r"\d")).str.extract(f"({UNITS})").fill_null("")
    if units.n_unique() == 1 and units[0]:
        plain = plain.str.replace_all(units[0], "", literal=True).str.strip_chars()
    point, group = (",", ".") if decimal_comma else (".", ",")
    grouped = plain.str.contains(rf"^[+-]?\d{{1,3}}([{group}]\d{{3}})+([{point}]\d+)?$")
    plain = plain.str.replace_all(group, "", literal=True).zip_with(grouped, plain)
    return plain.str.replace(point, ".", literal=True).cast(pl.Float64, strict=False)


def _dates(texts: pl.Series) -> pl.Series:
    """Texts as dates and times, those of a zone in UTC, if all of them are; else as they are."""
    plain = texts.str.replace(r"^(\d{4})年(\d{1,2})月(\d{1,2})日", "$1-$2-$3")
    if not plain.drop_nulls().str.contains(DATE.pattern).all():
        return texts
    try:
        dates = plain.str.to_datetime(strict=False)
    except pl.exceptions.PolarsError:
        return texts
    return without_zone(dates) if dates.null_count() == texts.null_count() else texts


def without_zone(times: pl.Series) -> pl.Series:
    """Times of a zone in UTC."""
    if isinstance(times.dtype, pl.Datetime) and times.dtype.time_zone:
        return times.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return times
