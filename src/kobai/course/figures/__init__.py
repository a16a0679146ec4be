"""The figures of the lessons, in the look of kobai's reports: maps with paths, curves, histograms, tables.

Each takes plain arrays by name and gives a plotly figure, so that a learner can draw whatever they made.
Where nothing is there to be drawn yet it gives None, which a notebook shows as nothing: no empty axes.
"""

from kobai.course.figures.curves import against, curves, lines, scatter
from kobai.course.figures.maps import contour, regions, steps
from kobai.course.figures.tables import heat, histograms

__all__ = ["against", "contour", "curves", "heat", "histograms", "lines", "regions", "scatter", "steps"]
