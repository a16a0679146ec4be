"""Bad inputs at random, as tools/fuzz.py draws them: each is refused in one sentence, or means something."""

import re
import subprocess
import sys
from pathlib import Path

import kobai

ROOT = Path(__file__).parent.parent


def test_bad_inputs_at_random():
    """A part of what the tool tries, which ends with 1 where anything raised or hung."""
    ran = subprocess.run(
        [sys.executable, "tools/fuzz.py", "120"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counts = re.findall(r"^120 [\w ]+: .*'refused': (\d+)", ran.stdout, re.MULTILINE)
    assert len(counts) == 2
    assert all(int(refused) > 80 for refused in counts)  # the inputs are bad, and not merely accepted


def test_the_tool_sees_what_is_not_refused(monkeypatch):
    """Wrong variants: a function without a guard raises what is no mistake told in a sentence, or hangs."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import fuzz
    finally:
        sys.path.remove(str(ROOT / "tools"))
    assert fuzz.tried(lambda: int("x"))[0] == "raised"
    assert fuzz.tried(lambda: fuzz.ran(["compare", "nothing"]))[0] == "refused"
    assert fuzz.tried(lambda: 3)[:2] == ("answered", "3")
    monkeypatch.setattr(fuzz, "LONGEST", 0.1)
    outcome, text, _ = fuzz.tried(for_ever)
    assert (outcome, text.partition(":")[0]) == ("raised", "TooLong")


def for_ever():
    while True:
        pass


def test_the_tool_tries_every_public_callable():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import fuzz
    finally:
        sys.path.remove(str(ROOT / "tools"))
    results = {"Result", "ComparisonResult", "DescentResult", "TransferResult", "Solution", "UsageError"}
    results |= {"OverTasksResult", "JudgementResult", "ConfirmationResult", "RangeResult", "DiagnosisResult"}
    bases = {"Optimizer", "Minimizer", "Initializer", "Backend"}
    public = {name for name in kobai.__all__ if callable(getattr(kobai, name))}
    assert public - results - bases <= set(fuzz.CALLS)


def test_a_command_line_that_trains_asks_for_little():
    """What it says itself stays; most of these lines are refused, and some train to the end."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import fuzz
    finally:
        sys.path.remove(str(ROOT / "tools"))
    assert fuzz.little(["compare", "sine", "--steps", "7"])[:4] == ["compare", "sine", "--steps", "7"]
    assert fuzz.little(["compare", "sine", "--steps", "7"]).count("--steps") == 1
    assert fuzz.little(["methods"]) == ["methods"]
    assert {"linear_conjugate_gradient", "check", "hint", "done", "grade"} <= set(fuzz.CALLS)
