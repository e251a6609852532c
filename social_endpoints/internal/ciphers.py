"""Ciphers under keys derived from ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``."""

from __future__ import annotations

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes


def get_cipher(purpose: bytes) -> MultiFernet:
    """Return the cipher for a purpose. It encrypts under ``SECRET_KEY``.

    :param purpose: HKDF's "info": keys derived for another purpose are different.
    """
    # Built for each call, because tests override the settings.
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return MultiFernet([_fernet(force_bytes(key), purpose) for key in keys])


def get_current_cipher(purpose: bytes) -> Fernet:
    """Return the cipher for a purpose under ``SECRET_KEY`` alone, without the fallbacks."""
    return _fernet(force_bytes(settings.SECRET_KEY), purpose)


@lru_cache(maxsize=32)
def _fernet(secret_key: bytes, purpose: bytes) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose)
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret_key)))
