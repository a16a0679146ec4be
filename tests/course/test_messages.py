"""The words of checks and hints: Japanese as a textbook prints it, nothing that gives the answer away."""

import re

import pytest

from kobai.words import TABLES

JAPANESE = "[ぁ-んァ-ヶー一-龠々、。」]"
KINDS = ("wrong", "hint", "verdict", "evidence", "problem", "difference", "where", "form")
MESSAGES = {
    key: text for key, text in TABLES["ja"].items() if re.match(rf"course\.({'|'.join(KINDS)})\.", key)
}
OTHER_WORDS = {
    "(?<!落ち)着[くきかけいっ]": "到達する",
    "記憶": "内部状態",
    "要求": "条件",
    "始まりの偏り": "初期のバイアス",
    r"\d[-_]\d+ ?節": "レッスン3-4",
    "0で用意": "ゼロで初期化",
    "数でなくな": "NaNや無限大になった",
    "nan": "NaN",
    "もう少し": "まだ違います",
    "全部の": "すべての",
    "正しいです": "合っています",
}
"""What stands in its place, by the field's own word."""


def test_japanese_and_latin_letters_have_no_space_between_them():
    apart = rf"{JAPANESE} [A-Za-z0-9{{(−Α-ω]|[A-Za-z0-9}})Α-ω₀-₉ᵀ] {JAPANESE}"
    assert [key for key, text in MESSAGES.items() if re.search(apart, text)] == []


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_one_word_for_a_thing(word):
    assert [key for key, text in MESSAGES.items() if re.search(word, text)] == []


SENTENCE = r"(ます|です|ください|せん|ました|か\?|しょう|でした|した|ません|数え直します)([(（].*[)）])?$"


def test_what_is_wrong_is_told_in_sentences():
    """A sentence ends with its verb; hints may end with a piece of code."""
    told = {key: text for key, text in MESSAGES.items() if key.startswith("course.wrong.")}
    ends = {
        key: text
        for key, text in told.items()
        if not re.search(SENTENCE, text) and not text.endswith("{line}")
    }
    assert ends == {}


def test_every_sentence_takes_the_same_values_in_both_languages():
    for key, text in MESSAGES.items():
        values = [set(re.findall(r"(?<!{){(\w+)", table[key])) for table in TABLES.values()]
        assert values[0] == values[1], text
