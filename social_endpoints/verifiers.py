"""Base class for projects that verify the access tokens of a provider themselves.

Name your subclass in the setting ``NATIVE_VERIFIERS``.
"""

from social_endpoints.internal.native.verifiers.base import (
    TokenInfo,
    TokenVerifier,
    VerifierResponse,
)

__all__ = ["TokenInfo", "TokenVerifier", "VerifierResponse"]
