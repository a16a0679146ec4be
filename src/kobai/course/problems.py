"""What an exception in a learner's code says, in the learner's language, and in which line it was raised.

NumPy and Python say it in English and in words of their own: the messages that beginners meet are told again.
"""

import linecache
import re
import traceback
from collections.abc import Mapping

from kobai.basics.errors import said
from kobai.course.evidence import Sentence

SHAPE = r"\(([\d, ]*)\)"
MESSAGES = {
    "entrywise": rf"operands could not be broadcast together with shapes {SHAPE} {SHAPE}",
    "matmul": r"matmul: .*\(size (\d+) is different from (\d+)\)",
    "dot": rf"shapes {SHAPE} and {SHAPE} not aligned",
    "scalar_matmul": r"matmul: Input operand (\d) does not have enough dimensions",
    "output": rf"output operand with shape {SHAPE} doesn't match the broadcast shape {SHAPE}",
    "put": rf"could not broadcast input array from shape {SHAPE} into shape {SHAPE}",
    "index": r"index (-?\d+) is out of bounds for axis (\d+) with size (\d+)",
    "boolean": r"boolean index did not match .* axis (\d+); size of axis is (\d+) but .* axis is (\d+)",
    "axis": r"axis (-?\d+) is out of bounds for array of dimension (\d+)",
    "indices": r"too many indices for array: array is (\d)-dimensional, but (\d) were indexed",
    "list_index": r"(list|tuple) index out of range",
    "reshape": rf"cannot reshape array of size (\d+) into shape {SHAPE}",
    "truth": r"The truth value of an array with more than one element is ambiguous",
    "one_number": r"only (?:integer scalar|length-1|0-dimensional) arrays can be converted",
    "one_entry": r"setting an array element with a sequence",
    "unknown_name": r"name '(\w+)' is not defined",
    "unset_name": r"cannot access local variable '(\w+)' where it is not associated with a value",
    "missing_argument": r"(\w+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.+)",
    "too_many_arguments": r"([\w.]+)\(\) takes (?:from \d+ to )?(\d+) positional arguments? but (\d+) w",
    "unknown_argument": r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'",
    "none": r"'NoneType' object is not|unsupported operand type\(s\).*'NoneType'",
    "no_attribute": r"'([\w.]+)' object has no attribute '(\w+)'",
    "operand": r"unsupported operand type\(s\) for (\S+): '([\w.]+)' and '([\w.]+)'",
    "not_callable": r"'([\w.]+)' object is not callable",
    "unpack_few": r"not enough values to unpack \(expected (\d+), got (\d+)\)",
    "unpack_many": r"too many values to unpack \(expected (\d+)",
    "zero": r"(?:float |integer )?(?:division|modulo)(?: or modulo)? by zero|division by zero",
    "singular": r"Singular matrix",
}
"""Messages of Python and NumPy: the sentence of "index" is ``course.problem.index``, values {v1}, {v2}."""


def raised(problem: BaseException, namespace: Mapping[str, object]) -> dict[str, object]:
    """The values of the sentence about an exception: what, and in which line of the learner's."""
    line: said | str = said("course.verdict.no_line")
    for frame, number in traceback.walk_tb(problem.__traceback__):
        if frame.f_globals is namespace:
            text = linecache.getline(frame.f_code.co_filename, number).strip()
            line = text or f"{frame.f_code.co_name}, {number}"
    if isinstance(problem, SyntaxError) and problem.text and not isinstance(line, str):
        line = problem.text.strip()  # the code did not begin to run
    return {"kind": type(problem).__name__, "problem": _retold(problem), "line": line}


def _retold(problem: BaseException) -> Sentence | str:
    """What the exception says; in the learner's language where it is one that beginners meet."""
    try:
        text = str(problem.msg if isinstance(problem, SyntaxError) else problem).partition("\n")[0]
    except Exception:  # an exception of the learner's own that cannot say what it is
        return ""
    if isinstance(problem, KeyError):
        return Sentence("course.problem.key", missing=text)
    for name, pattern in MESSAGES.items():
        groups = re.search(pattern, text)
        if groups:
            values = [group or "" for group in groups.groups()]
            return Sentence(f"course.problem.{name}", **{f"v{i}": value for i, value in enumerate(values, 1)})
    return text
