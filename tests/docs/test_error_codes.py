"""The error codes and recoveries in docs/ are those of the code, and requests provoke them."""

from __future__ import annotations

import re

from social_core.exceptions import REASONS

from social_endpoints.exceptions import RECOVERIES
from social_endpoints.internal.actions.outcome import REJECTED_CREDENTIAL_CODES
from tests.support.error_entries import ENTRIES, field
from tests.support.pages import PAGES, ROOT, page


def test_error_codes_are_those_of_social_core_and_ours() -> None:
    known = {code: recovery for code, (_, _, recovery) in REASONS.items()} | RECOVERIES
    listed = re.findall(r"errorcode:: (\w+)", page("troubleshooting/error_codes.rst"))

    assert {code: field(code, "Recovery").strip("` \n") for code in ENTRIES} == known
    assert sorted(listed) == sorted(known)


def test_each_error_code_has_a_cause_and_an_action() -> None:
    for code in ENTRIES:
        assert re.match(r"[45]\d\d", field(code, "Status")), code
        assert len(field(code, "Cause")) > 30, code
        assert any(field(code, who) for who in ("User", "Frontend", "Backend", "Operator")), code


def test_page_has_each_text_of_the_client() -> None:
    """A user sees these texts, and no response contains them."""
    listed = " ".join(page("troubleshooting/error_codes.rst").split())

    texts = re.findall(r'gettext\("([^"]+)"\)', (ROOT / "frontend/client.js").read_text())
    assert len(texts) > 3
    assert [text for text in texts if text.replace("%(status)s", "502") not in listed] == []


def test_pages_link_to_existing_error_codes() -> None:
    for path in PAGES:
        assert {*re.findall(r":errorcode:`(\w+)`", path.read_text())} <= set(ENTRIES), path.name


def test_endpoints_page_has_each_recovery() -> None:
    listed = re.findall(
        r"^``(\w+)``\n   [A-Z]",
        page("reference/endpoints.rst").partition(".. _error recovery:")[2],
        re.MULTILINE,
    )

    of_social_core = {recovery for _, _, recovery in REASONS.values()}
    assert set(listed) == of_social_core | set(RECOVERIES.values())


def test_signals_page_has_each_code_of_a_failed_login() -> None:
    section = page("reference/signals.rst").partition("Failed logins\n===")[2]
    listed = re.findall(r"^``(\w+)``$", section, re.MULTILINE)

    assert listed == sorted(REJECTED_CREDENTIAL_CODES)
