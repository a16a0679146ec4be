"""Signs that an encoding lacks, in ASCII: ≥ as >=, ▸ as >, × as x.

Older terminals write in cp932, cp1252 or ASCII. A sign that turned into "?" there would say nothing, or, as a
minus or an arrow at the edge of a grid, something else.
"""

import codecs
import unicodedata

FORMS = {
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "≈": "~",
    "▸": ">",
    "▶": ">",
    "◂": "<",
    "→": "->",
    "←": "<-",
    "×": "x",
    "·": "*",
    "±": "+-",
    "÷": "/",
    "°": " degrees",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "∞": "inf",
    "½": "1/2",
    "²": "^2",
    "³": "^3",
    "ⁿ": "^n",
    "⁻": "-",
    "√": "sqrt ",
    "∂": "d",
    "∇": "grad ",
    "‖": "||",
    "Σ": "sum ",
    "Δ": "delta",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "ε": "epsilon",
    "η": "eta",
    "θ": "theta",
    "Θ": "Theta",
    "λ": "lambda",
    "μ": "mu",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "phi",
    "Φ": "Phi",
    "₁": "1",
    "₂": "2",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "❚": "|",
    "●": "*",
    "○": "o",
    "\u0302": "^",  # a hat: m̂
    **{bar: str(i) for i, bar in enumerate("▁▂▃▄▅▆▇█", start=1)},
}
"""What stands for a sign."""

ERRORS = "kobai.signs"
"""The handler of errors for ``stream.reconfigure(errors=…)``; known to Python from here on."""


def written(text: str, encoding: str) -> str:
    """The text with those of its signs in ASCII that `encoding` lacks; what has no such form stays."""
    return "".join(letter if _holds(encoding, letter) else FORMS.get(letter, letter) for letter in text)


def lacking(text: str, encoding: str) -> list[int]:
    """Where in the text a sign stands that `encoding` lacks and that has a form in ASCII."""
    return [i for i, letter in enumerate(text) if letter in FORMS and not _holds(encoding, letter)]


def _holds(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    except LookupError:  # an encoding that Python does not know: nothing is known of what it lacks
        return True
    return True


def _replaced(problem: UnicodeError) -> tuple[str, int]:
    if not isinstance(problem, UnicodeEncodeError):
        raise problem
    lost = problem.object[problem.start : problem.end]
    return "".join(FORMS.get(letter) or _plain(letter) for letter in lost), problem.end


def _plain(letter: str) -> str:
    """A letter without its accents, a raised or lowered one without that; "?" for one of another script."""
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"


codecs.register_error(ERRORS, _replaced)
