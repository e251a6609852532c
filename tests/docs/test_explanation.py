"""The explanation pages agree with the code and the tests."""

from __future__ import annotations

import re

from tests.support.pages import named_tests, page


def test_security_page_names_existing_tests_for_each_property() -> None:
    properties = page("explanation/security.rst").split("\n:Violated if:")[1:]

    assert properties
    for text in properties:
        listed = re.findall(r"^   - ``(tests/\S+)``$", text, re.MULTILINE)
        assert listed, text
        assert set(listed) <= named_tests()


def test_page_on_standards_names_existing_tests() -> None:
    text = page("explanation/standards.rst")
    (module,) = re.findall(r"The tests are in ``(\S+)``", text)
    names = re.findall(r"``(test_\w+)``", text)

    assert names
    assert {f"{module}::{name}" for name in names} <= named_tests()
