"""Verifiers of a project: the setting NATIVE_VERIFIERS."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from social_endpoints.verifiers import TokenInfo, TokenVerifier
from tests.support.access_token_providers import PLAIN, TOKEN, TokenProvider
from tests.support.checks import findings, ids
from tests.support.configuration import Configure
from tests.support.frontend import error
from tests.support.native import assert_refused, post_tokens
from tests.support.openid_provider import OpenIDProvider

pytestmark = pytest.mark.django_db
User = get_user_model()

HERE = "tests.api.native.access_token.test_project_verifiers"
CORPORATE = "https://corp.example.com/token"


class Corporate(TokenVerifier):
    subject_key = "id"

    def verify(self, access_token: str) -> TokenInfo:
        response = self.ask(CORPORATE, method="POST", json={"token": access_token})
        return TokenInfo(frozenset({response.identifier("client")}), response.identifier("user"))


class WithoutClients(TokenVerifier):
    def verify(self, access_token: str) -> TokenInfo:
        return TokenInfo(frozenset())


class WrongType(TokenVerifier):
    def verify(self, access_token: str) -> Any:
        return TokenInfo("our-github-id")  # type: ignore[arg-type]  # This is the mistake.


class Unfinished(TokenVerifier):
    pass


class OtherClass:
    pass


def test_project_verifier_replaces_the_shipped_one(
    github: TokenProvider, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS={"github": f"{HERE}.Corporate"})
    openid.wire.add("POST", CORPORATE, json={"client": "our-github-id", "user": 4711})

    assert github.sign_in().status_code == 201
    assert github.asked == []


def test_project_verifier_adds_a_provider(
    settings: Any, openid: OpenIDProvider, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = [PLAIN]
    settings.SOCIAL_AUTH_PLAIN_KEY = "our-id"
    configure(NATIVE_PROVIDERS=["plain"], NATIVE_VERIFIERS={"plain": f"{HERE}.Corporate"})
    openid.wire.add("POST", CORPORATE, json={"client": "our-id", "user": 7})

    assert post_tokens("plain", access_token=TOKEN).status_code == 201


@pytest.mark.parametrize("body", [{"client": "their-id", "user": 4711}, {"user": 4711}, {}, []])
def test_token_info_is_compared_with_the_own_clients(
    body: Any, github: TokenProvider, openid: OpenIDProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS={"github": f"{HERE}.Corporate"})
    openid.wire.add("POST", CORPORATE, json=body)

    assert_refused(github.sign_in())


@pytest.mark.parametrize(
    ("verifier", "code"), [("WithoutClients", "invalid_claim"), ("WrongType", "unknown_error")]
)
def test_token_info_without_clients_is_refused(
    verifier: str, code: str, github: TokenProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS={"github": f"{HERE}.{verifier}"})

    assert_refused(github.sign_in(), code)


def test_unfinished_verifier_is_a_mistake_of_the_project(
    github: TokenProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS={"github": f"{HERE}.Unfinished"})

    assert error(github.sign_in()) == (500, "unknown_error")


@pytest.mark.parametrize(
    ("name", "path", "problem", "hint"),
    [
        ("github", f"{HERE}.Missing", "annot import", "dotted path"),
        ("github", f"{HERE}.OtherClass", "is not a subclass of", "dotted path"),
        ("github", f"{HERE}.pytest", "is not a subclass of", "dotted path"),
        ("githbu", f"{HERE}.Corporate", "is not configured", "Did you mean 'github'?"),
        ("x", f"{HERE}.Corporate", "is not configured", "github"),
    ],
)
def test_invalid_entry_is_found_by_a_check_and_refuses_all(
    name: str, path: str, problem: str, hint: str, github: TokenProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS={name: path})

    (found,) = [each for each in findings() if each.id == "social_endpoints.E020"]
    assert problem in found.msg
    assert hint in str(found.hint)
    response = github.sign_in()
    assert (response.status_code, response.data["error_code"]) == (500, "invalid_setting")
    assert github.asked == []


def test_setting_that_is_not_a_dictionary_refuses_all(
    github: TokenProvider, configure: Configure
) -> None:
    configure(NATIVE_VERIFIERS=["github"])

    assert ids() == {"E003"}
    assert github.sign_in().status_code == 500


def test_check_does_not_report_backends_that_cannot_be_imported(
    settings: Any, configure: Configure
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.Missing"]
    configure(NATIVE_VERIFIERS={"github": f"{HERE}.Corporate"})

    assert "E020" not in ids()
