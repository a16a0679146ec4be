"""The colours of optimizers: whose they are, and that everybody can tell them apart."""

import itertools

import numpy as np
import pytest

from kobai.basics.registry import OPTIMIZERS
from kobai.report import colours, document, panels
from kobai.report.colours import DASHES, LECTURE, PALETTE, looks

# Whose they are.


def test_an_optimizer_has_one_look_whoever_stands_beside_it():
    alone = {name: looks([name])[name] for name in LECTURE}
    assert set(LECTURE) < set(OPTIMIZERS)
    assert [look.colour for look in alone.values()] == list(PALETTE[:7])
    for names in (LECTURE, LECTURE[::-1], ("adamw", "lion", *LECTURE[3:]), ("zeta", "adam", "alpha")):
        shown = looks(names)
        assert list(shown) == list(names)
        assert all(shown[name] == alone[name] for name in set(names) & set(LECTURE))


def test_an_own_rule_takes_the_colour_that_nobody_has():
    assert {looks([*others, "mine"])["mine"].colour for others in ([], LECTURE, ["sgd", "adam"])} == {
        PALETTE[7]
    }
    for names in itertools.combinations(["mine", "ours", "yours", "sgd", "adam", "momentum", "lion"], 5):
        assert looks(names) == looks(names[::-1])  # in whichever order they were named
        shown = [look for name, look in looks(names).items() if name not in OPTIMIZERS or name in LECTURE]
        assert len({look.colour for look in shown}) == len(shown)


def test_every_registered_optimizer_has_one_look_always():
    every = looks(OPTIMIZERS)
    assert len({(look.colour, look.dash) for look in every.values()}) == len(OPTIMIZERS)
    for name, other in itertools.permutations(OPTIMIZERS, 2):
        assert looks([name])[name] == looks([other, "mine", name])[name] == every[name]


def test_however_many_are_registered_each_has_its_look(monkeypatch):
    many = {**OPTIMIZERS, **dict.fromkeys(f"rule {i}" for i in range(60))}
    monkeypatch.setattr(colours, "OPTIMIZERS", many)
    every = looks(many)
    assert all(looks([name])[name] == every[name] for name in many)
    few = list(many)[: len(PALETTE) * len(DASHES) - 1]  # one colour is nobody's
    assert len({(every[name].colour, every[name].dash) for name in few}) == len(few)


def test_beyond_eight_the_first_have_eight_colours_and_others_another_dash():
    names = [f"rule {i}" for i in range(40)]
    shown = list(looks(names).values())
    assert {look.colour for look in shown[:8]} == set(PALETTE)
    assert len({(look.colour, look.dash) for look in looks(names[:32]).values()}) == 32  # 8 times 4
    assert [look.swatch.startswith("background") for look in shown] == [i < 8 for i in range(40)]
    assert {look.dash for look in shown} == set(DASHES)


def test_beyond_eight_the_lines_of_several_things_are_dashed_and_their_dots_are_rings():
    strokes = [panels.stroke(i) for i in range(20)]
    assert len({(stroke["color"], stroke["dash"]) for stroke in strokes}) == 20
    assert strokes[0]["color"] == strokes[8]["color"] != strokes[1]["color"]
    assert len({panels.swatch(i) for i in range(16)}) == 16


# That everybody can tell them apart. The numbers are those of sRGB, of WCAG, of CIE 142 as Sharma, Wu and
# Dalal (2005) give it, of Machado, Oliveira and Fernandes (2009), severity 1, and of Viénot, Brettel and
# Mollon (1999).

SIGHT = {
    "normal": np.eye(3),
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "deuteranopia (Viénot)": [
        [0.29275, 0.70725, 0.0],
        [0.29275, 0.70725, 0.0],
        [-0.02234, 0.02234, 1.0],
    ],
}
FLOOR = 13
"""The CIEDE2000 that any two colours differ by at least; 2.3 can just be noticed side by side."""


def linear(colour):
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    x = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750]])
    x = np.vstack([x, [0.0193339, 0.1191920, 0.9503041]]) @ light / (0.95047, 1, 1.08883)
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def ciede2000(first, second):
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25.0**7))
    (c1, c2), angles = (
        [np.hypot(stretch * a, b) for a, b in ((a1, b1), (a2, b2))],
        [np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2))],
    )
    h1, h2 = angles
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    waves = ((-0.17, 1, 30), (0.24, 2, 0), (0.32, 3, -6), (-0.20, 4, 63))
    t = 1 + sum(size * np.cos(np.radians(times * hue - shift)) for size, times, shift in waves)
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    blue = 30 * np.exp(-(((hue - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7)) * np.sin(np.radians(2 * blue))
    parts = (dl / sl, dc / sc, dh / sh)
    return np.sqrt(np.dot(parts, parts) + rotation * parts[1] * parts[2])


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [  # pairs 1, 4, 7, 14, 17, 20, 25, 31, 34 of Sharma, Wu and Dalal, table 1
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_the_difference_is_that_of_the_tables(first, second, difference):
    assert ciede2000(first, second) == pytest.approx(difference, abs=1e-4)
    assert ciede2000(second, first) == pytest.approx(difference, abs=1e-4)


def nearest(palette, sight):
    """The difference of the two that are most alike."""
    seen = [lab(np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)) for colour in palette]
    return min(ciede2000(*pair) for pair in itertools.combinations(seen, 2))


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_colours_differ_however_one_sees(sight):
    assert nearest(PALETTE, sight) > FLOOR


def test_a_palette_of_red_and_green_is_caught():
    usual = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
    assert nearest(usual, "normal") > FLOOR  # as most people see it
    assert nearest(usual, "deuteranopia") < FLOOR


def contrast(one, other):
    low, high = sorted(linear(colour) @ (0.2126, 0.7152, 0.0722) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_stands_out_from_light_and_dark():
    style = document.read("kobai.report", "report.css")
    grounds = [line.split(";")[0].split()[-1] for line in style.splitlines() if "--ground:" in line]
    assert len(grounds) == 2
    for colour, ground in itertools.product(PALETTE, grounds):
        assert contrast(colour, ground) >= 3  # what WCAG 1.4.11 asks of graphics
