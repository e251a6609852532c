"""The steps of the tutorial, in the order of the page."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.pages import page

FIRST, SECOND = "First terminal", "Second terminal"


@dataclass(frozen=True)
class Command:
    """A command, and the output that the page shows."""

    terminal: str
    text: str
    output: str


@dataclass(frozen=True)
class File:
    """A file of the reader's project. ``place`` is empty for a complete file."""

    name: str
    place: str
    text: str


@dataclass(frozen=True)
class Body:
    """A response body in JSON, which the browser shows."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A picture of the browser."""

    path: str


@dataclass(frozen=True)
class Action:
    """An instruction or an observation in the prose of the page."""

    verb: str
    values: tuple[str, ...]


Step = Command | File | Body | Picture | Action

_DIRECTIVE = re.compile(
    r"^( *)\.\. (code-block|image):: *(\S+)\n((?:\1 +:[\w-]+:.*\n)*)((?:\1 {3}.*\n|\n)*)", re.M
)
_COMMENT = re.compile(r"(?:#|//|\{#) (mysite/\S+?)(?:, (.+?))?(?: #\})?\n")
_ACTIONS = {
    "interrupt": r"Press Ctrl-C in the (first|second) terminal",
    "open": r"Open (http://\S+) in your browser",
    "press": r"[Pp]ress \*([^*]+)\*",
    "enter": r"``([^`]+)`` as \*([^*]+)\*",
    "see": r"shows \*([^*]+)\*",
}
_ANY_ACTION = re.compile("|".join(f"(?P<{verb}>{each})" for verb, each in _ACTIONS.items()))


def steps_of_tutorial() -> list[Step]:
    """Return what a reader of docs/tutorial.rst does and sees."""
    return list(steps(page("tutorial.rst")))


def steps(text: str) -> Iterator[Step]:
    """Yield the steps of a page."""
    end = 0
    for directive in _DIRECTIVE.finditer(text):
        yield from _actions(text[end : directive.start()])
        yield from _block(*directive.group(2, 3, 4, 5))
        end = directive.end()
    yield from _actions(text[end:])


def _actions(prose: str) -> Iterator[Action]:
    for found in _ANY_ACTION.finditer(" ".join(prose.split())):
        verb = str(found.lastgroup)
        match = re.fullmatch(_ACTIONS[verb], found[0])
        assert match
        yield Action(verb, match.groups())


def _block(directive: str, argument: str, options: str, content: str) -> Iterator[Step]:
    code = textwrap.dedent(content).strip("\n") + "\n"
    if directive == "image":
        yield Picture(argument)
    elif argument == "console":
        caption = re.search(r":caption: (.+)", options)
        assert caption, f"The block has no terminal:\n{code}"
        for text, output in re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", code, re.M):
            yield Command(caption[1], text, output.rstrip("\n"))
    elif argument == "json":
        yield Body(code)
    else:
        comment = _COMMENT.match(code)
        assert comment, f"The file has no name:\n{code}"
        yield File(comment[1], comment[2] or "", code)
