"""Corrections of the request that refreshes an access token (RFC 6749 section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from social_core.exceptions import AuthCredentialError, SocialAuthBaseException

from social_endpoints.internal.backends.extensions import bases
from social_endpoints.internal.backends.id_tokens.refreshed import is_outage_of_keys

# The refresh token is invalid or has expired (WeChat, "Global return codes").
_REJECTED_BY_WEIXIN = frozenset({40030, 42002})


class RefreshRequest(bases.OAuth2):
    """Authenticate the client as in the code exchange, and use the same format of the body.

    ``BaseOAuth2.refresh_token()`` sends the client secret in the body, also if the code is
    exchanged with HTTP Basic authentication, as by default at OpenID Connect providers and X. A
    provider may accept only one method for a client (section 2.3). Lyft's backend sends no secret
    at all. The body is a form, also if ``ACCESS_TOKEN_PAYLOAD`` and the ``Content-Type`` are JSON,
    as at Qiita.
    Remove when ``BaseOAuth2.refresh_token()`` uses ``auth_complete_credentials()`` and
    ``ACCESS_TOKEN_PAYLOAD``.
    """

    has_sent_refresh_token = False
    """Whether the provider may have received the refresh token."""

    def request(self, url: str, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("stage") == "refresh":
            self.has_sent_refresh_token = True
            self._correct(kwargs)
        return super().request(url, *args, **kwargs)

    def _correct(self, options: dict[str, Any]) -> None:
        name = "params" if options.get("data") is None else "data"
        values = dict(options.get(name) or {})
        if options.get("auth") is None:
            backend: Any = self  # This method of social-core has no annotations.
            credentials = backend.auth_complete_credentials()
            # A public client has no secret.
            options["auth"] = credentials if credentials and all(credentials) else None
            if options["auth"] is not None and self.use_basic_auth():
                values = _without(values, "client_id", "client_secret")
        if not values.get("client_secret"):
            values = _without(values, "client_secret")
        options[name] = values
        if name == "data" and self.ACCESS_TOKEN_PAYLOAD == "json":
            options["json"], options["data"] = values, None


def _without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


class RefreshedIdToken(bases.OpenIdConnect):
    """Ignore the ID token of a refresh if the keys to verify it cannot be requested.

    The response may contain the only valid refresh token, which social-core would discard. Remove
    when ``process_refresh_token_response()`` reports an outage apart from the response.
    """

    def process_refresh_token_response(self, response: Any, *args: Any, **kwargs: Any) -> Any:
        backend: Any = super()
        try:
            return backend.process_refresh_token_response(response, *args, **kwargs)
        except SocialAuthBaseException as error:
            if not is_outage_of_keys(error):
                raise
        return _without(response.json(), "id_token")


class WeixinRefresh(bases.Weixin):
    """Send the refresh token to its own endpoint, and recognize that it was rejected.

    WeChat ("Authorized interface invoking") has another URL for this, and reports errors with a
    status of 200. social-core uses the URL of codes. Remove when ``WeixinOAuth2`` has a
    ``REFRESH_TOKEN_URL`` and raises an exception for ``errcode``.
    """

    def refresh_token_url(self) -> str:
        return "https://api.weixin.qq.com/sns/oauth2/refresh_token"

    def process_refresh_token_response(self, response: Any, *args: Any, **kwargs: Any) -> Any:
        backend: Any = super()
        data = backend.process_refresh_token_response(response, *args, **kwargs)
        if data.get("errcode") in _REJECTED_BY_WEIXIN:
            raise AuthCredentialError(self, code="reauthentication_required", stage="refresh")
        return data


class VendRefresh(bases.Vend):
    """Send the refresh token to the shop of the connection.

    The URL contains the shop, which social-core reads from the callback. Remove when
    ``VendOAuth2.refresh_token_url()`` reads it from the stored extra data.
    """

    def get_refresh_token_kwargs(self, extra_data: dict[str, Any]) -> dict[str, Any]:
        backend: Any = self
        backend.data = {**backend.data, "domain_prefix": extra_data.get("domain_prefix")}
        return super().get_refresh_token_kwargs(extra_data)
