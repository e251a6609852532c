"""Sign-in with an access token that a native SDK already holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthInputError, AuthResponseError

from social_endpoints.internal.backends.extensions.pipeline import keep_extra_data
from social_endpoints.internal.native.verifiers.answer import as_identifier
from social_endpoints.internal.native.verifiers.base import Issued, Verifier
from social_endpoints.internal.native.verifiers.choice import find_verifier

PARAMETER = "access_token"

# RFC 6749 appendix A.12. It goes into headers and URLs.
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


def authenticate(backend: Any, access_token: str) -> Any:
    """Return what the pipeline comes to for the owner of an access token: a user, or a pause.

    Any application's token reads a profile, and a user of a malicious one would be handed
    over with it. So the provider is asked first for whom the token is. An access token is
    no one-time password: it may sign in for as long as it is good.

    :param backend: a provider's backend, as loaded by :mod:`.loading`.
    :raises AuthInputError: it is no token, or nobody can say for whom it is.
    :raises SocialAuthBaseException: it is of another application, expired or revoked; the
        profile is of somebody else than the token; the provider could not be asked.
    :raises ImproperlyConfigured: ``NATIVE_VERIFIERS`` cannot be followed.
    """
    require_text(backend, access_token)
    verifier = find_verifier(backend)
    if verifier is None:
        raise _refused(backend, "unsupported_feature")
    issued = verifier.verify(access_token)
    _require_own(verifier, issued)
    keep_extra_data(backend)
    backend.require_owner = partial(_require_subject, verifier, issued)
    if isinstance(backend, OpenIdConnectAuth) and issued.subject is not None:
        backend.id_token = {"sub": issued.subject}  # Where core looks for it.
    response = {} if issued.lifetime is None else {"expires_in": issued.lifetime}
    return backend.do_auth(access_token, response={"access_token": access_token, **response})


def require_text(backend: Any, access_token: str) -> None:
    """Refuse what no provider issues as an access token.

    :raises AuthInputError: it has other characters than RFC 6749 allows, or too many.
    """
    if not _TOKEN.fullmatch(access_token):
        raise _refused(backend, "invalid_parameter")


def _require_own(verifier: Verifier, issued: Issued) -> None:
    """Refuse a token that was issued to anybody else, or to nobody knows whom."""
    if not issued.clients or not issued.clients <= verifier.own_clients():
        raise AuthResponseError(
            verifier.backend, code="invalid_claim", claim="aud", stage="token_validation"
        )


def _require_subject(verifier: Verifier, issued: Issued, profile: Mapping[str, Any]) -> None:
    """Refuse the profile of anybody else than the token's owner, or of nobody knows whom.

    Where the provider did not say whose the token is, the profile alone does.
    """
    subject = as_identifier(verifier.subject_of(profile))
    if issued.subject is not None and subject != issued.subject:
        raise AuthResponseError(
            verifier.backend, code="invalid_claim", claim=verifier.subject_key, stage="user_info"
        )


def _refused(backend: Any, code: str) -> AuthInputError:
    return AuthInputError(backend, code=code, parameter=PARAMETER, stage="token_validation")
