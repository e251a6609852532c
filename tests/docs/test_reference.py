"""The reference pages list what the code has."""

from __future__ import annotations

import ast
import re
from collections import Counter

from social_endpoints import urls
from social_endpoints.conf import Settings
from tests.support.pages import DOCS, ROOT, page


def test_settings_page_has_each_setting_with_its_default() -> None:
    entry = r"^\.\. confval:: (\w+)\n   :type: .+\n   :default: ``(.+)``$"
    listed = re.findall(entry, page("reference/settings.rst"), re.MULTILINE)

    defaults = {name: ast.literal_eval(default) for name, default in listed}
    assert defaults == {name: getattr(Settings, name) for name in Settings.__dataclass_fields__}
    assert len(listed) == page("reference/settings.rst").count(".. confval::")


def test_checks_page_has_each_id_once() -> None:
    pattern = r"social_endpoints\.[CDEIW]\d{3}"
    modules = sorted((ROOT / "social_endpoints" / "checks").glob("*.py"))
    in_code = Counter(re.findall(pattern, "".join(path.read_text() for path in modules)))
    in_docs = Counter(
        re.findall(r"^\.\. check:: (\S+)$", page("reference/checks.rst"), re.MULTILINE)
    )

    assert in_docs == in_code
    assert set(in_code.values()) == {1}


def test_endpoints_page_describes_each_operation_and_url() -> None:
    document = (DOCS / "openapi.yaml").read_text()
    operations = re.findall(r"^ +operationId: (\w+)$", document, re.MULTILINE)
    text = page("reference/endpoints.rst")
    names = re.findall(r"^``([\w-]+)``\n   ``(\S+)``$", text, re.MULTILINE)

    described = re.findall(r"^\.\. operation:: (\w+)$", text, re.MULTILINE)
    # The page says that a GET to the handoff is like a POST.
    assert sorted([*described, "socialCallback"]) == sorted(operations)
    assert dict(names) == {
        str(pattern.name): re.sub(r"<\w+:", "<", str(pattern.pattern))
        for pattern in urls.urlpatterns
    }


def test_commands_page_has_each_command_and_option() -> None:
    text = page("reference/commands.rst")
    commands = ROOT / "social_endpoints" / "management" / "commands"
    names = [path.stem for path in commands.glob("[!_]*.py")]
    sections = dict(re.findall(r"^``(\w+)``\n={5,}\n(.*?)(?=\n``\w+``\n=|\Z)", text, re.M | re.S))

    assert sorted(sections) == sorted(names)
    for name, section in sections.items():
        source = (commands / f"{name}.py").read_text()
        options = set(re.findall(r"add_argument\(\s*\"(--[\w-]+)\"", source))
        assert set(re.findall(r"^``(--[\w-]+)", section, re.MULTILINE)) == options, name
