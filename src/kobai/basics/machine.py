"""This machine: its cores, the threads on them, and where compiled programs are kept."""

import contextlib
import contextvars
import functools
import os
import platform
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import platformdirs

from kobai.basics.errors import UsageError
from kobai.basics.files import check_writable, make_folder
from kobai.basics.notices import notice


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def processor() -> str:
    """What computes here, by the name of its kind and not of this machine: two equal ones have one name."""
    if jax.default_backend() != "cpu":
        return str(jax.devices()[0].device_kind)
    name = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            asked = ["sysctl", "-n", "machdep.cpu.brand_string"]
            name = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=True).stdout
        elif sys.platform == "linux":
            name = processor_in(Path("/proc/cpuinfo").read_text("utf-8", "replace"))
    return name.strip() or platform.processor() or platform.machine()


def processor_in(information: str) -> str:
    """The name of the processor in what Linux tells of it; nothing where it has none, as on some ARM."""
    found = re.search(r"^model name\s*:\s*(.+)$", information, re.MULTILINE)
    return found[1] if found else ""


def thread(work: Callable[[], None]) -> threading.Thread:
    """A thread in the context of the one that makes it: by itself it would inherit none, nor its language."""
    return threading.Thread(target=contextvars.copy_context().run, args=(work,))


def pool(threads: int) -> ThreadPoolExecutor:
    """Threads in the context of the one that makes them, each with a copy of its own."""
    context = contextvars.copy_context()

    def enter() -> None:
        for variable, value in context.items():
            variable.set(value)

    return ThreadPoolExecutor(threads, initializer=enter)


@functools.cache
def quick_compilation() -> dict[str, bool | int] | None:
    """Options of XLA with which a program that runs once or twice is compiled several times as fast.

    None where it is no CPU that computes, and for a version that does not know them.
    """
    options: dict[str, bool | int] = {
        "xla_backend_optimization_level": 0,
        "xla_cpu_use_fusion_emitters": False,
    }
    if jax.default_backend() != "cpu":
        return None
    try:
        jax.jit(lambda x: x, compiler_options=options)(1.0)
    except Exception:  # noqa: BLE001 - whatever this version says of an option that it does not know
        return None
    return options


def full_precision() -> contextlib.AbstractContextManager[object]:
    """Inside, traced products of float32 are in float32 on a GPU, too, unless the user chose a precision.

    Left alone, JAX lets a GPU round the factors to TF32, which has 10 bits of fraction where float32 has 23.
    """
    if jax.default_backend() == "cpu" or jax.config.jax_default_matmul_precision is not None:  # type: ignore[attr-defined]
        return contextlib.nullcontext()
    return jax.default_matmul_precision("float32")


def use_compilation_cache() -> None:
    """Keep compiled programs in the user's cache folder, unless another folder is set already.

    Where that cannot be written, it is said and nothing is kept. Where the disk is full later on, programs
    are compiled anew: no result depends on it, and JAX's own warning, of each program, tells a user nothing.
    """
    folder = Path(platformdirs.user_cache_dir("kobai"))
    before = jax.config.jax_compilation_cache_dir  # type: ignore[attr-defined]
    if before is None:
        try:
            check_writable(make_folder(folder) / "program")
        except UsageError as problem:
            return notice("machine.cache", problem=problem)
        jax.config.update("jax_compilation_cache_dir", str(folder))
        # JAX keeps only what took a second to compile; ours takes less, and a reader of 0.05 s saves it.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    if before in (None, str(folder)):
        warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
    return None
