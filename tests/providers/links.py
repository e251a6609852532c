"""Where each backend is documented: by its provider, by social-core, or by its own source."""

from __future__ import annotations

import re
import sys
from typing import Any

SOURCE = "https://github.com/python-social-auth/social-core/blob/master/social_core/backends"
_SOCIAL_CORE = "https://python-social-auth.readthedocs.io/"

# Examples, and pages by other people, in the docstrings of social-core's modules.
_NOT_DOCUMENTATION = re.compile(
    r"example|\.\.\.|your\.site|//sso\.com|testshib|saily|widerin|nicksnet|/shard/|discogs\.com$"
    r"|issues\.redhat"
)

_PROVIDERS = {
    "arcgis": "https://developers.arcgis.com/documentation/security-and-authentication/",
    "asana": "https://developers.asana.com/docs/oauth",
    "atlassian": "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/",
    "battlenet-oauth2": "https://develop.battle.net/documentation/guides/using-oauth",
    "bungie": "https://github.com/Bungie-net/api/wiki/OAuth-Documentation",
    "chatwork": "https://developer.chatwork.com/docs/oauth",
    "discourse": "https://meta.discourse.org/t/32974",
    "etsy": "https://developers.etsy.com/documentation/essentials/authentication/",
    "eventbrite": "https://www.eventbrite.com/platform/api#/introduction/authentication",
    "fence": "https://github.com/uc-cdis/fence",
    "goclio": "https://docs.developers.clio.com/api-docs/authorization/",
    "goclioeu": "https://docs.developers.clio.com/api-docs/authorization/",
    "justgiving": "https://developer.justgiving.com/",
    "launchpad": "https://help.launchpad.net/YourAccount/OpenID",
    "mailchimp": "https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/",
    "mendeley-oauth2": "https://dev.mendeley.com/reference/topics/authorization_overview.html",
    "monzo": "https://docs.monzo.com/#authentication",
    "musicbrainz": "https://musicbrainz.org/doc/Development/OAuth2",
    "naver": "https://developers.naver.com/docs/login/api/api.md",
    "openid": "https://openid.net/specs/openid-authentication-2_0.html",
    "openshift": "https://docs.openshift.com/container-platform/latest/authentication/"
    "configuring-oauth-clients.html",
    "paypal-oauth2-sandbox": "https://developer.paypal.com/docs/connect-with-paypal/integrate/",
    "ping": "https://docs.pingidentity.com/",
    "pushbullet": "https://docs.pushbullet.com/",
    "qq": "https://wiki.connect.qq.com/",
    "salesforce-oauth2": "https://help.salesforce.com/s/articleView"
    "?id=sf.remoteaccess_oauth_web_server_flow.htm",
    "salesforce-oauth2-sandbox": "https://help.salesforce.com/s/articleView"
    "?id=sf.remoteaccess_oauth_web_server_flow.htm",
    "taobao": "https://open.taobao.com/",
    "uffd": "https://git.cccv.de/uffd/uffd",
    "untappd": "https://untappd.com/api/docs",
    "upwork": "https://developers.upwork.com/",
    "vend": "https://x-series-api.lightspeedhq.com/docs/authorization",
    "vimeo": "https://developer.vimeo.com/api/authentication",
    "vimeo-oauth2": "https://developer.vimeo.com/api/authentication",
    "weixin": "https://developers.weixin.qq.com/doc/oplatform/en/Website_App/WeChat_Login/"
    "Wechat_Login.html",
    "weixinapp": "https://developers.weixin.qq.com/doc/oplatform/en/Website_App/WeChat_Login/"
    "Wechat_Login.html",
    "wlcg": "https://indigo-iam.github.io/",
    "yandex-oauth2": "https://yandex.com/dev/id/doc/en/",
    "yandex-openid": "https://yandex.com/dev/id/doc/en/",
    "yaru": "https://yandex.com/dev/id/doc/en/",
}


def links(backend: type[Any]) -> list[tuple[str, str]]:
    """Return label and URL of each page about a backend that is not our own."""
    module = sys.modules[backend.__module__]
    text = f"{module.__doc__} {backend.__doc__}"
    urls = [url.rstrip(".,") for url in re.findall(r"https?://[^\s<>)\"']+", text)]
    found = [url for url in urls if not _NOT_DOCUMENTATION.search(url)]
    if backend.name in _PROVIDERS:
        found.append(_PROVIDERS[backend.name])
    labels = {url: "social-core" if url.startswith(_SOCIAL_CORE) else "provider" for url in found}
    # The first of each kind.
    first = {label: url for url, label in reversed(labels.items())}
    source = f"{SOURCE}/{module.__name__.rpartition('.')[2]}.py"
    return sorted(first.items()) or [("source", source)]
