"""Print the metadata that the administrator of a SAML identity provider needs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from social_endpoints.exceptions import ProviderNotSupported
from social_endpoints.internal.backends.loading import load
from social_endpoints.internal.backends.registry import Provider, find, is_saml
from social_endpoints.internal.flows.flow import LOGIN, Flow
from social_endpoints.management.callback_urls import absolute, callback_paths, has_parameter


class Command(BaseCommand):
    """Print this site's SAML metadata, with the handoff as the URL for responses."""

    help = "Print this site's SAML metadata: its entity ID, its keys, and the URL for responses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("origin", help="origin of the API, e.g. https://api.example.com")
        parser.add_argument("--provider", default="saml", help="backend name (default: saml)")

    def handle(self, *args: Any, **options: Any) -> str:
        """Return the XML.

        :raises CommandError: the origin or the provider is not valid, or python3-saml rejects
            the settings.
        """
        provider = _provider(options["provider"])
        flow = Flow(provider.name, LOGIN, _callback_url(options["origin"], provider), handoff=True)
        backend: Any
        _, backend = load(provider, request=None, data={}, flow=flow)
        try:
            metadata, errors = backend.generate_metadata_xml()
        except Exception as error:  # An exception of python3-saml, an optional dependency.
            raise CommandError(
                f"The metadata cannot be built from the settings of {provider.name!r}: {error}"
            ) from error
        if errors:
            raise CommandError(
                f"The metadata is not valid. Correct the settings of {provider.name!r}:"
                f" {', '.join(errors)}"
            )
        return metadata.decode() if isinstance(metadata, bytes) else str(metadata)


def _provider(name: str) -> Provider:
    try:
        provider = find(name)
    except (ProviderNotSupported, ImproperlyConfigured) as error:
        raise CommandError(str(error)) from error
    if not is_saml(provider.backend):
        raise CommandError(f"The provider {name!r} does not use SAML. Choose another --provider.")
    return provider


def _callback_url(origin: str, provider: Provider) -> str:
    paths = [each for each in callback_paths(provider.name) if not has_parameter(each)]
    if not paths:
        raise CommandError(
            "social_endpoints.urls is not included in the URLs, or its path has a parameter such as"
            " <tenant>, whose value is unknown."
        )
    return absolute(origin, paths[0])
