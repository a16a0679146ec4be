"""Which numbers a lesson's results quote that no cell of it shows."""

import re

import plotly.graph_objects as go

import kobai

NUMBER = r"(?<![A-Za-z0-9_.,])(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
FORMULA = r"^    .*$|`[^`]*`|[_^]\{[^}]*\}|[_^]\w"

DERIVED = {
    "3_1_SGD": [(1e-6 / (1 - 0.95)) ** 0.5],  # AdaDelta's first step, √(ε/(1−ρ))
    "3_2_SGD_withNN": [(1e-6 / (1 - 0.95)) ** 0.5],
    "3_3_initial_value_fixed": [300],  # the steps of `train`, if none are asked for
    "3_4_initial_value_random": [100 - 85],  # the per cent that are not saturated
    "3_5_initial_value_Xavier": [50 * 2 / (200 + 50)],  # n₂σ² of Xavier, 200 → 50
    "3_6_initial_value_He": [0.25],  # the largest slope of the sigmoid
}
"""What a text reckons itself."""


def not_shown(lesson, cells, printed, shown):
    """(cell id, number) of those that no cell prints, draws as a table or sets.

    Whole numbers below 10 are left out, larger ones may be rounded by 3 %, and a percentage may be a share.
    """
    known = [*DERIVED.get(lesson, []), *numbers(printed), *tables(shown)]
    known += numbers("\n".join(str(each) for each in shown if isinstance(each, kobai.Result)))
    known += numbers(
        "\n".join(source(cell) for cell in cells if cell["cell_type"] == "code").replace("_", "")
    )
    missing = []
    for cell in cells:
        if "result" in cell["metadata"].get("tags", []):
            text = re.sub(FORMULA, "", source(cell), flags=re.MULTILINE)
            for number in re.findall(NUMBER, text):
                digits = len(number.partition(".")[2])
                value = float(number.replace(",", ""))
                near = 0.51 * 10**-digits if digits else 0.03 * value
                reached = any(abs(each * scale - value) <= near for each in known for scale in (1, 100))
                if (digits or value >= 10) and not reached:
                    missing.append((cell["id"], number))
    return missing


def source(cell):
    return "".join(cell["source"])


def numbers(text):
    """All numbers of a text, without their signs."""
    return [float(number.replace(",", "")) for number in re.findall(NUMBER, text)]


def tables(shown):
    """All numbers written into coloured tables."""
    drawn = [trace.z for each in shown if isinstance(each, go.Figure) for trace in each.data if "z" in trace]
    return [abs(float(number)) for table in drawn for row in table for number in row if number is not None]
