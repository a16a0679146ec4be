"""The figures of the lessons: what they draw stands where its numbers say; of nothing they draw nothing."""

import numpy as np
import pytest

from kobai.course import figures


@pytest.mark.parametrize(
    "made",
    [
        figures.curves({}),
        figures.lines([1, 2], {}),
        figures.against([1, 2], {}),
        figures.histograms({}),
        figures.heat([], [], []),
        figures.regions({}, (0, 1), (0, 1), []),
        figures.steps(np.add, (0, 1), (0, 1), {}),
        figures.contour(np.add, (0, 1), (0, 1), {}),
    ],
)
def test_of_nothing_there_are_no_empty_axes(made):
    """An exercise that is not finished yet has no numbers to show."""
    assert made is None


def test_a_map_without_paths_is_still_a_map():
    assert len(figures.contour(lambda x, y: x * x + y * y, (-1, 1), (-1, 1)).data) == 1


def test_curves_begin_at_step_one_and_marks_stand_at_their_step():
    made = figures.curves({"loss": [3, 2, 1]}, log_x=True, marks={"lowest": 100})
    assert list(made.data[0].x) == [1, 2, 3]
    assert made.layout.xaxis.type == "log"
    [line], [label] = made.layout.shapes, [each for each in made.layout.annotations if each.text]
    assert (line.x0, line.x1) == (100, 100)
    assert (label.text, label.x) == ("lowest", 2)  # a power of ten, as plotly counts on that axis


def test_stems_reach_from_zero_to_their_height_in_the_colour_of_their_line():
    stems = {"B": ([1, 3], [0.5, 0.2])}
    made = figures.lines([0, 4], {"A": [1, 1], "B": [2, 2]}, stems=stems, points=[1, 3])
    _, b, drawn, points = made.data
    assert list(drawn.x) == [1, 1, None, 3, 3, None]
    assert list(drawn.y) == [0, 0.5, None, 0, 0.2, None]
    assert drawn.line.color == b.line.color
    assert list(points.x) == [1, 3]


def test_a_slider_moves_every_arrow_to_its_place_at_that_step():
    arrows = np.array([[[0, 0], [1, 2]], [[1, 2], [3, 3]]])
    panels = {"Momentum": {"αv": arrows}, "Nesterov": {"αv": arrows + 10}}
    made = figures.steps(lambda x, y: x * x + y * y, (-1, 1), (-1, 1), panels, step="t", begin=1)
    drawn = [trace for trace in made.data if trace.type == "scatter"]
    assert [(list(each.x), list(each.y)) for each in drawn] == [([1, 3], [2, 3]), ([11, 13], [12, 13])]
    assert [each.showlegend for each in drawn] == [True, False]
    [slider] = made.layout.sliders
    assert slider.active == 1
    moved, traces = slider.steps[0].args
    assert [made.data[i] for i in traces] == drawn
    assert [list(ends) for ends in moved["x"]] == [[0, 1], [10, 11]]
    assert [list(ends) for ends in moved["y"]] == [[0, 2], [10, 12]]


def test_measurements_on_a_logarithmic_axis_have_labels_at_powers_of_ten():
    made = figures.against([1, 2], {"median": [0.01, 0.5]}, points=[[0.01, 0.02], [0.4, 0.5]], log=True)
    assert (made.layout.yaxis.type, made.layout.yaxis.dtick) == ("log", 1)
    assert figures.curves({"loss": [1, 3]}, log=True).layout.yaxis.dtick == "D2"
