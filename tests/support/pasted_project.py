"""A new project with the code of a page: each block begins with the name of its file."""

from __future__ import annotations

from pathlib import Path

from django.core.management import call_command

from tests.support.interpreter import LOADS_PLUGIN, python
from tests.support.pages import DOCS, ROOT, code_blocks

SETTINGS = "myproject.settings"


class PastedProject:
    """A project in a folder, as ``startproject`` creates it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        call_command("startproject", "myproject", str(folder))
        (folder / "pytest.ini").write_text(f"[pytest]\nDJANGO_SETTINGS_MODULE = {SETTINGS}\n")

    def paste(self, page: str, *texts: str) -> None:
        """Add the blocks of a page that contain one of the texts to their files."""
        path = ROOT / page if page == "README.rst" else DOCS / page
        for block in code_blocks(path, "python"):
            if not texts or any(text in block for text in texts):
                self.add(block.split("\n")[0].removeprefix("# "), block)

    def add(self, name: str, code: str) -> None:
        """Add code to a file."""
        in_package = name in {"settings.py", "urls.py"}
        path = self.folder / "myproject" / name if in_package else self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write(f"\n{code}")

    def copy_recipe(self, name: str) -> None:
        """Copy a recipe to the package of the project."""
        self.add(f"myproject/{name}", (DOCS / "recipes" / name).read_text())

    def run(self, *command: str, **variables: str) -> str:
        """Run a command of Python in the project; return its output.

        The development mode of Python would add warnings of other packages.
        """
        variables = {"PYTHONDEVMODE": "", **variables}
        outcome = python(
            *command, path=self.folder, folder=self.folder, settings=SETTINGS, **variables
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout + outcome.stderr

    def run_tests(self, *names: str) -> str:
        """Run tests of the project with pytest."""
        return self.run("-m", "pytest", "-q", "-p", "no:randomly", *LOADS_PLUGIN, *names)
