"""Processes that say on a line when they are ready, and end with the command."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
STOPPED_WITHIN = 10


@contextmanager
def process(
    python: Path, module: str, *arguments: str, log: Path, variables: Mapping[str, str]
) -> Iterator[str]:
    """Run a module beside this command; give the line that it prints once it is ready.

    :param log: where its other output goes.
    :raises RuntimeError: it has ended before it was ready.
    """
    with log.open("ab") as output:
        running = subprocess.Popen(
            [python, "-m", module, *arguments],
            cwd=ROOT,
            env=environment(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    assert running.stdin
    assert running.stdout
    try:
        line = running.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} did not start:\n{log.read_text()[-2000:]}")
        yield line
    finally:
        running.stdin.close()
        try:
            running.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        running.stdout.close()


def run(python: Path, module: str, *arguments: str, variables: Mapping[str, str]) -> None:
    """Run a module to its end."""
    command = [python, "-m", module, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment(variables), check=True)


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process' environment and more.

    Sites ask the provider directly, also on a machine behind a proxy.
    """
    return {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **variables}
