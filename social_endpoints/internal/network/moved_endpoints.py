"""Failures that show that a provider has moved an endpoint."""

from __future__ import annotations

from requests import RequestException, Response, codes
from social_core.exceptions import AuthCredentialError, SocialAuthBaseException

from social_endpoints.exceptions import AuthProviderUnavailable

# Statuses with which an endpoint refuses what a client has sent. It has not moved.
_REFUSALS = frozenset({400, 401, 429})

# Statuses of a URL that is no longer an endpoint, and causes of failures before a request is sent.
# In these cases, no code has been redeemed (RFC 9110 sections 15.4, 15.5 and 15.6).
_MOVED = frozenset({301, 302, 307, 308, 404, 405, 410, 501})
_UNSENT = frozenset({"dns", "proxy", "refused"})


def is_refusal(error: SocialAuthBaseException) -> bool:
    """Return whether an endpoint has refused what a client has sent, or was not asked.

    A client cannot cause ``invalid_client``: discovery may name another client authentication. A
    page is not from an endpoint, but from a server that no longer serves the host.
    """
    if error.provider_code == "invalid_client":
        return False
    is_page = _is_page(getattr(error.__cause__, "response", None))
    is_refused = error.status_code in _REFUSALS and not is_page
    return (
        is_refused or error.provider_code is not None or isinstance(error, AuthProviderUnavailable)
    )


def is_about_moved_url(error: SocialAuthBaseException, method: str) -> bool:
    """Return whether a request has failed because there is no endpoint at its URL."""
    failure = error.__cause__
    is_refusal = isinstance(error, AuthCredentialError)  # Such as invalid_grant, with any status.
    if is_refusal or not isinstance(failure, RequestException):
        return False
    if failure.response is not None:
        return has_moved(failure.response)
    # A redirect may have changed the method.
    is_same = failure.request is not None and failure.request.method == method
    return is_same and error.context.get("cause") in _UNSENT


def has_moved(response: Response) -> bool:
    """Return whether there is no endpoint at the URL that a response comes from.

    A redirect to another origin, or one that changes the method, loses what the endpoint needs.
    After a 303, the first URL has acted on the request (RFC 9110 section 15.4.4).
    """
    if not response.history:
        return response.status_code in _MOVED
    if any(each.status_code == codes.see_other for each in response.history):
        return False
    sent, last = response.history[0].request, response.request
    is_same = sent.method == last.method
    has_same_token = sent.headers.get("Authorization") == last.headers.get("Authorization")
    is_endpoint = is_same and has_same_token and not _is_page(response)
    return response.status_code in _MOVED or not is_endpoint


def _is_page(response: Response | None) -> bool:
    return response is not None and "html" in response.headers.get("Content-Type", "")
