"""Test cases for the backends without a login in social-core's own test suite.

They have the base classes of social-core's cases, so both are run in the same way. The
responses contain the fields that each backend reads.

Import this module after :mod:`tests.providers.sdist` has added ``social_core.tests``.
"""

from __future__ import annotations

import json
from typing import Any

import responses
from social_core.tests.backends.oauth import OAuth1Test, OAuth2Test
from social_core.tests.backends.open_id_connect import OpenIdConnectTest

from tests.providers.backends import path_of, shipped

ADA = "Ada Lovelace"
EMAIL = "ada@example.com"
PERSON = {"name": ADA, "email": EMAIL}
TOKEN = {"access_token": "token", "token_type": "bearer"}
SITE = "https://id.example.com"
ORCID = "0000-0002-1825-0097"
USERNAMES = ("preferred_username", "nickname", "voperson_id")
SALESFORCE_ID = "https://login.salesforce.com/id/00Dx/005x"


class Written:
    """Mixin of the cases in this repository, above a base class of social-core.

    :ivar own_settings: settings without their prefix.
    :ivar answers: the bodies of the provider's responses by URL.
    """

    own_settings: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    name: str

    def extra_settings(self) -> dict[str, Any]:
        own = {f"SOCIAL_AUTH_{self.name}_{key}": value for key, value in self.own_settings.items()}
        return {**super().extra_settings(), **own}  # type: ignore[misc]  # the base's

    def pre_complete_callback(self, start_url: str) -> None:
        for url, body in self.answers.items():
            text = body if isinstance(body, str) else json.dumps(body)
            for method in (responses.GET, responses.POST):
                responses.add(method, url, body=text, content_type="application/json")
        super().pre_complete_callback(start_url)  # type: ignore[misc]  # the base's


# For each provider: the fields of the token response besides the token, the responses of other
# URLs, the expected username (None: a random one) and the project's settings.
OAUTH2: dict[str, dict[str, Any]] = {
    "battlenet-oauth2": {
        "token": {"accountId": "7"},
        "answers": {"https://eu.api.battle.net/account/user": {"battletag": "Ada#1815"}},
        "username": None,
    },
    "bungie": {
        "token": {"membership_id": "7"},
        "answers": {
            "https://www.bungie.net/Platform/User/GetBungieNetUser/": {
                "Response": {"user": {"displayName": "ada"}}
            }
        },
        "settings": {"API_KEY": "key", "ORIGIN": "https://app.example.com"},
    },
    "classlink": {
        "answers": {
            "https://nodeapi.classlink.com/v2/my/info": {"UserId": 7, "LoginId": "ada"},
        },
    },
    "coding": {
        "answers": {
            "https://coding.net/api/account/current_user": {
                "code": 0,
                "data": {"id": 7, "name": "ada", "email": EMAIL},
            }
        },
    },
    "discord": {
        "answers": {
            "https://discord.com/api/users/@me": {"id": "7", "username": "ada", "email": EMAIL}
        },
    },
    "douban-oauth2": {
        "answers": {"https://api.douban.com/v2/user/~me": {"id": "7", "uid": "ada", "name": ADA}},
    },
    "justgiving": {
        "answers": {"https://api.justgiving.com/v1/account": {"userId": "7", "email": EMAIL}},
        "username": EMAIL,
    },
    "meetup": {
        "answers": {"https://api.meetup.com/2/member/self": {"id": 7, "username": "ada", **PERSON}},
    },
    "mendeley-oauth2": {
        "answers": {
            "https://api.mendeley.com/profiles/me/": {
                "id": "7",
                "display_name": ADA,
                "link": "https://www.mendeley.com/profiles/ada/",
            }
        },
        "username": None,
    },
    "odnoklassniki-oauth2": {
        "answers": {
            "https://api.ok.ru/fb.do": {
                "uid": "7",
                "name": "Ada%20Lovelace",
                "first_name": "Ada",
                "last_name": "Lovelace",
            }
        },
        "settings": {"PUBLIC_NAME": "public"},
        "username": "7",
    },
    "openshift": {
        "answers": {f"{SITE}/oapi/v1/users/~": {"metadata": {"name": "ada", "uid": "7"}}},
        "settings": {"URL": SITE},
    },
    "orcid-sandbox": {
        "token": {"orcid": ORCID},
        "answers": {
            "https://sandbox.orcid.org/oauth/userinfo": {"sub": ORCID},
            f"https://pub.sandbox.orcid.org/v2.0/{ORCID}": {"orcid-identifier": {"path": ORCID}},
            f"https://api.sandbox.orcid.org/v2.0/{ORCID}": {"orcid-identifier": {"path": ORCID}},
        },
        "username": ORCID,
    },
    "paypal-oauth2-sandbox": {
        "answers": {
            "https://api.sandbox.paypal.com/v1/identity/oauth2/userinfo": {
                "user_id": "https://www.paypal.com/webapps/auth/identity/user/ada",
                "name": ADA,
                "emails": [{"value": EMAIL, "primary": True}],
            }
        },
    },
    "pushbullet": {
        "answers": {"https://api.pushbullet.com/v2/users/me": {"iden": "7"}},
        "username": "token",
    },
    "qq": {
        "token_body": "access_token=token&expires_in=7776000&refresh_token=again",
        "answers": {
            "https://graph.qq.com/oauth2.0/me": 'callback( {"client_id":"key","openid":"7"} );\n',
            "https://graph.qq.com/user/get_user_info": {"ret": 0, "nickname": "ada"},
        },
    },
    "salesforce-oauth2": {
        "token": {"id": SALESFORCE_ID},
        "answers": {SALESFORCE_ID: {"id": SALESFORCE_ID, "username": "ada", "email": EMAIL}},
    },
    "salesforce-oauth2-sandbox": {
        "token": {"id": SALESFORCE_ID},
        "answers": {SALESFORCE_ID: {"id": SALESFORCE_ID, "username": "ada", "email": EMAIL}},
    },
    "soundcloud": {
        "answers": {
            "https://api.soundcloud.com/me": {"id": 7, "username": "ada", "full_name": ADA}
        },
    },
    "uffd": {
        "answers": {f"{SITE}/oauth2/userinfo": {"id": 7, "nickname": "ada", **PERSON}},
        "settings": {"BASE_URL": SITE},
    },
    "vimeo-oauth2": {
        "token": {"user": {"uri": "/users/7", "name": "ada"}},
        "answers": {"https://api.vimeo.com/me": {"uri": "/users/7", "name": "ada"}},
    },
    "weibo": {
        "token": {"uid": "7"},
        "answers": {
            "https://api.weibo.com/2/users/show.json": {"id": 7, "name": "ada"},
        },
    },
    "weixin": {
        "token": {"openid": "7"},
        "answers": {"https://api.weixin.qq.com/sns/userinfo": {"openid": "7", "nickname": "ada"}},
    },
    "yammer-staging": {
        "token": {
            "access_token": {"token": "token", "user_id": 7},
            "user": {
                "id": 7,
                "name": "ada",
                "full_name": ADA,
                "first_name": "Ada",
                "last_name": "Lovelace",
                "mugshot_url": "https://www.yammer.com/ada.png",
                "contact": {"email_addresses": [{"address": EMAIL}]},
            },
        },
    },
    "yaru": {
        "answers": {
            "https://login.yandex.ru/info": {
                "id": "7",
                "display_name": "ada",
                "default_email": EMAIL,
            }
        },
    },
}

OAUTH1: dict[str, dict[str, Any]] = {
    "trello": {
        "answers": {
            "https://trello.com/1/members/me": {"id": "7", "username": "ada", "fullName": ADA}
        },
    },
    "vimeo": {
        "answers": {"https://vimeo.com/api/rest/v2": {"person": {"id": "7", "username": "ada"}}},
    },
}

# Most of them are one class with many names, for Germany's research data infrastructure.
OPENID_CONNECT = (
    *("cat", "chem", "culture", "daphne", "datascience", "e-infra_cz", "eduid", "eduid-staging"),
    *("egi-checkin", "elixir", "energy", "fairmat", "fedora-oidc", "fence", "globus", "immuno"),
    *("infraproxy", "infraproxy-staging", "ing", "mardi", "matWerk", "objects", "ping", "punch"),
    *("textplus", "xcs"),
)


def cases() -> list[type[Any]]:
    return [
        *(_oauth2(name, **answer) for name, answer in OAUTH2.items()),
        *(_oauth1(name, **answer) for name, answer in OAUTH1.items()),
        *(_openid_connect(name) for name in OPENID_CONNECT),
    ]


def _oauth2(
    name: str,
    *,
    token: dict[str, Any] | None = None,
    token_body: str | None = None,
    answers: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    username: str | None = "ada",
) -> type[Any]:
    return _case(
        OAuth2Test,
        name,
        access_token_body=token_body or json.dumps({**TOKEN, **(token or {})}),
        answers=answers or {},
        own_settings=settings or {},
        expected_username=username,
    )


def _oauth1(name: str, *, answers: dict[str, Any]) -> type[Any]:
    credentials = "oauth_token=foobar&oauth_token_secret=secret"
    return _case(
        OAuth1Test,
        name,
        request_token_body=f"{credentials}&oauth_callback_confirmed=true",
        access_token_body=credentials,
        answers=answers,
        expected_username="ada",
    )


def _openid_connect(name: str) -> type[Any]:
    setting = "ID_TOKEN_ISSUER" if shipped()[name].OIDC_ENDPOINT else "OIDC_ENDPOINT"
    configuration = {
        "issuer": SITE,
        "authorization_endpoint": f"{SITE}/authorize",
        "token_endpoint": f"{SITE}/token",
        "userinfo_endpoint": f"{SITE}/userinfo",
        "jwks_uri": f"{SITE}/jwks",
    }
    return _case(
        OpenIdConnectTest,
        name,
        issuer=SITE,
        openid_config_body=json.dumps(configuration),
        answers={f"{SITE}/userinfo": {"sub": "1234", **dict.fromkeys(USERNAMES, "ada"), **PERSON}},
        own_settings={setting: SITE},
        expected_username="ada",
    )


def _case(base: type[Any], name: str, **attributes: Any) -> type[Any]:
    path = path_of(shipped()[name])
    kind = type(f"Our {name}", (Written, base), {"backend_path": path, **attributes})
    kind.__module__ = __name__
    return kind
