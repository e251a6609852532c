"""The hosts that a browser may name, with servers on real sockets."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from openid.message import OPENID2_NS
from social_core.backends.open_id import OpenIdAuth
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import LocationValueError

from social_endpoints.internal.network.public_hosts import PublicHosts
from tests.support.authority import Authority
from tests.support.frontend import Frontend, authorization_params, error
from tests.support.proxy import Proxy
from tests.support.tcp_provider import Provider, send_instead

PUBLIC = "93.184.216.34"
PAGE = '<html><head><link rel="openid2.provider" href="https://op.example.com/"></head></html>'


@pytest.fixture
def servers(settings: Any) -> Iterator[Callable[[], Provider]]:
    """Return a function that starts a server, and configure generic OpenID."""
    path = "social_core.backends.open_id.OpenIdAuth"
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, path]
    started = []

    def start() -> Provider:
        started.append(Provider())
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def internal(servers: Callable[[], Provider]) -> Provider:
    """Return a server inside the project's network."""
    return servers()


@pytest.fixture
def attacker(servers: Callable[[], Provider], settings: Any) -> Provider:
    """Return a server that the project's server may contact."""
    server = servers()
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"127.0.0.1:{server.port}"]
    return server


def begin(identifier: str) -> Any:
    return Frontend("body").begin("openid", openid_identifier=identifier)


def page(text: str, headers: str = "", status: int = 200) -> Callable[[Any], None]:
    head = f"HTTP/1.1 {status} x\r\nContent-Type: text/html\r\nContent-Length: {len(text)}\r\n"
    return send_instead(f"{head}{headers}\r\n{text}".encode())


@pytest.mark.parametrize(
    "identifier",
    [
        "127.0.0.1:{port}/admin",
        "http://127.0.0.1:{port}/",
        "localhost:{port}/",
        "LOCALHOST.:{port}/",
        "x@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}@localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://017700000001:{port}/",
        "http://127.1:{port}/",
        "http://0:{port}/",
        "http://[::1]:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://\uff11\uff12\uff17.0.0.1:{port}/",
        "http://127%2e0.0.1:{port}/",
        "http://example.com\\@127.0.0.1:{port}/",
        "http:/\t/127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/" + "a" * 3_000,
        "=foo",
        "@foo",
        "xri://=foo",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
        "no-such-host.invalid",
    ],
)
def test_identifier_of_internal_host_is_not_fetched(identifier: str, internal: Provider) -> None:
    begun = begin(identifier.format(port=internal.port))

    assert error(begun) == (400, "invalid_parameter")
    assert "openid_identifier" in begun.data
    assert internal.connections == 0


@pytest.mark.parametrize(
    "lead",
    [
        lambda url: page("", f"Location: {url}\r\n", status=302),
        lambda url: page("", f"Location: //{url.partition('//')[2]}\r\n", status=307),
        lambda url: page(PAGE, f"X-XRDS-Location: {url}\r\n"),
        lambda url: page(
            f"<html><head><meta http-equiv='X-XRDS-Location' content='{url}'></head></html>"
        ),
    ],
    ids=["redirect", "redirect without scheme", "header", "meta element"],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_page_cannot_lead_to_internal_host(
    lead: Any, host: str, attacker: Provider, internal: Provider
) -> None:
    attacker.special["/ada"] = lead(f"http://{host}:{internal.port}/admin")

    assert begin(f"{attacker.url}/ada").status_code == 400
    assert (attacker.connections, internal.connections) == (1, 0)


@pytest.mark.django_db
def test_provider_at_internal_host_is_not_asked(attacker: Provider, internal: Provider) -> None:
    attacker.special["/ada"] = page(PAGE.replace("https://op.example.com", internal.url))
    frontend = Frontend("body")
    begun = frontend.begin("openid", openid_identifier=f"{attacker.url}/ada")
    callback = assertion(begun, f"{internal.url}/", f"{attacker.url}/ada")

    response = frontend.complete(begun, callback, "openid")

    assert error(response) == (400, "invalid_claim")
    assert internal.connections == 0


class FixedOpenId(OpenIdAuth):
    name = "fixed"
    URL = ""


@pytest.mark.django_db
@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_fixed_provider_may_be_internal(
    is_elsewhere: bool,
    internal: Provider,
    authority: Authority,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixed = Provider(authority.context())
    endpoint = f"{fixed.url}/op"
    monkeypatch.setattr(FixedOpenId, "URL", f"{fixed.url}/")
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.FixedOpenId"]
    settings.SOCIAL_AUTH_FIXED_VERIFY_SSL = str(authority.bundle)
    fixed.special = {
        "/": page(xrds("server", endpoint)),
        "/ada": page(xrds("signon", endpoint)),
        "/op": page("is_valid:true"),
    }
    frontend = Frontend("body")
    begun = frontend.begin("fixed")
    identity = f"{internal.url}/ada" if is_elsewhere else f"{fixed.url}/ada"

    response = frontend.complete(begun, assertion(begun, endpoint, identity), "fixed")

    fixed.stop()
    assert error(response) == ((400, "invalid_claim") if is_elsewhere else (201, None))
    assert [request.method for request in fixed.received[:2]] == ["GET", "POST"]
    assert internal.connections == 0


def xrds(kind: str, endpoint: str) -> str:
    names = 'xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"'
    type_uri = f"<Type>http://specs.openid.net/auth/2.0/{kind}</Type>"
    service = f"<Service>{type_uri}<URI>{endpoint}</URI></Service>"
    return f"<xrds:XRDS {names}><XRD>{service}</XRD></xrds:XRDS>"


def assertion(begun: Any, endpoint: str, identity: str) -> dict[str, str]:
    """Return a positive assertion about an identity."""
    return_to = authorization_params(begun)["openid.return_to"]
    fields = {
        "op_endpoint": endpoint,
        "claimed_id": identity,
        "identity": identity,
        "return_to": return_to,
        "response_nonce": "2026-01-01T00:00:00Zx",
        "assoc_handle": "x",
    }
    message = {"ns": OPENID2_NS, "mode": "id_res", "sig": "x", "signed": ",".join(fields)}
    openid = {f"openid.{name}": text for name, text in (fields | message).items()}
    return {**dict(parse_qsl(urlsplit(return_to).query)), **openid}


@pytest.fixture
def look_ups(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, int]]]:
    """Return the addresses of names, in the order of their look-ups. A last one stays."""
    addresses: dict[str, list[tuple[str, int]]] = {}
    look_up = socket.getaddrinfo

    def find(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        found = addresses.get(name)
        if found is None or kwargs.get("flags"):  # Addresses only.
            return look_up(host, port, *args, **kwargs)
        address, port = found.pop(0) if len(found) > 1 else found[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    return addresses


def test_name_is_resolved_once(
    servers: Callable[[], Provider], internal: Provider, look_ups: Any
) -> None:
    public = servers()
    public.special["/ada"] = page(PAGE)
    look_ups["rebind.example.com"] = [(PUBLIC, 80), ("127.0.0.1", internal.port)]
    look_ups[PUBLIC] = [("127.0.0.1", public.port)]

    begun = begin("http://rebind.example.com/ada")

    assert begun.status_code == 200, begun.data
    assert [request.headers["host"] for request in public.received] == ["rebind.example.com"]
    assert internal.connections == 0


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["op.example.com", "ada.op.example.com"])
def test_typed_provider_cannot_assert_identity_at_internal_address(
    host: str, servers: Callable[[], Provider], internal: Provider, look_ups: Any
) -> None:
    endpoint = "http://op.example.com/op"
    op = servers()
    op.special = {"/": page(xrds("server", endpoint)), "/op": page("is_valid:true")}
    look_ups["op.example.com"] = [(PUBLIC, 80), (PUBLIC, 80), ("127.0.0.1", internal.port)]
    look_ups["ada.op.example.com"] = [("127.0.0.1", internal.port)]
    look_ups["127.0.0.1"] = [("127.0.0.1", internal.port)]
    look_ups[PUBLIC] = [("127.0.0.1", op.port)]
    frontend = Frontend("body")
    begun = frontend.begin("openid", openid_identifier="http://op.example.com/")

    response = frontend.complete(begun, assertion(begun, endpoint, f"http://{host}/"), "openid")

    assert error(response) == (400, "invalid_claim")
    assert [request.method for request in op.received] == ["GET", "POST"]
    assert internal.connections == 0


@pytest.mark.django_db
@pytest.mark.parametrize("claimed_id", [{}, {"openid.claimed_id": "{identity}"}], ids=str)
def test_identifier_in_return_to_of_version_1_is_not_fetched(
    claimed_id: dict[str, str], attacker: Provider, internal: Provider
) -> None:
    identity, evil = f"{attacker.url}/ada", f"{internal.url}/admin"
    link = f'<link rel="openid.server" href="{attacker.url}/op">'
    attacker.special["/ada"] = page(f"<html><head>{link}</head></html>")
    attacker.special["/op"] = page("is_valid:true")
    frontend = Frontend("body")
    begun = frontend.begin("openid", openid_identifier=identity)
    return_to = authorization_params(begun)["openid.return_to"]
    return_to = return_to.replace(quote(identity, ""), quote(evil, ""))
    fields = {"identity": identity, "return_to": return_to, "assoc_handle": "x", "sig": "x"}
    message = {"mode": "id_res", "signed": ",".join(fields), **fields}
    callback = {f"openid.{name}": text for name, text in message.items()}
    callback |= dict(parse_qsl(urlsplit(return_to).query))
    callback |= {name: text.format(identity=identity) for name, text in claimed_id.items()}

    response = frontend.complete(begun, callback, "openid")

    assert callback["openid1_claimed_id"] == evil
    assert error(response) == (400, "invalid_claim")
    assert internal.connections == 0


def test_name_with_public_and_internal_address_is_refused(
    internal: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, internal.port))
        for address in (PUBLIC, "127.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: entries)

    assert error(begin("http://both.example.com/")) == (400, "invalid_parameter")
    assert internal.connections == 0


def test_next_address_is_tried(
    attacker: Provider, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    attacker.special["/ada"] = page(PAGE)
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = [f"op.example.com:{attacker.port}"]
    look_up = socket.getaddrinfo

    def find(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        hosts = ["127.0.0.2", "127.0.0.1"] if name == "op.example.com" else [host]
        return [found for each in hosts for found in look_up(each, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", find)

    assert begin(f"http://op.example.com:{attacker.port}/ada").status_code == 200


@pytest.mark.usefixtures("servers")
def test_certificate_is_verified_for_the_name(authority: Authority, settings: Any) -> None:
    server = Provider(authority.context())
    server.special["/ada"] = page(PAGE)
    settings.SOCIAL_AUTH_OPENID_VERIFY_SSL = str(authority.bundle)
    hosts = [f"{host}:{server.port}" for host in ("localhost", "127.0.0.1")]
    settings.SOCIAL_AUTH_OPENID_INTERNAL_HOSTS = hosts

    codes = [begin(f"https://{host}/ada").data.get("error_code") for host in hosts]

    server.stop()
    assert codes == ["tls_error", None]


@pytest.mark.parametrize(
    ("identifier", "is_tunneled"),
    [
        ("https://127.0.0.1/", False),
        ("https://[::1]/", False),
        ("http://localhost/", False),
        ("https://op.invalid/", True),  # Only the proxy could know it.
    ],
)
@pytest.mark.usefixtures("servers")
def test_proxy_does_not_get_internal_host(
    identifier: str, is_tunneled: bool, settings: Any
) -> None:
    proxy = Proxy()
    address = f"http://127.0.0.1:{proxy.port}"
    settings.SOCIAL_AUTH_OPENID_PROXIES = {"http": address, "https": address}

    response = begin(identifier)

    proxy.stop()
    assert response.status_code == 400
    assert bool(proxy.tunnels) == is_tunneled


def test_replaced_connection_is_not_used(
    attacker: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    replacement = type("Replacement", (), {})
    monkeypatch.setattr(HTTPConnectionPool, "ConnectionCls", replacement)

    assert error(begin(f"{attacker.url}/ada")) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.192",
        "168.63.129.16",
        "::ffff:168.63.129.16",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2001::1",
        "2002:7f00:1::",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "a" * 300,
        "a..b",
    ],
)
def test_address_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(LocationValueError):
        PublicHosts().addresses(host, 443)


@pytest.mark.parametrize("host", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_address_is_accepted_at_default_ports(host: str) -> None:
    assert PublicHosts().addresses(host, 443) == PublicHosts().addresses(host, 80) == [host]
    with pytest.raises(LocationValueError):
        PublicHosts().addresses(host, 8080)


@pytest.mark.parametrize(
    ("internal", "host", "port", "accepted"),
    [
        ("localhost", "localhost", 443, True),
        ("localhost", "LOCALHOST", 80, True),
        ("localhost", "localhost", 8080, False),
        ("localhost:8080", "localhost", 8080, True),
        ("localhost:8080", "localhost", 443, False),
        ("host", "localhost", 443, False),
        ("LocalHost", "localhost", 443, True),
        ("[::1]", "::1", 443, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 443, False),
        ("127.0.0.1", "localhost", 443, False),
    ],
)
def test_internal_host_is_accepted_at_its_port(
    internal: str, host: str, port: int, accepted: bool
) -> None:
    hosts = PublicHosts(frozenset({internal}))
    if accepted:
        assert {"127.0.0.1", "::1"} & {*hosts.addresses(host, port)}
    else:
        with pytest.raises(LocationValueError):
            hosts.addresses(host, port)
