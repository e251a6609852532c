"""Every backend of social-core does what the table says."""

from __future__ import annotations

import pytest

from tests.providers import table
from tests.providers.backends import shipped
from tests.providers.examine import FAILS, REFUSES, SIGNS_IN, examine
from tests.providers.refused import REFUSED
from tests.providers.suite import logins

pytestmark = [
    pytest.mark.django_db,
    # python3-openid says so of itself, where it is the provider.
    pytest.mark.filterwarnings('ignore:The "namespace" attribute of CheckIDRequest'),
    # python3-saml reads the clock in this way.
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning:onelogin"),
]


@pytest.mark.parametrize("name", shipped())
def test_a_backend(name: str) -> None:
    row = examine(name)

    assert row.result != FAILS, row.reason
    assert row == table.expected().get(name), "It is not in the table: python -m tests.providers"


def test_there_are_backends_and_they_are_driven() -> None:
    results = [row.result for row in table.expected().values()]

    assert len(shipped()) > 200
    assert results.count(SIGNS_IN) >= 190
    assert logins("github")
    assert logins("telegram")


def test_who_is_refused_is_in_the_list_of_those() -> None:
    refused = {name for name, row in table.expected().items() if row.result == REFUSES}

    assert refused == REFUSED.keys() & table.expected().keys()


def test_the_page_has_the_table() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), "python -m tests.providers"
