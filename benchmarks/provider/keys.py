"""The provider's certificate, and the bundle of authorities that sites verify it with."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
DAY = dt.timedelta(days=1)


def write_certificate(certificate: Path, bundle: Path) -> None:
    """Write a new key and certificate for loopback, and whom to trust.

    :param certificate: becomes the chain and its key, as ``ssl`` loads them.
    :param bundle: becomes certifi's authorities and ours: reading all of them is most of
        what a request costs that makes an ``SSLContext`` of its own.
    """
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = (
        _of("The benchmarks' authority", authority_key)
        .issuer_name(_named("The benchmarks' authority"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_signs_certificates(), critical=True)
        .add_extension(_subject_id(authority_key), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    own = (
        _of(HOST, key)
        .issuer_name(authority.subject)
        .add_extension(address, critical=False)
        .add_extension(issued_by, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = serialization.Encoding.PEM
    certificate.write_bytes(private + own.public_bytes(pem))
    bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.public_bytes(pem))


def _of(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _signs_certificates() -> x509.KeyUsage:
    """Return what Python 3.13 and newer want to see in an authority."""
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject_id(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())
