"""System checks of the fake provider: the setting ``FAKE_PROVIDERS``, and the URLs of its pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.urls import URLResolver, get_resolver

from social_endpoints.checks.providers import configured_providers, unknown_provider_hint
from social_endpoints.conf import NAME, settings
from social_endpoints.internal.backends.config import is_redirect_class
from social_endpoints.internal.backends.registry import OPENID_CONNECT, Provider, protocol
from social_endpoints.internal.guard import is_test_run
from social_endpoints.internal.network.fake_providers import is_base_url

PACKAGE = "social_endpoints.testing"
URLS = f"{PACKAGE}.urls"

_SETTING = f"{NAME}['FAKE_PROVIDERS']"


def check_fake_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report entries of ``FAKE_PROVIDERS`` that cannot work, and the setting without ``DEBUG``."""
    addresses: Any = settings.FAKE_PROVIDERS
    if not addresses or not isinstance(addresses, Mapping):
        return  # check_dictionary() reports a wrong type.
    if _is_production():
        yield _refused(f"{_SETTING} is set", "No login of these providers can begin.")
    providers = configured_providers() or {}
    for name, address in addresses.items():
        if problem := _find_problem(name, address, providers):
            message, hint = problem
            yield Error(f"{_SETTING} {message}", hint=hint, id="social_endpoints.E033")


def _find_problem(
    name: Any, address: Any, providers: Mapping[str, Provider]
) -> tuple[str, str] | None:
    if name not in providers:
        hint = unknown_provider_hint(name, providers)
        return f"contains {name!r}, which is not configured.", hint
    backend = providers[name].backend
    if protocol(backend) not in {"oauth2", OPENID_CONNECT} or not is_redirect_class(backend):
        hint = "Remove the entry. A fake provider speaks OAuth 2 and OpenID Connect."
        return f"contains {name!r}, which is not a redirect login with OAuth 2.", hint
    if not is_base_url(address):
        hint = "Write the address that 'manage.py fake_provider' prints."
        return f"has {address!r} for {name!r}, which is not a URL.", hint
    return None


def check_deployed_fakes(**kwargs: Any) -> Iterator[CheckMessage]:
    """Report a fake provider in a project that is to be deployed; for ``--deploy``."""
    uses = [_SETTING] if settings.FAKE_PROVIDERS else []
    if _includes_fake(get_resolver()):
        uses.append(URLS)
    elif PACKAGE in sys.modules and not is_test_run():
        uses.append(PACKAGE)
    for use in uses:
        if use != _SETTING and _is_production():
            yield _refused(f"The project uses {use}", "It cannot start.")
        yield Warning(
            f"The project uses {use}, with which anyone can sign in as anyone.",
            hint="Remove it from the settings and the code of production. Without DEBUG, it raises"
            " ImproperlyConfigured.",
            id="social_endpoints.W037",
        )


def _is_production() -> bool:
    return not django_settings.DEBUG and not is_test_run()


def _refused(use: str, effect: str) -> CheckMessage:
    return Error(
        f"{use}, but DEBUG is off. {effect}",
        hint="Remove it. A fake provider signs in anyone without a password.",
        id="social_endpoints.E034",
    )


def _includes_fake(resolver: URLResolver) -> bool:
    below = [each for each in resolver.url_patterns if isinstance(each, URLResolver)]
    names = (getattr(each.urlconf_name, "__name__", each.urlconf_name) for each in below)
    return URLS in names or any(map(_includes_fake, below))


CHECKS: dict[Any, tuple[str, ...]] = {check_fake_providers: ()}
