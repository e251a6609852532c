"""Logins through nginx, with the configuration of the page about deployment."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from responses import RequestsMock

from tests.support.frontend import REDIRECT_URI
from tests.support.keys import key_and_certificate
from tests.support.openid_provider import OpenIDProvider
from tests.support.pages import DOCS
from tests.support.servers.processes import free_ports, listens

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        shutil.which("nginx") is None and "CI" not in os.environ, reason="needs nginx"
    ),
]
CONFIGURATION = (DOCS / "recipes/deployment/nginx.conf").read_text()
MAIN = """
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {}
}}
"""


@dataclass
class Response:
    """The response to one request."""

    status: int
    headers: Any
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Nginx:
    """A running nginx, with one client."""

    http: int
    https: int
    folder: Path

    def request(
        self, method: str, path: str, body: Any = None, *, port: int = 0, **headers: str
    ) -> Response:
        """Send a request, over HTTPS unless the port is that of HTTP."""
        context = ssl._create_unverified_context()
        connection = (
            HTTPConnection("localhost", port)
            if port
            else HTTPSConnection("localhost", self.https, context=context)
        )
        content = None if body is None else json.dumps(body)
        headers |= {"Content-Type": "application/json", "Connection": "close"}
        connection.request(method, path, content, headers)
        with closing(connection):
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read().decode())

    @property
    def log(self) -> str:
        return (self.folder / "api.log").read_text()


@pytest.fixture
def nginx(live_server: Any, tmp_path: Path, settings: Any) -> Iterator[Nginx]:
    """Run nginx in front of Django, with other ports and certificates than on the page."""
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    http = free_ports(2)
    for name, pem in zip(("privkey", "fullchain"), key_and_certificate("site"), strict=True):
        (tmp_path / f"{name}.pem").write_text(pem)
    text = CONFIGURATION
    for old, new in (
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl;", ""),
        ("listen 80;", f"listen 127.0.0.1:{http};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{http + 1} ssl;"),
        ("api.example.com;", "localhost;"),
        ("/etc/letsencrypt/live/api.example.com", str(tmp_path)),
        ("/var/log/nginx", str(tmp_path)),
        ("127.0.0.1:8000", urlsplit(live_server.url).netloc),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "nginx.conf").write_text(MAIN.format(text))
    command = ["nginx", "-p", str(tmp_path), "-c", "nginx.conf"]
    subprocess.run([*command, "-t"], check=True)
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + 20
        while not listens(http + 1):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Nginx(http, http + 1, tmp_path)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def openid(wire: RequestsMock) -> OpenIDProvider:
    return OpenIDProvider(wire)


def test_login_over_https(nginx: Nginx, openid: OpenIDProvider) -> None:
    begun = nginx.request("GET", f"/auth/o/oidc/?redirect_uri={quote(REDIRECT_URI, safe='')}")
    cookie = str(begun.headers["Set-Cookie"]).partition(";")[0]
    callback = openid.authorize(begun.json()["authorization_url"])
    completed = nginx.request("POST", "/auth/o/oidc/", callback, Cookie=cookie)

    assert completed.status == 201, completed.text
    assert cookie.startswith("__Host-auth_flow_")
    listed = {each["name"]: each for each in nginx.request("GET", "/auth/o/").json()}
    assert listed["oidc"]["begin_url"] == f"https://localhost:{nginx.https}/auth/o/oidc/"


def test_access_log_has_no_codes(nginx: Nginx) -> None:
    nginx.request("GET", "/auth/o/oidc/callback/?code=the-code&state=the-state")
    nginx.request("GET", "/login/?code=the-code", port=nginx.http)

    deadline = time.monotonic() + 5
    while "/login/" not in nginx.log and time.monotonic() < deadline:
        time.sleep(0.05)
    assert '"GET /auth/o/oidc/callback/" 400' in nginx.log
    assert "the-" not in nginx.log


def test_post_without_https_is_redirected_as_a_post(nginx: Nginx) -> None:
    response = nginx.request("POST", "/auth/o/oidc/", {}, port=nginx.http)

    assert response.status == 308
    assert str(response.headers["Location"]).startswith("https://localhost")


def test_client_cannot_claim_a_host_or_an_address(nginx: Nginx, settings: Any) -> None:
    settings.SOCIAL_ENDPOINTS = {
        **settings.SOCIAL_ENDPOINTS,
        "THROTTLE_RATES": {"anon": "2/min"},
    }
    settings.REST_FRAMEWORK = {"NUM_PROXIES": 1}
    settings.USE_X_FORWARDED_HOST = True

    responses = [
        nginx.request(
            "GET",
            "/auth/o/",
            **{"X-Forwarded-For": f"192.0.2.{number}", "X-Forwarded-Host": "evil.example"},
        )
        for number in range(3)
    ]

    assert [each.status for each in responses] == [200, 200, 429]
    assert "evil.example" not in responses[0].text


def test_login_below_a_subpath(nginx: Nginx, openid: OpenIDProvider, settings: Any) -> None:
    """nginx has removed the prefix from the path."""
    settings.FORCE_SCRIPT_NAME = "/shop"
    settings.SOCIAL_AUTH_OIDC_AUTH_EXTRA_ARGUMENTS = {"response_mode": "form_post"}

    begun = nginx.request("GET", f"/auth/o/oidc/?redirect_uri={quote(REDIRECT_URI, safe='')}")

    url = begun.json()["authorization_url"]
    callback = f"https://localhost:{nginx.https}/shop/auth/o/oidc/callback/"
    assert parse_qs(urlsplit(url).query)["redirect_uri"] == [callback]
