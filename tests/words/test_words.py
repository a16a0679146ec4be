"""The sentences: equal keys and holes in both languages, and the code asks for no other."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

import kobai
from kobai import words
from kobai.basics.errors import UsageError, said, unknown
from kobai.words import TABLES, say

SOURCE = Path(kobai.__file__).parent
SPEAKERS = {
    **dict.fromkeys(("say", "said", "UsageError", "Note", "unknown"), ("",)),
    "phrase": (
        r"\.steps",
        r"\.epochs",
    ),  # kobai.questions.comparison.numbers.Unit: the key as it is for a unit
}
"""The functions whose first argument is a key, and what they put behind it."""

JAPANESE = re.compile(r"[぀-ヿ一-鿿]")


def holes(sentence: str) -> set[str]:
    """The names of the values in a sentence."""
    return {
        re.split(r"[.\[]", name)[0]
        for _, name, _, _ in string.Formatter().parse(sentence)
        if name is not None
    }


def trees() -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(SOURCE.rglob("*.py")):
        if "words" not in path.relative_to(SOURCE).parts:
            yield str(path.relative_to(SOURCE)), ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def pattern(node: ast.expr) -> str | None:
    """A regular expression for the keys that an expression can be; None for one that is not written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [pattern(part) or ".+" for part in node.values]
        return "".join(parts)
    if isinstance(node, ast.IfExp):
        either = [pattern(node.body), pattern(node.orelse)]
        return "|".join(f"(?:{one})" for one in either if one)
    return None


def spoken() -> Iterator[tuple[str, ast.Call, str]]:
    """(place, call, pattern of its key) of each call that says something."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and name_of(node) in SPEAKERS and node.args:
                found = pattern(node.args[0])
                for ending in SPEAKERS[name_of(node)] if found else ():
                    yield f"{file}:{node.lineno}", node, found + ending


def test_the_languages_have_equal_keys():
    assert set(TABLES["en"]) == set(TABLES["ja"])


def subjects(language: str) -> dict[str, list[str]]:
    """Each file of sentences, with the keys written in it, in their order."""
    folder = SOURCE / "words" / language
    written = {}
    for path in sorted(folder.rglob("*.py")):
        keys = re.findall(r'^    "([^"]+)": ', path.read_text("utf-8"), re.MULTILINE)
        written[path.relative_to(folder).as_posix()] = keys
    return written


def test_each_key_stands_once_and_in_the_same_file_and_place_of_both_languages():
    english = subjects("en")
    assert english == subjects("ja")
    keys = [key for file in english.values() for key in file]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(TABLES["en"])  # no file is left out of the whole


def test_a_file_of_sentences_is_read_in_one_sitting():
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (SOURCE / "words").rglob("*.py")}
    assert len(lengths) > 40
    assert {path: length for path, length in lengths.items() if length > 300} == {}


def test_the_languages_have_equal_holes():
    different = {
        key: (holes(TABLES["en"][key]), holes(TABLES["ja"][key]))
        for key in TABLES["en"]
        if holes(TABLES["en"][key]) != holes(TABLES["ja"][key])
    }
    assert different == {}


def test_every_key_that_the_code_says_exists():
    calls = list(spoken())
    assert len(calls) > 100  # the search itself works
    missing = [
        (place, key) for place, _, key in calls if not any(re.fullmatch(key, known) for known in TABLES["en"])
    ]
    assert missing == []


def test_every_value_of_a_sentence_is_given():
    """A hole that nobody fills is a KeyError in place of an answer."""
    lacking = []
    for place, call, key in spoken():
        if name_of(call) not in ("say", "UsageError", "phrase") or any(
            word.arg is None for word in call.keywords
        ):
            continue  # the values are not written at this place
        if ".+" in key:  # "progress.{name}" would claim the sentences of its neighbours too
            continue
        given = {word.arg for word in call.keywords}
        for known in TABLES["en"]:
            if re.fullmatch(key, known) and not holes(TABLES["en"][known]) <= given:
                lacking.append((place, known, holes(TABLES["en"][known]) - given))
    assert lacking == []


def test_no_sentence_is_left_over():
    written = set()
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                key = pattern(node)
                if key and re.match(r"\w+\\\.|\w+\.", key):  # begins with a word of its own: "table.{name}"
                    written |= {known for known in TABLES["en"] if re.fullmatch(key, known)}
    for _, _, key in spoken():
        written |= {known for known in TABLES["en"] if re.fullmatch(key, known)}
    assert sorted(set(TABLES["en"]) - written) == []


def is_japanese(english: str, sentence: str) -> bool:
    """Whether `sentence` is a translation of `english`, and not English itself."""
    if not re.search(r"[A-Za-z]{2}", re.sub(r"\{[^}]*\}", "", english)):
        return True  # signs and numbers only
    # Three English words in a row are a sentence that nobody translated; names and commands are shorter.
    plain = re.sub(r"kobai [\w.]+ [\w.]+|pip install \w+|--[\w-]+|'[^']*'", "", sentence)
    return bool(JAPANESE.search(sentence)) and not re.search(r"\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b", plain)


SIGNS = {"answer.and", "answer.numbers"}
"""Where English has words and Japanese signs: a comma before the last of a list, and digits."""


def test_japanese_is_japanese():
    english, japanese = TABLES["en"], TABLES["ja"]
    assert not is_japanese("there is no file {path}", "there is no file {path}")
    assert not is_japanese("there is no file {path}", "ファイル {path}: there is no file")
    assert is_japanese("there is no file {path}", "ファイル {path} がありません")
    left = {key: japanese[key] for key in japanese if not is_japanese(english[key], japanese[key])}
    assert set(left) == SIGNS


def test_japanese_and_latin_letters_have_no_space_between_them():
    japanese = "[\u3041-\u30ff\u4e00-\u9fff、。]"
    apart = re.compile(rf"{japanese} [A-Za-z0-9{{(−Α-ω]|[A-Za-z0-9}})'Α-ω₀-₉] {japanese}")
    assert apart.search("ファイル {path} がありません")
    assert apart.search("値は (0.5)")
    assert [key for key, text in TABLES["ja"].items() if apart.search(text)] == []


OTHER_WORDS = {
    "(?<!行き)(?<!落ち)着[くきかけいっ]": "到達する",
    "数でなくな|非数": "NaNや無限大になった",
    "初期の偏り": "初期のバイアス",
    "罰金": "罰則項",
    "慣性": "勢い",
    "始点": "出発点",
    "訓練例|事例": "訓練データ、データ",
    "評価値": "指標",
    "カンマ": "コンマ",
    "遡": "さかのぼる",
    "[二三四]つ": "2つ",
    "：": "半角のコロン",
}


def test_japanese_keeps_to_one_word_for_a_thing():
    for other, word in OTHER_WORDS.items():
        assert [key for key, text in TABLES["ja"].items() if re.search(other, text)] == [], word


def test_a_mistake_is_one_line():
    keys = [key for key in TABLES["en"] if key.startswith("error.")]
    assert [key for table in TABLES.values() for key in keys if "\n" in table[key]] == []


def test_the_language_is_that_of_the_moment_it_is_shown():
    problem = unknown("kind.optimizer", "amad", ["adam", "sgd"])
    assert str(problem) == "there is no optimizer 'amad'; did you mean 'adam'?"
    with words.language("ja"):
        assert str(problem) == "最適化手法'amad'はありません。'adam'のことですか?"
        assert f"{said('kind.task')}" == "課題"
    assert words.current() == "en"


def test_an_unknown_language_is_refused():
    with pytest.raises(UsageError, match="language 'fr' is not known; choose one of: en, ja"):
        words.use("fr")
    assert words.current() == "en"
    with words.language("ja"), pytest.raises(UsageError, match="言語'fr'はありません"):
        words.use("fr")


def test_a_name_far_from_all_others_is_answered_with_all():
    assert str(unknown("kind.task", "zzzz", ["sine", "digits"])) == (
        "there is no task 'zzzz'; choose one of: digits, sine"
    )


def test_a_sentence_with_a_missing_value_is_noticed():
    """The planted mistake that `test_every_value_of_a_sentence_is_given` is there for."""
    with pytest.raises(KeyError):
        say("error.count", name="steps")
