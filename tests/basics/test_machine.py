"""Where compiled programs are kept, and what becomes of a place that cannot be written."""

import subprocess
import sys
import warnings

import jax
import pytest

from kobai.basics import machine
from kobai.basics.notices import Notice


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache folder, in a folder of the test; JAX has none yet."""
    folder = tmp_path / "cache" / "kobai"
    names = ("compilation_cache_dir", "persistent_cache_min_compile_time_secs")
    names = [f"jax_{name}" for name in (*names, "persistent_cache_min_entry_size_bytes")]
    before = {name: getattr(jax.config, name) for name in names}
    monkeypatch.setattr(machine.platformdirs, "user_cache_dir", lambda name: str(folder))
    jax.config.update("jax_compilation_cache_dir", None)
    with warnings.catch_warnings():
        yield folder
    for name, value in before.items():
        jax.config.update(name, value)


def test_programs_are_kept_in_the_users_cache(cache):
    machine.use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(cache)
    assert cache.is_dir()


def test_a_cache_that_cannot_be_written_is_said_once_and_not_used(cache):
    cache.parent.write_text("")
    with pytest.warns(Notice, match="compiled programs are not kept.*kobai cannot be written") as said:
        machine.use_compilation_cache()
    assert len(said) == 1
    assert jax.config.jax_compilation_cache_dir is None


@pytest.mark.parametrize("deed", ["reading", "writing"])
def test_a_cache_that_fails_later_is_no_matter_of_the_user(cache, deed):
    sentence = f"Error {deed} persistent compilation cache entry for 'f': OSError: [Errno 28] No space left"
    with pytest.raises(UserWarning):  # warnings are errors in tests
        warnings.warn(sentence, stacklevel=1)
    machine.use_compilation_cache()
    warnings.warn(sentence, stacklevel=1)


def test_a_cache_of_the_users_own_choice_stays_with_its_warnings(cache, tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    machine.use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "own")
    with pytest.raises(UserWarning):
        warnings.warn("Error writing persistent compilation cache entry", stacklevel=1)


FULL = """
import resource, sys
import jax, jax.numpy as jnp
from kobai.basics.machine import use_compilation_cache
use_compilation_cache()
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
print(jax.jit(lambda x: 2 * x)(jnp.float32(1)))
"""


def test_a_disk_that_is_really_full(tmp_path):
    """JAX itself still says what `use_compilation_cache` expects."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL],
        env={"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "2.0\n", "")


def test_a_processor_has_the_name_of_its_kind():
    told = "processor\t: 0\nmodel name\t: Some CPU @ 2.60GHz\nflags\t: a b\nmodel name\t: another\n"
    assert machine.processor_in(told) == "Some CPU @ 2.60GHz"
    assert machine.processor_in("processor : 0\nCPU part : 0xd0c\n") == ""
    assert machine.processor()
