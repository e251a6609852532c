"""The page of this package's documentation about a provider."""

from __future__ import annotations

from social_endpoints.internal.backends.registry import BackendClass, is_saml

DOCUMENTATION_URL = "https://django-social-endpoints.readthedocs.io/en/latest"

PROVIDER_PAGES = {
    "apple": ["apple-id"],
    "auth0": ["auth0", "auth0_openidconnect"],
    "cognito": ["cognito"],
    "discord": ["discord"],
    "facebook": ["facebook", "facebook-app", "facebook-limited-login"],
    "github": [
        "github",
        "github-app",
        "github-enterprise",
        "github-enterprise-org",
        "github-enterprise-team",
        "github-org",
        "github-team",
    ],
    "gitlab": ["gitlab"],
    "google": ["google-oauth", "google-oauth2", "google-onetap", "google-openidconnect"],
    "keycloak": ["keycloak"],
    "linkedin": ["linkedin-mobile-oauth2", "linkedin-oauth2", "linkedin-openidconnect"],
    "microsoft": [
        "azuread-b2c-oauth2",
        "azuread-oauth2",
        "azuread-oauth2-v2",
        "azuread-tenant-oauth2",
        "azuread-v2-tenant-oauth2",
        "microsoft-graph",
    ],
    "okta": ["okta-oauth2", "okta-openidconnect"],
    "openid_connect": ["oidc"],
    "saml": ["saml"],
    "slack": ["slack", "slack-openidconnect"],
    "spotify": ["spotify"],
    "steam": ["steam"],
    "telegram": ["telegram"],
    "twitch": ["twitch"],
    "x": ["twitter", "twitter-oauth2"],
}
"""Names of backends, by the pages of docs/providers/."""

_TABLE = "backends"
_PAGE_OF = {name: page for page, names in PROVIDER_PAGES.items() for name in names}


def documentation_page(backend: BackendClass) -> str:
    """Return the path of the page about a backend, without a suffix: ``providers/google``.

    A subclass has the page of the backend that it inherits from. Any other provider of OpenID
    Connect or SAML has the page of its protocol, and all others have the table of the backends.
    """
    names = (vars(base).get("name") for base in backend.__mro__)
    page = next((_PAGE_OF[name] for name in names if name in _PAGE_OF), None)
    if page is None:
        page = "saml" if is_saml(backend) else _TABLE
    return f"providers/{page}"


def documentation_url(backend: BackendClass | None) -> str:
    """Return the URL of the page about a backend; None is a class that cannot be imported."""
    page = f"providers/{_TABLE}" if backend is None else documentation_page(backend)
    return f"{DOCUMENTATION_URL}/{page}.html"
