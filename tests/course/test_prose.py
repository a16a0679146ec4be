"""The text of lessons and pages: Japanese as a book would print it, markdown that becomes what it says."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from kobai.course import pages
from kobai.course.notebooks import KINDS, notebook, page
from kobai.course.prose import folded, joined
from kobai.course.source import LANGUAGES, lesson_names, load
from kobai.words import TABLES

ROOT = Path(__file__).parents[2]

NAMES = [*lesson_names(), *pages.PAGES, *pages.GUIDE]
MARKDOWN = MarkdownIt("commonmark").enable("table")
JAPANESE, LATIN = "[ぁ-んァ-ヶー一-龠々〜]", r"[A-Za-z0-9$`α-ωΑ-Ω]"


def texts(name, language):
    """(id, text) of every markdown cell of a lesson or page."""
    made = (
        page(name, language)
        if name in pages.PAGES | pages.GUIDE
        else notebook(load(name), language, KINDS[0])
    )
    return [
        (cell["id"], "".join(cell["source"])) for cell in made["cells"] if cell["cell_type"] == "markdown"
    ]


def prose(text):
    """Without code that stands by itself, and without headings' numbers."""
    text = re.sub(r"```.*?```|^    .*$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^(#+|\|) ?[\d._-]+ ", "", text, flags=re.MULTILINE)


# Japanese


@pytest.mark.parametrize("name", NAMES)
def test_japanese_and_latin_letters_have_no_space_between_them(name):
    for identity, text in texts(name, "ja"):
        apart = re.findall(f"{JAPANESE} {LATIN}.{{9}}|.{{9}}{LATIN} {JAPANESE}", prose(text))
        found = [each for each in apart if not re.match(r"[\d.]+ ", each)]  # the number of a list
        assert found == [], identity


OTHER_WORDS = {
    "(?<!行き)(?<!張り)着[くきかけいっ]": "到達する",
    "記憶": "内部状態",
    "操縦": "操作係",
    "始まりの偏り": "初期のバイアス",
    r"3[-_]\d+節": "レッスン3-4",
    "0で用意": "ゼロで初期化",
    "数でなくな": "NaNや無限大になった",
    "微分する相手": "微分する変数",
    "楽観的": "性能を実際より高く見積もって",
    "もう少しです": "まだ違います",
    "仲間": "同じバッチのデータ",
    "見つけるべきこと": "気づいてほしいこと",
    "要求": "条件",
    "モメンタム": "モーメンタム",
    "ヘシアン": "ヘッセ行列",
    "学習者": "受講者",
    "確かめられた": "立証された",
}


HALF_WIDTH = re.compile(rf"{JAPANESE}\([^()]*\)|\([^()]*{JAPANESE}[^()]*\)")
TUPLE = re.compile(r"\([−\d\w₁₂+*/@ ]+, ?[^()]*\)|\([\w ]+[+−*][^()]*\)")
"""Half-width as in a formula: (n₁, n₂), (1 − ρ)."""


def half_width(text):
    """What stands in half-width brackets in a Japanese text, apart from code, formulas and addresses."""
    text = re.sub(r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)\s]*\)", "x", text, flags=re.DOTALL)
    return [
        each for each in HALF_WIDTH.findall(text) if re.search(JAPANESE, each[1:]) or not TUPLE.search(each)
    ]


def test_brackets_in_japanese_are_told_apart():
    assert half_width("勾配(gradient)と") == ["配(gradient)"]
    assert half_width("Adam(適応)") == ["(適応)"]
    assert half_width("勾配（gradient）と、点(n₁, n₂)と`f(x)`、[頁](page.md)") == []


def python_tuples_left_out(text):
    """A sentence of kobai's may name the parts of a tuple in Japanese: (平均, 分散)."""
    return re.sub(r"\((\w+|\([^()]*\))(, (\w+|\([^()]*\)))+\)", "x", text)


DOCUMENTS = sorted([*(ROOT / "docs").rglob("*.ja.md"), ROOT / "README.ja.md"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_documents_have_brackets_of_full_width_and_no_space_before_a_percent_sign(path):
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert half_width(text) == []
    assert not re.search(r"\d %", text)
    assert "学習者" not in text


@pytest.mark.parametrize("name", NAMES)
def test_lessons_have_brackets_of_full_width_and_no_space_before_a_percent_sign(name):
    for identity, text in texts(name, "ja"):
        assert half_width(text) == [], identity
        assert not re.search(r"\d %", text), identity


def test_sentences_of_kobai_have_brackets_of_full_width_and_no_space_before_a_percent_sign():
    """Heads of tables too: where room is short they break the line, and keep to the rule."""
    japanese = TABLES["ja"]
    quoting = ("course.hint.", "course.wrong.")  # code
    half = {
        key: half_width(python_tuples_left_out(text))
        for key, text in japanese.items()
        if not key.startswith(quoting)
    }
    assert {key: brackets for key, brackets in half.items() if brackets} == {}
    assert [key for key, text in japanese.items() if re.search(r"[\d}] %", text)] == []


CALL = re.compile(r"\b(np|jnp|math|jax|kobai)\.[A-Za-z_.]+（|\bf（平均")
"""A call as no Python reads it: its brackets are those of a sentence."""


def test_calls_keep_the_brackets_of_code():
    assert CALL.search("np.mean（リスト, axis=0）")
    texts_in_japanese = [*TABLES["ja"].values(), *(path.read_text("utf-8") for path in DOCUMENTS)]
    texts_in_japanese += [
        path.read_text("utf-8") for path in (ROOT / "src/kobai/course/lessons").glob("3_*.py")
    ]
    assert [call[0] for text in texts_in_japanese for call in CALL.finditer(text)] == []


def test_tuples_are_told_from_brackets_of_a_sentence():
    assert python_tuples_left_out("候補は(平均, 分散)、((左, 右), (下, 上))") == "候補はx、x"
    assert half_width(python_tuples_left_out("候補(既定: 10)")) == ["補(既定: 10)"]


TERMINAL = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_terminals_in_documents_show_the_same_style(path):
    for shown in TERMINAL.findall(path.read_text("utf-8")):
        assert half_width(shown) == []
        assert not re.search(r"\d %", shown)


@pytest.mark.parametrize("name", NAMES)
def test_japanese_keeps_to_one_word_for_a_thing(name):
    for identity, text in texts(name, "ja"):
        for other, word in OTHER_WORDS.items():
            assert not re.search(other, text), (identity, word)


def test_lines_of_japanese_are_joined_and_other_lines_are_kept():
    assert joined("勾配の\n逆向きに\n進みます。") == "勾配の逆向きに進みます。"
    assert joined("Adamと\nSGDは") == "AdamとSGDは"
    assert joined("SGD and\nAdam") == "SGD and Adam"
    assert joined("**平均**は\n`x`です") == "**平均**は`x`です"
    assert joined("- 1つ目は\n  続きます\n- 2つ目") == "- 1つ目は続きます\n- 2つ目"
    assert joined("1. 一\n   続き\n2. 二") == "1. 一続き\n2. 二"
    for kept in (
        "| 表 | の |\n|---|---|\n| 行 | は |",
        "```\n端末\nの出力\n```",
        "$$x\n= y$$\n\n文",
        "$$\n\\text{式}\n$$",
        "# 見出し\n\n本文",
        "改行する\\\nところ",
        "<details><summary>答え</summary>\n\n1. 一\n\n</details>",
    ):
        assert joined(kept) == kept


def test_a_result_is_folded_in_the_language_of_the_notebook():
    assert folded("a", "en").startswith("<details><summary>What came out")
    assert (
        folded("a", "ja")
        == "<details><summary>結果（予想を書いてから開いてください）</summary>\n\na\n\n</details>"
    )


# Markdown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_every_asterisk_becomes_emphasis(name, language):
    """After 。 and before a letter ** does not end what is bold, by the rules of CommonMark."""
    for identity, text in texts(name, language):
        formulas = re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "x", text, flags=re.DOTALL)
        shown = [
            leaf.content
            for block in MARKDOWN.parse(formulas)
            for leaf in block.children or []
            if leaf.type == "text"
        ]
        assert [each for each in shown if "**" in each or re.search(r"\*\w", each)] == [], identity


LABEL = r"(?:> ?)?\*\*[^*\n]+\*\*: "


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_lines_of_a_template_do_not_run_together(name, language):
    """Lines that begin with a bold label are a list, or stand apart."""
    for identity, text in texts(name, language):
        assert not re.search(f"^{LABEL}.*\n{LABEL}", text, re.MULTILINE), identity


# Pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_of_a_page_lead_to_files_that_come_with_it(language):
    files = set(pages.PAGES.values()) | set(pages.GUIDE.values())
    for name in lesson_names():
        files.add(f"{name}_trainee.ipynb" if load(name).exercises else f"{name}.ipynb")
    for name in pages.PAGES:
        for _, text in texts(name, language):
            assert set(re.findall(r"\]\(([^)]+\.ipynb)\)", text)) <= files


def minutes_of(name, language):
    """What the table at the head of a lesson adds up to, or what its text says where it has no table."""
    head = texts(name, language)[0][1]
    return sum(map(int, re.findall(r"(\d+)(?:分| min)", head.partition("|---|")[2] or head)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_page_sums_up_the_minutes_of_the_lessons(language):
    contents, day = (text for _, text in texts("start", language)[2:])
    minutes = dict(re.findall(r"^\| \[3-(\d+)\].* \| (\d+) \|$", contents, re.MULTILINE))
    assert minutes == {name.split("_")[1]: str(minutes_of(name, language)) for name in lesson_names()}
    assert re.search(rf"(?<!\d){sum(map(int, minutes.values()))}(分| minutes)", contents)
    parts = re.findall(r"^\| \d+ \|.* \| (\d+) \|$", day, re.MULTILINE)
    assert re.search(rf"(合計は|That is ){sum(map(int, parts))}(分| minutes)", day)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_teachers_guide_gives_a_lesson_the_same_minutes(language):
    headings = [text.splitlines()[0] for _, text in texts("teacher_guide", language)]
    for name in lesson_names():
        [heading] = [each for each in headings if each.startswith(f"## {load(name).number} ")]
        told = re.findall(r"(\d+)(?=分| min| \+)", heading)
        assert sum(map(int, told)) == minutes_of(name, language), heading
