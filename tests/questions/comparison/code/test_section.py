"""The programs in the report: as a parser and a browser see them."""

import html

import pytest

from compared import NAMES as FIGURES
from compared import Page, points, studied, wait_until
from kobai import SGD, words
from kobai.candidates.grid import Candidate
from kobai.questions.comparison.code.section import section
from kobai.questions.comparison.code.write import FRAMEWORKS, NAMES, code
from programs import RULES, recommendation

HOSTILE = """</code><script>alert(1)</script>'''\"\"\"<img src="https://evil.example/x.png">"""


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_program_stands_in_the_section_torch_first(language):
    said = recommendation(RULES["rmsprop"])
    with words.language(language):
        page = section(said)
        programs = [html.escape(code(said, name)) for name in FRAMEWORKS]
    places = [page.index(program) for program in programs]
    assert places == sorted(places)
    assert next(iter(FRAMEWORKS)) == "torch"
    assert NAMES.keys() == FRAMEWORKS.keys()
    assert page.count('role="tab"') == page.count('class="copy"') == 4


def test_a_hostile_name_is_letters():
    page = section(recommendation(RULES["sgd"], task=HOSTILE))
    assert "<script" not in page
    assert "<img" not in page


@pytest.fixture(scope="module")
def report():
    from kobai.questions.comparison import page
    from kobai.study.answer import answer

    outcome = studied(points(), [Candidate("sgd", (SGD(0.1), SGD(1.0)))], seeds=2, tuning_seeds=1)
    return page.page(outcome, answer(outcome), "kobai")


def test_the_report_holds_the_section(report):
    page = Page(report).check(FIGURES[1:])  # one optimizer: nothing to choose
    assert "kobai.tasks" not in page.text  # of the user's own data
    assert "torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)" in page.text


@pytest.mark.parametrize(
    "context", [{}, {"viewport": {"width": 390, "height": 800}}, {"color_scheme": "dark"}]
)
def test_a_tab_shows_one_program_and_its_button_copies_it(report, visit, context):
    page = visit(report, **context)
    shown = page.locator(".code pre:visible")
    assert shown.count() == 1
    assert "PyTorch" in shown.inner_text()
    page.get_by_role("tab", name="Keras").click()
    assert shown.count() == 1
    assert "keras.optimizers.SGD" in shown.inner_text()
    button = page.locator(".code .copy:visible")
    button.click()
    wait_until(page, "document.querySelector('#code-keras .copy').textContent === 'Copied'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.wrong == []


def test_the_keyboard_goes_through_the_tabs_and_copies(report, visit):
    page = visit(report)
    page.get_by_role("tab", name="PyTorch").focus()
    shown = page.locator(".code [role=tabpanel]:visible")
    ways = {"ArrowLeft": "kobai", "ArrowRight": "torch", "End": "kobai", "Home": "torch"}
    for key, name in ways.items():
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == f"tab-{name}"
        assert shown.get_attribute("id") == f"code-{name}"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_until(page, "document.querySelector('#code-torch .copy').textContent === 'Copied'")


def test_without_javascript_every_program_is_shown(report, visit):
    page = visit(report, java_script_enabled=False)
    assert page.locator(".code pre:visible").count() == 4
    assert page.locator(".code .copy:visible").count() == 0
