"""The page, as a parser and a browser see it."""

import re

import jax.numpy as jnp
import numpy as np
import pytest

import kobai
from kobai.questions.descent.figures import drawn_steps


def test_the_page_asks_nobody_and_escapes_names():
    attack = "</script><img src=x>"
    made = kobai.Landscape(attack, lambda x: jnp.sum(x**2), start=(1.0, 2.0), least=0.0)
    content = kobai.descend(made, "sgd", learning_rates=[0.1], steps=20, command=attack).html()
    assert attack not in content
    assert "&lt;/script&gt;&lt;img src=x&gt;" in content
    assert "default-src 'none'" in content
    assert content.count("<script") == 3
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", content.split("plotly.js v")[0])


PLOT = "document.querySelector('[data-figure=paths]')"


@pytest.fixture(scope="module")
def opened(bowl, visit):
    page = visit(bowl.html(), viewport={"width": 390, "height": 844}, has_touch=True)
    yield page
    assert page.wrong == []


def test_a_browser_plays_the_paths_and_stops(opened):
    shown = opened.locator("#shown")
    assert shown.inner_text() == "step 1000"
    opened.locator("#step").fill("3")
    assert shown.inner_text() == "step 3"
    lengths = f"[...new Set({PLOT}.data.filter(t => t.mode === 'lines+markers').map(t => t.x.length))]"
    assert opened.evaluate(lengths) == [4]
    # Pressed, seen to move, and pressed again inside the page, so that no delay of ours comes between.
    play_and_stop = """async () => {
        const [button, slider] = ["play", "step"].map((id) => document.getElementById(id));
        const said = [button.textContent];
        button.click();
        said.push(button.textContent);
        while (slider.value === "3") await new Promise((later) => setTimeout(later, 10));
        if (slider.value !== slider.max) button.click();
        return [...said, button.textContent, Number(slider.value)];
    }"""
    before, during, after, frame = opened.evaluate(play_and_stop)
    assert (before, during, after) == ("▶ play", "❚❚ pause", "▶ play")
    assert frame > 3
    assert shown.inner_text() == f"step {frame}"
    ends = f"{PLOT}.data.flatMap((t, i) => t.mode === 'lines+markers' ? [[t, {PLOT}.data[i + 1]]] : [])"
    assert opened.evaluate(f"{ends}.every(([t, head]) => t.x.at(-1) === head.x[0] && t.meta === head.meta)")


def test_the_table_is_sorted_by_a_press(bowl, opened):
    column = "[...document.querySelectorAll('tbody tr')].map(row => row.children[3].textContent)"
    head = opened.locator("thead button").nth(3)
    head.click()
    up = opened.evaluate(column)
    firsts = sorted(row.first for row in bowl.outcome.rows if row.first is not None)
    assert up == [*map(str, firsts), "–"]
    head.click()
    assert opened.evaluate(column) == [*map(str, firsts[::-1]), "–"]
    assert opened.locator("thead th").nth(3).get_attribute("aria-sort") == "descending"


def test_the_page_fits_a_phone_and_a_button_hides_a_path(opened):
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    # The whole table is in view: rate and hyperparameters stand under the name of the method.
    assert opened.evaluate("document.querySelector('.scroll').scrollWidth") <= 390 - 2 * 16
    row = opened.locator("tbody tr", has_text="adamw").inner_text()
    assert re.search("^adamw\\s+η .* ρ₁ 0.9 ρ₂ 0.999\\s", row)
    visible = f"{PLOT}._fullData.filter(trace => trace.visible).length"
    before = opened.evaluate(visible)
    opened.locator(".chips button", has_text="sgd").click()
    assert opened.evaluate(visible) == before - 2


def test_many_long_paths_are_a_page_that_opens(tmp_path):
    """Of 3,000 rates the best rows are shown, with a word about the rest; the files hold all."""
    rates = [float(rate) for rate in np.geomspace(1e-4, 0.5, 3000)]
    result = kobai.descend("bowl", "momentum", learning_rates=rates, steps=1000)
    text = repr(result)
    assert len(text.splitlines()) < 80
    assert "only the first 40 of 3000 rows" in " ".join(text.split())
    assert len(result.html().encode()) < 8e6
    assert "only the first 40 of 3000 rows" in result.html()
    assert len(result.table) == 3000
    assert len(drawn_steps(100_000, paths=40)) < 610
    assert drawn_steps(100_000, paths=40)[-1] == 100_000
