"""Base class for projects that verify the access tokens of a provider themselves."""

from social_endpoints.internal.native.verifiers.answer import Answer
from social_endpoints.internal.native.verifiers.base import Issued, Verifier

__all__ = ["Answer", "Issued", "Verifier"]
