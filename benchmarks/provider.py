"""An OpenID provider over TLS 1.3 that counts requests: ``python -m benchmarks.provider``

It prints its URL when it is ready. Then it answers each line of JSON on standard input: with
a code for an authorization request, with its counts for an empty object.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import os
import secrets
import ssl
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import certifi
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from jwt.algorithms import RSAAlgorithm

HOST = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, certificate: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(certificate)
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.codes: dict[str, dict[str, str]] = {}
        self.counts: Counter[str] = Counter()
        self.lock = threading.Lock()
        super().__init__((HOST, 0), Handler)
        self.url = f"https://{HOST}:{self.server_address[1]}"

    def count(self, name: str) -> None:
        with self.lock:
            self.counts[name] += 1

    def handle_error(self, *arguments: Any) -> None:
        """Ignore broken connections."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    # Headers and body are sent in one write. Otherwise the body would wait for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    # Seconds until an idle connection is closed. Many providers wait longer than a minute.
    timeout = 75

    def setup(self) -> None:
        # In the thread of the connection, so that a slow handshake delays no other connection.
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.server.count("handshakes")
        super().setup()

    def do_GET(self) -> None:
        self.respond()

    def do_POST(self) -> None:
        self.respond()

    def respond(self) -> None:
        self.server.count("requests")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        content = {
            "/.well-known/openid-configuration": self.discovery,
            "/jwks": self.keys,
            "/token": self.tokens,
            "/userinfo": self.user_info,
        }[urlsplit(self.path).path](parse_qs(body))
        encoded = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def discovery(self, form: dict[str, list[str]]) -> dict[str, Any]:
        url = self.server.url
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "userinfo_endpoint": f"{url}/userinfo",
            "jwks_uri": f"{url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self, form: dict[str, list[str]]) -> dict[str, Any]:
        key = json.loads(RSAAlgorithm.to_jwk(self.server.key.public_key()))
        return {"keys": [{**key, "kid": "1", "alg": "RS256", "use": "sig"}]}

    def tokens(self, form: dict[str, list[str]]) -> dict[str, Any]:
        query = self.server.codes.pop(form["code"][0])
        now = int(time.time())
        claims = {
            "iss": self.server.url,
            "aud": query["client_id"],
            "sub": query["user"],
            "iat": now,
            "exp": now + 300,
            "nonce": query["nonce"],
        }
        id_token = jwt.encode(claims, self.server.key, "RS256", headers={"kid": "1"})
        access_token = f"{query['user']}.{secrets.token_urlsafe(16)}"
        tokens = {"access_token": access_token, "id_token": id_token}
        return {**tokens, "token_type": "Bearer", "expires_in": 3600}

    def user_info(self, form: dict[str, list[str]]) -> dict[str, Any]:
        user = self.headers["Authorization"].removeprefix("Bearer ").partition(".")[0]
        email = {"email": f"{user}@example.com", "email_verified": True}
        return {"sub": user, "preferred_username": user, "name": "Ada Lovelace", **email}

    def log_message(self, *arguments: Any) -> None:
        """Write no log."""


def write_certificate(certificate: Path, bundle: Path) -> None:
    """Write a self-signed certificate with its key, and the CA bundle for the sites.

    The bundle contains certifi's certificates, because reading a bundle of the usual size is
    most of the cost of a new ``SSLContext``.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmarks")])
    now = dt.datetime.now(dt.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    own = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate.write_bytes(private + own)
    bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + own)


def main() -> None:
    data = Path(os.environ["BENCHMARK_DATA"])
    certificate, bundle = data / "certificate.pem", data / "bundle.pem"
    write_certificate(certificate, bundle)
    server = Server(certificate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": server.url, "bundle": str(bundle)}), flush=True)
    for line in sys.stdin:
        query = json.loads(line)
        response: Any = server.counts
        if query:
            response = secrets.token_urlsafe(16)
            server.codes[response] = query
        print(json.dumps(response), flush=True)


if __name__ == "__main__":
    main()
