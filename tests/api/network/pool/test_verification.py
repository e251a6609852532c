"""How a provider is verified: as the settings say, each time that it is connected to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.network.pool.authority import Authority
from tests.api.network.pool.conftest import LogIn
from tests.api.network.pool.provider import Provider

pytestmark = pytest.mark.django_db


def moved(provider: Provider, context: Any) -> Provider:
    """Return what takes a provider's place, at its address."""
    provider.stop()
    return Provider(context, port=provider.port)


def test_a_provider_with_a_new_certificate(
    provider: Provider, authority: Authority, log_in: LogIn
) -> None:
    assert log_in().status_code == 201
    new = moved(provider, authority.context())

    assert log_in(at=new).status_code == 201
    new.stop()


def test_a_provider_with_a_certificate_of_nobody(
    provider: Provider, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    assert log_in().status_code == 201
    other = Authority(tmp_path, "other")
    new = moved(provider, other.context())

    answer = log_in(at=new)
    assert (answer.status_code, answer.data["error_code"]) == (400, "tls_error")
    assert not new.requests

    # The project's file has that authority in it from now on.
    Path(settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL).write_bytes(other.bundle.read_bytes())
    assert log_in(at=new).status_code == 201
    new.stop()


def test_what_nobody_has_verified_is_not_used_where_it_matters(
    provider: Provider, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = False
    with pytest.warns(match="Unverified HTTPS request"):
        assert log_in().status_code == 201
    assert provider.connections == 1

    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = True
    assert log_in().data["error_code"] == "tls_error"

    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = str(Authority(tmp_path, "other").bundle)
    assert log_in().data["error_code"] == "tls_error"
    assert provider.requests == {"POST /token": 1, "GET /user": 1}


def test_the_folder_and_the_file_of_the_environment(
    provider: Provider,
    authority: Authority,
    log_in: LogIn,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = True
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))

    assert log_in().status_code == 201


def test_a_file_that_there_is_not(provider: Provider, log_in: LogIn, settings: Any) -> None:
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = "/there/is/no/such.pem"

    assert log_in().status_code == 400
    assert not provider.requests


@pytest.mark.parametrize("pooled", [True, False])
def test_a_file_with_no_certificate(
    pooled: bool, provider: Provider, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    settings.SOCIAL_ENDPOINTS = {**settings.SOCIAL_ENDPOINTS, "HTTP_POOL": pooled}
    settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = str(tmp_path / "none.pem")
    (tmp_path / "none.pem").write_text("none")

    answer = log_in()

    assert (answer.status_code, answer.data["error_code"]) == (400, "tls_error")


def test_many_ways_to_verify(
    provider: Provider, authority: Authority, tmp_path: Path, log_in: LogIn, settings: Any
) -> None:
    """A thousand tenants may have files of their own; what is kept of them is bounded."""
    for number in range(40):
        copy = tmp_path / f"copy{number}.pem"
        copy.write_bytes(authority.bundle.read_bytes())
        settings.SOCIAL_AUTH_LOOPBACK_VERIFY_SSL = str(copy)
        assert log_in().status_code == 201

    assert provider.handshakes == 40


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_versions(version: str, authority: Authority, log_in: LogIn, settings: Any) -> None:
    old = Provider(authority.context(version))
    settings.SOCIAL_AUTH_LOOPBACK_URL = old.url

    for user in ("1", "2"):
        assert log_in(user, at=old).status_code == 201

    assert old.handshakes == 1
    old.stop()
