"""The page about SAML: its settings against an identity provider with signed responses."""

from __future__ import annotations

import io
import zlib
from base64 import b64decode
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from defusedxml import ElementTree
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import call_command
from rest_framework.test import APIClient
from social_django.models import UserSocialAuth

from tests.support import saml_provider
from tests.support.checks import ids
from tests.support.configuration import Configure
from tests.support.frontend import Frontend, error
from tests.support.keys import key_and_certificate
from tests.support.pages import run_block
from tests.support.provider_pages import FOLDER, HOST, ProviderPage
from tests.support.saml_provider import STATUS, authn_request, respond

pytestmark = [pytest.mark.django_db, pytest.mark.needs("onelogin")]

CALLBACK = "/auth/o/saml/callback/"
NAMES = """<saml:Attribute Name="{name}"><saml:AttributeValue xsi:type="xs:string">{value}
</saml:AttributeValue></saml:Attribute>"""


def certificate(name: str) -> str:
    return "".join(key_and_certificate(name)[1].splitlines()[1:-1])


@pytest.fixture
def frontend() -> Frontend:
    frontend = Frontend()
    frontend.client.defaults["HTTP_HOST"] = HOST
    return frontend


@pytest.fixture(autouse=True)
def project(settings: Any, tmp_path: Path, configure: Configure) -> None:
    """Apply the settings of the page, with real keys."""
    cache.clear()
    settings.ALLOWED_HOSTS = [HOST]
    values = ProviderPage(FOLDER / "saml.rst").settings_of("saml", tmp_path)
    configure(**values.pop("SOCIAL_ENDPOINTS"))
    for name, value in values.items():
        setattr(settings, name, value)
    key, public = key_and_certificate("site")
    settings.SOCIAL_AUTH_SAML_SP_PRIVATE_KEY = key
    settings.SOCIAL_AUTH_SAML_SP_PUBLIC_CERT = public
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS["work"]["x509cert"] = certificate("idp")


@pytest.fixture(autouse=True)
def attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the identity provider of the tests send the attributes of the page."""
    names = {"first_name": "Ada", "last_name": "Lovelace", "department": "Engines"}
    more = "".join(NAMES.format(name=name, value=value) for name, value in names.items())
    end = "</saml:AttributeStatement>"
    changed = saml_provider.ASSERTION.replace(end, more + end)
    monkeypatch.setattr(saml_provider, "ASSERTION", changed)


def log_in(frontend: Frontend, *, query: dict[str, str] | None = None, **changes: Any) -> Any:
    begun = frontend.begin("saml", **(query or {}))
    assert begun.status_code == 200, begun.data
    posted = respond(begun.data["authorization_url"], **changes)
    client = APIClient(HTTP_HOST=HOST)
    redirect = client.post(CALLBACK, posted, format="multipart", secure=True)
    if redirect.status_code != 303:
        return redirect
    callback = dict(parse_qsl(urlsplit(redirect.headers["Location"]).query))
    return frontend.complete(begun, callback, "saml")


def request_of(frontend: Frontend) -> tuple[Any, dict[str, list[str]]]:
    """Begin; return the request for the identity provider and the query of its URL."""
    query = parse_qs(urlsplit(frontend.begin("saml").data["authorization_url"]).query)
    return ElementTree.fromstring(zlib.decompress(b64decode(query["SAMLRequest"][0]), -15)), query


def apply(settings: Any, text: str) -> None:
    for name, value in run_block("providers/saml.rst", text).items():
        if name.startswith("SOCIAL_AUTH_"):
            setattr(settings, name, value)


@pytest.mark.parametrize("query", [{"idp": "work"}, {}])
def test_login_with_the_settings_of_the_page(
    query: dict[str, str], frontend: Frontend, settings: Any
) -> None:
    settings.SOCIAL_AUTH_SAML_EXTRA_DATA = [("department", "department")]

    response = log_in(frontend, query=query)

    assert response.status_code == 201, response.data
    social = UserSocialAuth.objects.get()
    user = social.user
    assert (social.uid, user.username, user.email) == ("work:ada-at-idp", "ada", "ada@example.com")
    assert user.get_full_name() == "Ada Lovelace"
    assert [text.strip() for text in social.extra_data["department"]] == ["Engines"]
    assert ids() == {"W005"}


def test_missing_attribute_refuses_the_login_unless_it_is_none(
    frontend: Frontend, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS["work"]["attr_email"] = "other"

    assert error(log_in(frontend)) == (400, "missing_claim")
    assert "claim=other" in caplog.text

    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS["work"]["attr_email"] = None
    assert log_in(frontend).status_code == 201
    assert get_user_model().objects.get().email == ""


def test_both_certificates_are_accepted_during_the_change(
    frontend: Frontend, settings: Any
) -> None:
    idp = settings.SOCIAL_AUTH_SAML_ENABLED_IDPS["work"]
    del idp["x509cert"]
    # python3-saml changes the lists.
    for order in (["idp", "next"], ["next", "idp"]):
        idp["x509certMulti"] = {"signing": [certificate(name) for name in order]}
        settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"work": deepcopy(idp)}
        assert log_in(frontend).status_code == 201
    idp["x509certMulti"] = {"signing": [certificate("next")]}
    settings.SOCIAL_AUTH_SAML_ENABLED_IDPS = {"work": idp}

    assert error(log_in(frontend)) == (400, "malformed_response")


def test_new_certificate_of_the_site_is_in_the_metadata(settings: Any) -> None:
    settings.SOCIAL_AUTH_SAML_SP_EXTRA = {"x509certNew": certificate("new")}
    output = io.StringIO()

    call_command("saml_metadata", f"https://{HOST}", stdout=output)

    published = "".join(output.getvalue().split())
    assert certificate("new") in published
    assert certificate("site") in published
    assert f"https://{HOST}{CALLBACK}" in published


def test_format_of_the_name_id_is_requested(frontend: Frontend, settings: Any) -> None:
    apply(settings, "NameIDFormat")

    request, _ = request_of(frontend)

    policy = request.find("{urn:oasis:names:tc:SAML:2.0:protocol}NameIDPolicy")
    assert policy.get("Format") == "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


def test_request_for_a_password_login_can_be_turned_off(frontend: Frontend, settings: Any) -> None:
    context = "{urn:oasis:names:tc:SAML:2.0:protocol}RequestedAuthnContext"
    assert request_of(frontend)[0].find(context) is not None

    settings.SOCIAL_AUTH_SAML_SECURITY_CONFIG = {"requestedAuthnContext": False}

    assert request_of(frontend)[0].find(context) is None


def test_requests_are_signed_and_assertions_must_be_encrypted(
    frontend: Frontend, settings: Any
) -> None:
    apply(settings, "authnRequestsSigned")
    output = io.StringIO()

    _, query = request_of(frontend)
    call_command("saml_metadata", f"https://{HOST}", stdout=output)

    assert query["SigAlg"] == ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"]
    assert query["Signature"]
    assert 'AuthnRequestsSigned="true"' in output.getvalue()
    assert error(log_in(frontend)) == (400, "malformed_response")


def test_login_that_begins_at_the_identity_provider_is_an_error_page(frontend: Frontend) -> None:
    response = log_in(frontend, request="")

    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/html")


def test_unsigned_response_is_refused(frontend: Frontend) -> None:
    assert error(log_in(frontend, signed_by=None)) == (400, "malformed_response")


def test_other_method_of_authentication_is_refused(frontend: Frontend) -> None:
    response = log_in(frontend, status=f"{STATUS}NoAuthnContext")

    assert error(response) == (400, "reauthentication_required")


def test_request_names_the_handoff(frontend: Frontend) -> None:
    url = frontend.begin("saml").data["authorization_url"]

    assert authn_request(url)["acs"] == f"https://{HOST}{CALLBACK}"
