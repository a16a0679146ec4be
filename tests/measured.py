"""What benchmarks/ measures in full, for tests that measure it small."""

import importlib.util
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def benchmark(name):
    """A module of benchmarks/, which is no package."""
    specification = importlib.util.spec_from_file_location(f"_{name}", BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
