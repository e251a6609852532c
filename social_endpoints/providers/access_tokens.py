"""Sign-in with an access token that a native SDK already holds."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from social_core.backends.open_id_connect import OpenIdConnectAuth
from social_core.exceptions import AuthInputError

from social_endpoints.providers.kept import keep_stored
from social_endpoints.providers.verifiers.choice import find_verifier

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
    if not _TOKEN.fullmatch(access_token):
        raise _refused(backend, "invalid_parameter")
    verifier = find_verifier(backend)
    if verifier is None:
        raise _refused(backend, "unsupported_feature")
    issued = verifier.verify(access_token)
    verifier.require_own(issued)
    keep_stored(backend)
    backend.confirm = partial(verifier.require_subject, issued)
    if isinstance(backend, OpenIdConnectAuth) and issued.subject is not None:
        backend.id_token = {"sub": issued.subject}  # Where core looks for it.
    response = {} if issued.lifetime is None else {"expires_in": issued.lifetime}
    return backend.do_auth(access_token, response={"access_token": access_token, **response})


def _refused(backend: Any, code: str) -> AuthInputError:
    return AuthInputError(backend, code=code, parameter=PARAMETER, stage="token_validation")
