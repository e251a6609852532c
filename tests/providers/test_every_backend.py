"""Run every backend of social-core and compare the results with the table."""

from __future__ import annotations

import pytest

from tests.providers import table
from tests.providers.backends import shipped
from tests.providers.examine import FAILS, REFUSES, SIGNS_IN, examine
from tests.providers.refused import REFUSED
from tests.providers.suite import logins

pytestmark = [
    pytest.mark.django_db,
    # The server of python3-openid causes it.
    pytest.mark.filterwarnings('ignore:The "namespace" attribute of CheckIDRequest'),
    # python3-saml causes it.
    pytest.mark.filterwarnings("ignore:datetime.datetime.utc:DeprecationWarning:onelogin"),
]


@pytest.mark.parametrize("name", shipped())
def test_backend_has_result_of_table(name: str) -> None:
    row = examine(name)

    assert row.result != FAILS, row.reason
    assert row == table.expected().get(name), "It is not in the table: python -m tests.providers"


def test_most_backends_sign_in() -> None:
    results = [row.result for row in table.expected().values()]

    assert len(shipped()) > 200
    assert results.count(SIGNS_IN) >= 190
    assert logins("github")
    assert logins("telegram")


def test_refused_backends_are_listed() -> None:
    refused = {name for name, row in table.expected().items() if row.result == REFUSES}

    assert refused == REFUSED.keys() & table.expected().keys()


@pytest.mark.skipif(
    table.installed() != table.versions()[0], reason="the table describes the newest social-core"
)
def test_table_has_settings_and_links_of_each_backend() -> None:
    described = {name: table.describe(name) for name in table.expected()}

    assert described == table.descriptions(), "python -m tests.providers"
    assert all(each.links for each in described.values())


def test_page_contains_table() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page(), "python -m tests.providers"
