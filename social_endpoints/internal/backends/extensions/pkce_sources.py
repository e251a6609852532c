"""Which providers' own documentation says that they accept PKCE with S256.

With a client secret beside it, as a server has one: some accept PKCE from public clients
alone.
"""

from __future__ import annotations

_MICROSOFT = "https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow"
_MICROSOFT_V1 = (
    "https://learn.microsoft.com/previous-versions/azure/active-directory/azuread-dev/"
    "v1-protocols-oauth-code"
)
_GITHUB = (
    "https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication"
)
_SALESFORCE = "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_pkce.htm"
_YANDEX = "https://yandex.com/dev/id/doc/en/codes/code-url"

SOURCES: dict[str, str] = {
    "atlassian": "https://auth.atlassian.com/.well-known/openid-configuration",
    "auth0": "https://auth0.com/docs/get-started/authentication-and-authorization-flow",
    "azuread-b2c-oauth2": (
        "https://learn.microsoft.com/azure/active-directory-b2c/authorization-code-flow"
    ),
    "azuread-oauth2": _MICROSOFT_V1,
    "azuread-oauth2-v2": _MICROSOFT,
    "azuread-tenant-oauth2": _MICROSOFT_V1,
    "azuread-v2-tenant-oauth2": _MICROSOFT,
    "box": "https://api.box.com/.well-known/oauth-authorization-server",
    "cilogon-oauth2": "https://cilogon.org/.well-known/openid-configuration",
    "coinbase": "https://docs.cdp.coinbase.com/coinbase-app/oauth2-integration/integrations",
    "datagouv": "https://github.com/opendatateam/udata/blob/main/udata/api/oauth2.py",
    "digitalocean": "https://cloud.digitalocean.com/.well-known/oauth-authorization-server",
    "discord": "https://discord.com/.well-known/oauth-authorization-server",
    "fitbit": "https://dev.fitbit.com/build/reference/web-api/developer-guide/authorization",
    "gitea": "https://docs.gitea.com/development/oauth2-provider",
    "github": _GITHUB,
    "github-app": _GITHUB,
    "github-org": _GITHUB,
    "github-team": _GITHUB,
    "gitlab": "https://docs.gitlab.com/api/oauth2/",
    "google-oauth2": "https://accounts.google.com/.well-known/openid-configuration",
    "google-openidconnect": "https://accounts.google.com/.well-known/openid-configuration",
    "kakao": "https://developers.kakao.com/docs/latest/ko/kakaologin/rest-api",
    "keycloak": (
        "https://github.com/keycloak/keycloak/blob/main/services/src/main/java/org/keycloak/"
        "protocol/oidc/OIDCWellKnownProvider.java"
    ),
    "line": "https://developers.line.biz/en/docs/line-login/integrate-pkce/",
    "microsoft-graph": _MICROSOFT,
    "okta-oauth2": "https://developer.okta.com/docs/guides/implement-grant-type/authcodepkce/main/",
    "openshift": "https://docs.openshift.com/container-platform/latest/authentication/"
    "configuring-internal-oauth.html",
    "salesforce-oauth2": _SALESFORCE,
    "salesforce-oauth2-sandbox": _SALESFORCE,
    "wlcg": "https://github.com/indigo-iam/iam",
    "yandex-oauth2": _YANDEX,
    "yaru": _YANDEX,
    "zoom-oauth2": "https://developers.zoom.us/blog/public-pkce/",
}
"""Where it says so, by the name of social-core's backend. (Providers of OpenID Connect say
it in their discovery, too, and those of social-core that use PKCE anyway are not here.)"""

REFUSING = frozenset({"linkedin-openidconnect"})
"""Who refuses a code that comes with a verifier and a secret, whatever discovery says."""
