"""Describe the configured providers for an operator, without a request and without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from social_core.backends.azuread import AzureADOAuth2
from social_core.backends.base import BaseAuth
from social_core.backends.oauth import BaseOAuth1, BaseOAuth2, OAuthAuth
from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthConfigurationError
from social_core.utils import setting_name

from social_endpoints.conf import Settings, settings
from social_endpoints.internal.actions.provider_logout import may_have_endpoint
from social_endpoints.internal.actions.providers import find_capabilities
from social_endpoints.internal.backends.config import (
    has_redirect,
    lifetime,
    may_post,
    require_credentials,
)
from social_endpoints.internal.backends.documentation import documentation_url
from social_endpoints.internal.backends.extensions.discovery import unusable_claims
from social_endpoints.internal.backends.extensions.more_access import connect_scopes, require_scopes
from social_endpoints.internal.backends.extensions.pkce import ProofKey
from social_endpoints.internal.backends.listing import backend_title
from social_endpoints.internal.backends.recording import (
    Record,
    find_missing_settings,
    load_recording_backend,
)
from social_endpoints.internal.backends.registry import (
    OPENID_CONNECT,
    Provider,
    is_saml,
    overridden_paths,
    protocol,
    providers_and_errors,
)
from social_endpoints.internal.backends.setting_types import full_name, wrong_settings
from social_endpoints.internal.native.providers import find_invalid_setting
from social_endpoints.internal.network.options import request_options

CLIENT_SECRET_BASIC, CLIENT_SECRET_POST = "client_secret_basic", "client_secret_post"
FROM_DISCOVERY = "from_discovery"
AUTH_METHOD_SETTING = "TOKEN_ENDPOINT_AUTH_METHOD"


@dataclass
class ProviderReport:
    """The description of a provider for an operator.

    :ivar path: the entry of ``AUTHENTICATION_BACKENDS``.
    :ivar documentation: the URL of the page about the provider.
    :ivar native: the token types of native sign-in.
    :ivar connect_scopes: the scopes that a connect may ask for in addition.
    :ivar pkce: whether PKCE is used; None if the discovery document decides.
    :ivar client_authentication: as in RFC 8414 (``client_secret_post``, …), or
        ``from_discovery``; None if the provider has a method of its own or no client secret.
    :ivar set_settings: full names of the settings that were read and have a value.
    :ivar unset_settings: full names of the optional settings that were read and have no value.
    :ivar missing_settings: full names of the settings without which the provider cannot work.
    :ivar unread_settings: settings with the name of the provider that were not read. A login may
        read them; otherwise, their names are misspelled.
    :ivar redirect_uris: to register at the provider; None if a callable decides.
    :ivar uses_handoff: whether the URL of the handoff is to be registered instead.
    :ivar post_logout_redirect_uris: to register at a provider that may have a logout endpoint; None
        if a callable decides.
    :ivar backchannel_logout: whether the URL of back-channel logout is to be registered.
    :ivar problems: reasons why the provider does not work.
    :ivar provider: like ``backend``, None if the provider cannot be described.
    """

    name: str
    path: str
    documentation: str
    title: str = ""
    protocol: str = ""
    begin: bool = False
    native: list[str] = field(default_factory=list)
    connect: bool = False
    scopes: list[str] = field(default_factory=list)
    connect_scopes: list[str] = field(default_factory=list)
    pkce: bool | None = False
    pkce_reason: str = ""
    client_authentication: str | None = None
    set_settings: list[str] = field(default_factory=list)
    unset_settings: list[str] = field(default_factory=list)
    missing_settings: list[str] = field(default_factory=list)
    unread_settings: list[str] = field(default_factory=list)
    redirect_uris: list[str] | None = field(default_factory=list)
    uses_handoff: bool = False
    post_logout_redirect_uris: list[str] | None = field(default_factory=list)
    backchannel_logout: bool = False
    problems: list[str] = field(default_factory=list)
    provider: Provider | None = field(default=None, repr=False)
    backend: BaseAuth[Any] | None = field(default=None, repr=False)


def report_providers(request: HttpRequest | None) -> list[ProviderReport]:
    """Return a report for each entry of ``AUTHENTICATION_BACKENDS`` that is a provider.

    An entry that cannot be imported, or whose class raises an exception, has a report with the
    reason. No request is sent, unless the project's strategy or backend sends one.

    :param request: passed to the strategy, whose settings may depend on the tenant.
    :raises ImproperlyConfigured: ``AUTHENTICATION_BACKENDS`` is not a list.
    """
    providers, errors = providers_and_errors()
    reports = [_report(provider, request) for provider in providers.values()]
    for path, error in errors.items():
        name, url = path.rpartition(".")[2], documentation_url(None)
        reports.append(ProviderReport(name, path, url, problems=[error]))
    if not errors:
        _report_duplicates(reports)
    return reports


def _report_duplicates(reports: list[ProviderReport]) -> None:
    by_name = {report.name: report for report in reports}
    for path, name in overridden_paths():
        by_name[name].problems.append(f"{path!r} has the same name and is not used.")


def _report(provider: Provider, request: HttpRequest | None) -> ProviderReport:
    backend_class = provider.backend
    report = ProviderReport(provider.name, provider.path, documentation_url(backend_class))
    report.protocol = protocol(backend_class)
    record = Record()
    try:
        backend = load_recording_backend(provider, request, record)
        # Another instance, because most backends do not read all settings that the check reads.
        wrong = wrong_settings(load_recording_backend(provider, request, Record()))
        report.problems += [f"{name} must be {expected}." for name, expected in wrong.items()]
        if not wrong:
            _describe(report, backend, record)
            report.provider, report.backend = provider, backend
    except ImproperlyConfigured as error:
        report.problems.append(str(error))
    except AuthConfigurationError as error:
        name = setting_name(report.name, str(error.parameter))
        if name not in report.missing_settings:
            report.problems.append(f"{name} is missing or invalid.")
    except Exception as error:  # noqa: BLE001 - a project's class may raise any exception
        # Its text may contain the value of a setting.
        report.problems.append(f"Reading the settings raises {type(error).__name__}.")
    if report.problems and request is None and settings.STRATEGY != Settings.STRATEGY:
        report.problems.append("The settings may depend on the request: add --base-url.")
    _describe_settings(report, record.full_names)
    return report


def _describe(report: ProviderReport, backend: BaseAuth[Any], record: Record) -> None:
    missing = find_missing_settings(backend, record)
    report.missing_settings = [full_name(backend, name) for name in missing]
    report.problems += [f"{name} is missing." for name in report.missing_settings]
    report.title = backend_title(backend)
    report.pkce, report.pkce_reason = _pkce(backend)
    _read_settings_of_logins(report, backend)
    report.scopes = list(backend.get_scope()) if isinstance(backend, OAuthAuth) else []
    if scopes := connect_scopes(report.name):
        require_scopes(type(backend))
        report.connect_scopes = [str(scope) for scope in scopes]
    if _has_credentials(report, backend):
        with suppress(Exception):  # A method of the project may need the data of a callback.
            report.client_authentication = _client_authentication(backend)
    capabilities = set(find_capabilities(backend))
    report.begin, report.connect = "redirect" in capabilities, "connect" in capabilities
    report.native = [each for each in ("id_token", "access_token") if each in capabilities]
    if report.native and (invalid := find_invalid_setting(backend)):
        report.problems.append(f"{full_name(backend, invalid)} is invalid.")
    report.uses_handoff = has_redirect(backend) and may_post(backend)
    if has_redirect(backend):
        _describe_redirect_uris(report)
    _describe_logout(report, backend)


def _read_settings_of_logins(report: ProviderReport, backend: BaseAuth[Any]) -> None:
    """Read more settings of a login, so that they are recorded."""
    backend.strategy.get_pipeline(backend)
    backend.strategy.get_disconnect_pipeline(backend)
    if is_saml(type(backend)):
        cast("Any", backend).generate_saml_config()
    if report.pkce is not False:
        backend.setting("PKCE_CODE_CHALLENGE_METHOD")
    if isinstance(backend, OpenIdConnectAuth):
        unusable_claims(backend, {})  # The methods of the backend would request discovery.
        for name in ("ID_TOKEN_ISSUER", "JWT_ALGORITHMS", "JWT_LEEWAY"):
            backend.setting(name)


def _describe_redirect_uris(report: ProviderReport) -> None:
    allowed: Any = settings.ALLOWED_REDIRECT_URIS
    if isinstance(allowed, str):
        report.redirect_uris = None
    elif isinstance(allowed, (list, tuple, set, frozenset)) and allowed:
        report.redirect_uris = [str(uri) for uri in allowed]
    else:
        report.problems.append("ALLOWED_REDIRECT_URIS is not a list with a URI.")
    if report.uses_handoff:
        report.redirect_uris = []  # The provider is given the URL of the handoff.


def _describe_logout(report: ProviderReport, backend: BaseAuth[Any]) -> None:
    allowed: Any = settings.ALLOWED_LOGOUT_REDIRECT_URIS
    if allowed and may_have_endpoint(backend):
        is_list = isinstance(allowed, (list, tuple, set, frozenset))
        report.post_logout_redirect_uris = [str(uri) for uri in allowed] if is_list else None
    names = settings.BACKCHANNEL_LOGOUT_PROVIDERS
    report.backchannel_logout = report.protocol == OPENID_CONNECT and report.name in names


def _has_credentials(report: ProviderReport, backend: BaseAuth[Any]) -> bool:
    """Return whether the project can authenticate at the provider."""
    try:
        lifetime(backend)  # A begin reads it, so it is recorded.
        request_options(backend)
        if report.missing_settings:
            return False
        require_credentials(backend)
    except AuthConfigurationError as error:
        report.problems.append(f"{full_name(backend, str(error.parameter))} is invalid.")
        return False
    return True


def _pkce(backend: BaseAuth[Any]) -> tuple[bool | None, str]:
    if not isinstance(backend, ProofKey):
        return False, "only OAuth 2.0 has PKCE"
    return backend.pkce_decision(may_request=False)


def _client_authentication(backend: Any) -> str | None:
    """Return how the project authenticates at the token endpoint (RFC 8414 section 2)."""
    if isinstance(backend, BaseOAuth1):
        return "oauth1_signature"
    if not isinstance(backend, BaseOAuth2):
        return None
    if isinstance(backend, AzureADOAuth2) and not backend.setting("SECRET"):
        return "private_key_jwt" if backend.client_assertion() else "none"
    _, secret = backend.get_key_and_secret()
    if not secret:
        return "none"
    if type(backend).use_basic_auth is OpenIdConnectAuth.use_basic_auth:
        default = getattr(backend, AUTH_METHOD_SETTING, "")
        return str(backend.setting(AUTH_METHOD_SETTING, default) or FROM_DISCOVERY)
    # Some backends override one of the two methods, and not use_basic_auth().
    untyped: Any = backend  # One of the methods has no annotations.
    header = str(untyped.auth_headers().get("Authorization", ""))
    if "Basic " in header or untyped.auth_complete_credentials():
        return CLIENT_SECRET_BASIC
    return CLIENT_SECRET_POST if not header else None


def _describe_settings(report: ProviderReport, read: dict[str, bool]) -> None:
    own = f"{setting_name(report.name)}_"
    report.set_settings = sorted(name for name, is_set in read.items() if is_set)
    unset = (name for name, is_set in read.items() if name.startswith(own) and not is_set)
    general = {name.removeprefix("SOCIAL_AUTH_") for name in report.set_settings}
    report.unset_settings = sorted(
        name
        for name in unset
        if name not in report.missing_settings and name.removeprefix(own) not in general
    )
    if report.backend is not None:
        report.unread_settings = sorted(set(_names_with(own)) - read.keys())


def _names_with(prefix: str) -> Iterator[str]:
    """Yield the names of the project's settings for a provider.

    A name may belong to a provider with a longer name, such as ``github-org``.
    """
    others = [
        each
        for provider in providers_and_errors()[0]
        if (each := f"{setting_name(provider)}_").startswith(prefix) and each != prefix
    ]
    for name in dir(django_settings):
        if name.startswith(prefix) and not name.startswith(tuple(others)):
            yield name
