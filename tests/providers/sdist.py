"""social-core's own test suite, from the source distribution of the installed version.

The wheel does not contain it. pip downloads it and verifies its hash, so that no copy is in this
repository.
"""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
import tarfile
import unittest
from collections import defaultdict
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import social_core

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".tox" / "sdist"
"""The folder of downloaded versions, for further runs."""

DISTRIBUTION = "social-auth-core"


@cache
def cases() -> dict[str, list[type[Any]]]:
    """Return the test cases of social-core by the dotted path of the backend that they test."""
    found = defaultdict(list)
    for module in _modules():
        for value in vars(module).values():
            if _is_case(value, module):
                found[value.backend_path].append(value)
    return dict(found)


def _modules() -> list[Any]:
    # Appended, so that the installed modules come first.
    social_core.__path__.append(str(source_folder() / "social_core"))
    package = import_module("social_core.tests.backends")
    return [
        import_module(f"{package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(package.__path__)
    ]


def _is_case(value: object, module: Any) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, unittest.TestCase)
        and value.__module__ == module.__name__
        and bool(getattr(value, "backend_path", ""))
    )


def source_folder() -> Path:
    """Return the folder of the unpacked source distribution; download it if necessary.

    :raises RuntimeError: pip cannot download it.
    """
    release = version(DISTRIBUTION)
    folder = CACHE / f"{DISTRIBUTION}-{release}"
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=CACHE) as temporary:
            _unpack(_download(release, Path(temporary)), Path(temporary) / "unpacked")
            _store(Path(temporary) / "unpacked", folder)
    return folder


def _download(release: str, into: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    source = ["--no-deps", "--no-binary", DISTRIBUTION, f"{DISTRIBUTION}=={release}"]
    finished = subprocess.run(
        [*pip, "download", *source, "--dest", str(into)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    archives = list(into.glob("*.tar.gz"))
    if finished.returncode or len(archives) != 1:
        raise RuntimeError(
            f"The source of {DISTRIBUTION} {release} cannot be downloaded:\n{finished.stderr}"
        )
    return archives[0]


def _unpack(archive: Path, into: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")


def _store(unpacked: Path, folder: Path) -> None:
    (content,) = unpacked.iterdir()
    try:
        content.rename(folder)
    except OSError:  # Another process has stored it first.
        if not folder.exists():
            raise
