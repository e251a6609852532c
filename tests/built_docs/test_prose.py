"""The prose linter finds sentences that are hard to read, and accepts plain ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prose.__main__ import findings
from tests.support.interpreter import python


def rules(name: str, text: str, directory: Path) -> set[str]:
    """Return the names of the rules that a file breaks."""
    path = directory / name
    path.write_text(text)
    return {finding.split(": ")[1] for finding in findings([path])}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("is_no", "The page names what is no setting of ours."),
        ("nothing_as_verb", "A flow in the query string is none."),
        ("nobody", "This provider signs nobody in."),
        ("fronted_of", "Of the list: the oldest first."),
        ("who_as_subject", "Who comes too late gets an error."),
        ("who_as_subject", "The error goes to whoever\nbegan the login."),
        ("trailing_too", "It refuses addresses inside of the network, too."),
        ("double_genitive", "It is one request of a client's."),
        ("inverted_order", "Counted is in the cache."),
        ("told", "The user is told so."),
        ("word_for_word", "The file belongs\ninto this folder."),
        ("term", "The hand-off takes a minute."),
    ],
)
def test_bad_sentence_is_found(rule: str, text: str, tmp_path: Path) -> None:
    assert rules("page.rst", f"A title\n=======\n\n{text}\n", tmp_path) == {f"style.{rule}"}


def test_repeated_word_is_found(tmp_path: Path) -> None:
    assert rules("page.rst", "Set the the value.\n", tmp_path) == {"lexical_illusions"}


@pytest.mark.parametrize(
    "text",
    [
        "There is no default. A login is no longer open.",
        "The setting is ``None``, and ``None`` is ``None``.",
        "Requests over the limit get a 429 with ``Retry-After``.",
        "Who is the user? It is too late.",
        ".. code-block:: python\n\n   nobody = None  # of a client's, too.",
        "For example::\n\n   nobody is told so",
    ],
)
def test_plain_text_and_code_have_no_findings(text: str, tmp_path: Path) -> None:
    assert rules("page.rst", f"{text}\n", tmp_path) == set()


def test_docstring_comment_and_message_of_a_module_are_read(tmp_path: Path) -> None:
    for text in (
        '"""What a request of a login has."""\n',
        "x = 1  # nobody reads it\n",
        'def f() -> None:\n    raise ValueError("The user is told so")\n',
    ):
        assert rules("module.py", text, tmp_path)


def test_command_fails_and_names_the_line(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text("A title\n=======\n\nA line.\nA login signs\nnobody in.\n")

    outcome = python("-m", "tests.prose", str(page), settings="")

    assert outcome.returncode == 1
    assert outcome.stdout.startswith(f"{page}:6: style.nobody: 'nobody'")


def test_command_succeeds_without_findings(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text("A plain sentence.\n")

    outcome = python("-m", "tests.prose", str(page), settings="")

    assert (outcome.returncode, outcome.stdout) == (0, "")
