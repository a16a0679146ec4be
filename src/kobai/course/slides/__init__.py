"""Slides from the lessons: for each lesson one HTML file that asks the network for nothing.

How the pieces combine: `outputs` runs a lesson's notebook with the answers and keeps what its cells show;
`arrange` makes slides of its cells, of long ones several; `markup` turns their text and formulas into HTML;
`deck` puts it all into one page with reveal.js, which lies unchanged in ``reveal/`` with its licence.
"""
