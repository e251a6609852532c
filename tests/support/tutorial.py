"""A reader of the tutorial, who does literally what the page says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.pages import ROOT
from tests.support.tutorial_steps import FIRST, SECOND, Action, Command, File, Step

PACKAGE = "django-social-endpoints"
SERVERS = {"runserver": "8000", "fake_provider": "9000"}
STARTED = "development server at"
SECONDS = 60
# What would change the reader's Python or Django.
_OURS = ("VIRTUAL_ENV", "PYTHON", "DJANGO", "PYTEST", "COVERAGE", "COV_", "TEST_")


def pattern(shown: str) -> str:
    """Return a regular expression for a shown text, in which ``…`` stands for other text."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") + r"\s*?\n"
        for line in shown.split("\n")
    ]
    return "".join(lines)


def assert_output(shown: str, actual: str) -> None:
    assert re.fullmatch(pattern(shown), f"{actual.strip()}\n"), f"{shown}\n\nReally:\n{actual}"


@dataclass
class Terminal:
    """A shell. The commands ``cd`` and ``.`` change the state of the following ones."""

    directory: Path
    environment: dict[str, str]
    log: Path
    state: list[str] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None

    def run(self, command: str) -> str:
        """Run a command until it ends, and return its output."""
        assert self.server is None, f"A server runs in the terminal of {command!r}"
        ended = subprocess.run(
            self._shell(command),
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=4 * SECONDS,
        )
        assert ended.returncode == 0, f"$ {command}\n{ended.stdout}"
        if shlex.split(command)[0] in ("cd", "."):
            self.state.append(command)
        return ended.stdout

    def start(self, command: str, shown: str) -> None:
        """Start a server, and wait until it has printed what the page shows."""
        assert self.server is None, f"A server runs in the terminal of {command!r}"
        with self.log.open("wb") as output:
            self.server = subprocess.Popen(
                self._shell(f"exec {command}"),
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_for(lambda text: bool(re.match(pattern(shown), text)), shown)

    def wait_for(self, condition: Callable[[str], bool], description: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition(self.log.read_text()):
            ended = self.server is None or self.server.poll() is not None
            assert not ended, f"The server has ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"{description}\n\nReally:\n{self.log.read_text()}"
            time.sleep(0.05)

    def press_ctrl_c(self) -> None:
        """Stop the server, as a terminal does."""
        assert self.server, "No server runs in this terminal."
        os.killpg(self.server.pid, signal.SIGINT)
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        self.server = None

    def kill(self) -> None:
        if self.server:
            with suppress(ProcessLookupError):
                os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()

    def _shell(self, command: str) -> list[str]:
        return ["sh", "-c", " && ".join([*self.state, command])]


class Reader:
    """Someone who follows the steps in an empty directory.

    :param directory: the empty directory.
    :param python: the directory of the programs that this person has, such as ``python3``.
    :param ports: free ports for the two servers, in place of those of the page.
    """

    def __init__(
        self, directory: Path, python: Path, ports: tuple[int, int], **variables: str
    ) -> None:
        self.project = directory / "tutorial"
        self._ports = dict(zip(SERVERS, map(str, ports), strict=True))
        kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
        environment = {
            **kept,
            "PATH": os.pathsep.join([str(python), "/usr/bin", "/bin"]),
            "PYTHONUNBUFFERED": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            # "no" switches this option on, see "Boolean options" in pip's user guide.
            "PIP_NO_COMPILE": "no",
            # The servers call one another directly, even on a machine behind a proxy.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            **variables,
        }
        self.terminals = {
            FIRST: Terminal(directory, environment, directory / "first.log"),
            SECOND: Terminal(self.project, environment, directory / "second.log"),
        }
        self._last_block = ""

    def close(self) -> None:
        for terminal in self.terminals.values():
            terminal.kill()

    def follow(self, step: Step) -> None:
        """Do one step in a terminal or in the editor. Leave out the other ones."""
        if isinstance(step, Command):
            self._enter(step)
        elif isinstance(step, File):
            self._save(step)
        elif isinstance(step, Action) and step.verb == "interrupt":
            self.terminals[f"{step.values[0].capitalize()} terminal"].press_ctrl_c()

    def localized(self, text: str) -> str:
        """Replace the ports of the page."""
        for name, port in SERVERS.items():
            text = text.replace(port, self._ports[name])
        return text

    def _enter(self, command: Command) -> None:
        terminal, shown = self.terminals[command.terminal], self.localized(command.output)
        server = command.text.removeprefix("python manage.py ")
        if server in SERVERS:
            terminal.start(f"{command.text} {self._ports[server]}", shown)
            return
        output = terminal.run(command.text.replace(PACKAGE, shlex.quote(str(ROOT))))
        if shown:
            assert_output(shown, output)

    def _save(self, file: File) -> None:
        path, text = self.project / file.name, self.localized(file.text)
        old = path.read_text() if path.exists() else ""
        if file.place == "add at the end":
            new, self._last_block = f"{old}\n{text}", text
        elif file.place:
            assert self._last_block in old
            new = old.replace(self._last_block, text)
        else:
            new = text
        terminal = self.terminals[FIRST]
        starts = terminal.log.read_text().count(STARTED) if terminal.server else 0
        path.write_text(new)
        if starts and path.suffix == ".py":
            terminal.wait_for(lambda log: log.count(STARTED) > starts, "It restarts.")
