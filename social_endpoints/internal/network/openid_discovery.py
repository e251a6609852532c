"""Discovery of OpenID 2.0 providers, with bounded documents and hosts.

python3-openid's own discovery fetches any host, has no time limit, and searches a page with
quadratic regular expressions: 64 KB block a process for 20 seconds. This module fetches with the
limits of a login and reads a page once. Remove it when python3-openid bounds what it parses and
accepts a fetcher for each call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import urldefrag, urlsplit

import requests
from openid.consumer.discover import (
    OPENID_1_1_TYPE,
    OPENID_2_0_TYPE,
    DiscoveryFailure,
    OpenIDServiceEndpoint,
)
from openid.urinorm import urinorm
from openid.yadis.constants import YADIS_ACCEPT_HEADER, YADIS_CONTENT_TYPE, YADIS_HEADER_NAME
from openid.yadis.etxrd import XRDSError

Fetch = Callable[[str, dict[str, str]], requests.Response]
"""Sends a GET with headers, and returns a response with status 200 or raises an exception."""

MAX_XRDS = 16_384
"""Bytes of an XRDS document. python3-openid multiplies the URIs of a service by its types."""

MAX_PAGE = 65_536
"""Bytes of an HTML page in which the head must be."""

MAX_URL = 2_048

_AUTHORITY = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")

_TYPES: list[str] = OpenIDServiceEndpoint.openid_type_uris  # The preferred one first.
_RELATIONS = (  # OpenID Authentication 2.0 section 7.3.3
    (OPENID_2_0_TYPE, "openid2.provider", "openid2.local_id"),
    (OPENID_1_1_TYPE, "openid.server", "openid.delegate"),
)

# One pass: an element or a comment without an end extends to the end of the text.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"|<(?P<raw>script|style|title|noscript|template)\b.*?(?:</(?P=raw)\b|\Z)"
    r"|<(?P<tag>/head|body|html|head|link|meta)(?![\w:-])"
    r"(?P<attributes>(?:\"[^\"]*+\"|'[^']*+'|[^\"'<>])*+)>",
    re.IGNORECASE | re.DOTALL,
)
_ATTRIBUTE = re.compile(
    r"(?<![\w:-])(?P<name>[\w:-]++)\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'"
    r"|(?P<bare>[^\s\"'<>]++))"
)


def discover(fetch: Fetch, identifier: str) -> list[OpenIDServiceEndpoint]:
    """Return the OpenID services of an identifier, the preferred one first.

    :raises ValueError: the identifier is not an HTTP URL, with or without its scheme; or a URL is
        too long.
    :raises requests.RequestException: a document cannot be fetched.
    """
    page = fetch(_normalize(identifier), {"Accept": YADIS_ACCEPT_HEADER})
    url = urldefrag(page.url).url
    tags = list(_head_tags(page.content[:MAX_PAGE].decode("utf-8", "replace")))
    location = _xrds_location(page, tags)
    document = fetch(location, {}) if location else page
    services = _xrds_services(url, document.content) or list(_linked_services(url, tags))
    return sorted(services, key=_preference)


def _normalize(identifier: str) -> str:
    identifier = identifier.strip()
    if len(identifier) > MAX_URL:
        raise ValueError("The identifier is too long.")
    url = identifier if re.match(r"[\w+.-]+://", identifier) else f"http://{identifier}"
    # urinorm() would decode an encoded host into another one.
    if not _AUTHORITY.fullmatch(urlsplit(url).netloc):
        raise ValueError("The identifier has no valid host.")
    return str(urldefrag(urinorm(url)).url)


def _xrds_location(page: requests.Response, tags: list[tuple[str, dict[str, str]]]) -> str:
    """Return the URL of the XRDS document, or an empty string if the page itself may be one.

    :raises ValueError: the URL is too long.
    """
    content_type = page.headers.get("Content-Type", "").partition(";")[0].strip()
    if content_type.lower() == YADIS_CONTENT_TYPE:
        return ""
    name = YADIS_HEADER_NAME
    in_page = (
        attributes.get("content", "")
        for tag, attributes in tags
        if tag == "meta" and attributes.get("http-equiv", "").lower() == name.lower()
    )
    location = str(page.headers.get(name) or next(in_page, "")).strip()
    if len(location) > MAX_URL:
        raise ValueError("The URL of the XRDS document is too long.")
    return location if location not in {page.url, urldefrag(page.url).url} else ""


def _xrds_services(url: str, content: bytes) -> list[OpenIDServiceEndpoint]:
    try:
        services = list(OpenIDServiceEndpoint.fromXRDS(url, content[:MAX_XRDS]))
    except (XRDSError, DiscoveryFailure):
        return []
    for service in services:  # An empty element has no text.
        service.type_uris = [each for each in service.type_uris if each]
    return services


def _linked_services(
    url: str, tags: list[tuple[str, dict[str, str]]]
) -> Iterator[OpenIDServiceEndpoint]:
    links: dict[str, str] = {}
    for tag, attributes in tags:
        if tag == "link" and attributes.get("href"):
            for relation in attributes.get("rel", "").lower().split():
                links.setdefault(relation, attributes["href"])
    for type_uri, provider, local_id in _RELATIONS:
        if provider in links:
            service = OpenIDServiceEndpoint()
            service.claimed_id, service.type_uris = url, [type_uri]
            service.server_url, service.local_id = links[provider], links.get(local_id)
            yield service


def _head_tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the names and the attributes of the links and meta elements in a page's head."""
    opened: list[str] = []
    for token in _TOKEN.finditer(text):
        tag = (token["tag"] or "").lower()
        if tag in {"/head", "body"}:
            return
        if tag in {"html", "head"}:
            opened.append(tag)
        elif tag and opened[:2] == ["html", "head"]:
            yield tag, _attributes(token["attributes"])


def _attributes(text: str) -> dict[str, str]:
    found = {}
    for match in _ATTRIBUTE.finditer(text):
        value = match["double"] or match["single"] or match["bare"] or ""
        found[match["name"].lower()] = unescape(value[:MAX_URL])
    return found


def _preference(service: OpenIDServiceEndpoint) -> int:
    return min(_TYPES.index(each) for each in service.type_uris if each in _TYPES)
