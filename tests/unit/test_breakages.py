"""The deliberate breakages of ``tests.breakages`` fit the code. The tests do not run here."""

from __future__ import annotations

import pytest

from tests.breakages.table import BREAKAGES, PACKAGE, Breakage
from tests.support.pages import named_tests


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda breakage: breakage.name)
def test_breakage_applies_and_its_tests_exist(breakage: Breakage) -> None:
    source = (PACKAGE / breakage.module).read_text()

    assert breakage.apply(source) != source
    assert breakage.tests
    assert set(breakage.tests) <= named_tests()


def test_names_are_different() -> None:
    assert len({each.name for each in BREAKAGES}) == len(BREAKAGES)
