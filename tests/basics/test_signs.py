"""Signs that an encoding lacks."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from arrivals import twelve
from kobai import words
from kobai.basics import signs
from kobai.questions.comparison import terminal


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("written", ["cp932 en", "cp932 ja", "cp1252 en", "ascii en"])
def test_signs_that_an_encoding_lacks_stand_in_ascii(monkeypatch, written, width):
    encoding, language = written.split()
    found = twelve(monkeypatch)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors=signs.ERRORS)
    console = Console(file=stream, width=width, color_system=None, highlight=False)
    with words.language(language):
        console.print(terminal.view(found, wide=True))
        console.print("▸ λ")
    stream.flush()
    text = raw.getvalue().decode(encoding)
    *printed, last = text.splitlines()
    assert "?" not in "".join(printed)
    assert any(">= 0.9" in line for line in printed)
    assert any(re.match(r"lion .*>= \d", line) for line in printed)
    assert max(map(cell_len, printed)) <= width
    assert last.startswith("> ")


def test_everything_that_is_said_in_english_can_be_said_in_ascii():
    for sentence in words.TABLES["en"].values():
        assert b"?" not in sentence.replace("?", "").encode("ascii", signs.ERRORS), sentence


def test_a_sign_without_a_form_is_a_question_mark_and_every_form_is_ascii():
    assert "日≥".encode("ascii", signs.ERRORS) == b"?>="
    assert "Poincaré, Bücher, Σᵢ x₁ᵀA⁻¹".encode("ascii", signs.ERRORS) == b"Poincare, Bucher, sum i x1TA-1"
    assert all(form.isascii() for form in signs.FORMS.values())
    assert signs.written("1.49× [1.17–1.90] ≥", "cp1252") == "1.49× [1.17–1.90] >="
    assert signs.written("λ 日本", "ascii") == "lambda 日本"
    assert signs.written("≥", "of no computer") == "≥"
